"""Planted recordings in one npz."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from skelbench.data import Clip, Clips
from skelbench.errors import DataError

from .tasks import CLASSES, FRAMES, distant

FILE = "planted.npz"
_SUBJECTS, _TEST_SUBJECTS = 10, (2, 5, 8)
_JOINTS = 25


class DistantReader:
    """Reads and makes ``planted.npz``: x (n, 16, 1, 25, 3) float32, labels and subjects (n,) int."""

    class_names: tuple[str, ...] = CLASSES

    def sources(self, root: Path) -> Sequence[Path]:
        """The one file.

        Raises:
            DataError: It is not there.
        """
        if not (root / FILE).is_file():
            raise DataError(
                f"no {FILE} here", where=root, remedy="Make one with `skelbench data synth planted-distant`"
            )
        return [root / FILE]

    def read(self, source: Path) -> Sequence[Clip]:
        """All its recordings.

        Raises:
            DataError: The file is damaged, or its arrays do not belong together.
        """
        x, labels, subjects = _arrays(source)
        return [
            Clip(id=f"{number:05d}", label=int(label), frames=frames, subject=int(subject))
            for number, (frames, label, subject) in enumerate(zip(x, labels, subjects, strict=True))
        ]

    def is_train(self, clips: Clips, protocol: str) -> np.ndarray:
        """The recordings of seven of ten performers, (n,) bool."""
        return ~np.isin(clips.subjects, _TEST_SUBJECTS)

    def expected(self, protocol: str) -> None:
        """Any number of recordings can be made."""

    def synthesise(self, root: Path, *, clips: int, seed: int, classes: int | None = None) -> None:
        """Make recordings, evenly over classes and performers.

        Args:
            root: The folder to fill.
            clips: Recordings.
            seed: Seed of all that differs between them.
            classes: Only the first so many classes occur; None for all.
        """
        root.mkdir(parents=True, exist_ok=True)
        (root / "SYNTHETIC").write_text("Made by skelbench data synth; no real recordings.\n")
        rng = np.random.default_rng([seed, _JOINTS])
        numbers, kinds = np.arange(clips), min(classes or len(CLASSES), len(CLASSES))
        labels, subjects = numbers % kinds, numbers // kinds % _SUBJECTS
        x = np.stack([distant(int(label), rng) for label in labels])
        np.savez_compressed(root / FILE, x=x, labels=labels, subjects=subjects)


def _arrays(source: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    try:
        with np.load(source, allow_pickle=False) as file:
            x, labels, subjects = (file[name] for name in ("x", "labels", "subjects"))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise _damaged(source, str(error)) from error
    of_ints = all(part.shape == x.shape[:1] and part.dtype.kind in "iu" for part in (labels, subjects))
    if x.shape[1:] != (FRAMES, 1, _JOINTS, 3) or x.dtype != np.float32 or not of_ints:
        raise _damaged(source, f"its arrays do not belong together: x has shape {x.shape}")
    return x, labels, subjects


def _damaged(source: Path, why: str) -> DataError:
    return DataError(f"damaged ({why})", where=source, remedy="Make it again with `skelbench data synth`")
