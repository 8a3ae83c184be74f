"""Showing a record or a description: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from skelbench.errors import SkelbenchError
from skelbench.figures.runs import draw
from skelbench.leaderboard.markdown import to_markdown
from skelbench.leaderboard.render import to_rich
from skelbench.leaderboard.table import make_tables
from skelbench.leaderboard.view import view_table
from skelbench.results.record import Record

AS_REPORTED = (
    "as reported: MACs as AdaSGN counts them, module by module: with biases, 2 per normalised element, "
    "1 per ReLU and pooled element, without matrix products"
)


def show_record(record: Record, runs: Path, as_json: bool) -> None:
    """The record's leaderboard row; on standard error, where its files are."""
    if as_json:
        print(record.model_dump_json(indent=2))
        return
    _show_rows([record])
    show_adaptive(record)
    print(f"record: {runs / record.run / 'record.json'}", file=sys.stderr)


def show_records(records: Sequence[Record], runs: Path, as_json: bool) -> None:
    """The leaderboard rows of several records; on standard error, where their files are."""
    if as_json:
        print(json.dumps([record.model_dump(mode="json") for record in records], indent=2))
        return
    _show_rows(records)
    show_shares(records)
    for record in records:
        print(f"record: {runs / record.run / 'record.json'}", file=sys.stderr)
    try:
        draw([(runs / record.run, record) for record in records], _picture(records[0], runs), "family")
    except SkelbenchError as error:  # the runs are what was asked for, the picture comes on top
        print(f"no picture of accuracy against GMACs: {error}", file=sys.stderr)


def _picture(record: Record, runs: Path) -> Path:
    return runs / ("-".join(filter(None, [record.space, record.profile, str(record.seed)])) + ".svg")


def _show_rows(records: Sequence[Record]) -> None:
    views = [view_table(table) for table in make_tables(records)]
    console = Console()
    if console.is_terminal:
        console.print(to_rich(views, console.width))
    else:
        print(to_markdown(views))


def show_adaptive(record: Record) -> None:
    """Share and cost of each model that frames chose, where they did; on standard error in a pipe."""
    use = record.adaptive
    if use is not None:
        names = ("choice", "share of frames", "GMACs of a clip if all take it")
        _show_beside(
            names, [(name, f"{share:.1%}", f"{use.gmacs[name]:.4g}") for name, share in use.shares.items()]
        )


def show_shares(records: Sequence[Record]) -> None:
    """For each run whose frames chose among models, its GMACs and the share of each choice."""
    adaptive = [(record, record.adaptive) for record in records if record.adaptive is not None]
    choices = dict.fromkeys(name for _, use in adaptive for name in use.shares)
    rows = [
        (
            *(record.model, record.stream, f"{(record.macs or 0) / 1e9:.4f}"),
            *(f"{use.shares[name]:.1%}" if name in use.shares else "" for name in choices),
        )
        for record, use in adaptive
    ]
    if rows:
        _show_beside(("model", "stream", "gmacs", *choices), rows)


def _show_beside(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A further table, which is none of the rows that a pipe is for."""
    console = Console()
    if console.is_terminal:
        table = Table(names[0], box=SIMPLE_HEAD)
        for name in names[1:]:
            table.add_column(name, justify="right")
        for row in rows:
            table.add_row(*map(Text, row))
        console.print(table)
    else:
        for line in (names, *rows):
            print(*line, sep="\t", file=sys.stderr)


def show_description(description: dict[str, Any], as_json: bool) -> None:
    """A space's size and a network's cost, block by block."""
    if as_json:
        print(json.dumps(description, indent=2))
        return
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    size = description["space_size"]
    console.print(
        f"{description['space']}: {size:,} architectures, {len(description['decisions'])} decisions"
    )
    console.print(f"named architectures: {', '.join(description['architectures']) or 'none'}")
    for label, choice in description.get("choices", {}).items():
        console.print(f"  {label}: {', '.join(map(str, choice)) if isinstance(choice, list) else choice}")
    for genotype in description.get("cells", ()):
        console.print(_cells(genotype))
    if "params" in description:
        console.print(_blocks(description))
        if "by_choice" in description:
            console.print(_by_choice(description["by_choice"]))
        console.print(AS_REPORTED, soft_wrap=True)


def _cells(genotype: dict[str, list[list[str]]]) -> Table:
    """A stack's cells, node by node: 0 and 1 are the outputs of the two cells before."""
    table = Table(title="cells: each node is the sum of its edges, operator(from)")
    for column in ("node", *genotype):
        table.add_column(column)
    for number, edges in enumerate(zip(*genotype.values(), strict=True)):
        table.add_row(str(number + 2), *(" + ".join(node) for node in edges))
    return table


def _by_choice(costs: dict[str, dict[str, int]]) -> Table:
    table = Table("every frame takes", title="one clip by choice; all models run in the total above")
    for column in ("MACs", "as reported"):
        table.add_column(column, justify="right")
    for name, macs in costs.items():
        table.add_row(name, f"{macs['macs']:,}", f"{macs['as_reported']:,}")
    return table


def _blocks(description: dict[str, Any]) -> Table:
    shape = " x ".join(map(str, description["input_shape"]))
    table = Table(title=f"{description['architecture']}, one clip of {shape} (N x C x T x V x M)")
    for column in ("block", "params", "MACs", "as reported", "output"):
        table.add_column(column, justify="left" if column == "block" else "right")
    for row in description["blocks"]:
        figures = [f"{row[key]:,}" for key in ("params", "macs", "as_reported")]
        table.add_row(row["name"], *figures, " x ".join(map(str, row["output_shape"])))
    table.add_section()
    macs, reported = (f"{n:,} ({n / 1e9:.3f} G)" for n in (description["macs"], description["as_reported"]))
    flops = f"{description['flops'] / 1e9:.3f} GFLOPs"
    table.add_row("total", f"{description['params']:,}", macs, reported, flops)
    return table
