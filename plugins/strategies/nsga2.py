"""NSGA-II: Deb et al., "A fast and elitist multiobjective genetic algorithm", IEEE TEC 6(2), 2002."""

from __future__ import annotations

import copy
from collections import ChainMap
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

import numpy as np

from skelbench.errors import SpecError
from skelbench.recipe import DeriveOptions
from skelbench.search import Proposal, Sample, Space, WeightMode, Weights, as_weights

from .fresh import drawn_anew, sample_key
from .neighbours import others
from .params import Nsga2Params
from .refusals import refuse_empty

Macs = Callable[[Sample], float]
_TRIES = 50
"""Children in a row that are known already after which a random architecture is taken instead."""


class Nsga2:
    """Keeps the architectures that no other beats in both fitness and MACs, and breeds from them.

    Parents win a tournament of two by front and crowding distance; a child takes each decision from either
    of two, and some are exchanged for another option. Every architecture is evaluated once. Where nobody
    tells it MACs, fitness alone counts.

    Args:
        space: What is searched.
        seed: Of all its randomness.
        weights: Always ``own``.
        epochs: Of no meaning.
        derive: Without effect: candidates are architectures already.
        params: See `Nsga2Params`.

    Raises:
        SpecError: There is nothing to search.
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
        refuse_empty(space)
        self._params, self._space = Nsga2Params(**params), space
        self._points = {point.label: point for point in space.points}
        self._rng = np.random.default_rng(seed)
        self._macs: Macs = lambda sample: 0.0
        self._seen: dict[str, tuple[Sample, float | None, float]] = {}
        self._population: list[str] = []

    def use_macs(self, macs: Macs) -> None:
        """Let MACs count; to be called before the first generation."""
        self._macs = macs

    def training_weights(self, epoch: int) -> Weights:
        """Even weights; there is no supernet."""
        return as_weights(self._space.points, {})

    def ask(self, generation: int) -> list[Proposal]:
        """Random architectures, then the children of a generation; none at the end."""
        left = min(self._params.evaluations, self._space.size()) - len(self._seen)
        asked: dict[str, Sample] = {}
        known, standing = ChainMap[str, Any](asked, self._seen), self._sorted(self._population)
        for _ in range(min(left, self._params.population)):
            sample = self._child(known, *standing) if len(self._population) > 1 else None
            sample = sample or self._another(known)
            asked[sample_key(sample)] = sample
        return [Proposal(sample) for sample in asked.values()]

    def tell(self, proposals: Sequence[Proposal], fitness: Sequence[float | None]) -> None:
        """Keep the best of parents and children."""
        for proposal, value in zip(proposals, fitness, strict=True):
            sample = proposal.sample or {}
            good = value if value is not None and bool(np.isfinite(value)) else None
            key = sample_key(sample)
            self._seen[key] = (sample, good, float(self._macs(sample)))
            if good is not None and key not in self._population:
                self._population.append(key)
        ranks, crowding = self._sorted(self._population)
        order = np.lexsort((np.arange(len(ranks)), -crowding, ranks))[: self._params.population]
        self._population = [self._population[i] for i in order]

    def best(self) -> Proposal:
        """The architecture of the highest fitness, the cheapest of equals; before there is one, any."""
        found = [(value, -macs, key) for key, (_, value, macs) in self._seen.items() if value is not None]
        if not found:
            return Proposal(next(iter(self._space.enumerate())))
        sample, value, _ = self._seen[max(found)[2]]
        return Proposal(sample, None, value)

    def figures(self) -> dict[str, Any]:
        """Architectures evaluated so far, and the front: GMACs and fitness, the cheapest first."""
        ranks, _ = self._sorted(self._population)
        front = [self._seen[key][1:] for key, rank in zip(self._population, ranks, strict=True) if rank == 0]
        listed = sorted([macs / 1e9, float(value or 0)] for value, macs in front)
        return {"evaluated": len(self._seen), "front": listed, "best": self.best().fitness}

    def state(self) -> dict[str, Any]:
        """All that changes in a search, with the state of its random numbers."""
        return {
            "rng": copy.deepcopy(self._rng.bit_generator.state),
            "seen": [list(one) for one in self._seen.values()],
            "population": list(self._population),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``, of a search of the same space with the same parameters."""
        self._rng.bit_generator.state = copy.deepcopy(state["rng"])
        self._seen = {sample_key(one[0]): (one[0], one[1], one[2]) for one in state["seen"]}
        self._population = list(state["population"])

    def _another(self, known: Container[str]) -> Sample:
        """An architecture that is not known, at random; the space's first one where chance finds none."""
        drawn = drawn_anew(self._space, self._rng, known)
        return drawn or next(s for s in self._space.enumerate() if sample_key(s) not in known)

    def _child(self, known: Container[str], ranks: np.ndarray, crowding: np.ndarray) -> Sample | None:
        for _ in range(_TRIES):
            first, second = (self._parent(ranks, crowding) for _ in range(2))
            mixed = {
                label: decision if label not in second or self._rng.random() < 0.5 else second[label]
                for label, decision in first.items()
            }
            try:
                child = self._space.canonical({**self._space.sample(self._rng), **self._mutated(mixed)})
            except SpecError:  # no such architecture is part of the space
                continue
            if sample_key(child) not in known:
                return child
        return None

    def _parent(self, ranks: np.ndarray, crowding: np.ndarray) -> Sample:
        pair = self._rng.integers(len(ranks), size=2)
        winner = min(pair, key=lambda i: (ranks[i], -crowding[i]))
        return self._seen[self._population[winner]][0]

    def _mutated(self, sample: Sample) -> Sample:
        rate = self._params.mutation
        share = 1 / max(1, len(sample)) if rate is None else rate
        changed = dict(sample)
        for label, decision in sample.items():
            if self._rng.random() < share:
                options = list(others(self._points[label], decision))
                if options:
                    changed[label] = options[int(self._rng.integers(len(options)))]
        return changed

    def _sorted(self, keys: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Front of each architecture, 0 is the best, and how far its neighbours on the front are."""
        known = [self._seen[key] for key in keys]
        values = np.array([[-float(one[1] or 0), one[2]] for one in known]).reshape(-1, 2)
        ranks = fronts(values)
        return ranks, crowding_distances(values, ranks)


def fronts(values: np.ndarray) -> np.ndarray:
    """The number of each point's front (n,): 0 where none is better in one value and no worse in the other.

    Args:
        values: (n, objectives), lower is better.
    """
    one, other = values[:, None], values[None]
    dominates = np.asarray((one <= other).all(2) & (one < other).any(2))
    ranks, left, number = np.zeros(len(values), dtype=int), np.ones(len(values), dtype=bool), 0
    while left.any():
        first = left & ~dominates[left].any(0)
        ranks[first] = number
        left &= ~first
        number += 1
    return ranks


def crowding_distances(values: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """How far the neighbours of each point on its front are, infinite at the ends (Deb et al., III B).

    Args:
        values: (n, objectives).
        ranks: Fronts (n,).
    """
    found = np.zeros(len(values))
    for number in np.unique(ranks):
        front = np.flatnonzero(ranks == number)
        for column in values[front].T:
            order = front[np.argsort(column, kind="stable")]
            span = float(np.ptp(column))
            found[order[[0, -1]]] = np.inf
            if span > 0 and len(order) > 2:
                ordered = np.sort(column, kind="stable")
                found[order[1:-1]] += (ordered[2:] - ordered[:-2]) / span
    return found
