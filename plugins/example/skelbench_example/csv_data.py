"""A data set: one CSV file per recording, a row per frame, x, y, z of each of 20 joints."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from skelbench.data import Clip, Clips
from skelbench.errors import DataError

NAME = re.compile(r"a(\d\d)_s(\d\d)_n(\d\d)\.csv")
JOINTS = 20


class CsvReader:
    """Reads ``aAA_sSS_nNN.csv``: action, subject and number."""

    class_names = ("raise", "lower", "turn", "rest")

    def sources(self, root: Path) -> Sequence[Path]:
        """The CSV files under ``root``."""
        found = sorted(path for path in root.glob("*.csv") if NAME.fullmatch(path.name))
        if not found:
            raise DataError("there are no files named aAA_sSS_nNN.csv", where=root)
        return found

    def read(self, source: Path) -> Sequence[Clip]:
        """One recording."""
        action, subject, _ = map(int, NAME.fullmatch(source.name).groups())  # type: ignore[union-attr]
        try:
            rows = np.loadtxt(source, delimiter=",", dtype=np.float32, ndmin=2)
            frames = rows.reshape(len(rows), 1, JOINTS, 3)
        except ValueError as error:
            raise DataError(f"not a table of {JOINTS * 3} numbers a row: {error}", where=source) from error
        return [Clip(id=source.stem, label=action - 1, frames=frames, subject=subject)]

    def is_train(self, clips: Clips, protocol: str) -> np.ndarray:
        """Subjects with odd numbers train."""
        return clips.subjects % 2 == 1

    def expected(self, protocol: str) -> tuple[int, int] | None:
        """The data set has no fixed size."""
        return None

    def synthesise(self, root: Path, *, clips: int, seed: int, classes: int | None = None) -> None:
        """Joints that swing at a speed of the class's own."""
        rng = np.random.default_rng(seed)
        root.mkdir(parents=True, exist_ok=True)
        (root / "SYNTHETIC").touch()
        for number in range(clips):
            action, subject = number % (classes or len(self.class_names)), number // 4 % 6
            time = np.arange(30)[:, None] / 30
            phase = rng.uniform(0, 6, JOINTS * 3)
            table = np.sin((action + 1) * 6 * time + phase) * (1 + 0.1 * subject)
            name = f"a{action + 1:02d}_s{subject + 1:02d}_n{number // 24:02d}.csv"
            np.savetxt(root / name, table, delimiter=",", fmt="%.4f")
