"""A journal of one JSON object a line: appended durably, read back without a torn last line."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from skelbench.errors import RunFolderError
from skelbench.results.files import disk, read_regular, sync_folder, write_atomic

_BLOCK = 65536
MOST_BYTES = 2**32
_MOST_TOLD = 20
DAMAGED = ".damaged"
"""Ending of the file beside a journal that holds its damaged lines."""
Check = Callable[[dict[str, Any]], object]


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
    new = not path.exists()
    with disk(path, "write the journal"):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _append(descriptor, line)
        finally:
            os.close(descriptor)
        if new:
            sync_folder(path.parent)


def read(path: Path, sound: Check = lambda entry: None) -> list[dict[str, Any]]:
    """Every sound line in order; none where there is no journal yet. A damaged line is named and left out.

    Args:
        path: The journal.
        sound: Raises what it likes at an entry that cannot be used.
    """
    return [entry for entry, _ in _entries(path, sound) if entry is not None]


def repair(path: Path, sound: Check = lambda entry: None) -> list[str]:
    """Set damaged lines aside, in a file beside the journal; whoever calls holds the run's lock.

    Returns:
        Their places, as ``file:line``.

    Raises:
        RunFolderError: They cannot be set aside; the journal is as it was before.
    """
    found = _entries(path, sound, tell=False)
    damaged = [(number, line) for number, (entry, line) in enumerate(found, start=1) if entry is None]
    if damaged:
        beside = path.with_name(path.name + DAMAGED)
        earlier = beside.read_bytes() if beside.exists() else b""
        write_atomic(beside, earlier + b"".join(line + b"\n" for _, line in damaged))
        write_atomic(path, b"".join(line + b"\n" for entry, line in found if entry is not None))
    return [f"{path}:{number}" for number, _ in damaged]


def _entries(path: Path, sound: Check, tell: bool = True) -> list[tuple[dict[str, Any] | None, bytes]]:
    """Every whole line, with what it holds; None where it is damaged."""
    if not path.exists():
        return []
    with disk(path, "read the journal"):
        lines = read_regular(path, MOST_BYTES).split(b"\n")[:-1]
    found = [(_entry(line, sound), line) for line in lines]
    damaged = [number for number, (entry, _) in enumerate(found, start=1) if entry is None]
    if tell:
        for number in damaged[:_MOST_TOLD]:
            print(f"skelbench: {path}:{number}: the journal's line is damaged and left out", file=sys.stderr)
        if len(damaged) > _MOST_TOLD:
            print(f"skelbench: {path}: and {len(damaged) - _MOST_TOLD:,} more lines", file=sys.stderr)
    return found


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


def _entry(line: bytes, sound: Check) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
        if not isinstance(entry, dict):
            return None
        sound(entry)
    except Exception:  # of a damaged line anything may be wrong
        return None
    return entry
