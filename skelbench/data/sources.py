"""The files of a raw data set: what they are, whether they changed, and reading them all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from skelbench.components import Dataset, Layout
from skelbench.data.border import Border, check_together, place
from skelbench.data.dataset import Clip, Clips, Reader
from skelbench.errors import DataError, Problem

SYNTHETIC_MARKER = "SYNTHETIC"
MOST_NAMED = 20
"""Damaged files that one error names."""
Progress = Callable[[int, int], None]
"""Called with (sources read, all sources)."""


def read_clips(
    component: Dataset,
    reader: Reader,
    root: Path,
    *,
    layout: Layout | None = None,
    progress: Progress | None = None,
) -> Clips:
    """All raw recordings under ``root``, in memory, sorted by id.

    Args:
        component: The data set.
        reader: Its reader.
        root: Raw or prepared files.
        layout: Its skeleton, with which the number of joints is compared.
        progress: Told how many sources are read.

    Raises:
        DataError: A file is damaged, a recording does not agree with the data set's description, two have
            one id, they differ in size, or there is none.
    """
    border = Border(component, layout)
    sources = border.sources(reader, root)
    read = list(read_each(border, reader, sources, root, progress))
    check_together([(clip.id, clip.frames.shape[1:], where) for clip, where in read], root)
    return Clips.of(
        [clip for clip, _ in read],
        dataset=component.name,
        layout=component.layout,
        class_names=border.class_names(reader, root),
        synthetic=is_synthetic(root, sources),
        left_out=border.left_out(reader, root),
    )


def read_each(
    border: Border, reader: Reader, sources: Sequence[Any], root: Path, progress: Progress | None = None
) -> Iterator[tuple[Clip, str]]:
    """Every recording of some sources with the file that it is from.

    Raises:
        DataError: Sources are damaged; names all of them up to `MOST_NAMED`.
    """
    damaged: list[Problem] = []
    for number, source in enumerate(sources):
        try:
            for clip in border.read(reader, source, root):
                yield clip, place(source, root)
        except DataError as error:
            damaged += error.problems
            if len(damaged) >= MOST_NAMED:
                break
        if progress:
            progress(number + 1, len(sources))
    if damaged:
        raise DataError.of(damaged)


def is_synthetic(root: Path, sources: Sequence[Any]) -> bool:
    """Whether a marker file SYNTHETIC stands in ``root`` or beside the first source."""
    folders = {root if root.is_dir() else root.parent}
    folders |= {source.parent for source in sources[:1] if isinstance(source, Path)}
    return any((folder / SYNTHETIC_MARKER).is_file() for folder in folders)


def listing_fingerprint(root: Path) -> str:
    """SHA-256 over names, sizes and modification times of all files under ``root``, 64 hex digits."""
    digest = hashlib.sha256(str(root.resolve()).encode())
    for path in _files(root):
        stat = path.stat()
        digest.update(f"{path.relative_to(root)}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _files(root: Path) -> Iterator[Path]:
    if root.is_file():
        yield root
    for folder, subfolders, names in os.walk(root):
        subfolders.sort()
        yield from (Path(folder, name) for name in sorted(names))
