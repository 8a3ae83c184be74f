"""Which recordings are trained on: lists, performers, folds, or a share."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from skelbench.data import Clips
from skelbench.errors import DataError, did_you_mean

from .params import OFFICIAL, SplitParams

TRAIN, TEST, UNKNOWN = 1, 0, -1
"""What the set-up of a recording says of the part that its own file or list puts it in."""


def subject_number(name: int | str) -> int:
    """A performer as a number, the same wherever the name stands."""
    text = str(name)
    if text.isdecimal() and len(text) < 10:
        return int(text)
    return zlib.crc32(text.encode()) & 0x7FFFFFFF | 0x40000000  # beyond the numbers that people give


def is_train(clips: Clips, protocol: str, split: SplitParams) -> np.ndarray:
    """Which recordings a protocol trains on, (n,) bool; each by itself, whichever others are there.

    Raises:
        DataError: There is no such protocol, or what it needs is not known of the recordings.
    """
    if protocol not in split.protocols():
        what = f"data set 'skeletons' has no protocol '{protocol}'"
        raise DataError(what, remedy=did_you_mean(protocol, split.protocols()))
    kind, _, which = protocol.partition("-")
    if kind == OFFICIAL:
        _known(
            clips, clips.setups, "nothing says which recordings are for test", "Set 'split' of the data set"
        )
        return clips.setups == TRAIN
    if kind == "subjects":
        _known_subjects(clips)
        trained = np.isin(clips.subjects, [subject_number(one) for one in split.subjects])
        if not trained.any():
            what = "no recording is of a performer that 'subjects' names"
            raise DataError(what, where="data.dataset.split", remedy="Name some as the files do")
        return trained
    if kind == "loso":
        _known_subjects(clips)
        return clips.subjects != subject_number(which)
    draws = np.array([draw(name) for name in clips.ids.tolist()])
    if kind == "share":
        return draws < (split.share or 0)
    folds = split.folds or 2
    own = np.where(clips.subjects >= 0, clips.subjects % folds, (draws * folds).astype(int))
    return own != int(which) - 1


def draw(name: str) -> float:
    """A number from 0 to 1 that depends on the id alone."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big") / 2**48


def _known_subjects(clips: Clips) -> None:
    remedy = "Name {subject} in 'files', or the array of performers in 'who'"
    _known(clips, clips.subjects, "the performers are not known", remedy)


def _known(clips: Clips, values: np.ndarray, what: str, remedy: str) -> None:
    unknown = values < 0
    if unknown.any():
        many = f"{what} ('{clips.ids[unknown.argmax()]}' and {int(unknown.sum()) - 1} more)"
        raise DataError(many, where="data.dataset.split", remedy=remedy)


# --- lists ---------------------------------------------------------------------------------------


def read_lists(root: Path, split: SplitParams) -> dict[str, int]:
    """What the lists of a split name, each with its part.

    Raises:
        DataError: A list is missing or empty, or names something in both parts.
    """
    found: dict[str, int] = {}
    for name, part in ((split.train, TRAIN), (split.test, TEST)):
        if name is None:
            continue
        path = (root if root.is_dir() else root.parent) / name
        try:
            lines = path.read_text(encoding="utf-8-sig").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            remedy = "Put the list there, a recording a line, or correct 'split'"
            raise DataError("the list cannot be read", where=path, remedy=remedy) from error
        listed = [line.strip().replace("\\", "/") for line in lines if line.strip()]
        if not listed:
            raise DataError("the list is empty", where=path, remedy="Name a recording a line")
        for one in listed:
            if found.setdefault(one, part) != part:
                raise DataError(f"'{one}' is in both lists", where=path, remedy="Take it out of one")
    return found


def listed_part(names: Sequence[str], lists: Mapping[str, int], split: SplitParams) -> int | None:
    """The part of a recording by any of its names; None where it is in no list and both are given."""
    for name in names:
        if name in lists:
            return lists[name]
    return TEST if split.test is None else None
