"""The arithmetic of CEIM: a diagonal Gaussian, its update, and importance mixing.

Equations are those of Peng et al., "Learning Graph Convolutional Network for Skeleton-based Human
Action Recognition by Neural Searching", AAAI 2020.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class Gaussian:
    """A normal distribution with a diagonal covariance.

    Attributes:
        mean: (D,).
        variance: (D,), the diagonal of the covariance; all positive.
    """

    mean: np.ndarray
    variance: np.ndarray

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Independent samples, (count, D)."""
        return self.mean + np.sqrt(self.variance) * rng.standard_normal((count, self.mean.size))

    def log_density(self, samples: np.ndarray) -> np.ndarray:
        """The logarithm of the density at each of ``samples`` (n, D), as (n,)."""
        terms = (samples - self.mean) ** 2 / self.variance + np.log(2 * math.pi * self.variance)
        return -0.5 * terms.sum(axis=1)


Weighting = Literal["reciprocal", "logarithmic"]


def rank_weights(count: int, elite: float = 1.0, kind: Weighting = "reciprocal") -> np.ndarray:
    """The weights lambda of eq. 12 for samples sorted from the best to the worst.

    Args:
        count: Number of samples N, at least 1.
        elite: Share of them that gets weight, rounded up.
        kind: ``reciprocal``: log(1 + N) / i, as eq. 12 is printed, which is 1 / i; ``logarithmic``:
            log((1 + heads) / i) with the number of those that get weight, as the released code has it.

    Returns:
        (N,), falling, summing to 1, zero beyond the elite.
    """
    heads = max(1, math.ceil(elite * count))
    rank = np.arange(1, heads + 1)
    weights = np.zeros(count)
    # log(1 + N) is in the numerator and in the sum alike and cancels: as printed, eq. 12 is (1/i) / sum(1/i).
    weights[:heads] = 1.0 / rank if kind == "reciprocal" else np.log((1 + heads) / rank)
    return weights / weights.sum()


def shared_among_ties(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The weights with each averaged over the samples of one value, whose order is arbitrary.

    Args:
        weights: By rank, (N,).
        values: The fitness by rank, (N,).
    """
    _, place = np.unique(values, return_inverse=True)
    return (np.bincount(place, weights) / np.bincount(place))[place]


def updated(old: Gaussian, ranked: np.ndarray, weights: np.ndarray, noise: float, floor: float) -> Gaussian:
    """The distribution after a generation, eq. 13 and 14.

    Args:
        old: The distribution that the generation stands for; eq. 14 spreads about its mean.
        ranked: Samples from the best to the worst, (N, D).
        weights: Their weights, (N,).
        noise: eps of eq. 14, added to every variance.
        floor: Smallest standard deviation.
    """
    variance = weights @ (ranked - old.mean) ** 2 + noise
    return Gaussian(weights @ ranked, np.maximum(variance, floor**2))


def importance_mix(
    rng: np.random.Generator,
    new: Gaussian,
    old: Gaussian,
    population: np.ndarray,
    size: int,
    min_new: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """A population of ``new`` that reuses samples of ``old`` (eq. 10 and 11, Algorithm 1).

    Every sample has a threshold of its own, and densities are compared by their logarithms, since
    in many dimensions the densities themselves leave the range of floating point.

    Args:
        rng: The source of chance.
        new: The distribution that the result stands for.
        old: The distribution that ``population`` stands for.
        population: The old samples, (n, D).
        size: Number of samples wanted, N.
        min_new: At least so many are new.

    Returns:
        The kept samples, then the new ones, (N, D); and the row of ``population`` that each kept
        one has, (number kept,), rising.
    """
    ratio = np.exp(np.minimum(0.0, new.log_density(population) - old.log_density(population)))
    kept = np.flatnonzero(ratio > rng.random(len(population)))
    drawn = new.draw(rng, size)
    ratio = np.exp(np.minimum(0.0, old.log_density(drawn) - new.log_density(drawn)))
    drawn = drawn[1.0 - ratio > rng.random(size)]
    staying = np.sort(rng.permutation(len(kept) + len(drawn))[:size])
    drawn = drawn[staying[staying >= len(kept)] - len(kept)]
    kept = kept[staying[staying < len(kept)]]
    kept = np.sort(rng.permutation(kept)[: size - min_new])
    fresh = new.draw(rng, size - len(kept) - len(drawn))
    return np.concatenate([population[kept], drawn, fresh]), kept
