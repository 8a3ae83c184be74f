"""Random changes and scaling of clips, for a whole batch at once.

Clips here are (B, C, T, V, M) float32, as networks take them; ``seen`` tells which joints belong to
persons present in a frame, (B, 1, T, V, M). Absent persons stay exactly zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skelbench.recipe import AugmentOptions, ClipOptions

# The candidates of the random move of Yan et al., AAAI 2018 (ST-GCN).
_MOVE_DEGREES = (-10.0, -5.0, 0.0, 5.0, 10.0)
_MOVE_SCALES = (0.9, 1.0, 1.1)
_MOVE_SHIFTS = (-0.2, -0.1, 0.0, 0.1, 0.2)
_NO_EXTENT = 1e-8


def present_persons(x: np.ndarray) -> np.ndarray:
    """Which persons have any coordinate other than zero: (B, T, M, V, C) to (B, T, M) bool."""
    return np.asarray(x.any(axis=(3, 4)))


@dataclass(frozen=True)
class Whole:
    """All frames of the recordings that a batch is cut from.

    Attributes:
        frames: One recording after the other, (F, M, V, C).
        lengths: Frames of each, (B,), at least 1.
    """

    frames: np.ndarray
    lengths: np.ndarray


def transform(
    x: np.ndarray,
    clip: ClipOptions,
    augment: AugmentOptions | None,
    rng: np.random.Generator,
    whole: Whole | None = None,
) -> np.ndarray:
    """Change a batch at random, scale it, and put the channels first.

    Order: rotation and scale, random move, normalising, shift, noise. Shift and noise are thus in
    the units of the normalised clip, and a rotated clip fills its box again. A recording as a whole is
    rotated and scaled like its clip, and not moved.

    Args:
        x: The batch as it is stored, (B, T, M, V, C).
        clip: Says whether clips are normalised.
        augment: The random changes, or None.
        rng: Draws them.
        whole: The recordings, where the clip is normalised by them.

    Returns:
        (B, C, T, V, M).
    """
    change = augment or AugmentOptions()
    out = _channels_first(x)
    turn = _turn(out, change, rng)
    if turn is not None:
        out = (turn @ out.reshape(*out.shape[:2], -1)).reshape(out.shape)
    if change.move:
        out = move(out, rng)
    if clip.normalise == "none" and not change.shift and not change.noise:
        return out
    seen = np.repeat(present_persons(x)[:, :, None], x.shape[3], axis=2)[:, None]
    if clip.normalise == "minmax":
        out = minmax(out, seen)
    elif clip.normalise == "minmax_recording" and whole is not None:
        out = into_box(out, *extent(whole, turn), seen)
    if change.shift:
        shift = rng.uniform(-change.shift, change.shift, (*out.shape[:2], 1, 1, 1))
        out = out + shift.astype(np.float32)
    if change.noise:
        out = out + change.noise * rng.standard_normal(out.shape, dtype=np.float32)
    return out * seen


def rotations(degrees: np.ndarray, order: str = "xyz") -> np.ndarray:
    """Rotation matrices about one axis after the other: angles (B, 3) in degrees to (B, 3, 3) float32.

    Args:
        degrees: About x, y and z.
        order: The axes, first to last.
    """
    a, b, c = np.deg2rad(degrees).T
    zero, one = np.zeros_like(a), np.ones_like(a)
    x = _matrices([[one, zero, zero], [zero, np.cos(a), -np.sin(a)], [zero, np.sin(a), np.cos(a)]])
    y = _matrices([[np.cos(b), zero, np.sin(b)], [zero, one, zero], [-np.sin(b), zero, np.cos(b)]])
    z = _matrices([[np.cos(c), -np.sin(c), zero], [np.sin(c), np.cos(c), zero], [zero, zero, one]])
    first, second, third = ({"x": x, "y": y, "z": z}[axis] for axis in order)
    return (third @ second @ first).astype(np.float32)


def minmax(x: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Scale each axis of each clip to [-1, 1] over all frames, joints and persons that are seen.

    An axis without extent, and absent persons, become zero. Chen et al., ICCV 2021 (CTR-GCN).
    """
    low = np.where(seen, x, np.float32(np.inf)).reshape(*x.shape[:2], -1).min(axis=2)
    high = np.where(seen, x, np.float32(-np.inf)).reshape(*x.shape[:2], -1).max(axis=2)
    return into_box(x, low, high, seen)


def into_box(x: np.ndarray, low: np.ndarray, high: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Map low to -1 and high to 1, (B, C) each, on each axis of each clip (B, C, T, V, M)."""
    size = high - low
    usable = size > _NO_EXTENT
    factor = np.where(usable, 2 / np.where(usable, size, 1), 0)
    offset = np.where(usable, -np.where(usable, low, 0) * factor - 1, 0)
    return (x * _per_axis(factor) + _per_axis(offset)) * seen


def extent(whole: Whole, turn: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and the highest value of each axis of each recording, (B, C) each.

    Args:
        whole: The recordings.
        turn: Matrices that their points are multiplied by first, (B, C, C), or None.
    """
    count, _, joints, channels = whole.frames.shape
    seen = np.repeat(whole.frames.any(axis=(2, 3)), joints, axis=1)[..., None]
    points = whole.frames.reshape(count, -1, channels)
    if turn is not None:
        points = points @ np.repeat(turn.transpose(0, 2, 1), whole.lengths, axis=0)
    starts = np.cumsum(whole.lengths) - whole.lengths
    low = np.where(seen, points, np.float32(np.inf)).min(axis=1)
    high = np.where(seen, points, np.float32(-np.inf)).max(axis=1)
    return np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)


def move(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rotate, scale and shift in the image plane, changing linearly from the first frame to the last.

    The first two channels are moved, the third (the score) is kept; joints that are zero stay zero.
    Yan et al., AAAI 2018 (ST-GCN).
    """
    count, _, frames = x.shape[:3]
    along = np.linspace(0, 1, frames)[None]

    def drawn(candidates: tuple[float, ...]) -> np.ndarray:
        ends = rng.choice(candidates, (2, count, 1))
        return (ends[0] + (ends[1] - ends[0]) * along).astype(np.float32)[..., None, None]

    angle, scale = np.deg2rad(drawn(_MOVE_DEGREES)), drawn(_MOVE_SCALES)
    sin, cos = np.sin(angle) * scale, np.cos(angle) * scale
    known = x.any(axis=1)
    out = x.copy()
    out[:, 0] = (cos * x[:, 0] - sin * x[:, 1] + drawn(_MOVE_SHIFTS)) * known
    out[:, 1] = (sin * x[:, 0] + cos * x[:, 1] + drawn(_MOVE_SHIFTS)) * known
    return out


def _turn(x: np.ndarray, change: AugmentOptions, rng: np.random.Generator) -> np.ndarray | None:
    """Random rotations and factors as matrices (B, C, C), or None where there are none."""
    count, channels = x.shape[:2]
    if change.rotate is None and change.scale is None:
        return None
    turn = np.broadcast_to(np.eye(channels, dtype=np.float32), (count, channels, channels))
    if change.rotate is not None:
        limit = np.array(change.rotate)
        turn = rotations(rng.uniform(-limit, limit, (count, 3)), change.rotate_order)
    if change.scale is not None:
        turn = turn * rng.uniform(*change.scale, (count, 1, 1)).astype(np.float32)
    return turn


def _channels_first(x: np.ndarray) -> np.ndarray:
    """(B, T, M, V, C) to (B, C, T, V, M); person by person, which is three times as fast as at once."""
    count, frames, persons, joints, channels = x.shape
    out = np.empty((count, channels, frames, joints, persons), dtype=x.dtype)
    for person in range(persons):
        out[..., person] = x[:, :, person].transpose(0, 3, 1, 2)
    return out


def _per_axis(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32)[:, :, None, None, None]


def _matrices(rows: list[list[np.ndarray]]) -> np.ndarray:
    return np.moveaxis(np.array(rows), -1, 0)
