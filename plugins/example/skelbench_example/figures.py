"""A metric and a leaderboard column; plain functions."""

from __future__ import annotations

from typing import Any

import numpy as np


def worst_class(scores: np.ndarray, labels: np.ndarray) -> float:
    """Top-1 accuracy in percent of the class that is recognised worst.

    Args:
        scores: (n, classes).
        labels: (n,), the classes that occur are rated.
    """
    right = scores.argmax(1) == labels
    return float(min(right[labels == label].mean() for label in np.unique(labels)) * 100)


def trials(record: Any) -> int | None:
    """Architectures that the search evaluated; nothing for a fixed architecture."""
    return record.search.trials if record.search else None
