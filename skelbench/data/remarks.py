"""What is odd about recordings and no error, in lines for people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skelbench.data.dataset import Clips, Recordings
from skelbench.errors import DataError


def motionless(clips: Clips) -> tuple[np.ndarray, np.ndarray]:
    """Recordings that show nothing: those all of zeros, and those with several frames that are all the same.

    Returns:
        Two arrays (n,) bool; no recording is in both.
    """
    empty, still = np.zeros(len(clips), dtype=bool), np.zeros(len(clips), dtype=bool)
    for number in range(len(clips)):
        frames = clips.clip(number).frames
        still[number] = len(frames) > 1 and bool(
            (frames[0] == frames[-1]).all() and (frames == frames[:1]).all()
        )
        empty[number] = (still[number] or len(frames) == 1) and not frames[0].any()
    return empty, still & ~empty


def remarks(clips: Recordings, train: np.ndarray) -> list[str]:
    """What is odd about recordings and no error: one line each, for people.

    Args:
        clips: The recordings.
        train: Which of them are trained on, (n,) bool.

    Raises:
        DataError: No recording of skeletons shows anything.
    """
    found: list[str] = []
    if not isinstance(clips, Clips):
        return class_remarks(clips.labels, clips.class_names, train)
    found += clips.left_out
    for what, members in zip(("all zero", "the same in all frames"), motionless(clips), strict=True):
        if len(members) and members.all():
            raise DataError(f"every recording is {what}", remedy="Check which columns or arrays are read")
        if count := int(members.sum()):
            share = 100 * count / len(clips)
            first = clips.ids[members.argmax()]
            found.append(
                f"{count} of {len(clips)} recordings ({share:.1f} %) are {what}, '{first}' the first"
            )
    return [*found, *class_remarks(clips.labels, clips.class_names, train)]


def class_remarks(labels: np.ndarray, names: Sequence[str], train: np.ndarray) -> list[str]:
    """Classes that only one of the two parts has, and those without a recording."""
    found = []
    trained, tested = (np.isin(np.arange(len(names)), labels[part]) for part in (train, ~train))
    for members, what in (
        (tested & ~trained, "are tested and never trained"),
        (trained & ~tested, "are trained and never tested"),
        (~trained & ~tested, "have no recording"),
    ):
        if count := int(members.sum()):
            first = names[int(members.argmax())]
            found.append(f"{count} of {len(names)} classes {what}, '{first}' the first")
    return found
