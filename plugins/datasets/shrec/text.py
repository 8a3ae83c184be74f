"""The text files that SHREC'17 Track and DHG-14/28 share: folders, lists and hand skeletons.

Both keep one recording in ``gesture_G/finger_F/subject_S/essai_E``; its skeleton file has one frame a
line, x y z in metres of 22 joints. A list beside the folders has a line of whole numbers per recording,
of which the first four are gesture, finger, subject and essai (French for trial), all counted from 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skelbench.errors import DataError

GESTURES = 14
FINGERS = 2
JOINTS = 22
_NUMBERS = 3 * JOINTS
_FOLDERS = re.compile(r"gesture_([1-9]\d*)/finger_([1-9]\d*)/subject_([1-9]\d*)/essai_([1-9]\d*)")


@dataclass(frozen=True, order=True)
class Hand:
    """Which recording: its four numbers, counted from 1.

    Attributes:
        gesture: 1 to 14.
        finger: 1 done with one finger, 2 with the whole hand.
        subject: The performer.
        essai: The trial.
    """

    gesture: int
    finger: int
    subject: int
    essai: int

    def __str__(self) -> str:
        return f"g{self.gesture:02d}_f{self.finger}_s{self.subject:02d}_e{self.essai:02d}"

    @property
    def folder(self) -> str:
        """Its folder below the root."""
        return f"gesture_{self.gesture}/finger_{self.finger}/subject_{self.subject}/essai_{self.essai}"


def label_of(gesture: int, finger: int, classes: int) -> int:
    """The 0-based class of a gesture: itself of 14, its variant by fingers of 28."""
    return gesture - 1 if classes == GESTURES else FINGERS * (gesture - 1) + finger - 1


def class_names(classes: int, gestures: Sequence[str]) -> tuple[str, ...]:
    """One name per class: the 14 gestures, or the 28 of gesture and fingers in the order of `label_of`."""
    if classes == GESTURES:
        return tuple(gestures)
    return tuple(f"{name}, {fingers}" for name in gestures for fingers in ("one finger", "whole hand"))


def read_list(path: Path, width: int) -> dict[Hand, tuple[int, ...]]:
    """A list of recordings: what stands after the four numbers of each.

    Args:
        path: The list.
        width: Whole numbers in a line.

    Raises:
        DataError: It cannot be read, a line has other contents, or a recording stands there twice.
    """
    found: dict[Hand, tuple[int, ...]] = {}
    for number, line in enumerate(_text(path).splitlines(), start=1):
        values = line.split()
        if not values:
            continue
        where = f"{path}:{number}"
        if len(values) != width or not all(value.isdigit() and len(value) < 9 for value in values):
            raise _damaged_list(where, f"{width} whole numbers should be here, not '{line[:60]}'")
        whole = tuple(map(int, values))
        hand = Hand(*whole[:4])
        if not (1 <= hand.gesture <= GESTURES and 1 <= hand.finger <= FINGERS):
            raise _damaged_list(where, f"there is no gesture {hand.gesture} with finger {hand.finger}")
        if hand in found:
            raise _damaged_list(where, f"recording {hand} stands here a second time")
        found[hand] = whole[4:]
    return found


def recordings(root: Path, file: str, listed: Mapping[Hand, object], lists: str) -> dict[Hand, Path]:
    """The skeleton files under ``root``, sorted; a listed recording may be absent.

    Args:
        root: The folder that holds ``gesture_1`` and the others.
        file: Name of the skeleton files.
        listed: The recordings in the lists.
        lists: Name of the lists, for errors.

    Raises:
        DataError: A recording is not in the lists.
    """
    found = {}
    for path in root.glob(f"gesture_*/finger_*/subject_*/essai_*/{file}"):
        numbers = _FOLDERS.fullmatch(path.parent.relative_to(root).as_posix())
        if numbers is None:
            continue
        hand = Hand(*map(int, numbers.groups()))
        if hand not in listed:
            raise DataError(
                "the recording has no entry in the list of recordings",
                where=path,
                remedy=f"Remove it, or give the {lists} that lists it",
            )
        found[hand] = path
    return dict(sorted(found.items()))


def read_frames(path: Path) -> np.ndarray:
    """The joints of a recording, (T, 1, 22, 3) float32.

    Raises:
        DataError: The file cannot be read, is empty, or has a line that is not 66 finite numbers.
    """
    lines = [line.split() for line in _text(path).splitlines() if line.strip()]
    if not lines:
        raise _damaged(path, "the file is empty")
    for frame, values in enumerate(lines, start=1):
        if len(values) != _NUMBERS:
            raise _damaged(path, f"frame {frame} has {len(values)} numbers, not {_NUMBERS}")
    try:
        with np.errstate(over="ignore"):
            frames = np.array(lines, dtype=np.float64).astype(np.float32)
    except ValueError as error:
        raise _damaged(path, str(error)) from error
    if not np.isfinite(frames).all():
        wrong = int(np.flatnonzero(~np.isfinite(frames).all(axis=1))[0])
        raise _damaged(path, f"frame {wrong + 1} has a coordinate that is no finite number")
    return frames.reshape(-1, 1, JOINTS, 3)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("ascii", errors="replace")
    except OSError as error:
        raise DataError(
            f"cannot be read: {error.strerror}",
            where=path,
            remedy="Fetch the file from the data set's owners",
        ) from error


def _damaged(path: Path, why: str) -> DataError:
    return DataError(
        f"truncated or malformed hand skeletons ({why})",
        where=path,
        remedy="Fetch the file again from the data set's owners",
    )


def _damaged_list(where: str, why: str) -> DataError:
    return DataError(why, where=where, remedy="Fetch the list again from the data set's owners")
