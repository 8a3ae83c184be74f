"""Early rejection: a candidate that is clearly worse than another needs no more clips to say so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import comb

import numpy as np

from skelbench.results.answers import ClipAnswers
from skelbench.results.health import Fitness
from skelbench.training.evaluate import Enough


@dataclass(frozen=True)
class Rejection:
    """When the evaluation of a candidate ends early.

    The candidate is compared clip by clip with a leader, after equal parts of the clips: by McNemar's exact
    test of right answers, or by the paired t-test of cross-entropies, one-sided. The looks share the level
    (Bonferroni), so that of candidates no worse than the leader at most a share ``p`` is rejected.

    Attributes:
        fitness: What candidates are compared by.
        p: The level.
        first: Candidates of a generation that are evaluated on all clips; the best of them leads.
        looks: How often a candidate is compared.
    """

    fitness: Fitness
    p: float
    first: int
    looks: int

    def watch(self, leader: ClipAnswers) -> Enough:
        """Tells of a candidate's answers to the first clips, time and again, whether they are enough."""
        clips = len(leader.right)
        due = [clips * look // (self.looks + 1) for look in range(1, self.looks + 1)]

        def enough(seen: int, found: Callable[[], ClipAnswers]) -> bool:
            if not due or seen < due[0] or seen >= clips:
                return False
            while due and seen >= due[0]:
                due.pop(0)
            return self.chance(found(), leader) < self.p / self.looks

        return enough

    def chance(self, found: ClipAnswers, leader: ClipAnswers) -> float:
        """The p-value of a candidate's being no worse than the leader, by its answers to the first clips."""
        if self.fitness == "accuracy":
            first = leader.right[: len(found.right)]
            return _binomial(int((first & ~found.right).sum()), int((first ^ found.right).sum()))
        return _paired_t(found.loss - leader.loss[: len(found.loss)])

    def worse_by(self, found: ClipAnswers, leader: ClipAnswers) -> float:
        """How much worse a candidate is on the clips that it has seen, in percent or nats."""
        if self.fitness == "accuracy":
            return 100.0 * float(leader.right[: len(found.right)].mean() - found.right.mean())
        return float((found.loss - leader.loss[: len(found.loss)]).mean(dtype=np.float64))


def _binomial(lost: int, differing: int) -> float:
    """The chance of so many or more of fair coins."""
    return sum(comb(differing, k) for k in range(lost, differing + 1)) / 2**differing


def _paired_t(differences: np.ndarray) -> float:
    """The chance of a mean so high or higher."""
    count, values = len(differences), differences.astype(np.float64)
    spread = float(values.std(ddof=1)) if count > 1 else 0.0
    if spread == 0:
        return 1.0
    from scipy.special import stdtr

    return float(stdtr(count - 1, -values.mean() / (spread / count**0.5)))
