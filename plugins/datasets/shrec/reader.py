"""SHREC'17 Track: 3D hand gesture recognition, in its owners' folders and lists.

De Smedt, Wannous, Vandeborre, Guerry, Le Saux, Filliat: SHREC'17 Track: 3D hand gesture recognition
using a depth and skeletal dataset, 3DOR 2017. 14 gestures, each done with one finger and with the whole
hand, by 28 performers; 1,960 recordings for training and 840 of other performers for test.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skelbench.data import Clip, Clips
from skelbench.errors import DataError, did_you_mean

from .synthetic import write_shrec
from .text import GESTURES, Hand, class_names, label_of, read_frames, read_list, recordings

SKELETONS = "skeletons_world.txt"
PARTS = ("train", "test")
_GESTURES = (
    *("grab", "tap", "expand", "pinch", "rotation clockwise", "rotation counter-clockwise"),
    *("swipe right", "swipe left", "swipe up", "swipe down", "swipe X", "swipe +", "swipe V", "shake"),
)
_WIDTH = 7  # gesture, finger, subject, essai, label of 14, label of 28, frames
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """What the lists say about a recording.

    Attributes:
        part: ``train`` or ``test``.
        label14: Its 0-based class of 14.
        label28: Its 0-based class of 28.
        frames: How many frames it has.
    """

    part: str
    label14: int
    label28: int
    frames: int


@dataclass(frozen=True)
class ShrecFile:
    """A recording: its skeleton file, its numbers, and its entry in the lists."""

    path: Path
    hand: Hand
    entry: Entry


class ShrecReader:
    """Reads ``gesture_G/finger_F/subject_S/essai_E/skeletons_world.txt`` by the official lists.

    Args:
        classes: 14 gestures, or 28 of gesture and fingers.
    """

    patterns = ("*.txt", "!*_gestures.txt", "!informations_*.txt")

    def __init__(self, classes: int) -> None:
        self._classes = classes
        self.class_names: tuple[str, ...] = class_names(classes, _GESTURES)

    def sources(self, root: Path) -> Sequence[ShrecFile]:
        """The recordings under ``root`` that the lists name, sorted by their numbers.

        Recordings that are in a list and have no file are not there; ``skelbench data check`` counts them.

        Raises:
            DataError: There is no recording, a list is missing or damaged, or a recording is in none.
        """
        if not any(root.glob("gesture_*")):
            raise DataError(
                "no SHREC'17 recording here",
                where=root,
                remedy="Give the folder that holds gesture_1/ to gesture_14/ and train_gestures.txt",
            )
        entries = read_entries(root)
        found = recordings(root, SKELETONS, entries, "train_gestures.txt or test_gestures.txt")
        if not found:
            raise DataError(
                f"no {SKELETONS} in the folders", where=root, remedy="Check that the download is complete"
            )
        return [ShrecFile(path, hand, entries[hand]) for hand, path in found.items()]

    def read(self, source: ShrecFile) -> Sequence[Clip]:
        """The one recording of a file; a length other than the list's is logged as a warning.

        Raises:
            DataError: The file is truncated or malformed.
        """
        frames, entry = read_frames(source.path), source.entry
        if len(frames) != entry.frames:
            _log.warning("%s: %d frames, and the list says %d", source.path, len(frames), entry.frames)
        label = entry.label14 if self._classes == GESTURES else entry.label28
        return [Clip(f"{entry.part}/{source.hand}", label, frames, source.hand.subject)]

    def frames(self, path: Path) -> np.ndarray:
        """The whole of a text file of any name with 66 numbers a line, (T, 1, 22, 3).

        Raises:
            DataError: It is truncated or malformed.
        """
        return read_frames(path)

    def is_train(self, clips: Clips, protocol: str) -> np.ndarray:
        """``official``: the recordings of ``train_gestures.txt``, (n,) bool.

        Raises:
            DataError: There is no such protocol.
        """
        if protocol != "official":
            raise DataError(
                f"SHREC'17 has no protocol '{protocol}'", remedy=did_you_mean(protocol, ["official"])
            )
        return np.char.startswith(clips.ids, "train/")

    def expected(self, protocol: str) -> tuple[int, int] | None:
        """Recordings in (train, test) of the complete set: 1,960 and 840."""
        return (1960, 840) if protocol == "official" else None

    def synthesise(self, root: Path, *, clips: int, seed: int, classes: int | None = None) -> None:
        """Write made-up recordings and both lists; see `shrec_synthetic.write_shrec`."""
        write_shrec(root, of=self._classes, clips=clips, seed=seed, classes=classes)


def read_entries(root: Path) -> dict[Hand, Entry]:
    """Both official lists, ``train_gestures.txt`` and ``test_gestures.txt``.

    Raises:
        DataError: One is missing or damaged, its two labels contradict each other, or both name a recording.
    """
    entries: dict[Hand, Entry] = {}
    for part in PARTS:
        path = root / f"{part}_gestures.txt"
        for hand, (label14, label28, frames) in read_list(path, _WIDTH).items():
            why = _contradiction(hand, label14, label28, hand in entries)
            if why:
                raise DataError(
                    f"recording {hand}: {why}", where=path, remedy="Give the owners' lists of one release"
                )
            entries[hand] = Entry(part, label14 - 1, label28 - 1, frames)
    return entries


def _contradiction(hand: Hand, label14: int, label28: int, twice: bool) -> str:
    """What is wrong with an entry, or nothing."""
    if twice:
        return "both lists name it"
    if not 1 <= label14 <= GESTURES:
        return f"there is no label {label14} of 14"
    if label28 != label_of(label14, hand.finger, 28) + 1:
        return f"label {label28} of 28 is not label {label14} of 14 with finger {hand.finger}"
    return ""


def shrec14() -> ShrecReader:
    """The reader of ``shrec17-14``."""
    return ShrecReader(14)


def shrec28() -> ShrecReader:
    """The reader of ``shrec17-28``."""
    return ShrecReader(28)
