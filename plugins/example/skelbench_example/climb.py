"""A strategy: start anywhere, change one decision of the best architecture, keep what is better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from skelbench.recipe import DeriveOptions
from skelbench.search import Proposal, Sample, Space, Weights


class Climb:
    """Hill climbing by one decision at a time."""

    def __init__(
        self, space: Space, *, seed: int, weights: str, epochs: int, derive: DeriveOptions, evaluations: int
    ) -> None:
        self._space = space
        self._rng = np.random.default_rng(seed)
        self._left = evaluations
        self._best: tuple[float, Sample] | None = None

    def training_weights(self, epoch: int) -> Weights:
        """This strategy has no supernet; the registration says so and skelbench never asks."""
        raise TypeError("example.climb evaluates independent trials only")

    def ask(self, generation: int) -> Sequence[Proposal]:
        """The next architecture, or nothing once all evaluations are spent."""
        if self._left == 0:
            return []
        self._left -= 1
        fresh = self._space.sample(self._rng)
        if self._best is None:
            return [Proposal(sample=fresh)]
        label = str(self._rng.choice(list(fresh)))
        changed = self._space.canonical({**fresh, **self._best[1], label: fresh[label]})
        return [Proposal(sample=changed)]

    def tell(self, proposals: Sequence[Proposal], fitness: Sequence[float | None]) -> None:
        """Keep the better one."""
        for proposal, value in zip(proposals, fitness, strict=True):
            if value is not None and proposal.sample and (self._best is None or value >= self._best[0]):
                self._best = (value, proposal.sample)

    def best(self) -> Proposal:
        """The best architecture so far; the first of the space while every trial has failed."""
        if self._best is None:
            return Proposal(sample=next(iter(self._space.enumerate())))
        return Proposal(sample=self._best[1], fitness=self._best[0])

    def figures(self) -> dict[str, Any]:
        """The best fitness so far."""
        return {"best": self._best[0] if self._best else None}

    def state(self) -> dict[str, Any]:
        """Everything above, as JSON data."""
        return {"rng": self._rng.bit_generator.state, "left": self._left, "best": self._best}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`."""
        self._rng.bit_generator.state = state["rng"]
        self._left = state["left"]
        self._best = tuple(state["best"]) if state["best"] else None
