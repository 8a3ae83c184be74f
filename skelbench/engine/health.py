"""The arithmetic of a search's health: ties, split-half reliability, disagreement, slope. NumPy alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SPLITS = 50
"""Random halvings of the clips that a reliability is averaged over."""


def tied_pairs(values: np.ndarray, groups: np.ndarray) -> float | None:
    """The share of pairs of one group that have one value; None where there is no pair.

    Args:
        values: (n,).
        groups: (n,), the generation of each.
    """
    tied = pairs = 0
    for group in np.unique(groups):
        counts = np.unique(values[groups == group], return_counts=True)[1]
        tied += int((counts * (counts - 1)).sum())
        pairs += int(counts.sum() * (counts.sum() - 1))
    return tied / pairs if pairs else None


def within(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """``values`` less the mean of their group, so that a supernet's progress is no difference of candidates.

    Args:
        values: (n,) or (n, clips).
        groups: (n,), the generation of each.
    """
    out = values.astype(np.float64)
    for group in np.unique(groups):
        members = groups == group
        out[members] -= out[members].mean(axis=0)
    return out


def spread(values: np.ndarray, groups: np.ndarray) -> float | None:
    """The pooled standard deviation within groups; None where no group has two members."""
    freedom = len(values) - len(np.unique(groups))
    return float(np.sqrt((within(values, groups) ** 2).sum() / freedom)) if freedom > 0 else None


def reliability(
    answers: np.ndarray,
    groups: np.ndarray,
    clips: int | None = None,
    *,
    splits: int = SPLITS,
    seed: int = 0,
) -> float | None:
    """Split-half reliability of candidates' means over clips, corrected to all clips.

    The correlation r over candidates between the means over two random halves is averaged over splits and
    becomes k r / (1 + (k - 1) r) for k times as many clips (Spearman 1910; Brown 1910). A half in which
    all candidates are alike counts as r = 0.

    Args:
        answers: What each candidate scores on each clip, (n, clips).
        groups: (n,), the generation of each candidate; only differences within one count.
        clips: How many clips the fitness is taken on, where ``answers`` has but some of them; None: all.
        splits: Random halvings.
        seed: Of the halvings.

    Returns:
        A number in [-1, 1]; None for fewer than three candidates that can be compared, or two clips.
    """
    count, kept = answers.shape
    comparable = count - len(np.unique(groups)) + 1
    if comparable < 3 or kept < 2:
        return None
    centred = within(answers, groups)
    rng = np.random.default_rng(seed)
    halves = np.zeros((splits, kept))
    for row in halves:
        row[rng.permutation(kept)[: kept // 2]] = 1.0
    first, second = centred @ halves.T, centred @ (1.0 - halves).T
    mean = float(np.mean(_correlations(first, second)))
    longer = (kept if clips is None else clips) / (kept / 2)
    scale = 1 + (longer - 1) * mean
    return float(np.clip(longer * mean / scale, -1.0, 1.0)) if scale > 0 else -1.0


def _correlations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Of each column of one with that of the other; 0 where one does not vary."""
    first, second = first - first.mean(axis=0), second - second.mean(axis=0)
    scale = np.sqrt((first**2).sum(axis=0) * (second**2).sum(axis=0))
    # Sums of equal numbers differ by rounding; that is no variance.
    real = scale > 1e-20 * first.shape[0]
    return np.where(real, (first * second).sum(axis=0) / np.where(real, scale, 1.0), 0.0)


def disagreement(predicted: np.ndarray, groups: np.ndarray) -> float | None:
    """The share of clips for which two candidates of one group predict different classes, over pairs.

    Args:
        predicted: Classes, (n, clips).
        groups: (n,), the generation of each candidate.
    """
    differ = pairs = 0.0
    for group in np.unique(groups):
        rows = predicted[groups == group]
        alike = sum(((rows == one).sum(axis=0) ** 2).sum() for one in np.unique(rows))
        differ += len(rows) ** 2 * rows.shape[1] - alike
        pairs += len(rows) * (len(rows) - 1) * rows.shape[1]
    return float(differ / pairs) if pairs else None


def slope(values: Sequence[float]) -> float | None:
    """Change per step by least squares; None of fewer than two values."""
    if len(values) < 2:
        return None
    return float(np.polyfit(np.arange(len(values)), np.asarray(values, dtype=float), 1)[0])
