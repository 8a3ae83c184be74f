"""Kinetics-Skeleton in its owners' JSON form: one file per clip, a label file per part.

Yan, Xiong, Lin: Spatial temporal graph convolutional networks for skeleton-based action recognition,
AAAI 2018. OpenPose's 18 key points on clips of Kinetics-400 at 340 x 256 pixels and 30 frames a second.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.data import Clip, Clips
from skelbench.errors import DataError

from .labels import Label, class_names, read_labels
from .poses import MOST_FRAMES, NUMBERED, PARTS, best_persons, is_train, sample_id
from .synthetic import write_json

_JOINTS = 18
# The owners' code looks at the first five persons that OpenPose lists in a frame.
_LOOKED_AT = 5


@dataclass(frozen=True)
class KineticsFile:
    """A recording and what the label file says about it.

    Attributes:
        path: Its JSON file.
        part: ``train`` or ``val``.
        label: Its 0-based class.
    """

    path: Path
    part: str
    label: int


class KineticsReader:
    """Reads ``kinetics_{train,val}/ID.json``; joints are (x, y, score), x and y in 0..1, y down.

    Frames are counted from the file's ``frame_index`` 1. The owners' code puts that frame into row 1
    of a 0-based array, so that theirs begin with an empty one.

    Attributes:
        class_names: One name per class; numbered until `sources` has read the label files.
        dropped: What the last `sources` left out: files whose ``has_skeleton`` is false.
        patterns: The owners' files but for their label files.
    """

    patterns = ("*.json", "!*_label.json")

    def __init__(self) -> None:
        self.class_names: tuple[str, ...] = NUMBERED
        self.dropped: tuple[str, ...] = ()

    def sources(self, root: Path) -> Sequence[KineticsFile]:
        """The recordings with skeletons in the part folders under ``root``, sorted by part and name.

        Recordings that have a label and no file are not there; ``skelbench data check`` counts them.

        Raises:
            DataError: There is no part folder or no recording, a label file is missing or damaged, or
                a recording has no label.
        """
        folders = {part: root / f"kinetics_{part}" for part in PARTS if (root / f"kinetics_{part}").is_dir()}
        if not folders:
            raise DataError(
                "no Kinetics-Skeleton recording here",
                where=root,
                remedy="Give the folder that holds kinetics_train/, kinetics_val/ and their label files",
            )
        labels = {part: read_labels(root / f"kinetics_{part}_label.json") for part in folders}
        names = class_names((label for found in labels.values() for label in found.values()), root)
        listed = [_labelled(folder, labels[part]) for part, folder in folders.items()]
        found = [
            KineticsFile(path, part, label.index)
            for part, files in zip(folders, listed, strict=True)
            for path, label in files
            if label.has_skeleton
        ]
        if not found:
            raise DataError(
                "no recording with a skeleton", where=root, remedy="Check that the download is complete"
            )
        empty = sum(map(len, listed)) - len(found)
        told = f"{empty} recordings are left out, in which the owners found no skeleton (has_skeleton)"
        self.class_names, self.dropped = names, (told,) if empty else ()
        return found

    def read(self, source: KineticsFile) -> Sequence[Clip]:
        """The one recording of a file, two persons a frame; frames that show nobody are zero.

        Raises:
            DataError: The file is truncated or malformed, or its class is not that of the label file.
        """
        content = _content(source.path)
        frames = _frames(content, source.path)
        if content.get("label_index") != source.label:
            raise DataError(
                f"label_index is {content.get('label_index')} and the label file says {source.label}",
                where=source.path,
                remedy="Give recordings and label files of one release",
            )
        return [Clip(sample_id(source.part, source.path.stem), source.label, frames)]

    def frames(self, path: Path) -> np.ndarray:
        """Two persons a frame of a file of any name, (T, 2, 18, 3).

        Raises:
            DataError: The file is truncated or malformed.
        """
        return _frames(_content(path), path)

    def is_train(self, clips: Clips, protocol: str) -> np.ndarray:
        """``val``: the recordings of ``kinetics_train``, (n,) bool; see `kinetics_poses.is_train`."""
        return is_train(clips, protocol)

    def expected(self, protocol: str) -> tuple[int, int] | None:
        """(train, test) recordings with skeletons in the complete release: 240,436 and 19,796."""
        return (240_436, 19_796) if protocol == "val" else None

    def synthesise(self, root: Path, *, clips: int, seed: int, classes: int | None = None) -> None:
        """Write made-up recordings and their label files; see `kinetics_synthetic.write_json`."""
        write_json(root, clips=clips, seed=seed, classes=classes)


def _labelled(folder: Path, labels: dict[str, Label]) -> list[tuple[Path, Label]]:
    """The recordings of a folder with their labels, sorted by name."""
    names = sorted(name[:-5] for name in os.listdir(folder) if name.endswith(".json"))
    for name in names:
        if name not in labels:
            raise DataError(
                "the recording has no label",
                where=folder / f"{name}.json",
                remedy=f"Remove it, or give the {folder.name}_label.json that lists it",
            )
    return [(folder / f"{name}.json", labels[name]) for name in names]


def _content(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=path) from error
    except (ValueError, RecursionError) as error:
        raise _malformed(path, str(error)) from error
    if not isinstance(content, dict):
        raise _malformed(path, "no JSON object")
    return content


def _frames(content: dict[str, Any], path: Path) -> np.ndarray:
    """The two best persons of every frame, (T, 2, 18, 3) float32."""
    try:
        seen = {frame["frame_index"]: frame["skeleton"][:_LOOKED_AT] for frame in content["data"]}
        people = [(index, one["pose"], one["score"]) for index, listed in seen.items() for one in listed]
        poses = _numbers([pose for _, pose, _ in people], 2 * _JOINTS)
        scores = _numbers([score for _, _, score in people], _JOINTS)
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise _malformed(path, f"{type(error).__name__}: {error}") from error
    if len(seen) != len(content["data"]):
        raise _malformed(path, "a frame_index occurs twice")
    if not all(type(index) is int and 0 < index <= MOST_FRAMES for index in seen):
        raise _malformed(path, f"a frame_index is not a whole number from 1 to {MOST_FRAMES}")
    rows = np.array([index - 1 for index, _, _ in people], dtype=np.int64)
    joints = np.concatenate([poses.reshape(-1, _JOINTS, 2), scores[..., None]], axis=-1)
    return best_persons(rows, joints, max(seen, default=1))


def _numbers(values: list[Any], width: int) -> np.ndarray:
    """The values as (N, width) float32.

    Raises:
        ValueError: There are more or fewer in a row, or one is not finite.
    """
    with np.errstate(over="ignore"):
        found = np.asarray(values, dtype=np.float64).astype(np.float32)
    if values and found.shape != (len(values), width):
        raise ValueError(f"a pose or score has not {width} numbers")
    if not np.isfinite(found).all():
        raise ValueError("a number is not finite")
    return found.reshape(-1, width)


def _malformed(path: Path, why: str) -> DataError:
    return DataError(
        f"truncated or malformed Kinetics-Skeleton recording ({why})",
        where=path,
        remedy="Fetch the file again from the data set's owners",
    )
