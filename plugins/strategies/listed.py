"""Searches whose candidates are settled beforehand: random and exhaustive."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from skelbench.errors import SpecError
from skelbench.recipe import DeriveOptions
from skelbench.search import Proposal, Sample, Space, WeightMode, Weights, as_weights

from .params import GridParams, RandomParams

PATIENCE = 1000
"""Draws in a row without a new architecture after which the rest is taken in the space's order."""


class ListedSearch:
    """Evaluates a list of architectures and answers with the best.

    With shared weights the supernet trains under even weights, and the whole list is evaluated
    after the last epoch; with own weights it is handed out in batches.

    Args:
        space: What is searched.
        order: Gives the list anew, for a seed.
        seed: Handed to ``order``.
        weights: How the engine gets a candidate's weights.
        epochs: Supernet epochs; of no meaning with own weights.
        batch: Architectures of a generation with own weights.
    """

    def __init__(
        self,
        space: Space,
        order: Callable[[int], Iterator[Sample]],
        *,
        seed: int,
        weights: WeightMode,
        epochs: int,
        batch: int,
    ) -> None:
        self._space, self._order, self._seed = space, order, seed
        self._shared, self._epochs, self._batch = weights == "shared", epochs, batch
        self._rest = order(seed)
        self._proposed = 0
        self._reported = 0
        self._failed = 0
        self._best = Proposal()

    def training_weights(self, epoch: int) -> Weights:
        """Even weights, so that a supernet that runs one option at a time draws them evenly."""
        return as_weights(self._space.points, {})

    def ask(self, generation: int) -> list[Proposal]:
        """The next batch; with shared weights everything after the last epoch, nothing before."""
        if self._shared and generation != self._epochs - 1:
            return []
        samples = list(self._rest) if self._shared else list(islice(self._rest, self._batch))
        self._proposed += len(samples)
        points = self._space.points
        return [Proposal(s, as_weights(points, s) if self._shared else None) for s in samples]

    def tell(self, proposals: Sequence[Proposal], fitness: Sequence[float | None]) -> None:
        """Remember the best; among equals the first."""
        for proposal, value in zip(proposals, fitness, strict=True):
            self._reported += 1
            if value is None or not np.isfinite(value):
                self._failed += 1
            elif self._best.fitness is None or value > self._best.fitness:
                self._best = Proposal(proposal.sample, proposal.weights, value)

    def best(self) -> Proposal:
        """The architecture of the highest fitness.

        Before there is one, the first of the list without a fitness.
        """
        if self._best.sample is not None:
            return self._best
        first = next(self._order(self._seed))
        return Proposal(first, as_weights(self._space.points, first) if self._shared else None)

    def figures(self) -> dict[str, Any]:
        """Architectures evaluated so far, those that failed, and the highest fitness."""
        return {"evaluated": self._reported, "failed": self._failed, "best": self._best.fitness}

    def state(self) -> dict[str, Any]:
        """The place in the list and the best so far."""
        return {
            "seed": self._seed,
            "asked": self._proposed,
            "told": self._reported,
            "failed": self._failed,
            "best": [self._best.sample, self._best.fitness],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``, of a search of the same space with the same parameters."""
        self._seed, self._proposed = state["seed"], state["asked"]
        self._reported, self._failed = state["told"], state["failed"]
        self._rest = islice(self._order(self._seed), self._proposed, None)
        sample, fitness = state["best"]
        weighted = self._shared and sample is not None
        self._best = Proposal(sample, as_weights(self._space.points, sample) if weighted else None, fitness)


def random_search(
    space: Space,
    *,
    seed: int,
    weights: WeightMode,
    epochs: int,
    derive: DeriveOptions = DeriveOptions(),
    **params: Any,
) -> ListedSearch:
    """A search over `RandomParams.evaluations` different architectures drawn at random.

    Args:
        space: What is searched.
        seed: Of the draws.
        weights: How the engine gets a candidate's weights.
        epochs: Supernet epochs; of no meaning with own weights.
        derive: Without effect: candidates are architectures already.
        params: See `RandomParams`.
    """
    given = RandomParams(**params)

    def order(seed: int) -> Iterator[Sample]:
        return _distinct(space, np.random.default_rng(seed), given.evaluations)

    return ListedSearch(space, order, seed=seed, weights=weights, epochs=epochs, batch=given.batch)


def grid_search(
    space: Space,
    *,
    seed: int,
    weights: WeightMode,
    epochs: int,
    derive: DeriveOptions = DeriveOptions(),
    **params: Any,
) -> ListedSearch:
    """A search over every architecture, in the order of the space.

    Args:
        space: What is searched.
        seed: Without effect.
        weights: How the engine gets a candidate's weights.
        epochs: Supernet epochs; of no meaning with own weights.
        derive: Without effect: candidates are architectures already.
        params: See `GridParams`.

    Raises:
        SpecError: The space is larger than the limit.
    """
    given = GridParams(**params)
    size = space.size()
    if size > given.limit:
        raise SpecError(
            f"the space has {size:,} architectures, more than the grid's limit of {given.limit:,}",
            where="search.strategy",
            remedy="Use the strategy 'random', make the space smaller, or raise limit",
        )
    return ListedSearch(
        space, lambda _: space.enumerate(), seed=seed, weights=weights, epochs=epochs, batch=given.batch
    )


def _distinct(space: Space, rng: np.random.Generator, wanted: int) -> Iterator[Sample]:
    """Different architectures: drawn while draws bring new ones, then the first ones still missing."""
    seen: set[str] = set()
    missed, wanted = 0, min(wanted, space.size())
    while len(seen) < wanted and missed < PATIENCE:
        sample = space.sample(rng)
        key = _key(sample)
        missed = missed + 1 if key in seen else 0
        if key not in seen:
            seen.add(key)
            yield sample
    missing = (sample for sample in space.enumerate() if _key(sample) not in seen)
    yield from islice(missing, wanted - len(seen))


def _key(sample: Sample) -> str:
    return json.dumps(sample, sort_keys=True)
