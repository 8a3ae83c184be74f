"""Made-up videos in files, for the data sets of videos."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.data.video.synthetic import FRAMES, moving_shape
from skelbench.data.video.write import write_video
from skelbench.errors import DataError

MARKER = "SYNTHETIC"
_RATE = 25


def spread(clips: int, of: int, classes: int | None) -> Iterator[tuple[int, int, int]]:
    """(number, class, number within the class) of recordings spread evenly over the first classes.

    Raises:
        DataError: The classes do not exist.
    """
    kinds = of if classes is None else classes
    if not 1 <= kinds <= of:
        raise DataError(f"there are 1 to {of} classes, not {kinds}")
    return ((number, number % kinds, number // kinds) for number in range(clips))


def write_moving_shape(path: Path, label: int, seed: int, number: int) -> None:
    """Write the video ``number``, one of a class, and its folder."""
    rng = np.random.default_rng([seed, number])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_video(path, moving_shape(label, rng, int(rng.integers(FRAMES[0], FRAMES[1] + 1))), _RATE)


def write_text(path: Path, text: str) -> None:
    """Write a file in one step, so that none is ever half there.

    Raises:
        DataError: It cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
    except OSError as error:
        raise DataError(f"cannot be written: {error.strerror}", where=path) from error


def write_marker(root: Path) -> None:
    """Say that what is in the folder is made up."""
    write_text(root / MARKER, "Made by skelbench data synth; no real recordings.\n")


def write_arrays(path: Path, **arrays: Any) -> None:
    """Write an npz file in one step.

    Raises:
        DataError: It cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as file:
            np.savez_compressed(file, **arrays)
        os.replace(partial, path)
    except OSError as error:
        raise DataError(f"cannot be written: {error.strerror}", where=path) from error
