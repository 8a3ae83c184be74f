"""The files of a raw data set: what they are, whether they changed, and reading them all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.components import Dataset
from skelbench.data.dataset import Clip, Clips, Reader
from skelbench.errors import DataError

SYNTHETIC_MARKER = "SYNTHETIC"
Progress = Callable[[int, int], None]
"""Called with (sources read, all sources)."""


def read_clips(
    component: Dataset,
    reader: Reader,
    root: Path,
    *,
    progress: Progress | None = None,
) -> Clips:
    """All raw recordings under ``root``, in memory, sorted by id.

    Raises:
        DataError: A file is damaged, two recordings have one id, they differ in size, or there is none.
    """
    sources = reader.sources(root)
    clips = list(_read(reader, sources, progress))
    check_recordings([clip.id for clip in clips], {clip.frames.shape[1:] for clip in clips}, root)
    return Clips.of(
        clips,
        dataset=component.name,
        layout=component.layout,
        class_names=reader.class_names,
        synthetic=is_synthetic(root, sources),
    )


def _read(reader: Reader, sources: Sequence[Any], progress: Progress | None) -> Iterator[Clip]:
    for number, source in enumerate(sources):
        yield from reader.read(source)
        if progress:
            progress(number + 1, len(sources))


def check_recordings(ids: Sequence[str], shapes: set[tuple[int, ...]], root: Path) -> None:
    """Check what no single file can tell.

    Args:
        ids: Ids of all recordings.
        shapes: Every (M, V, C) that occurs.
        root: Where they come from.

    Raises:
        DataError: There is no recording, two have one id, or they differ in (M, V, C).
    """
    if not len(ids):
        raise DataError("no usable recording", where=root, remedy="Check that the download is complete")
    names, counts = np.unique(np.asarray(ids), return_counts=True)
    if counts.max() > 1:
        raise DataError(
            f"two recordings have the id '{names[counts.argmax()]}'",
            where=root,
            remedy="Remove one of the copies",
        )
    if len(shapes) > 1:
        raise DataError(
            f"recordings differ in (persons, joints, channels): {sorted(shapes)}",
            where=root,
            remedy="Keep different preparations in folders of their own",
        )


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
