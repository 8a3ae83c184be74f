"""Which frames of each recording a clip shows, for a whole batch at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skelbench.recipe import ClipOptions

_VIEW_SEED = 20


@dataclass(frozen=True)
class Draws:
    """The free choices of a batch, each between 0 and 1.

    Attributes:
        start: Where a window lies between its earliest and its latest place, (B, 1).
        share: The share of the recording that a crop shows, (B, 1).
        inside: Where in its segment, or in the recording, a frame is taken, (B, T) or (B, 1).
        drawn: Whether anything was drawn; otherwise the choices are the middle ones.
    """

    start: np.ndarray
    share: np.ndarray
    inside: np.ndarray
    drawn: bool = True


def random_draws(count: int, clip: ClipOptions, rng: np.random.Generator) -> Draws:
    """Choices for ``count`` training clips."""
    low, high = clip.crop or (1.0, 1.0)
    return Draws(
        start=rng.random((count, 1)),
        share=rng.uniform(low, high, (count, 1)),
        inside=rng.random((count, clip.frames)),
    )


def view_draws(view: np.ndarray, views: int, clip: ClipOptions) -> Draws:
    """Fixed choices for test clips: the centre for one view, else windows spread evenly.

    The frames of segments are their middles for one view, random frames are then evenly spread; for several
    views both are drawn at random
    from a fixed seed, the same for every recording, so that no score depends on the batch. Where
    ``fill`` is ``repeat`` or ``zero``, or ``resize`` or ``uniform`` without crop, all views show the same.

    Args:
        view: Which view each clip is, (B,).
        views: How many views a recording has.
        clip: The clip options.
    """
    low, high = clip.crop or (1.0, 1.0)
    share = np.full((len(view), 1), (low + high) / 2)
    if views == 1:
        half = np.full((len(view), 1), 0.5)
        return Draws(start=half, share=share, inside=half, drawn=False)
    table = np.random.default_rng(_VIEW_SEED).random((views, clip.frames))
    return Draws(start=(view / (views - 1))[:, None], share=share, inside=table[view])


def frame_positions(
    lengths: np.ndarray, clip: ClipOptions, draws: Draws, *, window: int | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Positions within each recording, counted in frames from its start.

    Args:
        lengths: Frames of each recording, (B,), at least 1.
        clip: Says how a recording fills a clip.
        draws: The free choices.
        window: Use a window of this many frames; None for the whole recording.

    Returns:
        Positions (B, T) between 0 and length - 1, whole numbers unless ``fill`` is ``resize``, and
        which of them are padding (B, T), or None where there is none.
    """
    n = lengths[:, None]
    t = np.arange(clip.frames)[None]
    if clip.fill == "repeat":
        return _repeat(n, t, draws, window), None
    w = n if window is None else np.minimum(window, n)
    if clip.fill == "zero":
        start = np.floor(draws.start * (n - w + 1)) if window else 0
        return np.minimum(start + np.minimum(t, w - 1), n - 1), t >= w
    if clip.fill == "segments":
        place = (n - w) * draws.start + (t + draws.inside) * (w / clip.frames)
        return np.minimum(np.floor(place), n - 1), None
    if clip.fill == "random":
        return (n - w) // 2 + _random(w, clip.frames, draws), None
    span = (w - 1) * draws.share
    positions = (n - 1 - span) * draws.start + span * np.linspace(0, 1, clip.frames)[None]
    return np.rint(positions) if clip.fill == "uniform" else positions, None


def _repeat(n: np.ndarray, t: np.ndarray, draws: Draws, window: int | None) -> np.ndarray:
    if window is None:
        return t % n
    filled = np.maximum(n, t.shape[1])
    w = np.minimum(window, filled)
    start = np.minimum(np.floor(draws.start * (filled - w + 1)), filled - w)
    return (start + t % w) % n


def _random(n: np.ndarray, frames: int, draws: Draws) -> np.ndarray:
    if draws.drawn:
        return np.sort(np.floor(draws.inside * n), axis=1)
    # As int(linspace(0, n - 1, T)) rounds, which Chen et al., ICCV 2021, take.
    steps = np.arange(frames)[None] * ((n - 1) / max(1, frames - 1))
    return np.minimum(np.floor(steps), n - 1)
