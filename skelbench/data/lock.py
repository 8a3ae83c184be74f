"""Letting one process at a time make what several need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from skelbench.errors import DataError


@contextmanager
def one_at_a_time(made: Path) -> Iterator[None]:
    """Let one process at a time make ``made``; the lock goes with its process, however that ends.

    Raises:
        DataError: The folder cannot be written.
    """
    lock = FileLock(made.with_name(f"{made.name}.lock"))
    try:
        made.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise DataError(f"the cache cannot be written: {error.strerror}", where=made.parent) from error
    try:
        yield
    finally:
        lock.release()
