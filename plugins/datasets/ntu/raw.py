"""NTU RGB+D as its owners ship it: ``.skeleton`` files in folders or in their zip archives."""

from __future__ import annotations

import logging
import os
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from skelbench.data import Clip
from skelbench.errors import DataError

from .names import PERSONS, Edition, NtuName
from .text import most_moving, parse_skeleton

ENDING = ".skeleton"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ZipMember:
    """One recording within an archive.

    Attributes:
        archive: The archive.
        name: The member's full name in it.
    """

    archive: Path
    name: str

    def __str__(self) -> str:
        return f"{self.archive}/{self.name}"


def recordings(root: Path, edition: Edition) -> list[Path | ZipMember]:
    """The usable ``.skeleton`` recordings of a data set, sorted by name.

    Args:
        root: A folder, searched through, or one archive or file. An unpacked recording goes before
            one of the same name in an archive.
        edition: Which data set; recordings of others, and those listed as unusable, are left out.

    Raises:
        DataError: An archive is damaged, or a ``.skeleton`` file has a name that is not the owners'.
    """
    files = [root] if root.is_file() else _walk(root)
    archives = [path for path in files if path.suffix == ".zip"]
    members: list[Path | ZipMember] = [member for path in archives for member in _members(path)]
    members += [path for path in files if path.suffix == ENDING]
    found: dict[str, Path | ZipMember] = {}
    for source in members:
        name = NtuName.parse(_base(source), source)
        if edition.uses(name):
            found[str(name)] = source
    return [found[name] for name in sorted(found)]


def read_recording(source: Path | ZipMember) -> list[Clip]:
    """One recording with its two most moving bodies; none where it shows nobody in any frame.

    Raises:
        DataError: The file or archive is truncated or malformed; says where.
    """
    text = _read_member(source) if isinstance(source, ZipMember) else _read_file(source)
    name = NtuName.parse(_base(source), source)
    bodies = parse_skeleton(text, source)
    frames = most_moving(bodies.slots(), PERSONS)
    if not frames.any():
        _log.warning("%s: no body in any frame; left out", source)
        return []
    return [Clip(str(name), name.action - 1, frames, name.subject, name.camera, name.setup)]


def read_bodies(path: Path) -> np.ndarray:
    """The two most moving bodies of a file of any name, (T, 2, 25, 3).

    Raises:
        DataError: The file is truncated or malformed, or shows nobody.
    """
    frames = most_moving(parse_skeleton(_read_file(path), path).slots(), PERSONS)
    if not frames.any():
        raise DataError("no body in any frame", where=path, remedy="Leave the file out")
    return frames


def _walk(root: Path) -> list[Path]:
    found = [Path(folder, name) for folder, _, names in os.walk(root) for name in names]
    return sorted(path for path in found if not path.name.startswith("._"))


def _base(source: Path | ZipMember) -> str:
    return source.name.rsplit("/", 1)[-1].removesuffix(ENDING)


def _members(path: Path) -> Iterator[ZipMember]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError) as error:
        raise _damaged(path, error) from error
    for name in names:
        if name.endswith(ENDING) and not name.rsplit("/", 1)[-1].startswith("._"):
            yield ZipMember(path, name)


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=path) from error


def _read_member(member: ZipMember) -> bytes:
    try:
        stat = member.archive.stat()
        archive = _opened(member.archive, stat.st_size, stat.st_mtime_ns, os.getpid())
        return archive.read(member.name)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, RuntimeError, OSError) as error:
        raise _damaged(member, error) from error


@lru_cache(maxsize=2)
def _opened(path: Path, size: int, modified: int, process: int) -> zipfile.ZipFile:
    """An open archive, kept since its directory takes long to read; one of its own for each process."""
    return zipfile.ZipFile(path)


def _damaged(where: object, error: Exception) -> DataError:
    return DataError(
        f"the archive is damaged or cannot be read ({error})",
        where=where,
        remedy="Fetch the archive again from the owners, or unpack it and give the folder",
    )
