"""Fusing the scores of finished runs, such as several streams of one network, by sample id."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skelbench.engine.identity import SCHEME
from skelbench.errors import RunFolderError, SkelbenchError
from skelbench.host.registry import load_registry
from skelbench.results.record import Record
from skelbench.results.record_parts import FusedOf, Origin, RunIdentity
from skelbench.results.store import RunFolder, Scores
from skelbench.training import scores as by_id

_COMPARED = ("dataset", "protocol", "split_fingerprint", "synthetic")
_RECORDED = ("seed", "selection", "views", "profile", "layout", "clips")


@dataclass(frozen=True)
class Part:
    """A finished run and its part in a fusion.

    Attributes:
        folder: Its folder.
        record: Its record.
        scores: Its scores.
        weight: Its share of the fused scores.
    """

    folder: RunFolder
    record: Record
    scores: Scores
    weight: float


@dataclass(frozen=True)
class Fusion:
    """Fused runs.

    Attributes:
        parts: The runs.
        scores: Their fused scores.
        of: What of them was added up.
        metrics: The metrics that all of the runs were rated by: name -> function.
    """

    parts: tuple[Part, ...]
    scores: Scores
    metrics: dict[str, by_id.Rate]
    of: FusedOf = "probabilities"

    @property
    def figures(self) -> dict[str, float]:
        """The metrics of the fused scores."""
        return by_id.rate(self.scores, self.metrics)

    @property
    def stream(self) -> str:
        """The streams of the runs, joined."""
        return "+".join(part.record.stream for part in self.parts)


def fuse_runs(
    runs: Sequence[Path], weights: Sequence[float] | None = None, of: FusedOf = "probabilities"
) -> Fusion:
    """Fuse the scores of finished runs.

    Args:
        runs: Folders of two runs or more.
        weights: A number for each run; None for equal parts.
        of: What is added up: class ``probabilities``, or ``logits``.

    Raises:
        SkelbenchError: There are too few runs, one is not finished, or they cannot be compared; the
            weights do not fit.
    """
    if len(runs) < 2:
        raise SkelbenchError("there is nothing to fuse with one run", remedy="Name two runs or more")
    shares = by_id.shares(len(runs), weights)
    parts = tuple(_open(run, share) for run, share in zip(runs, shares, strict=True))
    if len({part.folder.path.resolve() for part in parts}) < len(parts):
        raise SkelbenchError("one run is given twice", remedy="Name each run once and weigh it")
    _refuse_different(parts, _COMPARED, "Fuse runs of one data set, protocol and split")
    fused = by_id.fuse([part.scores for part in parts], shares, of)
    return Fusion(parts, fused, _metrics(parts), of)


def store_fusion(fusion: Fusion, out: Path) -> Record:
    """Store fused scores and their record as a run under ``out``; the same runs and weights are one run.

    Returns:
        The record as stored; that of the earlier fusion if nothing has changed since.

    Raises:
        RunFolderError: The runs differ in what one record can say once only.
    """
    parts = fusion.parts
    _refuse_different(parts, _RECORDED, "Leave out --out to see the figures without a record")
    if len({part.folder.name for part in parts}) < len(parts):
        raise RunFolderError("two of the runs have the same name", remedy="Rename one of their folders")
    spec_hash = fused_hash([(part.record, part.weight) for part in parts], fusion.of)
    folder = RunFolder.create(out, _joined(p.folder.spec for p in parts), spec_hash, parts[0].record.seed)
    with folder.lock():
        record, earlier = _record(fusion, spec_hash, folder.name), folder.record()
        if earlier is not None and earlier.comparable() == record.comparable():
            return earlier
        folder.save_scores(fusion.scores.ids, fusion.scores.labels, fusion.scores.scores)
        record = folder.write_record(record)
    return record


def _open(path: Path, weight: float) -> Part:
    folder = RunFolder(path)
    return Part(folder, folder.finished(), folder.load_scores(), weight)


def _refuse_different(parts: Sequence[Part], names: Iterable[str], remedy: str) -> None:
    first = parts[0]
    for part in parts[1:]:
        for name in names:
            found, wanted = getattr(part.record, name), getattr(first.record, name)
            if found != wanted:
                what = f"{name.replace('_', ' ')} is {found} but {wanted} in {first.folder.path}"
                raise RunFolderError(what, where=part.folder.path, remedy=remedy)


def _metrics(parts: Sequence[Part]) -> dict[str, by_id.Rate]:
    """The registered metrics that every one of the runs was rated by, in the first one's order."""
    registry = load_registry()
    names = [n for n in parts[0].record.metrics if all(n in part.record.metrics for part in parts)]
    if not names:
        raise RunFolderError("the runs have no metric in common", remedy="Evaluate them by the same metrics")
    return {name: registry.get("metric", name).make for name in names}


def fused_hash(parts: Iterable[tuple[Record, float]], of: FusedOf = "probabilities") -> str:
    """What a fusion of runs, each with its share, is of.

    Neither seeds nor what a search found with them are in it, so that the leaderboard groups fusions
    that differ in nothing else.
    """
    said: list[Any] = [] if of == "probabilities" else [of]
    for record, weight in parts:
        fixed = record.architecture if record.strategy is None else ""
        said.append([record.spec_hash, fixed, record.synthetic, weight])
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


# --- the record ----------------------------------------------------------------------------------


def _record(fusion: Fusion, spec_hash: str, run: str) -> Record:
    """The first run's record with everything changed that fusing changes."""
    records = [part.record for part in fusion.parts]
    same_clip = all(record.clip == records[0].clip for record in records)
    changed = {
        "spec_hash": spec_hash,
        "run": run,
        "metrics": fusion.figures,
        "date": datetime.datetime.now(datetime.UTC).date(),
        "fusion": {part.folder.name: part.weight for part in fusion.parts},
        "fused_of": fusion.of,
        "plugins": {name: origin for record in records for name, origin in record.plugins.items()},
        "strategy": _strategy(records),
        "search": _search(records),
        "params": _sum(record.params for record in records),
        "macs": _sum(record.macs for record in records),
        "flops": _sum(record.flops for record in records),
        "stream": fusion.stream,
        "clip": records[0].clip if same_clip else {},
        "latency": None,  # nobody has timed the networks together
        "training": None,  # each run's own record has it, and the two below
        "adaptive": None,
        "started_from": {},
        "pretrained_on": "+".join(sorted({r.pretrained_on for r in records if r.pretrained_on})),
        "failures": (),
        "identity": RunIdentity(scheme=SCHEME, hash=spec_hash),
        "origin": Origin(command=_command(fusion)),
    }
    for name in ("spec", "model", "space", "architecture", "data_fingerprint"):
        changed[name] = _joined(getattr(record, name) for record in records)
    return Record.model_validate(records[0].model_dump() | changed)


def _command(fusion: Fusion) -> tuple[str, ...]:
    weights = ",".join(repr(part.weight) for part in fusion.parts)
    of = () if fusion.of == "probabilities" else ("--of", fusion.of)
    return ("fuse", *(part.folder.name for part in fusion.parts), "--weights", weights, *of)


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


def _joined(names: Iterable[str]) -> str:
    return "+".join(dict.fromkeys(name for name in names if name))
