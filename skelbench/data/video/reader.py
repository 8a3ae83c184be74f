"""Frames of video files, decoded where they are wanted and nowhere else."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from skelbench.data.video.packets import AGAIN, Unsure, import_av, open_video, quiet
from skelbench.errors import DataError

if TYPE_CHECKING:
    from av import VideoFrame


@dataclass(frozen=True)
class VideoInfo:
    """What a video file holds.

    Attributes:
        frames: How many frames a decode of the file gives, fewer than its header says if it is cut short.
        width: Pixels of a frame as stored, the first one's.
        height: Likewise.
        rate: Frames per second, on average; 25 for an AVI file whose header has none.
        rotation: Degrees by which a player turns the frames anticlockwise. `read_frames` does not turn them.
    """

    frames: int
    width: int
    height: int
    rate: float
    rotation: int = 0


def probe(path: Path) -> VideoInfo:
    """What a video file holds.

    The frames are counted, never taken from the header: by the packets where each is known to be one frame
    (see `skelbench.data.video.packets`; nothing but the first frame is decoded), else by decoding
    all up to the first damaged one. A file that is cut short has the frames before the cut. Damage within
    packets that are only counted shows when they are read.

    Raises:
        DataError: The file is missing, empty, no video, has no video stream, no frame or no frame rate.
        SkelbenchError: PyAV is missing.
    """
    with quiet():
        with open_video(path) as video, closing(video.frames()) as frames:
            first = next(frames, None)
            rate = video.stream.average_rate
        count = _count(path) if first is not None else 0
        if first is None or not count:
            raise DataError("no frame in it can be decoded", where=path, remedy=AGAIN)
        if not rate:
            what = "does not say how many frames a second has"
            raise DataError(what, where=path, remedy=f"{AGAIN}; `read_frames` does without")
        return VideoInfo(count, first.width, first.height, float(rate), first.rotation)


def _count(path: Path) -> int:
    """How many frames a decode gives until it ends or one is damaged."""
    try:
        with open_video(path) as video:
            return sum(1 for _ in video.pictures())
    except Unsure:
        pass
    count = 0
    with open_video(path) as video, closing(video.frames()) as frames, suppress(DataError):
        for _ in takewhile(lambda frame: not frame.is_corrupt, frames):
            count += 1
    return count


def read_frames(
    path: Path,
    indices: Sequence[int] | np.ndarray,
    *,
    short_side: int | None = None,
    size: tuple[int, int] | None = None,
) -> np.ndarray:
    """Frames of a video, the same as those of a plain decode of the whole file.

    Decoding goes from the last key picture from which the first wanted frame can be had to the last wanted
    one. Where that cannot be trusted to give the same frames (see `skelbench.data.video.packets`: anything
    but plain MPEG-4 in AVI or MP4 and H.264 in MP4), it goes from the file's beginning, and is slower.

    Frames are resized by libswscale as they are decoded: bilinear, its filter widened when it shrinks, so
    that no pixel is passed over. Aspect ratio of pixels and rotation are left to the caller. Colours are
    turned to RGB as PyAV does it, BT.601 where the file does not say.

    Args:
        path: The video.
        indices: 0-based frames in any order; one may occur often.
        short_side: Pixels that the shorter side is to have, the other in proportion, rounded.
        size: (height, width) that the frames are to have.

    Returns:
        (len(indices), H, W, 3) uint8, RGB.

    Raises:
        DataError: The file cannot be used (see `probe`), has too few frames, or a wanted one is damaged; or
            the arguments do not go together.
        SkelbenchError: PyAV is missing.
    """
    wanted = np.asarray(indices)
    if wanted.ndim != 1 or (wanted.size and (wanted.dtype.kind not in "iu" or wanted.min() < 0)):
        raise DataError("frames are wanted by other things than whole numbers from 0", where=path)
    resize = _Resize(path, short_side, size)
    if not wanted.size:
        info = probe(path)
        return np.empty((0, *resize.target(info.height, info.width), 3), np.uint8)
    with quiet(), closing(_decode(path, int(wanted.min()))) as frames:
        found = _find(path, frames, set(wanted.tolist()), resize)
    return np.stack([found[index] for index in wanted.tolist()])


def resize_frames(
    frames: np.ndarray, *, short_side: int | None = None, size: tuple[int, int] | None = None
) -> np.ndarray:
    """Frames in memory, resized as `read_frames` resizes them.

    Args:
        frames: (n, H, W, C) uint8, C of 1 or 3.
        short_side: See `read_frames`.
        size: See `read_frames`.

    Returns:
        (n, H', W', C) uint8; the same array where nothing is to be done.

    Raises:
        DataError: The arguments do not go together.
        SkelbenchError: PyAV is missing, and there is something to be done.
    """
    if short_side is None and size in (None, frames.shape[1:3]):
        return frames
    form = {1: "gray", 3: "rgb24"}[frames.shape[3]]
    resize = _Resize(None, short_side, size, form)
    make = import_av().VideoFrame.from_ndarray
    made = [resize(make(np.ascontiguousarray(f.squeeze(2) if form == "gray" else f), form)) for f in frames]
    return np.stack(made).reshape(*np.shape(made)[:3], -1)


class _Resize:
    """Turns frames into pixels of the wanted size and form, RGB unless told otherwise."""

    def __init__(
        self, path: Path | None, short_side: int | None, size: tuple[int, int] | None, form: str = "rgb24"
    ) -> None:
        where = path or ""
        if short_side is not None and size is not None:
            raise DataError("a short side and a size are both given", where=where, remedy="Give one of them")
        if any(side < 1 for side in (*(size or ()), short_side if short_side is not None else 1)):
            raise DataError("frames without a pixel are wanted", where=where, remedy="Give sides from 1")
        self._form = form
        self._short_side = short_side
        self._size = size
        # One for all frames: it keeps its tables while the sizes stay the same.
        self._reformatter = import_av().video.reformatter.VideoReformatter()

    def target(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the result for those of the frame."""
        if self._short_side is None:
            return self._size or (height, width)
        scale = self._short_side / min(height, width)
        return round(height * scale), round(width * scale)

    def __call__(self, frame: VideoFrame) -> np.ndarray:
        """(H, W, 3) uint8, or (H, W) of gray."""
        height, width = self.target(frame.height, frame.width)
        pixels = self._reformatter.reformat(
            frame, width, height, self._form, interpolation="BILINEAR", threads=1
        )
        return pixels.to_ndarray()


def _decode(path: Path, first: int) -> Generator[tuple[int, VideoFrame]]:
    """Frames with their indices, from one at or before ``first``."""
    try:
        with open_video(path) as video:
            start = video.start_before(first)
            yield from enumerate(video.frames(start.packets), start.index)
            return
    except Unsure:
        pass
    with open_video(path) as video:
        yield from enumerate(video.frames())


def _find(
    path: Path, frames: Iterator[tuple[int, VideoFrame]], wanted: set[int], resize: _Resize
) -> dict[int, np.ndarray]:
    """The wanted frames by index; decodes no further than the last of them."""
    found: dict[int, np.ndarray] = {}
    seen = 0
    for index, frame in frames:
        seen = index + 1
        if index not in wanted:
            continue
        if frame.is_corrupt:
            raise DataError(f"frame {index} is damaged", where=path, remedy=AGAIN)
        found[index] = resize(frame)
        if len({rgb.shape for rgb in found.values()}) > 1:
            what = f"the frames change their size at or before frame {index}"
            raise DataError(what, where=path, remedy="Ask for frames of one size (height, width)")
        if len(found) == len(wanted):
            return found
    what = f"frame {max(wanted)} is wanted, and only {seen} frames can be decoded"
    raise DataError(what, where=path, remedy="Ask for frames that `probe` counts, or fetch the file again")
