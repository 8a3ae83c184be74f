"""Small data sets made for the tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.components import Dataset, Layout
from skelbench.data import Clip, Clips
from skelbench.errors import DataError

CHAIN = Layout(
    name="chain",
    joints=("hip", "spine", "left", "right", "hand"),
    inward=((0, 1), (2, 1), (3, 1), (4, 3)),
    root=1,
    torso=(0, 1, 2, 3),
)


def make_clip(number: int, frames: int, persons: int = 2, *, seed: int = 0) -> Clip:
    """A recording of random coordinates whose second person is absent in every other frame."""
    rng = np.random.default_rng([seed, number])
    values = rng.normal(size=(frames, persons, len(CHAIN.joints), 3)).astype(np.float32)
    values[::2, 1:] = 0
    return Clip(f"clip{number:03d}", number % 3, values, subject=number % 4, camera=number % 2)


def make_clips(lengths: Sequence[int] = (1, 3, 10, 40, 7, 25), persons: int = 2) -> Clips:
    """Recordings of the given lengths."""
    return Clips.of(
        [make_clip(number, frames, persons) for number, frames in enumerate(lengths)],
        dataset="made",
        layout="chain",
        class_names=("a", "b", "c"),
    )


class MadeReader:
    """Reads text files that hold ``number frames`` lines; a word in place of a number is a fault."""

    class_names: tuple[str, ...] = ("a", "b", "c")

    def sources(self, root: Path) -> Sequence[Any]:
        """All text files."""
        found = sorted(root.glob("*.txt"))
        if not found:
            raise DataError("nothing here", where=root)
        return found

    def read(self, source: Any) -> Sequence[Clip]:
        """One clip per line."""
        try:
            pairs = [map(int, line.split()) for line in source.read_text().splitlines()]
            return [make_clip(number, frames) for number, frames in pairs]
        except ValueError as error:
            raise DataError("malformed", where=source, remedy="mend it") from error

    def is_train(self, clips: Clips, protocol: str) -> np.ndarray:
        """The first camera trains."""
        return clips.cameras == 0

    def expected(self, protocol: str) -> tuple[int, int] | None:
        """Unknown."""
        return None

    def synthesise(self, root: Path, *, clips: int, seed: int, classes: int | None = None) -> None:
        """Not used in these tests."""
        raise DataError("cannot be made up")


def made_dataset(**changes: Any) -> Dataset:
    """The component of `MadeReader`."""
    fields = {
        "name": "made",
        "target": MadeReader,
        "layout": "chain",
        "classes": 3,
        "persons": 2,
        "protocols": ("camera",),
    }
    return Dataset(**{**fields, **changes})


def write_sources(root: Path, files: int = 5) -> None:
    """Text files of three recordings each, of 1 to 12 frames."""
    root.mkdir(parents=True, exist_ok=True)
    for file in range(files):
        lines = [f"{3 * file + i} {1 + (5 * file + 4 * i) % 12}" for i in range(3)]
        (root / f"{file:03d}.txt").write_text("\n".join(lines))
