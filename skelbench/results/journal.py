"""A journal of one JSON object a line: appended durably, read back without a torn last line."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skelbench.errors import RunFolderError
from skelbench.results.files import disk

_BLOCK = 65536


def append(path: Path, entry: Mapping[str, Any]) -> None:
    """Add one line; it is on disk when this returns, and a torn line before it is gone.

    Numbers that are not finite are written as Python's json module writes them, so that a
    search resumes with exactly what it had.

    Raises:
        RunFolderError: The line cannot be written; the journal is as it was before.
    """
    try:
        line = json.dumps(entry).encode() + b"\n"
    except (TypeError, ValueError) as error:
        raise RunFolderError(f"a trial cannot be written as JSON: {error}", where=path) from error
    with disk(path, "write the journal"):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _append(descriptor, line)
        finally:
            os.close(descriptor)


def read(path: Path) -> list[dict[str, Any]]:
    """Every whole line in order; none where there is no journal yet.

    Raises:
        RunFolderError: A whole line is damaged; says which.
    """
    if not path.exists():
        return []
    with disk(path, "read the journal"):
        lines = path.read_bytes().split(b"\n")[:-1]
    return [_entry(path, number, line) for number, line in enumerate(lines, start=1)]


def _append(descriptor: int, line: bytes) -> None:
    size = _whole_lines(descriptor)
    os.ftruncate(descriptor, size)
    os.lseek(descriptor, size, os.SEEK_SET)
    try:
        while line:
            line = line[os.write(descriptor, line) :]
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, size)
        raise


def _whole_lines(descriptor: int) -> int:
    """Bytes up to and with the last newline, searched backwards in blocks."""
    end = os.lseek(descriptor, 0, os.SEEK_END)
    while end > 0:
        start = max(0, end - _BLOCK)
        os.lseek(descriptor, start, os.SEEK_SET)
        found = os.read(descriptor, end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _entry(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    if not isinstance(entry, dict):
        raise RunFolderError(
            "the journal's line is damaged",
            where=f"{path}:{number}",
            remedy="Remove the run's folder and run again",
        )
    return entry
