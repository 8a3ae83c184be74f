"""Accuracies in percent, from scores (n, classes) and 0-based labels (n,).

Among equal scores the lower class index ranks first, so that a network that tells nothing apart
is not given the benefit of the doubt, and top-1 agrees with ``argmax``.
"""

from __future__ import annotations

import numpy as np

from skelbench.errors import DataError, WorkFailed


def top1(scores: np.ndarray, labels: np.ndarray) -> float:
    """Share of recordings whose class scores highest.

    Args:
        scores: (n, classes).
        labels: (n,).

    Returns:
        Percent.

    Raises:
        DataError: The shapes do not fit, there is no recording, or a label is no class.
        WorkFailed: A score is not a number.
    """
    return float(100 * (_places(scores, labels) < 1).mean())


def top5(scores: np.ndarray, labels: np.ndarray) -> float:
    """Share of recordings whose class is among the five that score highest; arguments as for `top1`.

    With five classes or fewer it is 100 and says nothing.
    """
    return float(100 * (_places(scores, labels) < 5).mean())


def mean_class(scores: np.ndarray, labels: np.ndarray) -> float:
    """Mean over the classes that occur of each one's top-1 accuracy; arguments as for `top1`."""
    right = _places(scores, labels) < 1
    counts = np.bincount(labels)
    hits = np.bincount(labels, weights=right)
    occur = counts > 0
    return float(100 * (hits[occur] / counts[occur]).mean())


def _places(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(n,) 0-based place of each recording's class when its scores are sorted downwards."""
    _check(scores, labels)
    own = np.take_along_axis(scores, labels[:, None], axis=1)
    before = np.arange(scores.shape[1]) < labels[:, None]
    return ((scores > own) | ((scores == own) & before)).sum(axis=1)


def _check(scores: np.ndarray, labels: np.ndarray) -> None:
    if scores.ndim != 2 or labels.shape != scores.shape[:1]:
        raise DataError(f"scores {scores.shape} and labels {labels.shape} are not (n, classes) and (n,)")
    if len(labels) == 0:
        raise DataError("there are no scores to rate", remedy="Check that the test split is not empty")
    if labels.min() < 0 or labels.max() >= scores.shape[1]:
        raise DataError(f"labels {labels.min()}..{labels.max()} do not fit {scores.shape[1]} classes")
    broken = int(np.isnan(scores).any(axis=1).sum())
    if broken:
        raise WorkFailed(
            f"{broken} of {len(scores)} recordings have scores that are not numbers",
            remedy="Training has diverged; lower the learning rate or clip gradients",
        )
