"""Whether what a search believes of architectures is true: fitness against training each by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

DRAWS = 2000
_LEVELS = (2.5, 97.5)
FEWEST = 4
"""Architectures below which a rank correlation says nothing."""


@dataclass(frozen=True)
class Judged:
    """An architecture as the search sees it and as it is.

    Attributes:
        choices: Its decisions.
        fitness: What the search's own evaluation gives; higher is better.
        figures: Top-1 in percent after training by itself, one for each seed.
    """

    choices: Mapping[str, Any]
    fitness: float
    figures: tuple[float, ...]


@dataclass(frozen=True)
class Diagnosis:
    """What a search's fitness is worth.

    Attributes:
        run: Name of the run.
        fitness: What the fitness is, as in ``accuracy on a supernet``.
        truth: What it is held against, as in ``validation top-1 after 70 epochs``.
        rated: How many architectures the search's fitness was taken of.
        judged: Those of them that were trained by themselves.
    """

    run: str
    fitness: str
    truth: str
    rated: int
    judged: tuple[Judged, ...]

    @property
    def tau(self) -> float:
        """Kendall's tau-b between fitness and mean figure; NaN where one of them is constant."""
        fitness, truth = self._pairs()
        return float(_tau(fitness, truth, np.ones((1, len(truth))))[0])

    def interval(self) -> tuple[float, float]:
        """The 95 % interval of tau, by a bootstrap over architectures; from -1 to 1 where tau is NaN."""
        fitness, truth = self._pairs()
        if np.isnan(self.tau):
            return -1.0, 1.0
        rng = np.random.default_rng(0)
        often = rng.multinomial(len(truth), np.full(len(truth), 1 / len(truth)), size=DRAWS)
        low, high = np.nanpercentile(_tau(fitness, truth, often), _LEVELS)
        return float(low), float(high)

    def spread(self) -> tuple[float, float | None]:
        """Standard deviations in points: between architectures, and between seeds of one; None with one seed.

        With several seeds the variance between seeds is taken out of that between architectures (one-way
        analysis of variance).
        """
        figures = np.array([one.figures for one in self.judged])
        among = float(figures.mean(axis=1).var(ddof=1))
        if figures.shape[1] < 2:
            return among**0.5, None
        within = float(figures.var(axis=1, ddof=1).mean())
        return max(0.0, among - within / figures.shape[1]) ** 0.5, within**0.5

    def verdict(self) -> str:
        """``yes`` where the fitness ranks architectures (the interval lies above 0), ``no`` where it ranks
        them the wrong way round, else ``undecided``."""
        low, high = self.interval()
        return "yes" if low > 0 else "no" if high < 0 else "undecided"

    def lines(self) -> list[str]:
        """The diagnosis in plain words."""
        (low, high), (between, seeds) = self.interval(), self.spread()
        trainings = sum(len(one.figures) for one in self.judged)
        tau = "no correlation: one of them is constant" if np.isnan(self.tau) else f"{self.tau:.2f}"
        noise = "unknown with one seed" if seeds is None else f"{seeds:.2f} points"
        return [
            f"{self.run}: {len(self.judged)} of {self.rated} rated architectures, {trainings} trainings",
            f"{self.fitness} against {self.truth}",
            f"Kendall's tau {tau} [{low:.2f}, {high:.2f}]",
            f"between architectures {between:.2f} points, between seeds {noise}",
            f"does the fitness rank architectures? {self.verdict()}",
        ]

    def plain(self) -> dict[str, Any]:
        """The same as plain JSON data."""
        between, seeds = self.spread()
        judged = [
            {"choices": dict(one.choices), "fitness": one.fitness, "figures": list(one.figures)}
            for one in self.judged
        ]
        told = {"run": self.run, "fitness": self.fitness, "truth": self.truth, "rated": self.rated}
        tau = None if np.isnan(self.tau) else self.tau
        found = {"tau": tau, "interval": list(self.interval()), "verdict": self.verdict()}
        return {**told, **found, "between": between, "seeds": seeds, "architectures": judged}

    def _pairs(self) -> tuple[np.ndarray, np.ndarray]:
        fitness = np.array([one.fitness for one in self.judged])
        return fitness, np.array([np.mean(one.figures) for one in self.judged])


def spread_out(fitness: Sequence[float], count: int) -> list[int]:
    """``count`` places spread evenly over the ranks of a fitness, the lowest and the highest among them."""
    order = np.argsort(np.asarray(fitness), kind="stable")
    places = np.unique(np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int))
    return [int(order[place]) for place in places]


def _tau(one: np.ndarray, other: np.ndarray, often: np.ndarray) -> np.ndarray:
    """Kendall's tau-b where each place counts several times: ``often`` (draws, places) gives (draws,)."""
    first, second = (np.sign(x[:, None] - x[None, :]) for x in (one, other))
    agree, untied, others = (
        np.einsum("di,ij,dj->d", often, pairs, often, optimize=True)
        for pairs in (first * second, first**2, second**2)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(agree / np.sqrt(untied * others))
