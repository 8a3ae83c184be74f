"""Whether strategies differ: paired tests over repetitions, corrected for their number, and intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

BUDGETS = (25, 50, 100, 200)
DRAWS, LEVEL = 2000, 0.05
BASELINE = "random"


def budgets(evaluations: int) -> list[int]:
    """The budgets that are shown: the usual ones, and that of the bench."""
    return [*(budget for budget in BUDGETS if budget < evaluations), evaluations]


@dataclass(frozen=True)
class Interval:
    """A mean with its bootstrap interval of 95 %.

    Attributes:
        mean: The mean over repetitions.
        low: The lower bound.
        high: The upper bound.
    """

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Verdict:
    """One strategy against another at one budget.

    Attributes:
        one: The one.
        other: The other.
        difference: Mean regret of the one minus that of the other; below 0 the one is better.
        p: Two-sided, of Wilcoxon's signed-rank test over paired repetitions, corrected by Holm.
    """

    one: str
    other: str
    difference: float
    p: float

    @property
    def decided(self) -> bool:
        """Whether they differ at the level of 5 %."""
        return self.p < LEVEL


def bootstrap(values: np.ndarray, seed: int = 0, draws: int = DRAWS) -> Interval:
    """The mean of some values with a percentile interval over resampled repetitions."""
    rng = np.random.default_rng(seed)
    means = values[rng.integers(len(values), size=(draws, len(values)))].mean(1)
    low, high = np.quantile(means, [LEVEL / 2, 1 - LEVEL / 2])
    return Interval(float(values.mean()), float(low), float(high))


def bootstrap_curve(curves: np.ndarray, seed: int = 0, draws: int = 400) -> np.ndarray:
    """Mean, lower and upper bound of curves (repetitions, points): (3, points)."""
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(len(curves), np.full(len(curves), 1 / len(curves)), size=draws) / len(curves)
    low, high = np.quantile(weights @ curves, [LEVEL / 2, 1 - LEVEL / 2], axis=0)
    return np.stack([curves.mean(0), low, high])


def verdicts(regrets: Mapping[str, np.ndarray]) -> list[Verdict]:
    """Every pair of strategies, by regret (repetitions,) at one budget; the repetitions are paired."""
    names = list(regrets)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    plain = [_wilcoxon(regrets[a] - regrets[b]) for a, b in pairs]
    return [
        Verdict(a, b, float((regrets[a] - regrets[b]).mean()), p)
        for (a, b), p in zip(pairs, holm(plain), strict=True)
    ]


def holm(ps: Sequence[float]) -> list[float]:
    """Corrected p values (Holm, 1979): the error of any false decision stays below the level."""
    order = np.argsort(ps)
    adjusted, highest = np.zeros(len(ps)), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[place]))
        adjusted[place] = highest
    return [float(p) for p in adjusted]


def groups(regrets: Mapping[str, np.ndarray], told: Sequence[Verdict]) -> dict[str, str]:
    """Letters by strategy: two that share one are not decided between; ``a`` has the best."""
    order = sorted(regrets, key=lambda name: float(regrets[name].mean()))
    apart = {frozenset((v.one, v.other)) for v in told if v.decided}
    cliques: list[list[str]] = []
    for first in range(len(order)):
        clique = [order[first]]
        for name in order[first + 1 :]:
            if any(frozenset((name, member)) in apart for member in clique):
                break
            clique.append(name)
        if not any(set(clique) <= set(other) for other in cliques):
            cliques.append(clique)
    letters = dict.fromkeys(order, "")
    for number, clique in enumerate(cliques):
        for name in clique:
            letters[name] += chr(ord("a") + number % 26)
    return letters


def _wilcoxon(differences: np.ndarray) -> float:
    from scipy.stats import wilcoxon

    if not differences.any():
        return 1.0
    return float(wilcoxon(differences, zero_method="pratt").pvalue)
