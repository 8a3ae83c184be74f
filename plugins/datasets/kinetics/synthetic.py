"""Made-up Kinetics recordings: moving skeletons seen by a pose estimator, in both forms."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.components import Layout
from skelbench.data.synthetic import generate
from skelbench.errors import DataError

from ...layouts import COCO17, OPENPOSE18
from .poses import CLASSES, NUMBERED, PARTS

MARKER = "SYNTHETIC"
COCO_FILE = "k400_2d.pkl"
_SIZE = np.array([340.0, 256.0])  # the owners' frames, width and height in pixels
_FOCAL = 300.0
_MISSED_JOINTS, _MISSED_FRAMES = 0.05, 0.05


@dataclass(frozen=True)
class _Recording:
    """A made-up recording: ``people`` is (T, M, V, 3) as x, y in 0..1 and score, zero where missed."""

    name: str
    part: str
    label: int
    people: np.ndarray


def write_json(root: Path, *, clips: int, seed: int, classes: int | None) -> None:
    """Write recordings as ``kinetics_{train,val}/ID.json`` with their label files.

    Args:
        root: The folder to fill; it must hold no recordings.
        clips: Recordings; of each class one in three is for validation.
        seed: Seed of everything that differs between recordings.
        classes: Only the first so many classes occur; None for all.

    Raises:
        DataError: The folder holds recordings, the classes do not exist, or writing fails.
    """
    labels: dict[str, dict[str, Any]] = {part: {} for part in PARTS}
    with _filling(root, "kinetics_*"):
        for made in _recordings(OPENPOSE18, clips, seed, classes):
            named = {"label": NUMBERED[made.label], "label_index": made.label}
            content = {"data": _json_frames(made.people), **named}
            folder = root / f"kinetics_{made.part}"
            folder.mkdir(exist_ok=True)
            _write(folder / f"{made.name}.json", json.dumps(content).encode())
            labels[made.part][made.name] = {"has_skeleton": True, **named}
        for part, found in labels.items():
            if found:
                _write(root / f"kinetics_{part}_label.json", json.dumps(found).encode())


def write_pickle(root: Path, *, clips: int, seed: int, classes: int | None) -> None:
    """Write recordings as one pickle in pyskl's 2-D form; arguments and errors are those of `write_json`."""
    split: dict[str, list[str]] = {part: [] for part in PARTS}
    annotations = []
    with _filling(root, "*.pkl"):
        for made in _recordings(COCO17, clips, seed, classes):
            split[made.part].append(made.name)
            annotations.append(_annotation(made))
        _write(root / COCO_FILE, pickle.dumps({"split": split, "annotations": annotations}))


def _recordings(layout: Layout, clips: int, seed: int, classes: int | None) -> Iterator[_Recording]:
    kinds = CLASSES if classes is None else classes
    if not 1 <= kinds <= CLASSES:
        raise DataError(f"Kinetics has 1 to {CLASSES} classes, not {kinds}")
    for number in range(clips):
        turn, label = divmod(number, kinds)
        rng = np.random.default_rng([seed, number])
        persons, frames = int(rng.integers(1, 4)), int(rng.integers(32, 65))
        scene = generate(layout, label, int(rng.integers(40)), int(rng.integers(3)), rng, frames, persons)
        yield _Recording(f"synth{number:06d}", PARTS[turn % 3 == 1], label, _detected(scene, rng))


def _detected(scene: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What a pose estimator sees of (T, M, V, 3) in metres, persons in an order of its own."""
    depth = np.maximum(scene[..., 2:], 0.1)
    image = 0.5 + _FOCAL * scene[..., :2] * (1, -1) / depth / _SIZE
    inside = ((image > 0) & (image < 1)).all(axis=-1)
    seen = inside & (rng.random(inside.shape) > _MISSED_JOINTS)
    seen &= rng.random((*inside.shape[:2], 1)) > _MISSED_FRAMES
    score = rng.uniform(0.3, 0.95, inside.shape)
    people = np.concatenate([image, score[..., None]], axis=-1) * seen[..., None]
    return np.round(people[:, rng.permutation(people.shape[1])], 3)


def _json_frames(people: np.ndarray) -> list[dict[str, Any]]:
    return [
        {
            "frame_index": index,
            "skeleton": [
                {"pose": one[:, :2].reshape(-1).tolist(), "score": one[:, 2].tolist()}
                for one in frame
                if one.any()
            ],
        }
        for index, frame in enumerate(people, start=1)
    ]


def _annotation(made: _Recording) -> dict[str, Any]:
    size = (int(_SIZE[1]), int(_SIZE[0]))
    points = made.people.transpose(1, 0, 2, 3)
    return {
        "frame_dir": made.name,
        "label": made.label,
        "img_shape": size,
        "original_shape": size,
        "total_frames": points.shape[1],
        "keypoint": (points[..., :2] * _SIZE).astype(np.float16),
        "keypoint_score": points[..., 2].astype(np.float16),
    }


@contextmanager
def _filling(root: Path, recordings: str) -> Iterator[None]:
    """Mark the folder as synthetic before anything is written into it."""
    try:
        if any(root.glob(recordings)):
            raise DataError("the folder holds recordings already", where=root, remedy="Give another")
        root.mkdir(parents=True, exist_ok=True)
        _write(root / MARKER, b"Made by skelbench data synth; no real recordings.\n")
        yield
    except OSError as error:
        raise DataError(f"cannot be written: {error.strerror}", where=root) from error


def _write(path: Path, data: bytes) -> None:
    """Write a file in one step, so that none is ever half there."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(data)
    os.replace(partial, path)
