"""Decoded and resized frames kept on disk, up to a size; those used longest ago go first."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from skelbench.data.video.dataset import VideoFile
from skelbench.errors import DataError

_BLOCK = 16  # frames of a file of the cache
_GIB = 2**30
_FORGOTTEN = 3600  # seconds after which a file that nobody finished is cleared away


class FrameCache:
    """Blocks of successive frames of video files, one file each, whole or not there.

    Several threads and processes may use one folder. A block is found by the video's path, size and time of
    change and by how its frames were resized. A block that cannot be read is decoded anew, and a disk
    that cannot be written keeps nothing: the frames given are the same in any case.

    Args:
        folder: Where the blocks are.
        gib: About how many GiB they may take. Another process's blocks count once they are seen.

    Raises:
        DataError: The folder cannot be made.
    """

    def __init__(self, folder: Path, gib: float) -> None:
        self._folder, self._limit = folder, int(gib * _GIB)
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"the cache cannot be written: {error.strerror}", where=folder) from error
        self._taken, self._unseen = 0, 0
        self._trim()

    def frames(
        self,
        file: VideoFile,
        count: int,
        numbers: np.ndarray,
        *,
        short_side: int | None = None,
        size: tuple[int, int] | None = None,
    ) -> np.ndarray:
        """Frames of a video, as `VideoFile.read` gives them.

        Args:
            file: The video.
            count: How many frames it has.
            numbers: Which are wanted, (n,), sorted, each once.
            short_side: See `VideoFile.read`.
            size: See `VideoFile.read`.

        Raises:
            DataError: A wanted frame cannot be decoded.
        """
        stat = file.path.stat()
        key = f"{file.path.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}\0{short_side}\0{size}\0"
        places = {b: self._place(f"{key}{b}") for b in np.unique(numbers // _BLOCK).tolist()}
        spans = {b: np.arange(b * _BLOCK, min((b + 1) * _BLOCK, count)) for b in places}
        blocks = {b: found for b in places if (found := _load(places[b], len(spans[b]))) is not None}
        missing = [b for b in places if b not in blocks]
        if missing:
            wanted = np.concatenate([spans[b] for b in missing])
            try:
                decoded = file.read(wanted, short_side=short_side, size=size)
            except DataError:  # perhaps in a frame that nobody asked for
                return file.read(numbers, short_side=short_side, size=size)
            parts = np.split(decoded, np.cumsum([len(spans[b]) for b in missing])[:-1])
            blocks |= dict(zip(missing, parts, strict=True))
            for b, frames in zip(missing, parts, strict=True):
                self._store(places[b], frames)
        held = np.concatenate([spans[b] for b in places])
        return np.concatenate([blocks[b] for b in places])[np.searchsorted(held, numbers)]

    def _place(self, key: str) -> Path:
        name = hashlib.sha256(key.encode()).hexdigest()
        return self._folder / name[:2] / f"{name[2:34]}.npy"

    def _store(self, place: Path, frames: np.ndarray) -> None:
        """Write a block in one step; trim the cache whenever much was written."""
        try:
            place.parent.mkdir(exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=place.parent, suffix=".partial", delete=False) as partial:
                try:
                    np.save(partial, frames, allow_pickle=False)
                    partial.close()
                    os.replace(partial.name, place)
                except BaseException:
                    Path(partial.name).unlink(missing_ok=True)
                    raise
        except OSError:
            return
        with self._lock:
            self._taken += frames.nbytes
            self._unseen += frames.nbytes
            full = self._taken > self._limit or self._unseen > self._limit // 16
        if full:
            self._trim()

    def _trim(self) -> None:
        """Remove the blocks used longest ago until nine tenths of the size are left, if it is exceeded."""
        with self._lock:
            blocks = sorted(self._blocks())
            taken = sum(size for _, size, _ in blocks)
            goal = self._limit if taken <= self._limit else self._limit * 9 // 10
            for _, size, path in blocks:
                if taken <= goal:
                    break
                path.unlink(missing_ok=True)
                taken -= size
            self._taken, self._unseen = taken, 0

    def _blocks(self) -> Iterator[tuple[int, int, Path]]:
        """When each block was used last, its bytes and its file; forgotten halves are cleared away."""
        for path in self._folder.rglob("*.*"):
            try:
                stat = path.stat()
            except OSError:  # another process has removed it
                continue
            if path.suffix == ".npy":
                yield stat.st_mtime_ns, stat.st_size, path
            elif path.suffix == ".partial" and time.time() - stat.st_mtime > _FORGOTTEN:
                path.unlink(missing_ok=True)


def _load(place: Path, count: int) -> np.ndarray | None:
    """The frames of a block, (count, H, W, 3), or None where there is no whole block."""
    try:
        frames: np.ndarray = np.load(place, allow_pickle=False)
        os.utime(place)
    except Exception:  # of a damaged header numpy's parser raises what it likes
        return None
    return frames if frames.ndim == 4 and len(frames) == count and frames.dtype == np.uint8 else None
