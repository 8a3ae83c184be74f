"""Patterns of file names with named parts, as in ``a{label:02d}_s{subject:02d}_*.txt``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from skelbench.errors import DataError

_PART = re.compile(r"\{(\w*)(?::0?(\d*)d)?\}|(\*\*/?)|(\*)")
FRAME, LABEL, CLASS, SUBJECT, CAMERA, PART = "frame", "label", "class", "subject", "camera", "split"
_NUMBERS = (LABEL, CAMERA, FRAME)


@dataclass(frozen=True)
class Found:
    """A recording that a pattern found.

    Attributes:
        id: Its path below the root without what follows the last dot, and without the number of a frame.
        paths: Its file, or its files by the number of the frame.
        parts: What the named parts of the pattern are.
        piece: Of a file of many recordings, those that are read together; None: all.
    """

    id: str
    paths: tuple[Path, ...]
    parts: dict[str, str] = field(default_factory=dict)
    piece: range | None = None

    @property
    def path(self) -> Path:
        """The file, or the first of them."""
        return self.paths[0]


def compiled(pattern: str) -> re.Pattern[str]:
    """The regular expression of a pattern.

    Raises:
        DataError: A part has no name or stands there twice, or a brace is left open.
    """
    out, names, end = "", set(), 0
    for part in _PART.finditer(pattern):
        out += _literal(pattern[end : part.start()], pattern)
        end = part.end()
        if part[3]:
            out += "(?:.*/)?" if part[3].endswith("/") else ".*"
        elif part[4]:
            out += "[^/]*"
        else:
            name, digits = part[1], part[2]
            if not name.isidentifier() or name in names:
                what = f"'files' has the part '{part[0]}' " + ("twice" if name in names else "without a name")
                raise DataError(what, where=pattern, remedy="Give each part one name, as in {subject}")
            names.add(name)
            number = digits is not None or name in _NUMBERS
            out += f"(?P<{name}>{f'[0-9]{{{digits or 1},}}' if number else '[^/]+?'})"
    return re.compile(out + _literal(pattern[end:], pattern))


def _literal(text: str, pattern: str) -> str:
    if "{" in text or "}" in text:
        what = f"'files' has a brace that means nothing in '{text}'"
        raise DataError(what, where=pattern, remedy="Write parts as {subject} or {label:02d}")
    return re.escape(text)


def find(root: Path, pattern: str) -> tuple[list[Found], list[str]]:
    """Every recording below a folder that fits a pattern, sorted by id, and the files that do not.

    Raises:
        DataError: The pattern is malformed, or no file fits it.
    """
    found, others = fitting(root, pattern)
    if not found:
        alike = [name for name in others if name.endswith(Path(pattern).suffix)] or others
        shown = f"; one of them is '{alike[0]}'" if alike else ""
        what = f"none of {len(others)} files fits 'files: {pattern}'{shown}"
        remedy = "Correct 'files', or see what `skelbench data describe` proposes"
        raise DataError(what, where=root, remedy=remedy)
    return found, others


def fitting(root: Path, pattern: str) -> tuple[list[Found], list[str]]:
    """As `find`, where it may be that no file fits.

    Raises:
        DataError: The pattern is malformed.
    """
    form, others = compiled(pattern), []
    found: dict[str, tuple[dict[str, str], list[tuple[int, Path]]]] = {}
    for path in files(root):
        name = path.relative_to(root).as_posix()
        match = form.fullmatch(name)
        if match is None:
            others.append(name)
            continue
        parts = match.groupdict()
        frame = parts.pop(FRAME, None)
        key, order = name.rpartition(".")[0] or name, 0
        if frame is not None:
            start, stop = match.span(FRAME)
            key, order = f"{name[:start]}{name[stop:]}".rpartition(".")[0].strip("_-/. "), int(frame)
        found.setdefault(key, (parts, []))[1].append((order, path))
    recordings = [
        Found(key, tuple(path for _, path in sorted(files)), parts)
        for key, (parts, files) in sorted(found.items())
    ]
    return recordings, others


def files(root: Path) -> Iterator[Path]:
    """Every file below a folder that is not hidden, in the order of the names."""
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(names) if not name.startswith("."))
