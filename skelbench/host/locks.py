"""Locks between processes, freed by the system when their holder dies, on file systems that keep them."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

from filelock import FileLock

_NONE = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
NO_LOCKS = "the folder's file system keeps no locks, so nothing would stop two processes from writing at once"


def take_lock(path: Path, *, wait: bool) -> FileLock:
    """Take the lock of a file, which is made; ``release`` gives it back.

    It is one of ``flock``, which NFS keeps between machines unless it is mounted without locks.

    Args:
        path: The file.
        wait: Wait for another process to give it back.

    Raises:
        filelock.Timeout: Another process has it.
        OSError: The file cannot be made, or its file system keeps no locks.
    """
    _probe(path)
    lock = FileLock(path)
    lock.acquire(timeout=-1 if wait else 0)
    return lock


def _probe(path: Path) -> None:
    """Ask for a lock once: where there are none, `FileLock` would wait for ever."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:  # another process has it, so there are locks
        return
    except OSError as error:
        if error.errno in _NONE:
            raise OSError(error.errno, NO_LOCKS) from error
        raise
    finally:
        os.close(descriptor)
