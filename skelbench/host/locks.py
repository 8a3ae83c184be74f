"""Locks between processes, freed by the system when their holder dies, on file systems that keep them."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

_NONE = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
NO_LOCKS = "the folder's file system keeps no locks, so nothing would stop two processes from writing at once"


class Held(Exception):
    """Another process has the lock."""


class Lock:
    """A lock that is held.

    Args:
        descriptor: Of the file that is locked.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """Give it back."""
        os.close(self._descriptor)


def take_lock(path: Path, *, wait: bool) -> Lock:
    """Take the lock of a file, which is made.

    It is one of ``flock``, which NFS keeps between machines unless it is mounted without locks. Whoever has
    the lock may remove the file: those that wait for it then take that of a new file, so that no two hold a
    lock of one path (which filelock does not see to).

    Args:
        path: The file.
        wait: Wait for another process to give it back.

    Raises:
        Held: Another process has it.
        OSError: The file cannot be made, or its file system keeps no locks.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            if _is_at(path, descriptor):
                return Lock(descriptor)
        except BaseException as error:
            os.close(descriptor)
            if isinstance(error, BlockingIOError):
                raise Held(path) from error
            if isinstance(error, OSError) and error.errno in _NONE:
                raise OSError(error.errno, NO_LOCKS) from error
            raise
        os.close(descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
