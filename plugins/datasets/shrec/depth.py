"""SHREC'17 Track as depth videos of 16 frames in one npz file; see `shrec` for the data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from skelbench.data.video.synthetic import moving_shape
from skelbench.errors import DataError

from ..clips.reader import ClipsReader
from ..common.video_synthetic import spread, write_arrays, write_marker
from .reader import ShrecReader
from .text import FINGERS, GESTURES, Hand, label_of

FRAMES, SIDE = 16, 50
_NUMBERS = ("gesture", "finger", "subject", "essai")
_PERFORMERS = 28


class ShrecDepthReader(ClipsReader):
    """Reads ``x`` (N, 16, 50, 50) uint8, the numbers of each recording, both labels from 1, and ``train``.

    Args:
        classes: 14 gestures, or 28 of gesture and fingers.
    """

    def __init__(self, classes: int) -> None:
        super().__init__(
            classes=classes,
            labels=f"label{classes}",
            first_label=1,
            split="train",
            subjects="subject",
            frame_size=(SIDE, SIDE),
        )
        self.class_names = ShrecReader(classes).class_names

    def columns(self) -> Sequence[str]:
        """The numbers of a recording."""
        return _NUMBERS

    def ids(self, columns: Mapping[str, np.ndarray], count: int) -> list[str]:
        """``g1_f1_s2_e1``: gesture, finger, subject, essai."""
        numbers = zip(*(columns[name].tolist() for name in _NUMBERS), strict=True)
        return ["g{}_f{}_s{}_e{}".format(*own) for own in numbers]

    def pixels(self, x: np.ndarray, path: Path) -> np.ndarray:
        """See `ClipsReader.pixels`; every video has 16 frames of 50 x 50."""
        x = super().pixels(x, path)
        if x.shape[1:4] != (FRAMES, SIDE, SIDE):
            what = f"'x' has videos of {x.shape[1:4]}, not {(FRAMES, SIDE, SIDE)}"
            raise DataError(what, where=path, remedy="Use data set 'clips' for other sizes")
        return x

    def expected(self, protocol: str) -> tuple[int, int] | None:
        """Recordings in (train, test) of the complete set: 1,960 and 840."""
        return (1960, 840) if protocol == "official" else None

    def synthesise(self, root: Path, *, clips: int, seed: int, classes: int | None = None) -> None:
        """Write made-up depth videos to ``depth16.npz``; one performer in three is for test.

        Raises:
            DataError: The classes do not exist, or writing fails.
        """
        hands, x = [], []
        for number, label, turn in spread(clips, self.params.classes, classes):
            of_both = self.params.classes > GESTURES
            gesture, finger = divmod(label, FINGERS) if of_both else (label, turn // 3 % FINGERS)
            subject, essai = (turn + label) % _PERFORMERS, turn // _PERFORMERS
            hands.append(Hand(gesture + 1, finger + 1, subject + 1, essai + 1))
            rng = np.random.default_rng([seed, number])
            x.append(moving_shape(label, rng, FRAMES, (SIDE, SIDE), channels=1)[..., 0])
        labels = {
            f"label{which}": np.array([label_of(h.gesture, h.finger, which) + 1 for h in hands])
            for which in (GESTURES, GESTURES * FINGERS)
        }
        numbers = {name: np.array([getattr(hand, name) for hand in hands]) for name in _NUMBERS}
        train = numbers["subject"] % 3 != 2
        write_marker(root)
        write_arrays(root / "depth16.npz", x=np.stack(x), train=train, **numbers, **labels)


def depth14() -> ShrecDepthReader:
    """The reader of ``shrec17-depth-14``."""
    return ShrecDepthReader(14)


def depth28() -> ShrecDepthReader:
    """The reader of ``shrec17-depth-28``."""
    return ShrecDepthReader(28)
