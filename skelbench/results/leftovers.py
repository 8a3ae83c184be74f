"""What killed processes leave behind: half-written files, and folders of work that has ended."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from skelbench.host.locks import Held, take_lock
from skelbench.results.store import CHECKPOINTS, IDENTITY, LOCK

STORES = ".stores"

TRIAL, EXPERIMENT, MEETING = "trial-", "nni-", "meeting-"
"""Beginnings of the names of folders that trials, NNI and devices of one training write in."""
PREVIOUS = ".previous"
"""Stands in the name of the checkpoint before the last."""
_FILES = (".*.tmp", f"{CHECKPOINTS}/.*.tmp", f"{CHECKPOINTS}/*/.*.tmp", f"{CHECKPOINTS}/**/*.partial")
_FOLDERS = (f"{CHECKPOINTS}/{TRIAL}*", f"{CHECKPOINTS}/{EXPERIMENT}*", f"{CHECKPOINTS}/*/{MEETING}*")


def leftovers_of_run(folder: Path) -> Iterator[Path]:
    """What is of no use to anybody once no process writes a run: nothing of it is ever read again.

    Args:
        folder: The run's folder.
    """
    for pattern in (*_FOLDERS, *_FILES):
        yield from sorted(folder.glob(pattern))


def collect(folder: Path) -> None:
    """Remove the leftovers of a run whose lock the caller holds; what cannot be removed stays."""
    for path in list(leftovers_of_run(folder)):
        remove(path)


def drop_earlier_checkpoints(folder: Path) -> None:
    """Remove the checkpoints before the last ones of a run that is finished."""
    for path in list((folder / CHECKPOINTS).glob(f"*/*{PREVIOUS}.*")):
        remove(path)


def remove(path: Path) -> None:
    """Remove a file or a folder; a link, not what it points to."""
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def size(path: Path) -> int:
    """Bytes of a file or of all files below a folder."""
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.lstat().st_size for file in files if file.is_file() or file.is_symlink())


def leftovers_of_runs(runs: Path) -> Iterator[tuple[Path, str]]:
    """What may be removed from a folder of runs, each with what it is.

    Runs that another process is writing have leftovers too; whoever removes asks for their lock first.

    Args:
        runs: The folder.
    """
    for identity in sorted(runs.glob("*/run.json")):
        yield from ((path, "left by a killed process") for path in leftovers_of_run(identity.parent))
    for path in sorted((runs / STORES).glob("*")):
        if path.suffix == ".partial":
            yield path, "a store that was not finished"
        elif (path / "store.json").is_file():
            yield path, "a store of raw recordings, made again when it is needed"


def earlier_runs(runs: Path) -> list[Path]:
    """The folders of runs that were set aside by others with ``--no-resume``."""
    return sorted(path for path in runs.glob(".previous-*/*") if (path / IDENTITY).is_file())


def removed(path: Path) -> bool:
    """Remove a leftover, unless a process is writing its run or its store; whether it is gone."""
    holder = next((above for above in (path, *path.parents) if (above / IDENTITY).is_file()), None)
    try:
        with take(holder / LOCK if holder else path.with_name(f"{path.name.removesuffix('.partial')}.lock")):
            remove(path)
        if path.parent.name.startswith(".previous-"):
            with suppress(OSError):  # others are still there
                path.parent.rmdir()
    except (Held, OSError):
        return False
    return not path.exists()


@contextmanager
def take(lock: Path) -> Iterator[None]:
    """Hold a lock that nobody has."""
    held = take_lock(lock, wait=False)
    try:
        yield
    finally:
        held.release()
