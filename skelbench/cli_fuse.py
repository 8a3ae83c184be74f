"""The command ``skelbench fuse``."""

from __future__ import annotations

import datetime
import hashlib
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skelbench.errors import RunFolderError, SkelbenchError

if TYPE_CHECKING:
    from skelbench.results.record import Record
    from skelbench.results.store import RunFolder, Scores

_COMPARED = ("dataset", "protocol", "split_fingerprint", "synthetic")
_RECORDED = ("seed", "selection", "views", "profile", "layout", "clips")


@dataclass(frozen=True)
class Run:
    """A finished run and its part in the fusion."""

    folder: RunFolder
    record: Record
    scores: Scores
    weight: float


def fuse(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of finished runs.")],
    weights: Annotated[
        str | None, typer.Option(help="One number for each run, as in `0.6,0.4`; equal without it.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Store the fused scores and record as a run under this folder.")
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")] = False,
) -> None:
    """Fuse the scores of several runs, such as the joint and the bone stream, by sample id.

    Example: `skelbench fuse runs/sgcn-1a2b3c4d-0 runs/sgcn-5e6f7a8b-0 --weights 0.6,0.4`
    """
    from skelbench.train import scores as by_id

    parts = [_open(*given) for given in zip(runs, _weights(weights, len(runs)), strict=True)]
    _refuse_different(parts, _COMPARED, "Fuse runs of one data set, protocol and split")
    fused = by_id.fuse([part.scores for part in parts], [part.weight for part in parts])
    metrics = _metrics(parts)
    rows = [_row(part, by_id.rate(part.scores, metrics)) for part in parts]
    figures = by_id.rate(fused, metrics)
    rows.append({"run": "fused", "stream": _streams(parts), "weight": 1.0} | figures)
    if out is not None:
        rows[-1]["run"] = _store(out, parts, fused, figures)
    _show(rows, json_output)


def _weights(text: str | None, count: int) -> list[float]:
    from skelbench.train.scores import shares

    if count < 2:
        raise SkelbenchError("there is nothing to fuse with one run", remedy="Name two runs or more")
    try:
        given = None if text is None else [float(part) for part in text.split(",")]
    except ValueError as error:
        remedy = "Write numbers with commas between them: --weights 0.6,0.4"
        raise SkelbenchError(f"'{text}' is not a list of weights", remedy=remedy) from error
    return shares(count, given)


def _open(path: Path, weight: float) -> Run:
    from skelbench.results.store import RunFolder

    folder = RunFolder(path)
    record = folder.record()
    if record is None or record.status != "ok":
        raise RunFolderError("the run is not finished", where=path, remedy="Finish it with `skelbench run`")
    return Run(folder, record, folder.load_scores(), weight)


def _refuse_different(parts: Sequence[Run], names: Iterable[str], remedy: str) -> None:
    if len({part.folder.path.resolve() for part in parts}) < len(parts):
        raise SkelbenchError("one run is given twice", remedy="Name each run once and weigh it")
    first = parts[0]
    for part in parts[1:]:
        for name in names:
            found, wanted = getattr(part.record, name), getattr(first.record, name)
            if found != wanted:
                what = f"{name.replace('_', ' ')} is {found} but {wanted} in {first.folder.path}"
                raise RunFolderError(what, where=part.folder.path, remedy=remedy)


def _metrics(parts: Sequence[Run]) -> dict[str, Any]:
    """The registered metrics that every one of the runs was rated by, in the first one's order."""
    from skelbench.registry import load_registry

    registry = load_registry()
    names = [n for n in parts[0].record.metrics if all(n in part.record.metrics for part in parts)]
    if not names:
        raise RunFolderError("the runs have no metric in common", remedy="Evaluate them by the same metrics")
    return {name: registry.get("metric", name).load() for name in names}


def _row(part: Run, figures: dict[str, float]) -> dict[str, Any]:
    return {"run": part.folder.name, "stream": part.record.stream, "weight": part.weight} | figures


def _store(out: Path, parts: Sequence[Run], fused: Scores, figures: dict[str, float]) -> str:
    from skelbench.results.store import RunFolder

    _refuse_different(parts, _RECORDED, "Leave out --out to see the figures without a record")
    if len({part.folder.name for part in parts}) < len(parts):
        raise RunFolderError("two of the runs have the same name", remedy="Rename one of their folders")
    first = parts[0].record
    # Seeds stay out of the hash, so that the leaderboard groups fusions that differ in nothing else.
    identity = json.dumps([[part.record.spec_hash, part.weight] for part in parts])
    spec_hash = hashlib.sha256(identity.encode()).hexdigest()
    spec = _joined(part.record.spec for part in parts)
    folder = RunFolder.create(out, spec, spec_hash, first.seed)
    with folder.lock():
        folder.save_scores(fused.ids, fused.labels, fused.scores)
        folder.write_record(_record(parts, figures, spec, spec_hash, folder.name))
    return folder.name


def _record(parts: Sequence[Run], figures: dict[str, float], spec: str, spec_hash: str, run: str) -> Record:
    """The first run's record with everything changed that fusing changes."""
    from skelbench.results.record import Record

    records = [part.record for part in parts]
    same_clip = all(record.clip == records[0].clip for record in records)
    changed = {
        "spec": spec,
        "spec_hash": spec_hash,
        "run": run,
        "metrics": figures,
        "date": datetime.datetime.now(datetime.UTC).date(),
        "fusion": {part.folder.name: part.weight for part in parts},
        "plugins": {name: origin for record in records for name, origin in record.plugins.items()},
        "strategy": _strategy(records),
        "search": _search(records),
        "params": _sum(record.params for record in records),
        "macs": _sum(record.macs for record in records),
        "flops": _sum(record.flops for record in records),
        "stream": _streams(parts),
        "clip": records[0].clip if same_clip else {},
        "latency": None,  # nobody has timed the networks together
        "training": None,  # each run's own record has it
        "failures": (),
    }
    for name in ("model", "space", "architecture", "data_fingerprint"):
        changed[name] = _joined(getattr(record, name) for record in records)
    return Record.model_validate(records[0].model_dump() | changed)


def _strategy(records: Sequence[Record]) -> dict[str, Any] | None:
    used = [record.strategy for record in records if record.strategy is not None]
    if not used:
        return None
    if len(used) == len(records) and all(strategy == used[0] for strategy in used):
        return used[0].model_dump()
    return {"name": _joined(strategy.name for strategy in used)}


def _search(records: Sequence[Record]) -> dict[str, Any] | None:
    costs = [record.search.model_dump() for record in records if record.search is not None]
    return {key: sum(cost[key] for cost in costs) for key in costs[0]} if costs else None


def _sum(figures: Iterable[int | None]) -> int | None:
    known = list(figures)
    return None if None in known else sum(figure for figure in known if figure is not None)


def _streams(parts: Sequence[Run]) -> str:
    return "+".join(part.record.stream for part in parts)


def _joined(names: Iterable[str]) -> str:
    return "+".join(dict.fromkeys(name for name in names if name))


def _show(rows: list[dict[str, Any]], json_output: bool) -> None:
    """JSON where asked for, a table on a terminal, tab-separated lines in a pipe."""
    if json_output:
        typer.echo(json.dumps(rows, indent=2))
        return
    lines = [list(rows[0])] + [[f"{v:.2f}" if isinstance(v, float) else v for v in r.values()] for r in rows]
    if not sys.stdout.isatty():
        for line in lines:
            typer.echo("\t".join(line))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*lines[0])
    for line in lines[1:]:
        table.add_row(*line)
    Console().print(table)
