"""Points of accuracy and cost from the records of runs, as a picture or as text."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from rich.bar import Bar
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from skelbench.errors import RunFolderError, SkelbenchError, did_you_mean
from skelbench.figures.curve import Point, curve, in_order
from skelbench.figures.page import check_page
from skelbench.leaderboard.table import Table, make_tables
from skelbench.results.collection import placed_records
from skelbench.results.record import Record

Series = Literal["space", "family", "strategy", "stream", "model"]
_WORDS = {"dataset": "data set", "stream": "stream"}
_COMPARED = ("dataset", "synthetic", "protocol", "split_fingerprint", "source")


def show_or_draw(
    paths: Sequence[Path],
    output: Path | None,
    series: Series,
    dataset: str | None,
    stream: str | None,
    as_json: bool,
) -> None:
    """Print the points, or draw them to ``output``; see the help of ``skelbench plot``."""
    if output is not None:
        check_page(output)
    found = [placed for path in paths or [Path("runs")] for placed in placed_records(path)]
    placed = _only("stream", stream, _only("dataset", dataset, found))
    if output is None:
        _show(in_order(points_of(one_table(placed), series)), as_json)
    else:
        draw(placed, output, series)


def draw(placed: Sequence[tuple[Path, Record]], output: Path, series: Series) -> None:
    """Draw accuracy against GMACs of runs that may be compared.

    Args:
        placed: Records and where they stand.
        output: An SVG, a PNG or a PDF.
        series: What the points of one line have in common.

    Raises:
        SkelbenchError: Two of the runs cannot be compared, or nothing can be drawn here.
    """
    table = one_table(placed)
    curve(in_order(points_of(table, series)), output, title=_title(table), joined=series == "family")
    print(f"wrote {output}", file=sys.stderr)


def one_table(placed: Sequence[tuple[Path, Record]]) -> Table:
    """The rows of runs that may be compared, those that differ only in their seed in one row.

    Raises:
        RunFolderError: Two of the runs cannot be compared, or all have failed.
    """
    first = placed[0] if placed else None
    for path, record in placed:
        for name in _COMPARED:
            if first is not None and getattr(record, name) != getattr(first[1], name):
                raise _incomparable(name, first, (path, record))
    failed = [record.run for _, record in placed if record.status == "failed"]
    if failed:
        print(f"Failed runs left out: {', '.join(failed)}", file=sys.stderr)
    tables = make_tables((record for _, record in placed), columns={"macs": lambda record: record.macs})
    if not tables:
        raise RunFolderError(
            "there is no finished run", remedy="Name runs, or finish one: skelbench run SPEC"
        )
    return tables[0]


def points_of(table: Table, series: Series = "space") -> list[Point]:
    """The rows that have both accuracy and MACs; a series ends where the stream changes."""
    streams = {row["stream"] for row in table.rows}
    points = []
    for row in table.rows:
        top1, std, macs = (_number(row[name]) for name in ("top1", "top1_std", "macs"))
        if top1 is None or macs is None:
            print(f"{row['run']}: no top-1 accuracy or no MACs, left out", file=sys.stderr)
            continue
        name = _family(str(row["model"])) if series == "family" else str(row[series] or "no strategy")
        if len(streams) > 1 and series != "stream":
            name += f", {row['stream']}"
        label = f"{row['model']} ({row['strategy']})" if row["strategy"] else str(row["model"])
        points.append(Point(name, label, macs / 1e9, top1, std))
    if not points:
        raise RunFolderError("no run has both accuracy and MACs", remedy="Evaluate with the metric top1")
    return points


def _only(name: str, wanted: str | None, placed: list[tuple[Path, Record]]) -> list[tuple[Path, Record]]:
    kept = [pair for pair in placed if wanted in (None, getattr(pair[1], name))]
    if placed and not kept:
        known = {getattr(record, name) for _, record in placed}
        word = _WORDS[name]
        raise SkelbenchError(f"there are no runs on {word} '{wanted}'", remedy=did_you_mean(wanted, known))
    return kept


def _incomparable(name: str, one: tuple[Path, Record], other: tuple[Path, Record]) -> RunFolderError:
    wanted, found = getattr(one[1], name), getattr(other[1], name)
    what = f"{name.replace('_', ' ')} is {found} but {wanted} in {one[0]}"
    remedy = "Name runs that can be compared, or give --dataset"
    return RunFolderError(what, where=other[0], remedy=remedy)


def _family(model: str) -> str:
    """A model's name without the number at its end: `adasgn-0.5` and `adasgn` are one family."""
    return re.sub(r"-[\d.]+$", "", model)


def _number(cell: Any) -> float | None:
    return None if cell is None else float(cell)


def _title(table: Table) -> str:
    streams = sorted({str(row["stream"]) for row in table.rows})
    return ", ".join([table.key.label, table.key.protocol, *(streams if len(streams) == 1 else [])])


def _show(points: Sequence[Point], as_json: bool) -> None:
    """JSON where asked for, a table with bars on a terminal, tab-separated lines in a pipe."""
    rows = [
        {"series": p.series, "model": p.label, "gmacs": p.gmacs, "top1": p.accuracy, "top1_std": p.std}
        for p in points
    ]
    console = Console()
    if as_json:
        print(json.dumps(rows, indent=2))
    elif console.is_terminal:
        console.print(_with_bars(rows))
    else:
        print(*rows[0], sep="\t")
        for row in rows:
            print(*map(_text, row.values()), sep="\t")


def _text(cell: str | float | None) -> str:
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell or "")


def _with_bars(rows: Sequence[dict[str, str | float | None]]) -> RichTable:
    table = RichTable(box=SIMPLE_HEAD)
    for name in rows[0]:
        table.add_column(name, justify="left" if name in ("series", "model") else "right", overflow="fold")
    accuracies = [float(row["top1"] or 0) for row in rows]
    low, high = math.floor(min(accuracies)) - 1, math.ceil(max(accuracies))
    table.add_column(f"{max(low, 0)} to {high} %", ratio=1, min_width=10)
    for row, accuracy in zip(rows, accuracies, strict=True):
        bar = Bar(high - max(low, 0), 0, accuracy - max(low, 0))
        table.add_row(*(Text(_text(cell)) for cell in row.values()), bar)
    return table
