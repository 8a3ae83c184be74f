"""Sums of what a finished run has left: they stand in its record and are compared where a file is read."""

from __future__ import annotations

from pathlib import Path

from skelbench.errors import RunFolderError
from skelbench.results.files import disk, sha256
from skelbench.results.record import RECORD, Record

_KEPT = ("scores.npz", "checkpoints/*.pt", "checkpoints/*/*.ckpt")


def sums_of(folder: Path) -> dict[str, str]:
    """Sha256 of the scores, weights and checkpoints in a run's folder, by their place in it."""
    files = sorted(path for pattern in _KEPT for path in folder.glob(pattern))
    with disk(folder, "read what the run has left"):
        return {path.relative_to(folder).as_posix(): sha256(path) for path in files}


def confirm_sum(folder: Path, name: str) -> None:
    """See that a file of a finished run is what it was when the run ended; records of before tell no sums.

    Args:
        folder: The run's folder.
        name: The file's place in it.

    Raises:
        RunFolderError: The file has been changed or damaged since, or it or the record cannot be read.
    """
    path = folder / name
    if not (folder / RECORD).is_file() or not path.is_file():
        return
    told = Record.read(folder / RECORD).files.get(name)
    if told is None:
        return
    with disk(path, "read"):
        found = sha256(path)
    if found != told:
        remedy = "Bring it back from a copy, or run again with --no-resume"
        raise RunFolderError("the file is not what it was when the run ended", where=path, remedy=remedy)
