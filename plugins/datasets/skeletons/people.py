"""The JSON of pose estimators: persons, each a list of joints, frame by frame."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.errors import DataError

from .shape import numbers

People = tuple[list[list[np.ndarray]], tuple[str, ...]]
"""For each frame its persons, each (V, values), and what the values are."""
_2D, _3D = ("x", "y", "score"), ("x", "y", "z", "score")
_MOST_FRAMES = 1_000_000


def frames_of(content: Any, path: Path) -> People | None:
    """The persons in a file of OpenPose, Kinetics-Skeleton, AlphaPose, MMPose or MediaPipe.

    Returns:
        None where it is of none of these forms.

    Raises:
        DataError: It is, and something in it is malformed.
    """
    try:
        return _frames_of(content, path)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        what = f"is no complete output of a pose estimator ({type(error).__name__}: {str(error)[:60]})"
        raise DataError(what, where=path, remedy="Make the file again") from error


def _frames_of(content: Any, path: Path) -> People | None:
    if isinstance(content, dict) and isinstance(content.get("people"), list):
        return _openpose(content["people"], path)
    if isinstance(content, dict) and _mappings(content.get("data")) and "skeleton" in content["data"][0]:
        return _kinetics(content["data"], path)
    if isinstance(content, dict) and _mappings(content.get("instance_info")):
        return _mmpose(content["instance_info"], path)
    if _mappings(content) and "keypoints" in content[0]:
        return _alphapose(content, path)
    if isinstance(content, list) and content and all(map(_mappings, content)) and "x" in content[0][0]:
        return _landmarks(content)
    return None


def _mappings(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) for one in value)


def _openpose(people: list[Any], path: Path) -> People:
    """OpenPose: a file a frame, ``people`` of ``pose_keypoints_2d`` (x, y, score) or ``..._3d``."""
    key = next((k for k in ("pose_keypoints_3d", "pose_keypoints_2d") if people and people[0].get(k)), "")
    names = _3D if key.endswith("3d") else _2D
    return [[_joints(one[key], len(names), path) for one in people]], names


def _kinetics(data: list[Any], path: Path) -> People:
    """ST-GCN's form: frames with ``frame_index`` from 1, ``skeleton`` of ``pose`` (x, y) and ``score``."""
    last = max(int(frame["frame_index"]) for frame in data)
    if not 1 <= last <= _MOST_FRAMES:
        raise ValueError(f"frame_index {last}")
    frames: list[list[np.ndarray]] = [[] for _ in range(last)]
    scored = all("score" in one for frame in data for one in frame["skeleton"])
    for frame in data:
        for one in frame["skeleton"]:
            joints = _joints(one["pose"], 2, path)
            if scored:
                joints = np.column_stack([joints, numbers(one["score"], path)])
            frames[int(frame["frame_index"]) - 1].append(joints)
    return frames, _2D if scored else _2D[:2]


def _alphapose(results: list[Any], path: Path) -> People:
    """AlphaPose and COCO results: ``image_id`` and ``keypoints`` (x, y, score) of each person found."""
    images = sorted({str(one["image_id"]) for one in results}, key=lambda name: (len(name), name))
    frames: list[list[np.ndarray]] = [[] for _ in images]
    for one in results:
        frames[images.index(str(one["image_id"]))].append(_joints(one["keypoints"], 3, path))
    return frames, _2D


def _mmpose(infos: list[Any], path: Path) -> People:
    """MMPose: ``instances`` of ``keypoints`` and ``keypoint_scores`` for each ``frame_id``."""
    frames, axes = [], 2
    for frame in sorted(infos, key=lambda one: int(one.get("frame_id", 0))):
        people = []
        for one in frame["instances"]:
            joints = numbers(one["keypoints"], path)
            axes = joints.shape[1]
            people.append(np.column_stack([joints, numbers(one["keypoint_scores"], path)]))
        frames.append(people)
    return frames, _3D if axes == 3 else _2D


def _landmarks(content: list[Any]) -> People:
    """MediaPipe's landmarks dumped as they are: frames of ``{x, y, z, visibility}``."""
    names = [name for name in ("x", "y", "z", "visibility") if name in content[0][0]]
    frames = [[np.array([[float(joint[name]) for name in names] for joint in frame])] for frame in content]
    return frames, tuple("score" if name == "visibility" else name for name in names)


def _joints(flat: Any, values: int, path: Path) -> np.ndarray:
    joints = numbers(flat, path)
    return joints if joints.ndim == 2 else joints.reshape(-1, values)
