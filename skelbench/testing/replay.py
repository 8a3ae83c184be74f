"""Replay a search against a table of fitness, so that strategies are tried in milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product
from math import comb, prod
from typing import Any

import numpy as np

from skelbench.errors import SpecError, did_you_mean
from skelbench.recipe import DeriveOptions
from skelbench.search import Point, Proposal, Sample, Search, WeightMode, decode

Evaluate = Callable[[Proposal], float | None]
"""Gives a proposal's fitness, higher is better, or None as for a failed trial."""

Axes = tuple[int, ...]
LARGEST_TABLE = 2**24
"""Architectures in a table, 128 MiB of them."""
MOST_EFFECTS = 2**24
"""Effects in a space."""
TABLE_STREAM = 7461
"""Sets the random numbers of tables apart from those of searches with the same seed."""


@dataclass(frozen=True)
class Step:
    """One generation of a replay.

    Attributes:
        generation: Its number as the search was asked for it.
        proposals: What the search asked for.
        fitness: What it was told.
        evaluations: Evaluations so far, this generation included.
    """

    generation: int
    proposals: tuple[Proposal, ...]
    fitness: tuple[float | None, ...]
    evaluations: int


@dataclass(frozen=True)
class Replay:
    """What happened in a replay.

    Attributes:
        steps: The generations that had proposals.
        best: The search's answer at the end.
    """

    steps: tuple[Step, ...]
    best: Proposal

    @property
    def evaluations(self) -> int:
        """All evaluations made; proposals that came with their fitness are not counted."""
        return self.steps[-1].evaluations if self.steps else 0

    def evaluations_until(self, fitness: float) -> int | None:
        """Evaluations made until one first reached ``fitness``; None where none did."""
        count = 0
        for step in self.steps:
            for proposal, value in zip(step.proposals, step.fitness, strict=True):
                count += proposal.fitness is None
                if value is not None and value >= fitness:
                    return count
        return None


def replay(search: Search, evaluate: Evaluate, generations: int, *, weights: WeightMode = "own") -> Replay:
    """Run a search as the engine does, with ``evaluate`` in place of training.

    Args:
        search: A search that has not begun, or that was restored.
        evaluate: Called for every proposal whose fitness is not known.
        generations: Most generations asked for; with shared weights the supernet's epochs.
        weights: ``own`` ends when the search has no more proposals; ``shared`` passes over
            generations without any.
    """
    steps: list[Step] = []
    evaluations = 0
    for generation in range(generations):
        if weights == "shared":
            search.training_weights(generation)
        proposals = tuple(search.ask(generation))
        if not proposals and weights == "own":
            break
        if not proposals:
            continue
        fitness = tuple(p.fitness if p.fitness is not None else evaluate(p) for p in proposals)
        evaluations += sum(p.fitness is None for p in proposals)
        search.tell(proposals, fitness)
        steps.append(Step(generation, proposals, fitness, evaluations))
    return Replay(tuple(steps), search.best())


class TabulatedSpace:
    """A space whose every architecture has a fitness in a table made from a seed, without training.

    Each option has a normal effect of its own, and each pair of decisions a normal effect that is
    ``interaction`` times as large. No decision depends on another.

    Args:
        points: The decisions.
        seed: Of the effects.
        interaction: Standard deviation of the pairwise effects; an option's own effect has 1.

    Only the effects are held; the table of all architectures is made when it is asked for.

    Attributes:
        points: The decisions.

    Raises:
        SpecError: There are more effects than `MOST_EFFECTS`.
    """

    def __init__(self, points: Sequence[Point], *, seed: int = 0, interaction: float = 0.3) -> None:
        self.points = tuple(points)
        _confirm_effects([_count(point) for point in self.points])  # before they are listed
        self._alternatives = [list(_alternatives(point)) for point in self.points]
        # A stream apart: a search with the same seed would else draw the very effects as its first sample.
        stream = np.random.SeedSequence(seed, spawn_key=(TABLE_STREAM,))
        self._effects = list(self._draw(np.random.default_rng(stream), interaction))

    @classmethod
    def of_choices(
        cls, points: int, options: int, *, seed: int = 0, interaction: float = 0.3
    ) -> TabulatedSpace:
        """A space of ``points`` plain choices with ``options`` options each."""
        names = tuple(f"option{i}" for i in range(options))
        decisions = [Point(f"point{i}", "choice", names) for i in range(points)]
        return cls(decisions, seed=seed, interaction=interaction)

    def size(self) -> int:
        """The number of architectures."""
        return prod(map(len, self._alternatives))

    def sample(self, rng: np.random.Generator) -> Sample:
        """A random architecture, all alike likely."""
        return self._sample(
            [alternatives[rng.integers(len(alternatives))] for alternatives in self._alternatives]
        )

    def enumerate(self) -> Iterator[Sample]:
        """Every architecture once."""
        return (self._sample(decisions) for decisions in product(*self._alternatives))

    def canonical(self, sample: Sample) -> Sample:
        """The sample in the order of the points.

        Raises:
            SpecError: A label or a decision is not of this space.
        """
        self._place(sample)
        return {point.label: sample[point.label] for point in self.points}

    def fitness(self, sample: Sample) -> float:
        """The fitness of an architecture.

        Raises:
            SpecError: It is not of this space.
        """
        place = self._place(sample)
        if "table" in vars(self):
            return float(self.table[place])
        total = 0.0
        for axes, effects in self._effects:  # in the order of the table, for the same rounding
            total += float(effects[tuple([place[axis] for axis in axes])])
        return total

    def evaluate(self, proposal: Proposal) -> float:
        """The fitness of a proposal; one that brings weights alone is decoded first.

        Raises:
            SpecError: It is not of this space.
        """
        if proposal.sample is not None:
            return self.fitness(proposal.sample)
        if proposal.weights is None:
            raise SpecError("a proposal has neither a sample nor weights", remedy="Mend the strategy")
        return self.fitness(decode(self.points, proposal.weights, DeriveOptions()))

    def quantile(self, share: float) -> float:
        """The fitness that ``share`` of all architectures do not exceed."""
        return float(np.quantile(self.table, share))

    @cached_property
    def table(self) -> np.ndarray:
        """Fitness by the number of each decision's alternative, one axis per point.

        Raises:
            SpecError: There are more architectures than `LARGEST_TABLE`.
        """
        if self.size() > LARGEST_TABLE:
            what = f"a table of {self.size():,} architectures has {8 * self.size() / 2**30:,.1f} GiB"
            remedy = f"Ask for single ones by fitness(), or take a space of {LARGEST_TABLE:,} at most"
            raise SpecError(what, remedy=remedy)
        shape = [len(alternatives) for alternatives in self._alternatives]
        table = np.zeros(shape)
        for axes, effects in self._effects:
            table += _along(effects, axes, len(shape))
        return table

    def _draw(self, rng: np.random.Generator, interaction: float) -> Iterator[tuple[Axes, np.ndarray]]:
        """The effects of every decision by itself, then of every pair, with the axes that they lie along."""
        sizes = [len(alternatives) for alternatives in self._alternatives]
        for axis, (point, alternatives) in enumerate(zip(self.points, self._alternatives, strict=True)):
            effect = dict(zip(map(str, point.options), rng.standard_normal(len(point.options)), strict=True))
            own = [sum(effect[str(option)] for option in _listed(a)) for a in alternatives]
            yield (axis,), np.array(own)
        for one, other in combinations(range(len(sizes)), 2):
            yield (one, other), interaction * rng.standard_normal((sizes[one], sizes[other]))

    def _sample(self, decisions: Sequence[Any]) -> Sample:
        return {p.label: decision for p, decision in zip(self.points, decisions, strict=True)}

    def _place(self, sample: Sample) -> tuple[int, ...]:
        labels = [point.label for point in self.points]
        for label in sample.keys() ^ set(labels):
            what = "unknown" if label in sample else "missing"
            raise SpecError(f"label '{label}' is {what} in a sample", remedy=did_you_mean(label, labels))
        place = []
        for point, alternatives in zip(self.points, self._alternatives, strict=True):
            if sample[point.label] not in alternatives:
                raise SpecError(
                    f"{point.label} cannot be {sample[point.label]!r}",
                    remedy=did_you_mean(str(sample[point.label]), map(str, alternatives)),
                )
            place.append(alternatives.index(sample[point.label]))
        return tuple(place)


def _confirm_effects(sizes: Sequence[int]) -> None:
    count = sum(sizes) + sum(one * other for one, other in combinations(sizes, 2))
    if count > MOST_EFFECTS:
        what = f"{len(sizes)} decisions with up to {max(sizes):,} alternatives have {count:,} effects"
        raise SpecError(what, remedy=f"Take fewer decisions or options; {MOST_EFFECTS:,} effects at most")


def _count(point: Point) -> int:
    """How many alternatives a point has at most; groups may exclude some."""
    options = len(point.options)
    if not point.several:
        return options
    return 2**options - 1 if point.choose is None else comb(options, point.choose)


def _alternatives(point: Point) -> Iterator[Any]:
    """Every way to decide a point, in the form that a sample has."""
    if not point.several:
        yield from point.options
        return
    sizes = range(1, len(point.options) + 1) if point.choose is None else [point.choose]
    groups = point.groups or range(len(point.options))
    for size in sizes:
        for places in combinations(range(len(point.options)), size):
            if len({groups[i] for i in places}) == size:
                yield [point.options[i] for i in places]


def _listed(decision: Any) -> list[Any]:
    return decision if isinstance(decision, list) else [decision]


def _along(effects: np.ndarray, axes: tuple[int, ...], dimensions: int) -> np.ndarray:
    """``effects`` shaped so that they are added along ``axes`` of a table."""
    shape = [1] * dimensions
    for axis, length in zip(axes, effects.shape, strict=True):
        shape[axis] = length
    return effects.reshape(shape)
