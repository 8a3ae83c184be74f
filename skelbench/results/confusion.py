"""Which classes a run's test recordings were taken for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skelbench.results.store import Scores


@dataclass(frozen=True)
class Confusion:
    """Test recordings by class and by the class that they were taken for.

    Attributes:
        counts: (classes, classes) int; of row i, column j were taken for j.
    """

    counts: np.ndarray

    @classmethod
    def of(cls, scores: Scores) -> Confusion:
        """Count a run's answers: the class of the highest score, of equal ones the first."""
        classes = max(scores.scores.shape[1], int(scores.labels.max(initial=-1)) + 1)
        counts = np.zeros((classes, classes), int)
        np.add.at(counts, (scores.labels, scores.scores.argmax(axis=1)), 1)
        return cls(counts)

    @property
    def accuracies(self) -> list[float | None]:
        """Percent right of each class; None of a class without recordings."""
        totals = self.counts.sum(axis=1)
        return [
            100 * float(right / total) if total else None
            for right, total in zip(self.counts.diagonal(), totals, strict=True)
        ]

    def taken_for(self, label: int) -> int | None:
        """The wrong class that recordings of a class were most often taken for; None where all were right."""
        row = self.counts[label].copy()
        row[label] = 0
        return int(row.argmax()) if row.any() else None

    def hardest(self, most: int) -> list[int]:
        """Classes with the least accuracy, at most so many, the hardest first."""
        known = [(accuracy, label) for label, accuracy in enumerate(self.accuracies) if accuracy is not None]
        return [label for _, label in sorted(known)[:most]]
