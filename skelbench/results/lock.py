"""An exclusive lock on a run's folder, freed by the system when its holder dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from skelbench.errors import RunFolderError
from skelbench.host.locks import Held, Lock, take_lock
from skelbench.results.files import disk, write_atomic

HOLDER = ".holder"
"""Ending of the file beside a lock that names the process that holds it."""


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file ``path``; a file beside it names the holder's process id.

    Raises:
        RunFolderError: Another process holds it, or it cannot be made.
    """
    holder = path.with_name(path.name + HOLDER)
    with disk(path, "lock the run"):
        lock = _acquired(path, holder)
    try:
        write_atomic(holder, f"{os.getpid()}\n")
        yield
    finally:
        with suppress(OSError):
            holder.unlink()
        lock.release()


def _acquired(path: Path, holder: Path) -> Lock:
    try:
        return take_lock(path, wait=False)
    except Held as error:
        raise RunFolderError(
            f"process {_named(holder)} is writing this run",
            where=holder.parent,
            remedy="Wait for it to end, or choose another folder with --runs",
        ) from error


def _named(holder: Path) -> str:
    try:
        return holder.read_text(encoding="ascii").strip() or "unknown"
    except (OSError, UnicodeDecodeError):
        return "unknown"
