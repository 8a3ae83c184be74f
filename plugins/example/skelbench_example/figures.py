"""A metric and a leaderboard column; plain functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from skelbench.errors import DataError


def worst_class(scores: np.ndarray, labels: np.ndarray) -> float:
    """Top-1 accuracy in percent of the class that is recognised worst.

    Args:
        scores: (n, classes).
        labels: (n,), the classes that occur are rated.

    Raises:
        DataError: Scores and labels do not fit, or a score is not a number.
    """
    if scores.ndim != 2 or not len(scores) or labels.shape != scores.shape[:1]:
        raise DataError(f"scores {scores.shape} and labels {labels.shape} are not (n, classes) and (n,)")
    if labels.min() < 0 or labels.max() >= scores.shape[1]:
        raise DataError(f"labels {labels.min()} to {labels.max()} do not fit {scores.shape[1]} classes")
    if np.isnan(scores).any():
        raise DataError("there are scores that are not numbers", remedy="Lower the learning rate")
    right = scores.argmax(1) == labels
    return float(min(right[labels == label].mean() for label in np.unique(labels)) * 100)


def trials(record: Any) -> int | None:
    """Architectures that the search evaluated; nothing for a fixed architecture."""
    return record.search.trials if record.search else None
