"""Random changes and scaling of clips, for a whole batch at once.

Batches here are (B, T, M, V, C) float32, and ``present`` tells which persons are seen in which
frames, (B, T, M); absent ones stay exactly zero.
"""

from __future__ import annotations

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


def transform(
    x: np.ndarray, clip: ClipOptions, augment: AugmentOptions | None, rng: np.random.Generator
) -> np.ndarray:
    """Change a batch at random and scale it.

    Order: rotation and scale, random move, normalising, shift, noise. Shift and noise are thus in
    the units of the normalised clip, and a rotated clip fills its box again.

    Args:
        x: The batch; may be overwritten.
        clip: Says whether clips are normalised.
        augment: The random changes, or None.
        rng: Draws them.
    """
    change = augment or AugmentOptions()
    if change.rotate is not None or change.scale is not None:
        x = _rotate_and_scale(x, change, rng)
    if change.move:
        x = move(x, rng)
    if clip.normalise == "none" and not change.shift and not change.noise:
        return x
    present = present_persons(x)
    if clip.normalise == "minmax":
        x = minmax(x, present)
    if change.shift:
        shift = rng.uniform(-change.shift, change.shift, (len(x), x.shape[-1]))
        x = (_joined(x) + _for_joints(shift, x.shape[3])).reshape(x.shape)
    if change.noise:
        x = x + change.noise * rng.standard_normal(x.shape, dtype=np.float32)
    return x * present[..., None, None]


def rotations(degrees: np.ndarray) -> np.ndarray:
    """Rotation matrices about x, then y, then z: angles (B, 3) in degrees to (B, 3, 3) float32."""
    a, b, c = np.deg2rad(degrees).T
    zero, one = np.zeros_like(a), np.ones_like(a)
    x = _matrices([[one, zero, zero], [zero, np.cos(a), -np.sin(a)], [zero, np.sin(a), np.cos(a)]])
    y = _matrices([[np.cos(b), zero, np.sin(b)], [zero, one, zero], [-np.sin(b), zero, np.cos(b)]])
    z = _matrices([[np.cos(c), -np.sin(c), zero], [np.sin(c), np.cos(c), zero], [zero, zero, one]])
    return (z @ y @ x).astype(np.float32)


def minmax(x: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Scale each axis of each clip to [-1, 1] over all frames, joints and persons that are seen.

    An axis without extent, and absent persons, become zero. Chen et al., ICCV 2021 (CTR-GCN).
    """
    count, _, _, joints, axes = x.shape
    joined = _joined(x)
    absent = np.where(present, np.float32(0), np.float32(np.inf))[..., None]
    low = (joined + absent).min(axis=1).reshape(count, -1, axes).min(axis=1)
    high = (joined - absent).max(axis=1).reshape(count, -1, axes).max(axis=1)
    extent = high - low
    usable = extent > _NO_EXTENT
    factor = np.where(usable, 2 / np.where(usable, extent, 1), 0)
    offset = np.where(usable, -np.where(usable, low, 0) * factor - 1, 0)
    scaled = joined * _for_joints(factor, joints)
    scaled += _for_joints(offset, joints)
    scaled *= present[..., None]
    return scaled.reshape(x.shape)


def move(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rotate, scale and shift in the image plane, changing linearly from the first frame to the last.

    The first two channels are moved, the third (the score) is kept; joints that are zero stay zero.
    Yan et al., AAAI 2018 (ST-GCN).
    """
    count, frames = x.shape[:2]
    along = np.linspace(0, 1, frames)[None]

    def drawn(candidates: tuple[float, ...]) -> np.ndarray:
        ends = rng.choice(candidates, (2, count, 1))
        return ends[0] + (ends[1] - ends[0]) * along

    angle, scale = np.deg2rad(drawn(_MOVE_DEGREES)), drawn(_MOVE_SCALES)
    shift = np.stack([drawn(_MOVE_SHIFTS), drawn(_MOVE_SHIFTS)], axis=-1)
    sin, cos = np.sin(angle) * scale, np.cos(angle) * scale
    turn = np.stack([np.stack([cos, sin], -1), np.stack([-sin, cos], -1)], axis=-2)
    plane = x[..., :2].reshape(count, frames, -1, 2) @ turn.astype(np.float32)
    plane += shift.astype(np.float32)[:, :, None]
    out = x.copy()
    out[..., :2] = plane.reshape(*x.shape[:4], 2) * x.any(axis=-1, keepdims=True)
    return out


def _rotate_and_scale(x: np.ndarray, change: AugmentOptions, rng: np.random.Generator) -> np.ndarray:
    turn = np.broadcast_to(np.eye(x.shape[-1], dtype=np.float32), (len(x), x.shape[-1], x.shape[-1]))
    if change.rotate is not None:
        limit = np.array(change.rotate)
        turn = rotations(rng.uniform(-limit, limit, (len(x), 3)))
    if change.scale is not None:
        turn = turn * rng.uniform(*change.scale, (len(x), 1, 1)).astype(np.float32)
    return (x.reshape(len(x), -1, x.shape[-1]) @ turn.transpose(0, 2, 1)).reshape(x.shape)


def _joined(x: np.ndarray) -> np.ndarray:
    """Joints and axes as one long axis, over which numpy is much faster than over one of three."""
    return x.reshape(*x.shape[:3], -1)


def _for_joints(values: np.ndarray, joints: int) -> np.ndarray:
    """One value per clip and axis (B, C), to go with `_joined`: (B, 1, 1, V * C) float32."""
    return np.tile(values, joints).astype(np.float32)[:, None, None]


def _matrices(rows: list[list[np.ndarray]]) -> np.ndarray:
    return np.moveaxis(np.array(rows), -1, 0)
