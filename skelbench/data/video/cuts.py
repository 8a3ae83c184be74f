"""Where in its video a clip lies, and where in its frames: for a whole batch at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skelbench.recipe import VideoOptions


@dataclass(frozen=True)
class Cuts:
    """Where the clips of a batch are cut.

    Attributes:
        start: The first frame of each, (B,) int64.
        down: Where its square lies between the top (0) and the bottom (1) of the frames, (B,).
        right: Likewise between left and right.
        mirrored: Whether it is mirrored, (B,) bool.
        along: Whether ``right`` is meant along the longer side, whichever it is, and ``down`` across it.
    """

    start: np.ndarray
    down: np.ndarray
    right: np.ndarray
    mirrored: np.ndarray
    along: bool = False


def random_cuts(lengths: np.ndarray, video: VideoOptions, rng: np.random.Generator) -> Cuts:
    """Of training clips: every start and every place is as likely as any other.

    Args:
        lengths: Frames of each video, (B,), at least a clip's window.
        video: The clip options.
        rng: Draws everything.
    """
    start, down, right, mirror = rng.random((4, len(lengths)))
    first = np.floor(start * (lengths - video.window + 1)).astype(np.int64)
    return Cuts(first, down, right, (mirror < 0.5) & video.flip)


def fixed_cuts(
    lengths: np.ndarray, video: VideoOptions, view: np.ndarray, views: int, crop: np.ndarray, crops: int
) -> Cuts:
    """Of test clips: nothing is drawn.

    Args:
        lengths: Frames of each video, (B,), at least a clip's window.
        video: The clip options.
        view: Which of the views each clip is, (B,).
        views: How many views a video has.
        crop: Which of the crops each is, (B,).
        crops: How many crops a view has, 1 (the middle) or 3 (both ends of the longer side and the middle).
    """
    half = np.full(len(lengths), 0.5)
    place = half if crops == 1 else crop / (crops - 1)
    return Cuts(view_starts(lengths, video.window, view, views), half, place, half > 1, along=True)


def view_starts(lengths: np.ndarray, window: int, view: np.ndarray, views: int) -> np.ndarray:
    """First frames of test clips spread evenly over their videos, (B,) int64.

    The video is divided into as many parts as there are views, and the clip is taken from the middle of its
    part. In a video too short for that the clips overlap, and their starts are spread evenly.

    Args:
        lengths: Frames of each video, (B,).
        window: Frames that a clip spans.
        view: Which of the views each clip is, (B,).
        views: How many there are.
    """
    apart = (view + 0.5) * lengths / views - window / 2
    overlapping = (view + 0.5) * (lengths - window) / views
    return np.floor(np.where(lengths >= views * window, apart, overlapping)).astype(np.int64)


def cut(frames: np.ndarray, side: int | None, down: float, right: float, along: bool) -> np.ndarray:
    """The square of ``side`` out of frames (T, H, W, C), or whole frames; a view.

    Args:
        frames: The frames.
        side: Rows and columns of the square; None for whole frames.
        down: See `Cuts`.
        right: See `Cuts`.
        along: See `Cuts`.
    """
    if side is None:
        return frames
    height, width = frames.shape[1:3]
    if along and height > width:
        down, right = right, down
    top, left = _offset(height - side, down), _offset(width - side, right)
    return frames[:, top : top + side, left : left + side]


def _offset(room: int, share: float) -> int:
    """Of ``room + 1`` places the one at a share of the way, every one with the same share."""
    return min(int(share * (room + 1)), room)
