"""pyskl's two ways of writing down COCO's key points, turned into frames of two persons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .poses import PERSONS, best_persons

_JOINTS = 17
# The published recipes for this data set leave out detections of less certain boxes.
_LEAST_BOX_SCORE = 0.5


def tracked(annotation: Mapping[str, Any], frames: int) -> np.ndarray:
    """The two persons of the highest mean joint score over all frames, the best first.

    Args:
        annotation: ``keypoint`` (M, T, 17, 2) in pixels, ``keypoint_score`` (M, T, 17) and
            ``img_shape``, (height, width).
        frames: Frames T that the annotation says it has.

    Returns:
        (T, 2, 17, 3) float32 as x, y in shares of the image, and score.

    Raises:
        ValueError: A shape is another, or a number is not finite.
    """
    points, score = annotation.get("keypoint"), annotation.get("keypoint_score")
    persons = points.shape[0] if isinstance(points, np.ndarray) and points.ndim else 0
    _check("keypoint", points, (persons, frames, _JOINTS, 2))
    _check("keypoint_score", score, (persons, frames, _JOINTS))
    people = _shares(np.concatenate([points, np.asarray(score)[..., None]], axis=-1), annotation)
    best = np.argsort(-people[..., 2].sum(axis=(1, 2)), kind="stable")[:PERSONS]
    out = np.zeros((frames, PERSONS, _JOINTS, 3), dtype=np.float32)
    out[:, : len(best)] = people[best].transpose(1, 0, 2, 3)
    return out


def detected(annotation: Mapping[str, Any], found: Any, frames: int) -> np.ndarray:
    """The two best persons of each frame by itself, from a list of detections.

    Args:
        annotation: ``frame_inds`` (N,) from 1, ``box_score`` (N,) and ``img_shape``, (height, width).
        found: What the key-point file has for the recording: ``keypoint`` (N, 17, 3) in pixels.
        frames: Frames T that the annotation says it has.

    Returns:
        (T, 2, 17, 3) float32 as x, y in shares of the image, and score.

    Raises:
        ValueError: There are no key points, a shape is another, or a number is not finite.
    """
    if not isinstance(found, Mapping):
        raise ValueError("the file has no key points of it")
    points, rows, box = found.get("keypoint"), annotation.get("frame_inds"), annotation.get("box_score")
    count = len(points) if isinstance(points, np.ndarray) and points.ndim else 0
    _check("keypoint", points, (count, _JOINTS, 3))
    _check("frame_inds", rows, (count,))
    _check("box_score", box, (count,))
    rows, sure = np.asarray(rows).astype(np.int64) - 1, np.asarray(box) >= _LEAST_BOX_SCORE
    if ((rows < 0) | (rows >= frames)).any():
        raise ValueError(f"a frame of frame_inds is none of 1 to {frames}")
    return best_persons(rows[sure], _shares(np.asarray(points)[sure], annotation), frames)


def _check(name: str, values: Any, shape: tuple[int, ...]) -> None:
    found = values.shape if isinstance(values, np.ndarray) else None
    if found != shape:
        raise ValueError(f"{name} has shape {found}, not {shape}")
    if values.dtype.kind not in "fiu" or not np.isfinite(values).all():
        raise ValueError(f"a value of {name} is no finite number")


def _shares(people: np.ndarray, annotation: Mapping[str, Any]) -> np.ndarray:
    """Joints (..., 3) with x and y in pixels to shares of the image's width and height, float32."""
    size = annotation.get("img_shape")
    if not isinstance(size, tuple | list) or len(size) != 2:
        raise ValueError("img_shape is not (height, width)")
    height, width = size
    if not all(isinstance(side, int | np.integer) and side > 0 for side in size):
        raise ValueError("img_shape is not (height, width) in whole pixels")
    return people.astype(np.float32) / np.array([width, height, 1], dtype=np.float32)
