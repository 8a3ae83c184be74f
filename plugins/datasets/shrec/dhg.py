"""DHG-14/28, the dynamic hand gesture data set, in its owners' folders.

De Smedt, Wannous, Vandeborre: Skeleton-based dynamic hand gesture recognition, CVPR Workshops 2016.
14 gestures, each done five times with one finger and five times with the whole hand by 20 performers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skelbench.data import Clip, Clips
from skelbench.errors import DataError, did_you_mean

from .. import DHG_PROTOCOLS
from .synthetic import write_dhg
from .text import GESTURES, Hand, class_names, label_of, read_frames, read_list, recordings

SKELETONS = "skeleton_world.txt"
LIST = "informations_troncage_sequences.txt"
# Publications give the gestures in different orders, so only their numbers are certain.
_GESTURES = tuple(f"gesture {number}" for number in range(1, GESTURES + 1))
_WIDTH = 6  # gesture, finger, subject, essai, first and last frame of the gesture
_EACH = 140  # recordings of one performer: 14 gestures, 2 fingers, 5 trials


@dataclass(frozen=True)
class DhgFile:
    """A recording.

    Attributes:
        path: Its skeleton file.
        hand: Its numbers.
        first: The 0-based frame in which the gesture begins.
        last: The frame in which it ends, still part of it.
    """

    path: Path
    hand: Hand
    first: int
    last: int


class DhgReader:
    """Reads ``gesture_G/finger_F/subject_S/essai_E/skeleton_world.txt``, cut to the gesture.

    The owners' list ``informations_troncage_sequences.txt`` tells in which frames the gesture is, and
    published results are on these frames. They are counted from 0 here, both ends included, and a last
    frame beyond the end of the recording means its end.

    Args:
        classes: 14 gestures, or 28 of gesture and fingers.
    """

    patterns = ("*.txt", "!*_gestures.txt", "!informations_*.txt")

    def __init__(self, classes: int) -> None:
        self._classes = classes
        self.class_names: tuple[str, ...] = class_names(classes, _GESTURES)

    def sources(self, root: Path) -> Sequence[DhgFile]:
        """The recordings under ``root``, sorted by their numbers.

        Recordings that are in the list and have no file are not there; ``skelbench data check`` counts
        them.

        Raises:
            DataError: There is no recording, the list is missing or damaged, or a recording is not in it.
        """
        if not any(root.glob("gesture_*")):
            raise DataError(
                "no DHG-14/28 recording here",
                where=root,
                remedy=f"Give the folder that holds gesture_1/ to gesture_14/ and {LIST}",
            )
        listed = read_list(root / LIST, _WIDTH)
        found = recordings(root, SKELETONS, listed, LIST)
        if not found:
            raise DataError(
                f"no {SKELETONS} in the folders", where=root, remedy="Check that the download is complete"
            )
        return [DhgFile(path, hand, *listed[hand]) for hand, path in found.items()]

    def read(self, source: DhgFile) -> Sequence[Clip]:
        """The gesture in a file.

        Raises:
            DataError: The file is truncated or malformed, or the list cuts all of it away.
        """
        frames, hand = read_frames(source.path), source.hand
        kept = frames[source.first : source.last + 1]
        if not len(kept):
            raise DataError(
                f"the gesture is in frames {source.first} to {source.last} of {len(frames)}",
                where=source.path,
                remedy=f"Give recordings and the {LIST} of one release",
            )
        label = label_of(hand.gesture, hand.finger, self._classes)
        return [Clip(str(hand), label, kept, hand.subject)]

    def frames(self, path: Path) -> np.ndarray:
        """The whole of a text file of any name with 66 numbers a line, (T, 1, 22, 3).

        Raises:
            DataError: It is truncated or malformed.
        """
        return read_frames(path)

    def is_train(self, clips: Clips, protocol: str) -> np.ndarray:
        """``loso-K``: the recordings of all performers but performer K, (n,) bool.

        Raises:
            DataError: There is no such protocol.
        """
        if protocol not in DHG_PROTOCOLS:
            remedy = did_you_mean(protocol, DHG_PROTOCOLS)
            raise DataError(f"DHG-14/28 has no protocol '{protocol}'", remedy=remedy)
        return clips.subjects != DHG_PROTOCOLS.index(protocol) + 1

    def expected(self, protocol: str) -> tuple[int, int] | None:
        """Recordings in (train, test) of the complete set: 2,660 and 140 for each performer."""
        return (_EACH * (len(DHG_PROTOCOLS) - 1), _EACH) if protocol in DHG_PROTOCOLS else None

    def synthesise(self, root: Path, *, clips: int, seed: int, classes: int | None = None) -> None:
        """Write made-up recordings and their list; see `shrec_synthetic.write_dhg`."""
        write_dhg(root, of=self._classes, clips=clips, seed=seed, classes=classes)


def dhg14() -> DhgReader:
    """The reader of ``dhg-14``."""
    return DhgReader(14)


def dhg28() -> DhgReader:
    """The reader of ``dhg-28``."""
    return DhgReader(28)
