"""What a search found of the front of accuracy against MACs, as a share of the hypervolume that is there."""

from __future__ import annotations

import numpy as np

from skelbench.tables.table import Table


def hypervolume(top1: np.ndarray, macs: np.ndarray, low: float, high: float) -> float:
    """The area that points dominate: MACs from theirs up to ``high``, top-1 from ``low`` up to theirs.

    Zitzler and Thiele, "Multiobjective evolutionary algorithms", IEEE TEC 1999, in two dimensions.

    Args:
        top1: (n,), higher is better.
        macs: (n,), lower is better.
        low: The top-1 that a point must exceed to count.
        high: The MACs that it must be below.
    """
    order = np.argsort(macs, kind="stable")
    best = np.maximum.accumulate(np.maximum(top1[order], low)) - low if len(order) else top1
    until = np.append(macs[order], high)
    return float((best * np.maximum(0.0, np.diff(np.minimum(until, high)))).sum())


def not_dominated(figures: np.ndarray, macs: np.ndarray) -> np.ndarray:
    """Places of the points than which none is as good and cheaper, or better and as cheap, (m,).

    Args:
        figures: (n,), higher is better.
        macs: (n,), lower is better.
    """
    order = np.lexsort((-figures, macs))
    best = np.maximum.accumulate(figures[order])
    kept = np.append(True, figures[order][1:] > best[:-1]) if len(order) else order.astype(bool)
    return np.asarray(order[kept])


class Fronts:
    """The front of a table, against which the fronts that searches found are held.

    The reference is the table's own corner: its lowest test top-1 and its highest MACs.

    Args:
        table: The table.
        allowed: Rows that a search may have.
    """

    def __init__(self, table: Table, allowed: np.ndarray) -> None:
        self._top1, self._macs = table.truth, table.arrays["macs"].astype(float)
        self._low = float(self._top1[allowed].min())
        self._high = float(self._macs[allowed].max())
        self._whole = self._volume(np.flatnonzero(allowed))

    def share(self, rows: np.ndarray, figures: np.ndarray) -> float:
        """Percent of the table's hypervolume, in test top-1, under the front that a search would hand over.

        Args:
            rows: Networks that it trained to the end, (n,).
            figures: What it saw of them, (n,), by which it tells the front.
        """
        if not len(rows) or self._whole <= 0:
            return 0.0
        return 100.0 * self._volume(rows[not_dominated(figures, self._macs[rows])]) / self._whole

    def _volume(self, rows: np.ndarray) -> float:
        return hypervolume(self._top1[rows], self._macs[rows], self._low, self._high)
