"""Small sets of videos for the tests, in files and in memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from skelbench.components import Dataset
from skelbench.data import Video, VideoArray, VideoFile, Videos
from skelbench.data.video.write import write_video
from skelbench.errors import DataError

from .made_video import moving

LENGTHS = (20, 12, 9, 31, 16, 25)


def numbered(number: int, frames: int, height: int = 6, width: int = 8, channels: int = 3) -> np.ndarray:
    """(T, H, W, C) uint8 that tells video, frame, row and column by its values."""
    t, y, x, c = np.ogrid[:frames, :height, :width, :channels]
    return ((37 * number + 11 * t + 5 * y + 3 * x + 100 * c) % 256).astype(np.uint8)


def in_memory(lengths: Sequence[int] = LENGTHS, **shape: int) -> Videos:
    """Videos of the given lengths, two thirds of which train."""
    sources = [VideoArray(f"v{i}", numbered(i, frames, **shape)) for i, frames in enumerate(lengths)]
    listed = [Video(f"v{i}", i % 2, source, i % 3 != 2, subject=i) for i, source in enumerate(sources)]
    extents = [source.extent() for source in sources]
    return Videos.of(listed, extents, dataset="made", class_names=("a", "b"))


def write_files(root: Path, lengths: Sequence[int] = LENGTHS) -> list[Path]:
    """``v0.avi``, ``v1.avi``, ... of the given lengths, 48 x 64 pixels."""
    root.mkdir(parents=True, exist_ok=True)
    paths = [root / f"v{i}.avi" for i in range(len(lengths))]
    for path, frames in zip(paths, lengths, strict=True):
        write_video(path, moving(frames), 25)
    return paths


class FolderReader:
    """Lists ``v*.avi`` and those named in ``more.txt``; every third is for test."""

    class_names: tuple[str, ...] = ("a", "b")

    def videos(self, root: Path, protocol: str) -> Sequence[Video]:
        """One video per name."""
        names = {path.name for path in root.glob("v*.avi")}
        if (root / "more.txt").exists():
            names |= set((root / "more.txt").read_text().split())
        if not names:
            raise DataError("nothing here", where=root)
        return [
            Video(Path(name).stem, i % 2, VideoFile(root / name), i % 3 != 2, subject=i)
            for i, name in enumerate(sorted(names))
        ]

    def expected(self, protocol: str) -> tuple[int, int] | None:
        """Unknown."""
        return None

    def synthesise(self, root: Path, *, clips: int, seed: int, classes: int | None = None) -> None:
        """Not used in these tests."""
        raise DataError("cannot be made up")


FOLDER = Dataset(name="made", target=FolderReader, modality="video", classes=2, protocols=("official",))
