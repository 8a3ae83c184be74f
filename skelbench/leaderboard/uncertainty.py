"""Intervals of measured accuracies, and the ranks that they leave open; pure, so that tables are quick.

scipy has the same quantiles, but importing it takes longer than making the tables.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cache
from statistics import NormalDist, fmean, stdev
from typing import NamedTuple

CONFIDENCE = 0.95
FEWEST_SEEDS = 3
"""Fewer say next to nothing about the spread over seeds."""
_STEPS = 80


class Interval(NamedTuple):
    """A confidence interval in percent.

    Attributes:
        low: Its lower end.
        high: Its upper end.
    """

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:.2f} to {self.high:.2f}"


UNKNOWN = Interval(0.0, 100.0)


def accuracy_interval(percents: Sequence[float], clips: int) -> Interval | None:
    """95 % interval of an accuracy, for the draw of test recordings and, with enough seeds, of the seed.

    The test set's share is Wilson's interval of the mean accuracy. With `FEWEST_SEEDS` seeds or more it is
    widened to Student's interval of the mean over seeds: by itself that one would call three equal
    accuracies exact.

    Args:
        percents: The accuracy of each seed, percent, all on the same recordings.
        clips: Number of test recordings.

    Returns:
        The interval, ends rounded to 0.01, or None where nothing was measured.
    """
    if not percents or clips == 0:
        return None
    low, high = wilson(fmean(percents) / 100, clips)
    if len(percents) >= FEWEST_SEEDS:
        half = student_quantile(len(percents) - 1) * stdev(percents) / math.sqrt(len(percents))
        low, high = min(low, fmean(percents) - half), max(high, fmean(percents) + half)
    return Interval(round(max(low, 0.0), 2), round(min(high, 100.0), 2))


def mean_interval(percents: Sequence[float]) -> Interval | None:
    """Student's 95 % interval of a mean over seeds, of a metric that is no share of recordings.

    Args:
        percents: The metric of each seed, percent.

    Returns:
        The interval, ends rounded to 0.01, or None where there are fewer than `FEWEST_SEEDS`.
    """
    if len(percents) < FEWEST_SEEDS:
        return None
    half = student_quantile(len(percents) - 1) * stdev(percents) / math.sqrt(len(percents))
    return Interval(round(fmean(percents) - half, 2), round(fmean(percents) + half, 2))


def wilson(share: float, clips: int) -> Interval:
    """Wilson's 95 % score interval of a share of ``clips`` independent draws, in percent.

    Source: Wilson (JASA 1927). The share may lie between two counts, as the mean over seeds does.
    """
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    centre = (share + z * z / (2 * clips)) / (1 + z * z / clips)
    inner = share * (1 - share) / clips + z * z / (4 * clips * clips)
    half = z * math.sqrt(max(inner, 0.0)) / (1 + z * z / clips)
    return Interval(100 * (centre - half), 100 * (centre + half))


@cache
def student_quantile(freedom: int) -> float:
    """The 97.5 % quantile of Student's t with ``freedom`` degrees of freedom, at least 1."""
    low, high = 0.0, 20.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if _student_within(middle, freedom) < CONFIDENCE else (low, middle)
    return low


def _student_within(t: float, freedom: int) -> float:
    """P(|T| < t), by the finite sums for whole degrees of freedom (Abramowitz and Stegun, 26.7.3 and 4)."""
    angle = math.atan(t / math.sqrt(freedom))
    sine, square = math.sin(angle), math.cos(angle) ** 2
    odd = freedom % 2
    term = math.cos(angle) if odd else 1.0
    total = 0.0
    for k in range(1 + odd, freedom, 2):
        total += term
        term *= square * k / (k + 1)
    return (angle + sine * total) * 2 / math.pi if odd else sine * total


def rank_ranges(intervals: Sequence[Interval | None]) -> list[tuple[int, int]]:
    """The first and last place that each of some rows may have.

    A row is certainly behind another only where its interval lies wholly below the other's. Each pair is
    looked at by itself; intervals that just touch are tied.

    Args:
        intervals: Interval of each row; None where it is not known, which leaves every place open.
    """
    known = [interval or UNKNOWN for interval in intervals]
    lows, highs = sorted(i.low for i in known), sorted(i.high for i in known)
    count = len(known)
    return [
        (1 + count - bisect_right(lows, interval.high), count - bisect_left(highs, interval.low))
        for interval in known
    ]
