"""Searches whose next architecture an algorithm of NNI chooses.

NNI's algorithms see a space as plain categoricals, one per decision, over the numbers of its outcomes.
They are asked for one sample at a time and told its fitness; the engine does the rest, as for any search.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar

import numpy as np

from skelbench.engine.nas.experiment import quiet_nni
from skelbench.errors import RunFolderError, SpecError
from skelbench.recipe import DeriveOptions
from skelbench.search import Point, Proposal, Sample, Space, WeightMode, Weights, as_weights
from skelbench.space.tree import outcomes

LIMIT = 10_000
"""A decision with more outcomes than this is no categorical."""
PATIENCE = 1000
"""Samples in a row that stand for known architectures after which the search ends."""

Raw = list[int]
"""A sample as NNI sees it: the number of the outcome of each decision, inactive ones too."""


class NniSearch(ABC):
    """Evaluates one architecture after the other, each chosen by an algorithm of NNI.

    Different samples may be one architecture, where they differ in inactive decisions only. It is
    evaluated once; the algorithm is told its fitness for each of its samples.

    Args:
        space: What is searched.
        seed: Of the algorithm's draws.
        weights: Without effect: every architecture has weights of its own.
        epochs: Without effect.
        derive: Without effect: candidates are architectures already.
        evaluations: How many different architectures are evaluated.
        params: The algorithm's own parameters.

    Raises:
        SpecError: A decision has too many outcomes.
    """

    NAMES: ClassVar[Mapping[str, str]]
    """What NNI calls the algorithm's own parameters."""

    def __init__(
        self,
        space: Space,
        *,
        seed: int,
        weights: WeightMode,
        epochs: int,
        derive: DeriveOptions = DeriveOptions(),
        evaluations: int,
        **params: Any,
    ) -> None:
        self._space, self._evaluations = space, evaluations
        self._settings = {self.NAMES[name]: value for name, value in params.items()}
        self._outcomes = {point.label: _outcomes(point) for point in space.points}
        self._begin(seed)

    def _begin(self, seed: int) -> None:
        self._seed = seed
        self._reported: list[tuple[Raw, float | None]] = []
        self._known: dict[str, float | None] = {}
        self._proposed: Raw | None = None
        self._over = False
        self._best = Proposal()
        with quiet_nni():
            self._start(seed)

    @abstractmethod
    def _start(self, seed: int) -> None:
        """Make NNI's algorithm anew."""

    @abstractmethod
    def _next(self) -> Mapping[str, Any] | None:
        """NNI's next sample, the number of an outcome by label; None where it finds no new one."""

    @abstractmethod
    def _report(self, raw: Raw, fitness: float | None) -> None:
        """Tell NNI the fitness of its last sample, None where the trial failed."""

    def training_weights(self, epoch: int) -> Weights:
        """Even weights; there is no supernet for them, as every architecture has weights of its own."""
        return as_weights(self._space.points, {})

    def ask(self, generation: int) -> list[Proposal]:
        """One architecture that has not been evaluated; none at the end of the budget or of the space."""
        with quiet_nni():
            if self._proposed is None and not self._over:
                self._proposed = self._unknown() if len(self._known) < self._evaluations else None
                self._over = self._proposed is None
        return [] if self._proposed is None else [Proposal(self._sample(self._proposed))]

    def _unknown(self) -> Raw | None:
        """NNI's next sample that stands for a new architecture; of others NNI is told at once."""
        for _ in range(PATIENCE):
            raw = self._draw()
            if raw is None or _key(self._sample(raw)) not in self._known:
                return raw
            self._learn(raw, self._known[_key(self._sample(raw))])
        return None

    def _draw(self) -> Raw | None:
        sample = self._next()
        return None if sample is None else [int(sample[label]) for label in self._outcomes]

    def tell(self, proposals: Sequence[Proposal], fitness: Sequence[float | None]) -> None:
        """Pass the fitness on to NNI, and remember the best; among equals the first.

        Raises:
            ValueError: It is not the fitness of the one architecture that was asked for.
        """
        if self._proposed is None or len(proposals) != 1 or len(fitness) != 1:
            raise ValueError("tell takes the fitness of the architecture of the last ask")
        value = fitness[0]
        raw, self._proposed = self._proposed, None
        with quiet_nni():
            self._learn(raw, float(value) if value is not None and np.isfinite(value) else None)

    def _learn(self, raw: Raw, fitness: float | None) -> None:
        self._report(raw, fitness)
        self._reported.append((raw, fitness))
        sample = self._sample(raw)
        self._known[_key(sample)] = fitness
        if fitness is not None and (self._best.fitness is None or fitness > self._best.fitness):
            self._best = Proposal(sample, None, fitness)

    def best(self) -> Proposal:
        """The architecture of the highest fitness; before there is one, any, without a fitness."""
        if self._best.sample is not None:
            return self._best
        return Proposal(self._space.sample(np.random.default_rng(self._seed)))

    def figures(self) -> dict[str, Any]:
        """Architectures evaluated so far, those that failed, and the highest fitness."""
        failed = sum(fitness is None for fitness in self._known.values())
        return {"evaluated": len(self._known), "failed": failed, "best": self._best.fitness}

    def state(self) -> dict[str, Any]:
        """All that NNI was told: from it and the seed everything follows."""
        told = [[list(raw), fitness] for raw, fitness in self._reported]
        return {"seed": self._seed, "told": told, "asked": self._proposed, "over": self._over}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``: NNI proposes all of it again and is told the same.

        Raises:
            RunFolderError: It proposes something else, so the state is of another search.
        """
        self._begin(state["seed"])
        with quiet_nni():
            for raw, fitness in state["told"]:
                self._propose_again(raw)
                self._learn(raw, fitness)
            if state["asked"] is not None:
                self._propose_again(state["asked"])
        self._proposed, self._over = state["asked"], state["over"]

    def _propose_again(self, raw: Raw) -> None:
        if self._draw() != raw:
            raise RunFolderError(
                "the search does not go the way that was stored", remedy="Begin anew with --no-resume"
            )

    def _sample(self, raw: Raw) -> Sample:
        decided = zip(self._outcomes.items(), raw, strict=True)
        return self._space.canonical({label: outcomes[number] for (label, outcomes), number in decided})


def _outcomes(point: Point) -> list[Any]:
    found = list(islice(outcomes(point), LIMIT + 1))
    if len(found) > LIMIT:
        raise SpecError(
            f"the {point.kind} '{point.label}' has more than {LIMIT:,} outcomes, too many for this strategy",
            where="search.strategy",
            remedy="Use the strategy 'random' or 'ceim', or offer fewer options",
        )
    return found


def _key(sample: Sample) -> str:
    return json.dumps(sample, sort_keys=True)
