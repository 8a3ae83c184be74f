"""Local search: White et al., "Exploring the loss landscape in neural architecture search", UAI 2021."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from skelbench.errors import SpecError
from skelbench.recipe import DeriveOptions
from skelbench.search import Proposal, Sample, Space, WeightMode, Weights, as_weights

from .fresh import drawn_anew, sample_key
from .neighbours import others
from .params import LocalParams
from .refusals import refuse_empty


class Local:
    """Goes to the best of all neighbours while that is better, then begins anew at a random architecture.

    Neighbours differ in one decision: another option, one option more or less of a mix, one input or edge
    exchanged. Decisions that a change opens are drawn at random.

    Args:
        space: What is searched.
        seed: Of all its randomness.
        weights: Always ``own``.
        epochs: Of no meaning.
        derive: Without effect: candidates are architectures already.
        params: See `LocalParams`.

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
        self._params, self._space = LocalParams(**params), space
        self._points = {point.label: point for point in space.points}
        self._rng = np.random.default_rng(seed)
        self._seen: dict[str, float | None] = {}
        self._here: tuple[Sample, float] | None = None
        self._best = Proposal()
        self._climbs = 0
        self._pending: list[Sample] = []

    def training_weights(self, epoch: int) -> Weights:
        """Even weights; there is no supernet."""
        return as_weights(self._space.points, {})

    def ask(self, generation: int) -> list[Proposal]:
        """The start of a climb, or the neighbours that are not known yet; none at the end."""
        left = self._params.evaluations - len(self._seen)
        if left <= 0:
            return []
        asked = self._unknown_neighbours() if self._here else []
        if not asked:
            self._here = None
            asked = self._random()
        self._pending = asked[:left]
        return [Proposal(sample) for sample in self._pending]

    def tell(self, proposals: Sequence[Proposal], fitness: Sequence[float | None]) -> None:
        """Go to the best neighbour if it is better, else end the climb."""
        told: list[tuple[float, Sample]] = []
        for proposal, value in zip(proposals, fitness, strict=True):
            sample = proposal.sample or {}
            good = value is not None and bool(np.isfinite(value))
            self._seen[sample_key(sample)] = value if good else None
            if good and value is not None:
                told.append((value, sample))
                if self._best.fitness is None or value > self._best.fitness:
                    self._best = Proposal(sample, None, value)
        self._move(told)

    def best(self) -> Proposal:
        """The architecture of the highest fitness; before there is one, that of a climb's start."""
        if self._best.sample is not None:
            return self._best
        return Proposal(self._pending[0] if self._pending else next(iter(self._space.enumerate())))

    def figures(self) -> dict[str, Any]:
        """Architectures evaluated so far, climbs begun, and the highest fitness."""
        return {"evaluated": len(self._seen), "climbs": self._climbs, "best": self._best.fitness}

    def state(self) -> dict[str, Any]:
        """All that changes in a search, with the state of its random numbers."""
        return {
            "rng": copy.deepcopy(self._rng.bit_generator.state),
            "seen": dict(self._seen),
            "here": None if self._here is None else list(self._here),
            "best": [self._best.sample, self._best.fitness],
            "climbs": self._climbs,
            "pending": list(self._pending),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``, of a search of the same space with the same parameters."""
        self._rng.bit_generator.state = copy.deepcopy(state["rng"])
        self._seen, self._climbs = dict(state["seen"]), state["climbs"]
        self._here = None if state["here"] is None else (state["here"][0], state["here"][1])
        self._best = Proposal(state["best"][0], None, state["best"][1])
        self._pending = list(state["pending"])

    def _move(self, told: Sequence[tuple[float, Sample]]) -> None:
        if not told:
            self._here = None
            return
        value, sample = max(told, key=lambda one: one[0])
        better = self._here is None or value > self._here[1]
        self._here = (sample, value) if better else None

    def _random(self) -> list[Sample]:
        """An architecture that is not known; the first such one of the space where chance finds none."""
        self._climbs += 1
        sample = drawn_anew(self._space, self._rng, self._seen)
        if sample is not None:
            return [sample]
        return (
            [next(s for s in self._space.enumerate() if sample_key(s) not in self._seen)]
            if self._more()
            else []
        )

    def _more(self) -> bool:
        return len(self._seen) < self._space.size()

    def _unknown_neighbours(self) -> list[Sample]:
        assert self._here is not None
        found = {sample_key(sample): sample for sample in self._neighbours(self._here[0])}
        unknown = [sample for key, sample in found.items() if key not in self._seen]
        return [unknown[i] for i in self._rng.permutation(len(unknown))]

    def _neighbours(self, sample: Sample) -> Iterator[Sample]:
        for label, decision in sample.items():
            for other in others(self._points[label], decision):
                opened = self._space.sample(self._rng)
                try:
                    yield self._space.canonical({**opened, **sample, label: other})
                except SpecError:  # no such architecture is part of the space
                    continue
