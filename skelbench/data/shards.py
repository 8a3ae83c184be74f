"""Batches divided among the devices that share one training."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Shard:
    """One of several equal parts of every batch.

    Attributes:
        rank: Its number.
        count: How many there are.
    """

    rank: int = 0
    count: int = 1

    def batches(self, rows: int, size: int, drop_last: bool) -> int:
        """Batches that each part has of so many rows, ``size`` at a time.

        Args:
            rows: All rows of an epoch.
            size: Rows of a part's batch.
            drop_last: Leave out a last batch that is not full.
        """
        batches = rows / (size * self.count)
        return math.floor(batches) if drop_last else math.ceil(batches)

    def rows(self, order: np.ndarray, number: int, size: int) -> np.ndarray:
        """This part of a batch; a last one that cannot be divided is filled up from its beginning."""
        whole = order[number * size * self.count : (number + 1) * size * self.count]
        each = math.ceil(len(whole) / self.count)
        return np.resize(whole, each * self.count)[self.rank * each : (self.rank + 1) * each]

    def draw(self, number: int) -> int:
        """What a batch's random numbers are drawn by: those of one device that goes through all parts."""
        return number * self.count + self.rank
