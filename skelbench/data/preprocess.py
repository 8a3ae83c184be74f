"""Named pre-processings of whole recordings, done once and before any clip is cut.

All of them leave absent persons, empty frames and missing joints exactly zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from skelbench.components import Layout
from skelbench.data.dataset import Clips
from skelbench.errors import DataError, did_you_mean

Step = Callable[[np.ndarray, np.ndarray, Layout], np.ndarray]
_CHUNK_FRAMES = 32_768


def preprocess(clips: Clips, name: str, layout: Layout) -> Clips:
    """The same recordings with pre-processed coordinates in memory.

    Args:
        clips: Raw recordings, or ones already pre-processed by ``name``, which come back as they are.
        name: One of `PREPROCESSES`:
            ``none``: raw coordinates;
            ``sgcn``: every frame minus the first person's spine, then rotated so that in the first
            frame with a body hip -> spine points along +z and left -> right shoulder along +x
            (Shi et al., CVPR 2019, as in their released code; used by Peng et al., AAAI 2020);
            ``sgn``: minus the first person's spine in the first frame with a body (Zhang et al., CVPR 2020);
            ``ctrgcn``: the same translation under the name of Chen et al., ICCV 2021, whose scaling
            of each clip comes after random rotation and is the clip option ``normalise: minmax``;
            ``hand``: minus the wrist in the first frame with a hand, divided by the distance there from
            it to the base of the middle finger (Shi et al., ICCV 2021, as in their released code);
            ``kinetics2d``: (x, y, score) in [0, 1] to (x - 0.5, 0.5 - y, score), zero where the score
            is zero (Yan et al., AAAI 2018).
        layout: The skeleton of the recordings.

    Raises:
        DataError: The name is unknown, the recordings were pre-processed in another way, or do not fit.
    """
    step = find(name)
    if clips.preprocess == name:
        return clips
    if clips.preprocess != "none":
        raise DataError(
            f"these recordings are pre-processed by '{clips.preprocess}', not '{name}'",
            remedy=f"Prepare a store from raw data with --preprocess {name}, or ask for '{clips.preprocess}'",
        )
    if step is None:
        return clips
    check_layout(clips, layout)
    if clips.frames.shape[3] != 3 and step is not _from_first:
        raise DataError(f"'{name}' needs 3 channels and the recordings have {clips.frames.shape[3]}")
    out = np.empty(clips.frames.shape, dtype=np.float32)
    for first, last in _chunks(clips.offsets):
        start, stop = int(clips.offsets[first]), int(clips.offsets[last])
        offsets = clips.offsets[first : last + 1] - start
        out[start:stop] = step(np.asarray(clips.frames[start:stop]), offsets, layout)
    return clips.with_frames(out, name)


def find(name: str) -> Step | None:
    """The pre-processing ``name``: (frames, offsets, layout) -> frames; None for ``none``.

    Raises:
        DataError: There is none of that name.
    """
    if name not in PREPROCESSES:
        raise DataError(f"unknown pre-processing '{name}'", remedy=did_you_mean(name, PREPROCESSES))
    return PREPROCESSES[name]


def check_layout(clips: Clips, layout: Layout) -> None:
    """Compare the number of joints.

    Raises:
        DataError: The recordings and the layout differ.
    """
    joints = clips.frames.shape[2]
    if joints != len(layout.joints):
        raise DataError(
            f"the recordings have {joints} joints and layout '{layout.name}' has {len(layout.joints)}",
            remedy=f"Use the layout of the data set, '{clips.layout}'",
        )


def _chunks(offsets: np.ndarray) -> Iterator[tuple[int, int]]:
    """Ranges of recordings of about `_CHUNK_FRAMES` frames together."""
    first, count = 0, len(offsets) - 1
    while first < count:
        last = int(np.searchsorted(offsets, offsets[first] + _CHUNK_FRAMES))
        last = min(max(last, first + 1), count)
        yield first, last
        first = last


def _sgcn(frames: np.ndarray, offsets: np.ndarray, layout: Layout) -> np.ndarray:
    if layout.torso is None:
        raise DataError(f"'sgcn' needs the torso of layout '{layout.name}', which is not known")
    hip, spine, left, right = layout.torso
    centre = frames[_seen(frames, offsets), 0, spine]
    moved = _keep_zeros(frames, frames - centre[:, None, None])
    first = moved[_first_seen(frames, offsets), 0].astype(np.float64)
    upright = _between(first[:, spine] - first[:, hip], np.array([0.0, 0.0, 1.0]))
    shoulders = np.einsum("nij,nj->ni", upright, first[:, right] - first[:, left])
    turn = (_between(shoulders, np.array([1.0, 0.0, 0.0])) @ upright).astype(np.float32)
    each = np.repeat(turn.transpose(0, 2, 1), np.diff(offsets), axis=0)
    return (moved.reshape(len(moved), -1, 3) @ each).reshape(moved.shape)


def _from_first(frames: np.ndarray, offsets: np.ndarray, layout: Layout) -> np.ndarray:
    spine = layout.torso[1] if layout.torso else layout.root
    centre = frames[_first_seen(frames, offsets), 0, spine]
    each = np.repeat(centre, np.diff(offsets), axis=0)
    return _keep_zeros(frames, frames - each[:, None, None])


def _hand(frames: np.ndarray, offsets: np.ndarray, layout: Layout) -> np.ndarray:
    if missing := {"wrist", "middle_base"} - set(layout.joints):
        raise DataError(f"'hand' needs a joint '{min(missing)}', which '{layout.name}' has not")
    wrist, middle = map(layout.joints.index, ("wrist", "middle_base"))
    first = frames[_first_seen(frames, offsets), 0]
    length = np.linalg.norm(first[:, middle] - first[:, wrist], axis=1)
    length[length == 0] = 1
    centre, scale = (np.repeat(each, np.diff(offsets), axis=0) for each in (first[:, wrist], length))
    return _keep_zeros(frames, (frames - centre[:, None, None]) / scale[:, None, None, None])


def _kinetics2d(frames: np.ndarray, offsets: np.ndarray, layout: Layout) -> np.ndarray:
    x, y, score = np.moveaxis(frames, -1, 0)
    return np.stack([x - 0.5, 0.5 - y, score], axis=-1) * (score != 0)[..., None]


PREPROCESSES: dict[str, Step | None] = {
    "none": None,
    "sgcn": _sgcn,
    "sgn": _from_first,
    "ctrgcn": _from_first,
    "hand": _hand,
    "kinetics2d": _kinetics2d,
}


def _keep_zeros(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return after * (before != 0).any(axis=-1, keepdims=True)


def _seen(frames: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """For each frame the latest one of its recording that shows the first person, (F,).

    Frames before the first such one point to it; a recording without any points to its first frame.
    """
    start = np.repeat(offsets[:-1], np.diff(offsets))
    present = (frames[:, 0] != 0).any(axis=(1, 2))
    latest = np.maximum.accumulate(np.where(present, np.arange(len(frames)), -1))
    first = np.repeat(_first_seen(frames, offsets), np.diff(offsets))
    return np.where(latest >= start, latest, first)


def _first_seen(frames: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """For each recording its first frame that shows the first person, else its first frame, (n,)."""
    present = np.flatnonzero((frames[:, 0] != 0).any(axis=(1, 2)))
    found = np.searchsorted(present, offsets[:-1])
    candidate = np.append(present, len(frames))[found]
    return np.where(candidate < offsets[1:], candidate, offsets[:-1])


def _between(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The smallest rotations that turn vectors (n, 3) onto a unit vector (3,): (n, 3, 3).

    Zero vectors get the identity, opposite ones half a turn about a perpendicular axis.
    """
    length = np.linalg.norm(source, axis=1, keepdims=True)
    unit = np.where(length > 1e-8, source / np.maximum(length, 1e-8), target)
    cosine = unit @ target
    opposite = cosine < -1 + 1e-9
    cross = _cross_matrix(np.cross(unit, target))
    factor = 1 / np.where(opposite, 1.0, 1 + cosine)
    turn = np.eye(3) + cross + factor[:, None, None] * (cross @ cross)
    axis = np.roll(target, 1)
    turn[opposite] = 2 * np.outer(axis, axis) - np.eye(3)
    return turn


def _cross_matrix(vectors: np.ndarray) -> np.ndarray:
    """[v]x with [v]x w = v x w, (n, 3) to (n, 3, 3)."""
    out = np.zeros((len(vectors), 3, 3))
    x, y, z = vectors.T
    out[:, 0, 1], out[:, 0, 2], out[:, 1, 2] = -z, y, -x
    return out - out.transpose(0, 2, 1)
