"""An exclusive lock on a run's folder, freed by the system when its holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skelbench.errors import RunFolderError
from skelbench.results.files import disk


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file ``path``, which names the holder's process id.

    Raises:
        RunFolderError: Another process holds it, or it cannot be made.
    """
    with disk(path, "lock the run"):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _acquire(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
        raise RunFolderError(
            f"process {holder} is writing this run",
            where=path.parent,
            remedy="Wait for it to end, or choose another folder with --runs",
        ) from error
    with disk(path, "lock the run"):
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
