"""The commands that make a finished run, or every seed of a published row, again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from skelbench.check.spec import check_architecture, check_spec
from skelbench.engine.identity import run_hash
from skelbench.errors import RunFolderError, SkelbenchError
from skelbench.host.registry import load_registry
from skelbench.leaderboard.find import places_of
from skelbench.results.collection import placed_records
from skelbench.results.record import Record
from skelbench.results.store import ARCHITECTURE, SPEC
from skelbench.spec.resolve import load_spec, shipped_names

_NO_DATA = "DATA"
_MAKE = ("run", "train", "fuse")


@dataclass(frozen=True)
class Recipe:
    """How to make one run again.

    Attributes:
        record: What came out the first time.
        commands: Arguments of ``skelbench``, to be run in this order.
        notes: What to know before comparing with the record.
    """

    record: Record
    commands: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]

    def as_data(self) -> dict[str, Any]:
        """All of it as plain data."""
        lines = [shlex.join(("skelbench", *words)) for words in self.commands]
        record = self.record
        return {"run": record.run, "commands": lines, "notes": list(self.notes), "metrics": record.metrics}


@dataclass(frozen=True)
class Wanted:
    """What the user adds.

    Attributes:
        published: The folder of published leaderboards.
        data: Where the recordings are; None: where the run had them, else left open.
        runs: Where run folders go.
        seed: Another seed than the run's, such as one that a published row lacks.
    """

    published: Path
    data: Path | None = None
    runs: Path = Path("runs")
    seed: int | None = None


def recipes(name: str, wanted: Wanted) -> list[Recipe]:
    """How to make a run, or each seed of a row, again.

    Args:
        name: As `places_of` takes it.
        wanted: What the user adds.

    Raises:
        RunFolderError: There is no such run; it does not say how it was made, or its spec is gone.
    """
    places = places_of(name, wanted.published / "records")
    found = [pair for place in places for pair in placed_records(place)]
    if wanted.seed is not None:
        found = found[:1]  # all of a row's runs are the same but for the seed
    return [_recipe(place, record, wanted) for place, record in found]


def _recipe(place: Path, record: Record, wanted: Wanted) -> Recipe:
    notes = [_circumstances(record)]
    if record.fusion:
        return Recipe(record, tuple(_fusion(place, record, wanted)), tuple(notes))
    spec, arch, changed = _sources(place, record, wanted.published)
    if changed:
        notes.append(f"the spec of that name has changed since; {spec} is the one of this run")
    words = [_said(record)[0], spec, *(("--arch", arch) if arch else ())]
    words += [] if changed else _options(_said(record))
    words += [word for start in _values(_said(record), "--start") for word in ("--start", start)]
    words += ["--seed", str(record.seed if wanted.seed is None else wanted.seed)]
    if wanted.data or not record.synthetic:
        words += ["--data", str(wanted.data or _own_data(place) or _NO_DATA)]
    words += [] if wanted.runs == Path("runs") else ["--runs", str(wanted.runs)]
    return Recipe(record, (("--threads", str(record.environment.threads), *words),), tuple(notes))


def _circumstances(record: Record) -> str:
    made, origin = record.environment, record.origin
    commit = f", commit {origin.commit[:12]}" if origin and origin.commit else ""
    commit += " with changes" if origin and origin.dirty else ""
    made_by = f"made by skelbench {made.skelbench}{commit}, torch {made.torch}"
    return f"{made_by}, {made.threads} threads of {made.device}"


def _said(record: Record) -> tuple[str, ...]:
    if record.origin is None or not record.origin.command:
        remedy = "It is of an earlier version; the spec and architecture in its folder are those of the run"
        raise RunFolderError("the record does not say how it was made", where=record.run, remedy=remedy)
    if record.origin.command[0] not in _MAKE or len(record.origin.command) < 2:
        what = f"'{record.origin.command[0]}' is no command that makes a run"
        raise RunFolderError(what, where=record.run, remedy="The record was changed by hand")
    return record.origin.command


def _values(words: Sequence[str], option: str) -> list[str]:
    return [value for word, value in pairwise(words) if word == option]


def _options(words: Sequence[str]) -> list[str]:
    kept = [("--profile", value) for value in _values(words, "--profile")]
    kept += [("--set", value) for value in _values(words, "--set")]
    return [word for pair in kept for word in pair]


def _sources(place: Path, record: Record, published: Path) -> tuple[str, str, bool]:
    """The spec, the architecture if one was given, and whether the shipped spec is another by now."""
    said = _said(record)
    arch = next(iter(_values(said, "--arch")), "")
    if arch == ARCHITECTURE:
        own = (
            place / ARCHITECTURE
            if place.is_dir()
            else published / "architectures" / f"{record.architecture}.yaml"
        )
        arch = str(own)
    if _ships_still(record, said, arch):
        return said[1].removesuffix(".yaml"), arch, False
    kept = place / SPEC if place.is_dir() else spec_file(published, record)
    if not kept.is_file():
        raise RunFolderError("the run's spec is gone", where=kept, remedy="Give the folder of the run")
    return str(kept), arch, True


def spec_file(published: Path, record: Record) -> Path:
    """Where the resolved spec of a published run lies."""
    digest = record.origin.spec[:8] if record.origin else ""
    return published / "specs" / f"{record.spec}-{digest}.yaml"


def _ships_still(record: Record, said: Sequence[str], arch: str) -> bool:
    """Whether the shipped spec of that name gives the run's identity today."""
    name = said[1].removesuffix(".yaml")
    if name not in shipped_names() or record.identity is None or record.origin is None:
        return False
    profile = next(iter(_values(said, "--profile")), None)
    try:
        resolved = load_spec(name, profile=profile, sets=_values(said, "--set"))
        if _values(said, "--start"):
            return resolved.digest == record.origin.spec
        registry = load_registry()
        checked = check_spec(resolved, registry)
        given = check_architecture(checked, registry, arch) if arch else None
        return run_hash(checked, given, record.synthetic) == record.identity.hash
    except SkelbenchError:
        return False  # it lacks what the run had


def _own_data(place: Path) -> str | None:
    """Where the run of a folder had its recordings."""
    return load_spec(place / SPEC).spec.data.root if (place / SPEC).is_file() else None


def _fusion(place: Path, record: Record, wanted: Wanted) -> Iterator[tuple[str, ...]]:
    """The commands of the parts, then that of the fusion."""
    said = _said(record)
    folders = []
    for name in record.fusion:
        beside = place.parent / (name if place.is_dir() else f"{name}.json")
        for part, found in placed_records(beside):
            yield from _recipe(part, found, wanted).commands
            folders.append(str(wanted.runs / name))
    of = ("--of", record.fused_of) if record.fused_of != "probabilities" else ()
    yield ("fuse", *folders, "--weights", _values(said, "--weights")[0], *of, "--out", str(wanted.runs))
