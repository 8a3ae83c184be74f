"""Letting one process at a time make what several need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skelbench.errors import DataError
from skelbench.host.locks import take_lock


@contextmanager
def one_at_a_time(made: Path, *, keep: bool = True) -> Iterator[None]:
    """Let one process at a time make ``made``; the lock goes with its process, however that ends.

    Args:
        made: What is made.
        keep: Leave the lock's file, as among files that nobody looks at; else it goes when this ends. Those
            that wait look whether ``made`` is there.

    Raises:
        DataError: The folder cannot be written.
    """
    path = made.with_name(f"{made.name}.lock")
    try:
        made.parent.mkdir(parents=True, exist_ok=True)
        lock = take_lock(path, wait=True)
    except OSError as error:
        raise DataError(f"the cache cannot be written: {error.strerror}", where=made.parent) from error
    try:
        yield
    finally:
        if not keep:
            path.unlink(missing_ok=True)
        lock.release()
