"""Runs and published rows by name."""

from __future__ import annotations

from pathlib import Path

from skelbench.errors import RunFolderError, did_you_mean
from skelbench.results.record import RECORD, Record
from skelbench.results.store import SCORES


def places_of(name: str, published: Path) -> list[Path]:
    """The folders of runs, or the files of records, that a name stands for.

    Args:
        name: A run's folder, a record's file or the name of a published run; without the seed at its end it
            stands for all seeds. A published run is known by the names it had by earlier schemes as well.
        published: The folder of published records.

    Raises:
        RunFolderError: There is none.
    """
    path = Path(name)
    places = [path] if path.exists() else _seeds_of(path)
    if not places and len(path.parts) == 1:
        file = published / f"{name}.json"
        places = [file] if file.is_file() else _seeds_of(published / name)
        places = places or _formerly(name, published)
    if not places:
        known = {file.stem.rpartition("-")[0] for file in published.glob("*.json")}
        raise RunFolderError("there is no such run or row", where=name, remedy=did_you_mean(name, known))
    return places


def scores_file(place: Path) -> Path:
    """The scores in a run's folder, or beside a record's file."""
    if place.is_dir():
        return place / SCORES
    return place.parent / SCORES if place.name == RECORD else place.with_suffix(".npz")


def _seeds_of(path: Path) -> list[Path]:
    """Runs and records whose name is that of ``path`` with a seed behind it."""
    found = [p for p in path.parent.glob("*") if p.name.removesuffix(".json").rpartition("-")[0] == path.name]
    return sorted(p for p in found if p.suffix == ".json" or (p / RECORD).is_file())


def _formerly(name: str, published: Path) -> list[Path]:
    records = ((file, Record.read(file).identity) for file in sorted(published.glob("*.json")))
    former = [(file, old) for file, identity in records if identity for old in identity.former]
    return [file for file, old in former if name in (old, old.rpartition("-")[0])]
