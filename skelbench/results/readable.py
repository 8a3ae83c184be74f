"""Records of several files, of which one that is damaged shall not hide the others."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from skelbench.errors import RunFolderError
from skelbench.results.record import Record


def leave_out(text: str) -> None:
    """Name on standard error what is left out."""
    print(f"skelbench: {text}", file=sys.stderr)


def readable(files: Iterable[Path], tell: Callable[[str], None] = leave_out) -> Iterator[tuple[Path, Record]]:
    """The records in some files; those that are damaged are named and left out.

    Args:
        files: Record files.
        tell: Told of each that is left out.
    """
    for path in files:
        try:
            record = Record.read(path)
        except RunFolderError as error:
            tell(f"left out: {error}")
        else:
            yield path, record
