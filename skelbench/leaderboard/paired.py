"""Tests and intervals of the difference between two networks, over test recordings and over seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skelbench.leaderboard.uncertainty import CONFIDENCE, Interval, wilson

RESAMPLES = 9999
_ENDS = (100 * (1 - CONFIDENCE) / 2, 100 * (1 + CONFIDENCE) / 2)


@dataclass(frozen=True)
class Evidence:
    """What one kind of evidence says about a difference.

    Attributes:
        over: ``recordings`` or ``seeds``.
        test: The test that gave ``p``.
        interval: 95 % interval of the difference, points.
        p: Two-sided p-value.
        details: Further figures of the test, by name.
    """

    over: str
    test: str
    interval: Interval
    p: float
    details: dict[str, float | int]

    @property
    def decides(self) -> bool:
        """Whether the interval excludes no difference."""
        return self.interval.low > 0 or self.interval.high < 0


def over_recordings(first: np.ndarray, second: np.ndarray) -> Evidence:
    """Compare two networks on the same recordings.

    With one seed each: McNemar's exact test. With several, its generalisation to mean accuracies of
    recordings: the permutation test that exchanges the two networks' answers on each recording. The
    interval is a bootstrap over recordings (percentile).

    Args:
        first: Which seed of the first network is right on which recording, (seeds, recordings) bool.
        second: The same of the second.
    """
    difference = first.mean(axis=0) - second.mean(axis=0)
    values, counts = np.unique(difference, return_counts=True)
    interval = _bootstrap(values, counts)
    if len(first) > 1 or len(second) > 1:
        return Evidence("recordings", "permutation", interval, _exchanged(values, counts), {})
    only = {"only_first_right": int((difference > 0).sum()), "only_second_right": int((difference < 0).sum())}
    return Evidence("recordings", "McNemar, exact", interval, _mcnemar(*only.values()), {**only})


def over_seeds(first: dict[int, float], second: dict[int, float]) -> Evidence | None:
    """Compare two networks over the seeds that both have: paired t, and Wilcoxon's signed ranks beside it.

    Args:
        first: Seed -> accuracy in percent.
        second: The same of the second network.

    Returns:
        The evidence, or None where there are not two seeds in common or all differences are alike, so
        that the spread is not known.
    """
    common = sorted(first.keys() & second.keys())
    one, other = (np.array([side[seed] for seed in common]) for side in (first, second))
    if len(common) < 2 or np.ptp(one - other) < 1e-9:
        return None
    from scipy import stats

    found = stats.ttest_rel(one, other)
    low, high = found.confidence_interval(CONFIDENCE)
    wilcoxon = stats.wilcoxon(one - other)
    details = {"seeds": len(common), "t": float(found.statistic), "wilcoxon_p": float(wilcoxon.pvalue)}
    return Evidence("seeds", "paired t", Interval(float(low), float(high)), float(found.pvalue), details)


def over_counts(first: float, second: float, clips: int) -> Evidence:
    """Compare two accuracies alone: Fisher's exact test, and Newcombe's interval of the difference.

    Source: Newcombe (Statistics in Medicine 1998), method 10. Answers on the same recordings agree more
    often than not, so that both err on the side of "undecided".

    Args:
        first: Accuracy of the first network, percent.
        second: That of the second.
        clips: Number of test recordings of each.
    """
    from scipy import stats

    right = [round(percent * clips / 100) for percent in (first, second)]
    p = stats.fisher_exact([[n, clips - n] for n in right]).pvalue
    one, other = (wilson(percent / 100, clips) for percent in (first, second))
    difference = first - second
    low = difference - math.hypot(first - one.low, other.high - second)
    high = difference + math.hypot(one.high - first, second - other.low)
    return Evidence("recordings", "Fisher, unpaired", Interval(low, high), float(p), {})


def holm(ps: Sequence[float]) -> list[float]:
    """P-values adjusted for their number by Holm's method (Scandinavian Journal of Statistics 1979)."""
    order = sorted(range(len(ps)), key=lambda index: ps[index])
    adjusted, least = [0.0] * len(ps), 0.0
    for place, index in enumerate(order):
        least = max(least, min(1.0, (len(ps) - place) * ps[index]))
        adjusted[index] = least
    return adjusted


def _mcnemar(only_first: int, only_second: int) -> float:
    """Recordings that both have right or wrong say nothing; the others are fair coins under no difference."""
    if only_first + only_second == 0:
        return 1.0
    from scipy import stats

    return float(stats.binomtest(only_first, only_first + only_second).pvalue)


def _bootstrap(values: np.ndarray, counts: np.ndarray) -> Interval:
    """Drawing recordings with replacement is drawing how often each value comes."""
    drawn = np.random.default_rng(0).multinomial(counts.sum(), counts / counts.sum(), RESAMPLES)
    low, high = np.percentile(100 * drawn @ values / counts.sum(), _ENDS)
    return Interval(float(low), float(high))


def _exchanged(values: np.ndarray, counts: np.ndarray) -> float:
    """Exchanging two answers turns the sign of their difference; a binomial share keeps it."""
    kept = np.random.default_rng(0).binomial(counts, 0.5, (RESAMPLES, len(counts)))
    sums = np.abs((2 * kept - counts) @ values)
    return float((1 + np.sum(sums >= abs(counts @ values) - 1e-9)) / (1 + RESAMPLES))
