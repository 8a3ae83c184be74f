"""Choosing the recordings that are held out of training for validation."""

from __future__ import annotations

import numpy as np

from skelbench.errors import DataError

_AT_RANDOM = "Set train.validation.by to 'random', which holds out recordings instead of performers"


def by_subject(
    subjects: np.ndarray, labels: np.ndarray, fraction: float, rng: np.random.Generator
) -> np.ndarray:
    """Hold out whole performers, as near to the fraction as a random order of them gives.

    At least one performer is held out, and every class that occurs keeps recordings in training.

    Args:
        subjects: Performers, (n,).
        labels: Classes, (n,).
        fraction: Share of the recordings to hold out.
        rng: Draws the order in which performers are tried.

    Returns:
        Which recordings are held out, (n,) bool.

    Raises:
        DataError: A performer is unknown, or none can be held out.
    """
    if (subjects < 0).any():
        raise DataError("the performers of some training recordings are unknown", remedy=_AT_RANDOM)
    classes, target = len(np.unique(labels)), fraction * len(labels)

    def possible(held: np.ndarray) -> bool:
        return len(np.unique(labels[~held])) == classes

    alone = [subjects == subject for subject in rng.permutation(np.unique(subjects))]
    held = np.zeros(len(labels), dtype=bool)
    for recordings in alone:
        wider = held | recordings
        if abs(wider.sum() - target) < abs(held.sum() - target) and possible(wider):
            held = wider
    if held.any():
        return held
    few = [recordings for recordings in alone if possible(recordings)]
    if not few:
        raise DataError(
            "no performer can be held out for validation without leaving a class untrained",
            remedy=_AT_RANDOM,
        )
    return min(few, key=np.sum)


def by_chance(
    subjects: np.ndarray, labels: np.ndarray, fraction: float, rng: np.random.Generator
) -> np.ndarray:
    """Hold out the same share of every class; the arguments are those of `by_subject`.

    A class of several recordings gives at least one and keeps at least one.

    Raises:
        DataError: Every class has a single recording.
    """
    held = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        wanted = min(max(round(fraction * len(members)), 1), len(members) - 1)
        held[members[:wanted]] = True
    if not held.any():
        raise DataError(
            "no recording can be held out for validation: every class has a single one",
            remedy="Add recordings",
        )
    return held
