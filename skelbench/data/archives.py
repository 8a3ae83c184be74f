"""What is looked at before a stranger's file is read: its kind, and what an archive would unpack to."""

from __future__ import annotations

import math
import os
import stat
import zipfile
import zlib
from functools import lru_cache
from pathlib import Path

import numpy as np

from skelbench.errors import DataError

LEAST_BOUND, MOST_TIMES = 2**30, 200
"""An archive may unpack to a GiB, or to so many times its own size: recordings come to some 30 times theirs,
and the most that zip can do is 1,032."""
_NPY = ".npy"
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def check_file(path: Path) -> None:
    """See that a file may be read.

    Args:
        path: The file; what is not there, and a folder, is left to whoever reads it.

    Raises:
        DataError: It is a FIFO, a socket or a device, an archive that would unpack to far more than it is, or
            one whose arrays claim to be larger than they are.
    """
    try:
        found = path.stat()
    except (OSError, ValueError):
        return
    if stat.S_ISDIR(found.st_mode):
        return
    if not stat.S_ISREG(found.st_mode):
        raise DataError("is no regular file", where=path, remedy="Give a file, not a pipe or a device")
    _check_archive(path, found.st_size, found.st_mtime_ns)


def unpacked_size(root: Path) -> int:
    """Bytes of a file or of all files below a folder, those of zip archives as they unpack."""
    files = [root] if root.is_file() else [Path(at, name) for at, _, names in os.walk(root) for name in names]
    return sum(map(_unpacked, files))


def _unpacked(path: Path) -> int:
    try:
        if path.suffix.lower() in (".npz", ".zip"):
            with zipfile.ZipFile(path) as archive:
                return sum(member.file_size for member in archive.infolist())
        return path.stat().st_size
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return 0  # its reader says what is wrong with it


@lru_cache(maxsize=64)
def _check_archive(path: Path, size: int, modified: int) -> None:
    """See to a zip archive, once as long as it stays as it is; other files are fine."""
    try:
        with path.open("rb") as file:
            if file.read(4) != b"PK\x03\x04":
                return
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_size(path, size, sum(member.file_size for member in members))
            for member in members:
                if member.filename.endswith(_NPY):
                    _check_claim(path, archive, member)
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError):
        return  # its reader says what is wrong with it


def _check_size(path: Path, size: int, unpacked: int) -> None:
    bound = max(LEAST_BOUND, MOST_TIMES * size)
    if unpacked > bound:
        what = f"{size:,} bytes would unpack to {unpacked:,}; {bound:,} is the most"
        raise DataError(what, where=path, remedy="Unpack it yourself if you trust it, and give the files")


def _check_claim(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """See that an array is as large as its header says, before memory is taken for it."""
    with archive.open(member) as file:
        read_header = _HEADERS.get(np.lib.format.read_magic(file))
        if read_header is None:
            return
        shape, _, dtype = read_header(file)
        there = member.file_size - file.tell()
    wanted = math.prod(shape) * dtype.itemsize
    if not dtype.hasobject and wanted > there:
        what = (
            f"the array '{member.filename.removesuffix(_NPY)}' should have {wanted:,} bytes and has {there:,}"
        )
        raise DataError(what, where=path, remedy="Make or fetch the file again")
