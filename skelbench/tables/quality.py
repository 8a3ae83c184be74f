"""Signal and noise of a table: whether a difference between architectures is more than one between seeds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from skelbench.errors import DataError
from skelbench.tables.table import OBJECTIVES, Table

LEAST_RELIABILITY, LEAST_RANK, MOST_MACS, LEAST_OUTSIDE = 0.8, 0.7, 0.6, 10
FEWEST = 8
"""Networks with two seeds or more below which nothing can be said."""


@dataclass(frozen=True)
class Components:
    """Where the spread of a figure comes from.

    Attributes:
        between: Standard deviation over networks, that of the seeds taken out.
        seed: Standard deviation between seeds of one network, what is common to a seed taken out.
        reliability: The share of one seed's variance that is the networks': 0 is noise, 1 has none.
    """

    between: float
    seed: float
    reliability: float


@dataclass(frozen=True)
class Quality:
    """What a table is worth, of the networks trained with all seeds; each counts once an architecture.

    Attributes:
        networks: How many these are.
        seeds: Trainings of each.
        test: Components of test top-1, in points.
        validation: Components of each objective on the validation clips.
        lowest: The lowest mean test top-1.
        highest: The highest.
        shrunken_best: The highest mean test top-1 after shrinking towards the mean of all, which takes out
            what the best owes to luck.
        rank_means: Spearman's rank correlation of validation (means over seeds) with test, by objective.
        rank_one: The same of one seed's validation with the mean test, averaged over seeds.
        early: Rank correlation with the mean test of one seed's validation at each fidelity, by objective.
        macs: Rank correlation of MACs with test.
        seconds: Rank correlation of seconds with test.
        outside: Networks whose mean test is below the best by more than twice the standard error of a
            difference.
        disagreement: Share of test clips on which two seeds of one network differ, in percent.
    """

    networks: int
    seeds: int
    test: Components
    validation: dict[str, Components]
    lowest: float
    highest: float
    shrunken_best: float
    rank_means: dict[str, float]
    rank_one: dict[str, float]
    early: dict[str, dict[int, float]]
    macs: float
    seconds: float
    outside: int
    disagreement: float

    def gates(self) -> list[tuple[str, float, str, bool]]:
        """Each gate: what it asks, the figure, the bound, and whether it is passed."""
        reliability = max(part.reliability for part in self.validation.values())
        rank = max(self.rank_one.values())
        return [
            (
                "reliability of one seed on validation",
                reliability,
                f">= {LEAST_RELIABILITY}",
                reliability >= LEAST_RELIABILITY,
            ),
            ("rank correlation of validation with test", rank, f">= {LEAST_RANK}", rank >= LEAST_RANK),
            (
                "|rank correlation| of MACs with test",
                abs(self.macs),
                f"<= {MOST_MACS}",
                abs(self.macs) <= MOST_MACS,
            ),
            (
                "networks outside the noise of the best",
                self.outside,
                f">= {LEAST_OUTSIDE}",
                self.outside >= LEAST_OUTSIDE,
            ),
        ]

    def plain(self) -> dict[str, Any]:
        """The same as plain JSON data."""
        return asdict(self)


def shortcomings(table: Table) -> list[str]:
    """Why a table is not worth shipping: holes, and gates that it fails; none where it is."""
    found = []
    if not table.complete.all():
        found.append(
            f"has holes ({int(table.complete.sum())} of {len(table.complete)} architectures complete)"
        )
    try:
        gates = measure_quality(table).gates()
    except DataError:
        return [*found, "is too small to tell signal from noise"]
    return [
        *found,
        *(f"fails the gate '{what}' ({value:.2f})" for what, value, _, passed in gates if not passed),
    ]


def components(figures: np.ndarray) -> Components:
    """Split the variance of figures (networks, seeds) by two-way analysis of variance.

    What is common to a seed (the subjects that it validates on) is taken out; the rest is ICC(3, 1) of
    Shrout and Fleiss (1979).
    """
    rows, columns = figures.shape
    if rows < 2 or columns < 2:
        raise DataError("signal and noise need two networks with two seeds each")
    residual = figures - figures.mean(1, keepdims=True) - figures.mean(0, keepdims=True) + figures.mean()
    noise = float((residual**2).sum() / ((rows - 1) * (columns - 1)))
    among = float(columns * figures.mean(1).var(ddof=1))
    signal = max(0.0, (among - noise) / columns)
    whole = signal + noise
    return Components(signal**0.5, noise**0.5, signal / whole if whole else 0.0)


def measure_quality(table: Table) -> Quality:
    """Signal, noise, correlations and hardness of a table's complete networks.

    Raises:
        DataError: They are too few.
    """
    different = np.flatnonzero(table.trained)
    if len(different) < FEWEST or len(table.seeds) < 2:
        what = f"{len(different)} networks with {len(table.seeds)} seeds say nothing about signal and noise"
        raise DataError(what, remedy=f"Train {FEWEST} at least with two seeds: `skelbench table make`")
    rows = table.arrays["network"][table.complete]  # a network counts as often as a search may draw it
    test, truth = components(table.test()[rows]), table.truth[rows]
    shrink = _of_means(test, len(table.seeds))
    error = test.seed * (2 / len(table.seeds)) ** 0.5
    return Quality(
        networks=len(different),
        seeds=len(table.seeds),
        test=test,
        validation={name: components(table.validation(name)[rows]) for name in OBJECTIVES},
        lowest=float(truth.min()),
        highest=float(truth.max()),
        shrunken_best=float(truth.mean() + shrink * (truth.max() - truth.mean())),
        rank_means={name: spearman(table.validation(name)[rows].mean(1), truth) for name in OBJECTIVES},
        rank_one={name: _one_seed(table.validation(name)[rows], truth) for name in OBJECTIVES},
        early={
            name: {e: _one_seed(table.validation(name, e)[rows], truth) for e in table.fidelities}
            for name in OBJECTIVES
        },
        macs=spearman(table.arrays["macs"][rows], truth),
        seconds=spearman(table.seconds()[rows].mean(1), truth),
        outside=int((truth.max() - table.truth[different] > 2 * error).sum()),
        disagreement=_disagreement(table, different),
    )


def spearman(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's rank correlation; 0 where one of both is constant."""
    a, b = (_ranks(np.asarray(values, dtype=float)) for values in (one, other))
    if a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 0, the mean rank of equals."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts + 1) / 2)[place])


def _of_means(parts: Components, seeds: int) -> float:
    """Reliability of the mean over some seeds."""
    whole = parts.between**2 + parts.seed**2 / seeds
    return parts.between**2 / whole if whole else 0.0


def _one_seed(figures: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean([spearman(figures[:, seed], truth) for seed in range(figures.shape[1])]))


def _disagreement(table: Table, rows: np.ndarray) -> float:
    bits = table.arrays["test_hits"][rows]
    count = table.header["test_clips"][0]
    hits = np.unpackbits(bits, axis=2, count=count)
    pairs = [(i, j) for i in range(hits.shape[1]) for j in range(i)]
    return float(100 * np.mean([(hits[:, i] != hits[:, j]).mean() for i, j in pairs]))
