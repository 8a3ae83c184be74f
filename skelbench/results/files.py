"""Writing files whole or not at all, and telling the user what the disk refused."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from skelbench.errors import RunFolderError, WorkFailed, of_storage

_FULL = "Free some space, or choose a folder on another disk; the same command goes on from here"
_DENIED = "Choose a folder that you may write to"
_REMEDIES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EROFS: _DENIED,
}


@contextmanager
def disk(path: Path, action: str) -> Iterator[None]:
    """Turn an operating-system error, or text that is not UTF-8, into a `RunFolderError`.

    Args:
        path: What is read or written; the error's place.
        action: What was tried, as in ``write``.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        remedy = _REMEDIES.get(error.errno or 0, "Check the folder and try again")
        failed = RunFolderError(f"cannot {action}: {reason}", where=path, remedy=remedy)
        if of_storage(error):
            failed.exit_code = WorkFailed.exit_code
        raise failed from error
    except UnicodeDecodeError as error:
        remedy = "The file is damaged or of another encoding"
        raise RunFolderError(f"cannot {action}: it is not UTF-8 text", where=path, remedy=remedy) from error


def read_regular(path: Path, most: int) -> bytes:
    """The content of a file, which is neither a device nor a pipe, and of a size that it can have.

    Raises:
        RunFolderError: It is.
        OSError: It cannot be read.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise RunFolderError("it is no file", where=path, remedy="Give a file")
    if found.st_size > most:
        what = f"it has {found.st_size:,} bytes; a file of this kind has {most:,} at most"
        raise RunFolderError(what, where=path, remedy="The file is damaged or of another kind")
    return path.read_bytes()


def write_atomic(path: Path, content: bytes | str) -> None:
    """Write ``content`` to ``path`` so that a reader finds the old file or the new one, never a part.

    Args:
        path: The file; missing folders above it are made.
        content: Bytes, or text that is stored as UTF-8.

    Raises:
        RunFolderError: The disk is full or the folder cannot be written; the old file still stands.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with disk(path, "write"):
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_through(temporary, content.encode() if isinstance(content, str) else content)
            os.replace(temporary, path)
            sync_folder(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink()


def sync_folder(folder: Path) -> None:
    """See that the names in a folder are on disk, as far as its file system can say so."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems sync no folders
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    """The sum of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _write_through(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
