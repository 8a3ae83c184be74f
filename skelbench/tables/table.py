"""A table in memory: what every architecture of a space reaches when it is trained, seed by seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from skelbench.errors import DataError, SpecError
from skelbench.search import Point, Sample
from skelbench.tables.file import read_table
from skelbench.tables.space import TableSpace, key_of

Objective = Literal["top1", "cross_entropy"]
OBJECTIVES: tuple[Objective, ...] = ("cross_entropy", "top1")
"""What a search may be shown; by default cross-entropy, which is less noisy on few clips."""


@dataclass(frozen=True)
class Table:
    """A space whose architectures were trained from scratch with several seeds.

    Architectures that are one network (`skelbench.space.equal.network_hash`) share its row of the arrays.

    Attributes:
        header: What the file says of itself, plain JSON data.
        arrays: By name, see `skelbench.tables.file`.
        digest: The first 12 hex digits of the file's sha256.
    """

    header: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray]
    digest: str

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file.

        Raises:
            DataError: See `skelbench.tables.file.read_table`.
        """
        return cls(*read_table(path))

    @property
    def name(self) -> str:
        """Name and content: ``ucla-slots@1a2b3c4d5e6f``."""
        return f"{self.header['name']}@{self.digest}"

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the trainings."""
        return tuple(self.header["seeds"])

    @property
    def epochs(self) -> int:
        """Epochs of a whole training."""
        return int(self.header["epochs"])

    @property
    def fidelities(self) -> tuple[int, ...]:
        """Epochs at which a training may end early, exactly as one of so many epochs; the last is all."""
        return tuple(self.header["fidelities"])

    @cached_property
    def points(self) -> tuple[Point, ...]:
        """The decisions of the space."""
        return tuple(
            Point(**{**point, "options": tuple(point["options"]), "groups": tuple(point["groups"])})
            for point in self.header["points"]
        )

    @property
    def architectures(self) -> list[Sample]:
        """Every architecture of the space, measured or not, in the space's own order."""
        return list(self.header["architectures"])

    @cached_property
    def complete(self) -> np.ndarray:
        """Whether an architecture was trained with all seeds, (architectures,) bool."""
        return self.trained[self.arrays["network"]]

    @cached_property
    def trained(self) -> np.ndarray:
        """Whether a network was trained with all seeds, (networks,) bool."""
        return np.asarray(self.arrays["measured"].all(axis=1))

    @cached_property
    def space(self) -> TableSpace:
        """The architectures that are complete, as a space: holes are no part of it."""
        return self.part(self.complete)

    def part(self, kept: np.ndarray) -> TableSpace:
        """Some of the architectures as a space.

        Args:
            kept: Which, (architectures,) bool. A search that puts another one together is told of a hole.
        """
        listed = self.header["architectures"]
        there = [listed[i] for i in np.flatnonzero(kept)]
        return TableSpace(self.points, there, None if kept.all() else self._whole_space)

    @cached_property
    def _rows(self) -> dict[Any, int]:
        listed = enumerate(self.header["architectures"])
        return {key_of(sample): int(self.arrays["network"][i]) for i, sample in listed}

    def row(self, sample: Sample) -> int:
        """The row of a canonical sample's network.

        Raises:
            SpecError: The architecture is not of the space.
            DataError: It is a hole.
        """
        row = self._rows.get(key_of(sample))
        if row is None:
            self.canonical(sample)
            raise SpecError(f"the table {self.name} has no architecture {sample}")
        if not self.trained[row]:
            raise DataError(
                f"the table {self.name} has a hole there: {sample} was not trained with all seeds",
                remedy="Take another, or go on with `skelbench table make`",
            )
        return row

    def canonical(self, sample: Sample) -> Sample:
        """A sample without inactive labels, in the order of the spec, measured or not.

        Raises:
            SpecError: It is not of the space.
        """
        return self._whole_space.canonical(sample)

    @cached_property
    def _whole_space(self) -> TableSpace:
        return TableSpace(self.points, self.header["architectures"])

    def macs(self, sample: Sample) -> float:
        """The MACs of a canonical sample's network for one clip, measured or not.

        Raises:
            SpecError: The architecture is not of the space.
        """
        row = self._rows.get(key_of(sample))
        if row is None:
            raise SpecError(f"the table {self.name} has no architecture {sample}")
        return float(self.arrays["macs"][row])

    def validation(self, objective: Objective, epochs: int | None = None) -> np.ndarray:
        """What a search sees, higher is better: (networks, seeds); NaN where there is none.

        Args:
            objective: Top-1 in percent, or the negative cross-entropy.
            epochs: After so many epochs; None is all.

        Raises:
            SpecError: There is no such epoch.
        """
        return self._figure("validation", objective, epochs)

    def test(self, objective: Objective = "top1", epochs: int | None = None) -> np.ndarray:
        """What a search never sees, higher is better: (networks, seeds); NaN where there is none."""
        return self._figure("test", objective, epochs)

    @cached_property
    def truth(self) -> np.ndarray:
        """Test top-1 in percent of whole trainings, the mean over seeds, (networks,); NaN in holes."""
        return np.asarray(np.where(self.trained, self.test().mean(axis=1), np.nan))

    def seconds(self, epochs: int | None = None) -> np.ndarray:
        """Seconds of a training's first epochs, (networks, seeds); NaN where there is none."""
        done = self.arrays["seconds"][:, :, : self._epoch(epochs)].astype(float).sum(axis=2)
        return np.asarray(np.where(self.arrays["measured"], done, np.nan))

    def _figure(self, split: str, objective: Objective, epochs: int | None) -> np.ndarray:
        at = self._epoch(epochs) - 1
        if objective == "cross_entropy":
            figure = -self.arrays[f"{split}_loss"][:, :, at].astype(float)
        else:
            figure = 100.0 * self.arrays[split][:, :, at] / self._clips(split)
        return np.asarray(np.where(self.arrays["measured"], figure, np.nan))

    def _clips(self, split: str) -> np.ndarray:
        counts = self.header[f"{split}_clips"]
        return np.asarray(counts, dtype=float)

    def _epoch(self, epochs: int | None) -> int:
        if epochs is not None and not 1 <= epochs <= self.epochs:
            raise SpecError(f"the table has {self.epochs} epochs, not {epochs}")
        return self.epochs if epochs is None else epochs
