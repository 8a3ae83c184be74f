"""Procedural videos, to run and test everything without real ones: a shape whose motion is the class.

Shape, colours, place, speed and background are drawn for every video and tell nothing of its class.
"""

from __future__ import annotations

import numpy as np

FRAMES = (20, 32)
"""Fewest and most frames of a synthetic video file."""
SIZE = (48, 64)
"""Rows and columns of its frames."""
_STEPS = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1))  # down and right in a frame
_CLOCKWISE, _BACK, _GROWS, _SHRINKS = range(len(_STEPS), len(_STEPS) + 4)
_KINDS = len(_STEPS) + 4


def moving_shape(
    label: int, rng: np.random.Generator, frames: int, size: tuple[int, int] = SIZE, channels: int = 3
) -> np.ndarray:
    """One synthetic video.

    Classes 0 to 5 move right, left, down, up, down and right, up and left, and come in again at the other
    side; 6 and 7 go round clockwise and anticlockwise; 8 grows and 9 shrinks. Every ten further classes do
    the same, faster.

    Args:
        label: The 0-based class.
        rng: Draws what differs between the videos of a class.
        frames: Frames T.
        size: Rows and columns, H and W.
        channels: Channels of a pixel, C.

    Returns:
        (T, H, W, C) uint8.
    """
    down, right, radius = _motion(label, rng, frames, size)
    rows, columns = np.arange(size[0])[:, None], np.arange(size[1])[None]
    down = _distance(rows, down[:, None, None], size[0])
    right = _distance(columns, right[:, None, None], size[1])
    is_disc, radius = rng.random() < 0.5, radius[:, None, None]
    inside = down**2 + right**2 < radius**2 if is_disc else np.maximum(abs(down), abs(right)) < radius
    ground = rng.integers(0, 90) + rng.integers(0, 30, (*size, 1)) + np.zeros(channels, dtype=int)
    colour = rng.integers(160, 226) + rng.integers(-30, 31, channels)
    return np.where(inside[..., None], colour, ground).astype(np.uint8)


def _motion(
    label: int, rng: np.random.Generator, frames: int, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centre (down and right) and radius of the shape in every frame, (T,) each, in pixels."""
    further, kind = divmod(label, _KINDS)
    side, time = min(size), np.arange(frames)
    speed = rng.uniform(0.8, 1.2) * (1 + 0.5 * further)
    down, right = (rng.uniform(0, extent) + np.zeros(frames) for extent in size)
    radius = np.full(frames, rng.uniform(0.14, 0.2) * side)
    share = (time * speed / frames + rng.random()) % 1
    if kind in (_CLOCKWISE, _BACK):
        angle = 2 * np.pi * share * (1 if kind == _CLOCKWISE else -1)
        return down + 0.25 * side * np.sin(angle), right + 0.25 * side * np.cos(angle), radius
    if kind in (_GROWS, _SHRINKS):
        return down, right, radius * (0.5 + 2 * (share if kind == _GROWS else 1 - share))
    gone = 0.05 * side * speed * time
    return down + _STEPS[kind][0] * gone, right + _STEPS[kind][1] * gone, radius


def _distance(place: np.ndarray, centre: np.ndarray, extent: int) -> np.ndarray:
    """From centre to place on a circle of ``extent`` pixels."""
    return (place - centre + extent / 2) % extent - extent / 2
