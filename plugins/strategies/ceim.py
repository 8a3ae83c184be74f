"""CEIM: the cross-entropy method with importance mixing, of Peng et al., AAAI 2020."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from skelbench.recipe import DeriveOptions
from skelbench.search import Proposal, Space, WeightMode, Weights, decode

from .gaussian import Gaussian, importance_mix, rank_weights, shared_among_ties, updated
from .params import CeimParams
from .refusals import refuse_empty, refuse_mere_warmup


@dataclass(frozen=True)
class Population:
    """Samples of alpha and the distribution that they stand for.

    Attributes:
        source: The distribution.
        samples: (N, D); the kept ones first.
        fitness: One per sample, None where it is not known.
        kept: How many are kept from the generation before.
    """

    source: Gaussian
    samples: np.ndarray
    fitness: list[float | None] = field(default_factory=list)
    kept: int = 0


class Ceim:
    """A search for architecture weights alpha, one per option of every decision.

    With shared weights the supernet trains under mu; candidates are vectors of weights. Until the
    first generation mu is even over the options, so that a supernet that runs one module at a time
    (eq. 15) updates random ones in the warm-up. With own weights every alpha is decoded to an
    architecture. Failed candidates take no part in the update, equal ones have equal parts
    in it, and where all are equal there is none.

    Args:
        space: What is searched.
        seed: Of all its randomness.
        weights: How the engine gets a candidate's weights.
        epochs: Supernet epochs; of no meaning with own weights.
        derive: How weights become an architecture (own weights).
        params: See `CeimParams`.

    Raises:
        SpecError: There is nothing to search, or the warm-up takes all epochs.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int,
        weights: WeightMode,
        epochs: int,
        derive: DeriveOptions = DeriveOptions(),
        **params: Any,
    ) -> None:
        self._params = CeimParams(**params)
        self._space, self._derive, self._epochs = space, derive, epochs
        self._shared = weights == "shared"
        refuse_empty(space)
        if self._shared:
            refuse_mere_warmup(epochs, self._params.warmup_epochs)
        self._again = self._params.re_evaluate if self._params.re_evaluate is not None else self._shared
        self._rng = np.random.default_rng(seed)
        counts = [len(point.options) for point in space.points]
        start = np.concatenate([np.full(n, _start(self._params.mean, n)) for n in counts])
        self._bounds = np.cumsum(counts)[:-1]
        self._now = Gaussian(start, np.full(start.size, self._params.variance))
        self._updates = 0
        self._old: Population | None = None
        self._proposed: Population | None = None
        self._best: tuple[np.ndarray, float] | None = None
        self._figures: dict[str, Any] = {"generation": 0}

    def training_weights(self, epoch: int) -> Weights:
        """The normalised mean mu: even in the warm-up, then as of the last generation."""
        return self._weights(self._now.mean)

    def ask(self, generation: int) -> list[Proposal]:
        """The population of a generation; none in the warm-up, between generations, and at the end."""
        if not self._due(generation):
            return []
        self._proposed = self._populate()
        proposals = [self._proposal(alpha) for alpha in self._proposed.samples]
        return [
            Proposal(p.sample, p.weights, None if self._again else fitness, kept=row < self._proposed.kept)
            for row, (p, fitness) in enumerate(zip(proposals, self._proposed.fitness, strict=True))
        ]

    def tell(self, proposals: Sequence[Proposal], fitness: Sequence[float | None]) -> None:
        """Update the distribution by the fitness of the population asked for, in its order.

        Raises:
            ValueError: The proposals are not those asked for.
        """
        asked = self._proposed
        if asked is None or not len(proposals) == len(fitness) == len(asked.samples):
            raise ValueError("tell takes one fitness for each proposal of the last ask, in its order")
        self._proposed = None
        values = np.array([np.nan if f is None else f for f in fitness], dtype=float)
        done = np.flatnonzero(np.isfinite(values))
        order = done[np.argsort(-values[done], kind="stable")]
        ranked, values = asked.samples[order], values[order]
        taken = sum(p.fitness is None for p in proposals)
        self._figures = _summary(self._figures["generation"] + 1, asked, taken, values)
        # Samples are mixed with the very last population; failed ones are not worth keeping.
        self._old = Population(asked.source, ranked, values.tolist()) if len(order) else None
        if len(order):
            self._learn(ranked, values)

    def best(self) -> Proposal:
        """The answer as ``final`` wants it; the mean as long as nothing was evaluated."""
        if self._params.final == "mean" or self._best is None:
            return self._proposal(self._now.mean)
        found = self._proposal(self._best[0])
        return Proposal(found.sample, found.weights, self._best[1])

    def figures(self) -> dict[str, Any]:
        """Counts and fitness of the last generation, and the distribution after it.

        ``mean`` (normalised mu) and ``sigma`` (standard deviations of alpha) are lists by label;
        ``entropy`` is that of the normalised mu in nats, averaged over the labels.
        """
        weights = self._weights(self._now.mean)
        sigma = self._by_label(np.sqrt(self._now.variance))
        entropy = float(np.mean([-(w[w > 0] * np.log(w[w > 0])).sum() for w in weights.values()]))
        return self._figures | {
            "mean": {label: w.round(4).tolist() for label, w in weights.items()},
            "sigma": {label: s.round(6).tolist() for label, s in sigma.items()},
            "entropy": round(entropy, 6),
        }

    def state(self) -> dict[str, Any]:
        """All that changes in a search, with the state of its random numbers."""
        return {
            "rng": copy.deepcopy(self._rng.bit_generator.state),
            "updates": self._updates,
            "now": _plain(self._now),
            "old": _plain_population(self._old),
            "asked": _plain_population(self._proposed),
            "best": None if self._best is None else [self._best[0].tolist(), self._best[1]],
            "figures": dict(self._figures),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``, of a search of the same space with the same parameters."""
        self._rng.bit_generator.state = copy.deepcopy(state["rng"])
        self._updates = state["updates"]
        self._now = _gaussian(state["now"])
        self._old, self._proposed = _population(state["old"]), _population(state["asked"])
        best = state["best"]
        self._best = None if best is None else (np.array(best[0]), best[1])
        self._figures = dict(state["figures"])

    def _due(self, generation: int) -> bool:
        if not self._shared:
            return generation < self._params.generations
        left = self._epochs - 1 - generation
        return generation >= self._params.warmup_epochs and left >= 0 and left % self._params.every == 0

    def _populate(self) -> Population:
        size, old = self._params.population, self._old
        if old is None or not self._params.importance_mixing:
            return Population(self._now, self._now.draw(self._rng, size), [None] * size)
        samples, kept = importance_mix(
            self._rng, self._now, old.source, old.samples, size, self._params.min_new
        )
        known = [old.fitness[row] for row in kept] + [None] * (size - len(kept))
        return Population(self._now, samples, known, len(kept))

    def _learn(self, ranked: np.ndarray, values: np.ndarray) -> None:
        p = self._params
        noise = p.noise_floor + (p.noise - p.noise_floor) * p.noise_decay**self._updates
        if self._again or self._best is None or values[0] > self._best[1]:
            self._best = ranked[0], float(values[0])
        if len(values) > 1 and values[0] == values[-1]:
            return  # nothing told the samples apart; their mean would move the distribution by chance alone
        weights = shared_among_ties(rank_weights(len(ranked), p.elite, p.elite_weights), values)
        self._now = updated(self._now, ranked, weights, noise, p.sigma_floor)
        self._updates += 1

    def _by_label(self, vector: np.ndarray) -> Weights:
        parts = np.split(vector, self._bounds)
        return {point.label: part for point, part in zip(self._space.points, parts, strict=True)}

    def _weights(self, alpha: np.ndarray) -> Weights:
        normalise = _softmax if self._params.normalise == "softmax" else _by_sum
        return {label: normalise(part) for label, part in self._by_label(alpha).items()}

    def _proposal(self, alpha: np.ndarray) -> Proposal:
        weights = self._weights(alpha)
        if self._shared:
            return Proposal(weights=weights)
        return Proposal(sample=self._space.canonical(decode(self._space.points, weights, self._derive)))


def _start(mean: float | None, options: int) -> float:
    return 1.0 / options if mean is None else mean


def _by_sum(alpha: np.ndarray) -> np.ndarray:
    """Eq. 8's weights; even ones where no component is positive."""
    positive = np.maximum(alpha, 0.0)
    if not positive.any():
        positive = np.ones_like(alpha)
    return positive / positive.sum()


def _softmax(alpha: np.ndarray) -> np.ndarray:
    powers = np.exp(alpha - alpha.max())
    return powers / powers.sum()


def _summary(generation: int, asked: Population, taken: int, ranked_values: np.ndarray) -> dict[str, Any]:
    some = len(ranked_values) > 0
    return {
        "generation": generation,
        "kept": asked.kept,
        "new": len(asked.samples) - asked.kept,
        "evaluated": taken,
        "failed": len(asked.samples) - len(ranked_values),
        "best": float(ranked_values[0]) if some else None,
        "mean_fitness": float(ranked_values.mean()) if some else None,
    }


def _plain(gaussian: Gaussian) -> dict[str, Any]:
    return {"mean": gaussian.mean.tolist(), "variance": gaussian.variance.tolist()}


def _gaussian(plain: Mapping[str, Any]) -> Gaussian:
    return Gaussian(np.array(plain["mean"]), np.array(plain["variance"]))


def _plain_population(population: Population | None) -> dict[str, Any] | None:
    if population is None:
        return None
    return {
        "source": _plain(population.source),
        "samples": population.samples.tolist(),
        "fitness": list(population.fitness),
        "kept": population.kept,
    }


def _population(plain: Mapping[str, Any] | None) -> Population | None:
    if plain is None:
        return None
    samples = np.array(plain["samples"])
    return Population(_gaussian(plain["source"]), samples, list(plain["fitness"]), plain["kept"])
