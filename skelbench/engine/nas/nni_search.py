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
Event = list[Any]
"""What went to and fro with NNI: ``["draw", raw]``, or ``["tell", number of the draw, fitness]``."""


class NniSearch(ABC):
    """Evaluates one architecture after the other, each chosen by an algorithm of NNI.

    Different samples may be one architecture, where they differ in inactive decisions only. It is
    evaluated once; the algorithm is told its fitness for each of its samples. It may be asked for more
    before it is told of what it has asked for.

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
        self._events: list[Event] = []
        self._draws: list[Raw] = []
        self._known: dict[str, float | None] = {}
        self._pending: dict[str, list[int]] = {}  # the draws of each architecture that is being evaluated
        self._over = False
        self._best = Proposal()
        with quiet_nni():
            self._start(seed)

    @abstractmethod
    def _start(self, seed: int) -> None:
        """Make NNI's algorithm anew."""

    @abstractmethod
    def _next(self, number: int) -> Mapping[str, Any] | None:
        """NNI's sample of a number, the number of an outcome by label; None where it finds no new one."""

    @abstractmethod
    def _report(self, number: int, raw: Raw, fitness: float | None) -> None:
        """Tell NNI the fitness of the sample of a number, None where the trial failed."""

    def training_weights(self, epoch: int) -> Weights:
        """Even weights; there is no supernet for them, as every architecture has weights of its own."""
        return as_weights(self._space.points, {})

    def ask(self, generation: int) -> list[Proposal]:
        """One architecture that has not been evaluated; none at the end of the budget or of the space."""
        with quiet_nni():
            left = self._evaluations - len(self._known) - len(self._pending)
            found = self._unknown() if left > 0 and not self._over else None
        self._over = self._over or (found is None and left > 0)
        return [] if found is None else [Proposal(found)]

    def _unknown(self) -> Sample | None:
        """NNI's next sample that is a new architecture; of others NNI is told, at once if it can be."""
        for _ in range(PATIENCE):
            raw = self._draw()
            if raw is None:
                return None
            number, sample = len(self._draws) - 1, self._sample(raw)
            key = _key(sample)
            if key in self._known:
                self._learn(number, self._known[key])
            elif key in self._pending:
                self._pending[key].append(number)
            else:
                self._pending[key] = [number]
                return sample
        return None

    def _draw(self) -> Raw | None:
        sample = self._next(len(self._draws))
        if sample is None:
            return None
        raw = [int(sample[label]) for label in self._outcomes]
        self._draws.append(raw)
        self._events.append(["draw", raw])
        return raw

    def tell(self, proposals: Sequence[Proposal], fitness: Sequence[float | None]) -> None:
        """Pass the fitness on to NNI, and remember the best; among equals the first.

        Raises:
            ValueError: It is not the fitness of architectures that were asked for.
        """
        for proposal, value in zip(proposals, fitness, strict=True):
            numbers = self._pending.pop(_key(proposal.sample or {}), None)
            if numbers is None:
                raise ValueError("tell takes the fitness of architectures that were asked for")
            with quiet_nni():
                for number in numbers:
                    self._learn(number, float(value) if value is not None and np.isfinite(value) else None)

    def _learn(self, number: int, fitness: float | None) -> None:
        self._events.append(["tell", number, fitness])
        self._report(number, self._draws[number], fitness)
        sample = self._sample(self._draws[number])
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
        """All that NNI drew and was told: from it and the seed everything follows."""
        return {"seed": self._seed, "events": [list(event) for event in self._events], "over": self._over}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``: NNI proposes all of it again and is told the same.

        Raises:
            RunFolderError: It proposes something else, so the state is of another search.
        """
        self._begin(state["seed"])
        with quiet_nni():
            for kind, *content in state["events"]:
                if kind == "draw":
                    self._draw_again(*content)
                else:
                    self._tell_again(*content)
        self._over = state["over"]

    def _draw_again(self, raw: Raw) -> None:
        if self._draw() != raw:
            raise RunFolderError(
                "the search does not go the way that was stored", remedy="Begin anew with --no-resume"
            )
        key = _key(self._sample(raw))
        if key not in self._known:
            self._pending.setdefault(key, []).append(len(self._draws) - 1)

    def _tell_again(self, number: int, fitness: float | None) -> None:
        self._pending.pop(_key(self._sample(self._draws[number])), None)
        self._learn(number, fitness)

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
