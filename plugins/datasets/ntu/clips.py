"""What the prepared forms of NTU RGB+D share: from one named array of coordinates to a clip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.data import Clip
from skelbench.errors import DataError

from .names import PERSONS, Edition, NtuName
from .text import most_moving


def named_clips(edition: Edition, text: str, label: Any, frames: np.ndarray, where: Path) -> Iterator[Clip]:
    """The clip of a named recording; none where the data set does not use it, or it is empty.

    Args:
        edition: The data set.
        text: The recording's name.
        label: Its class in the file, which must be the name's.
        frames: (T, M, V, 3); trailing frames of zeros are cut off.
        where: The file, for errors.

    Raises:
        DataError: The name, the label or a coordinate is wrong.
    """
    name = NtuName.parse(text, where)
    if not whole(label) or label != name.action - 1:
        shown = label if whole(label) else f"of type {type(label).__name__}"
        raise DataError(f"'{text}' has label {shown}, its name says {name.action - 1}", where=where)
    if not edition.uses(name):
        return
    kept = trimmed(frames, where)
    if len(kept):
        kept = kept if kept.shape[1] == PERSONS else most_moving(kept, PERSONS)
        yield Clip(str(name), name.action - 1, kept, name.subject, name.camera, name.setup)


def whole(value: Any) -> bool:
    """Whether a value is a whole number, of Python's or of NumPy's kind."""
    return isinstance(value, int | np.integer)


def trimmed(frames: np.ndarray, where: Path) -> np.ndarray:
    """(T, M, V, 3) as float32 without the trailing frames of zeros.

    Raises:
        DataError: A coordinate is not finite.
    """
    used = np.flatnonzero((frames != 0).any(axis=(1, 2, 3)))
    kept = np.ascontiguousarray(frames[: used[-1] + 1 if len(used) else 0], dtype=np.float32)
    if not np.isfinite(kept).all():
        raise DataError("a coordinate is no finite number", where=where, remedy="Make the file anew")
    return kept


def damaged(path: Path, error: Exception) -> DataError:
    """The error of a file that cannot be taken apart."""
    return DataError(f"is damaged or incomplete ({error})", where=path, remedy="Fetch or make the file anew")
