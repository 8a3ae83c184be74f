"""Videos whose classes nobody knows: files, folders of them, plain arrays, and windows over long ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skelbench.components import Dataset
from skelbench.data.unlabelled import load_arrays, spans
from skelbench.data.video.dataset import Extent, Video, VideoArray, VideoFile, Videos, VideoSource
from skelbench.data.video.lists import VIDEO_ENDINGS
from skelbench.data.video.open import unfit
from skelbench.data.video.reader import probe
from skelbench.errors import DataError
from skelbench.recipe import VideoOptions


@dataclass(frozen=True)
class VideoWindow:
    """Some frames of a video.

    Attributes:
        source: The video.
        start: Its first frame.
        whole: How much there is of the video.
        frames: How many frames it has.
        rate: Frames a second, None where unknown.
    """

    source: VideoSource
    start: int
    whole: Extent
    frames: int
    rate: float | None = None

    @property
    def name(self) -> str:
        """The video's."""
        return self.source.name

    def extent(self) -> Extent:
        """See `VideoSource`."""
        return Extent(self.frames, self.whole.height, self.whole.width, self.whole.mark)

    def read(
        self,
        indices: np.ndarray,
        *,
        short_side: int | None = None,
        size: tuple[int, int] | None = None,
    ) -> np.ndarray:
        """See `VideoSource`."""
        return self.source.read(np.asarray(indices) + self.start, short_side=short_side, size=size)


def video_windows(
    paths: Sequence[Path],
    arrays: Path | None,
    component: Dataset,
    window: int | None,
    stride: int | None = None,
) -> Iterator[tuple[str, VideoWindow]]:
    """Names and windows of videos.

    Args:
        paths: Video files, and folders that are searched through for such.
        arrays: An npy or npz file of (T, H, W) or (T, H, W, C) uint8, or of several such, with one size more.
        component: The data set in whose form the videos are.
        window: See `spans`.
        stride: See `spans`.

    Raises:
        DataError: Nothing is there, or a video is damaged.
    """
    for path in paths:
        for file in _files(path):
            info = probe(file)
            mark = str(file.stat().st_size)
            whole = Extent(info.frames, info.height, info.width, mark)
            for start, stop in spans(whole.frames, window, stride):
                yield file.name, VideoWindow(VideoFile(file), start, whole, stop - start, info.rate)
    for name, frames in _arrays(arrays, component.channels) if arrays else ():
        source = VideoArray(f"{arrays}: {name}", frames)
        whole = source.extent()
        for start, stop in spans(whole.frames, window, stride):
            yield name, VideoWindow(source, start, whole, stop - start)


def as_videos(windows: Sequence[VideoWindow], component: Dataset, options: VideoOptions) -> Videos:
    """Windows as the videos that a loader takes, in their order.

    Raises:
        DataError: No clip can be cut from one.
    """
    for one in windows:
        if why := unfit(one.extent(), component, options):
            raise DataError(why, where=one.name, remedy="Leave it out, or take longer windows")
    listed = [Video(f"{i:09d}", 0, one, train=False) for i, one in enumerate(windows)]
    extents = [one.extent() for one in windows]
    return Videos.of(listed, extents, dataset=component.name, class_names=())


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise DataError("no such file or folder", where=path, remedy="Give a file or folder that is there")
    if path.is_file():
        return [path]
    found = sorted(file for file in path.rglob("*") if file.suffix.lower() in VIDEO_ENDINGS)
    if not found:
        raise DataError("there is no video", where=path, remedy=f"Give files in {', '.join(VIDEO_ENDINGS)}")
    return found


def _arrays(path: Path, channels: int) -> Iterator[tuple[str, np.ndarray]]:
    for name, array in load_arrays(path):
        where = f"{path}: {name}"
        colours = array.ndim > 3 and array.shape[-1] == channels
        shaped = array if colours else array[..., None]
        if array.dtype != np.uint8 or shaped.ndim not in (4, 5) or shaped.shape[-1] != channels:
            what = f"has shape {array.shape} of {array.dtype}, which is no video"
            remedy = f"Give bytes (uint8) of shape (T, H, W, {channels})" + (
                " or (T, H, W)" if channels == 1 else ""
            )
            raise DataError(what, where=where, remedy=remedy)
        several = shaped if shaped.ndim == 5 else shaped[None]
        for number, frames in enumerate(several):
            if not len(frames):
                raise DataError("has no frame", where=where, remedy="Leave it out")
            yield name if len(several) == 1 else f"{name}/{number}", frames
