"""Conformance suite for strategies that ask and are told: subclass, name the strategy, run pytest."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import pytest

from skelbench.components import ALL_NODE_KINDS, NodeKind, Strategy
from skelbench.errors import SpecError
from skelbench.recipe import DeriveOptions
from skelbench.search import Point, Proposal, Search, WeightMode
from skelbench.testing.named import NamedComponent
from skelbench.testing.params import checked_params
from skelbench.testing.replay import Replay, TabulatedSpace, replay

POINTS = (
    Point("graph", "choice", ("a", "b", "c", "d")),
    Point("branches", "mix", ("s", "t", "st"), choose=None),
    Point("sources", "inputs", (0, 1, 2), choose=2),
    Point("channels", "value", (16, 32, 64)),
    Point("blocks", "depth", (1, 2, 3)),
    Point("cell.2", "cell", ("sep3(0)", "max3(0)", "sep3(1)", "max3(1)"), 2, (0, 0, 1, 1)),
    Point("stage1.width", "trellis", (4, 8)),
)
"""One decision of each kind; a strategy is tried on those that it searches."""
SMALL = 12
"""Architectures of a small space, at most."""
ENDLESS = 10_000
"""Generations after which a search with own weights is held to have no end."""


class DeclaredStrategy(NamedComponent):
    """What the suites for each form of strategy have in common.

    Attributes:
        form: What the strategies under test give.
        params: Parameters of the component, as in a spec; choose them small.
    """

    form: ClassVar[Literal["ask_tell", "gradient", "oneshot"]]
    kind = "strategy"
    params: ClassVar[Mapping[str, Any]] = {}

    def test_declares_what_it_searches(self, component: Strategy) -> None:
        """Form, ways and node kinds are known ones."""
        assert component.form == self.form, "another suite is for this form"
        assert component.searches, "a strategy searches with shared or own weights"
        assert set(component.searches) <= {"shared", "own"}
        known: frozenset[NodeKind] = ALL_NODE_KINDS
        assert all(kinds and kinds <= known for kinds in component.searches.values())

    def test_unknown_parameters_are_refused(self, component: Strategy) -> None:
        """The parameters fit the model, and one more does not."""
        checked_params(component, self.params)
        with pytest.raises(SpecError, match="no_such_parameter"):
            checked_params(component, {**self.params, "no_such_parameter": 1})


class StrategyConformance(DeclaredStrategy):
    """What every strategy that asks and is told must do, in each way of getting weights that it declares.

    Attributes:
        epochs: Supernet epochs with shared weights.
        generations: Most generations with own weights.
        seeds: Over how many seeds it must be better than chance.
        share: The share of all architectures that its answers must beat on average; an
            architecture drawn at random beats half of them.
        found: The share of small spaces whose best architecture it must find.
        budget: The most evaluations that it may ask for; None: its parameter ``evaluations``, where it
            has one.
    """

    form: ClassVar[Literal["ask_tell", "gradient", "oneshot"]] = "ask_tell"
    epochs: ClassVar[int] = 12
    generations: ClassVar[int] = 30
    seeds: ClassVar[int] = 8
    share: ClassVar[float] = 0.75
    found: ClassVar[float] = 0.75
    budget: ClassVar[int | None] = None

    @pytest.fixture(params=["shared", "own"])
    def weights(self, component: Strategy, request: pytest.FixtureRequest) -> WeightMode:
        """Each declared way of getting a candidate's weights."""
        if request.param not in component.searches:
            pytest.skip(f"{component.name} does not search with {request.param} weights")
        mode: WeightMode = request.param
        return mode

    def space(self, component: Strategy, weights: WeightMode, seed: int = 0) -> TabulatedSpace:
        """A small space of the kinds that the strategy searches."""
        kinds = component.searches[weights]
        return TabulatedSpace([point for point in POINTS if point.kind in kinds], seed=seed)

    def small_space(self, component: Strategy, weights: WeightMode, seed: int = 0) -> TabulatedSpace:
        """A space of a few architectures, of the kinds that the strategy searches."""
        points = self.space(component, weights).points
        chosen: list[Point] = []
        for point in sorted(points, key=lambda point: TabulatedSpace([point]).size()):
            if not chosen or TabulatedSpace([*chosen, point]).size() <= SMALL:
                chosen.append(point)
        return TabulatedSpace(chosen, seed=seed)

    def make(self, component: Strategy, space: TabulatedSpace, weights: WeightMode, seed: int = 0) -> Search:
        """A search that has not begun, made as a run makes it."""
        params = checked_params(component, self.params)
        search: Search = component.load()(
            space, seed=seed, weights=weights, epochs=self.epochs, derive=DeriveOptions(), **params
        )
        return search

    def rounds(self, weights: WeightMode) -> int:
        """How often a search is asked at most."""
        return self.epochs if weights == "shared" else self.generations

    def run(self, search: Search, space: TabulatedSpace, weights: WeightMode) -> Replay:
        """A whole search."""
        return replay(search, space.evaluate, self.rounds(weights), weights=weights)

    def test_respects_the_space(self, component: Strategy, weights: WeightMode) -> None:
        """Every proposal and every answer is of the space."""
        space = self.space(component, weights)
        done = self.run(self.make(component, space, weights), space, weights)
        assert done.steps, "the search asked for nothing"
        for proposal in [p for step in done.steps for p in step.proposals] + [done.best]:
            check_proposal(space, proposal, weights)

    def test_training_weights_fit_the_supernet(self, component: Strategy) -> None:
        """With shared weights there are weights for every decision in every epoch."""
        if "shared" not in component.searches:
            pytest.skip(f"{component.name} does not search with shared weights")
        space = self.space(component, "shared")
        search = self.make(component, space, "shared")
        for epoch in range(self.epochs):
            check_proposal(space, Proposal(weights=search.training_weights(epoch)), "shared")

    def test_same_seed_same_search(self, component: Strategy, weights: WeightMode) -> None:
        """Two searches of one seed ask for the same."""
        space = self.space(component, weights)
        first, second = (
            self.run(self.make(component, space, weights, seed=3), space, weights) for _ in range(2)
        )
        assert _plain_steps(first) == _plain_steps(second)

    @pytest.mark.parametrize("told", [True, False], ids=["between generations", "within a generation"])
    def test_goes_on_from_its_state(self, component: Strategy, weights: WeightMode, told: bool) -> None:
        """A search restored from JSON asks and answers as the one that was not interrupted."""
        space = self.space(component, weights)
        whole = self.make(component, space, weights)
        for generation in range(self.rounds(weights)):
            before = whole.state() if told else None
            asked = list(whole.ask(generation))
            state = json.dumps(before if told else whole.state(), allow_nan=False)
            other = self.make(component, space, weights, seed=99)
            other.restore(json.loads(state))
            again = list(other.ask(generation)) if told else asked
            assert [_plain(p) for p in again] == [_plain(p) for p in asked]
            fitness = [space.evaluate(p) if p.fitness is None else p.fitness for p in asked]
            if asked:
                whole.tell(asked, fitness)
                other.tell(again, fitness)
            assert other.state() == whole.state()
            assert _plain(other.best()) == _plain(whole.best())

    def test_asked_ahead_it_goes_on_from_its_state_and_keeps_its_budget(self, component: Strategy) -> None:
        """Where it may be asked ahead: every proposal is new, and a restored search waits for the same."""
        if not component.asks_ahead:
            pytest.skip(f"{component.name} hears of a generation before it is asked for the next")
        whole = self.make(component, space := self.space(component, "own"), "own")
        waiting: deque[list[Proposal]] = deque()
        for generation in range(ENDLESS):
            while len(waiting) < 4 and (asked := list(whole.ask(generation + len(waiting)))):
                waiting.append(asked)
            if not waiting:
                break
            other = self.make(component, space, "own", seed=99)
            other.restore(json.loads(json.dumps(whole.state(), allow_nan=False)))
            told = waiting.popleft()
            for search in (whole, other):
                search.tell(told, [space.evaluate(one) for one in told])
            assert other.state() == whole.state()
            whole = other
        check_proposal(space, whole.best(), "own")

    def test_bears_failed_trials(self, component: Strategy, weights: WeightMode) -> None:
        """Failed trials neither stop a search nor become its answer."""
        space = self.space(component, weights)
        calls = iter(range(10**9))
        search = self.make(component, space, weights)

        def evaluate(proposal: Proposal) -> float | None:
            return None if next(calls) % 2 else space.evaluate(proposal)

        done = replay(search, evaluate, self.rounds(weights), weights=weights)
        check_proposal(space, done.best, weights)
        assert done.best.fitness is None or np.isfinite(done.best.fitness)

    def test_bears_failure_of_all_trials(self, component: Strategy, weights: WeightMode) -> None:
        """A search in which everything fails still ends, with an answer of the space."""
        space = self.space(component, weights)
        search = self.make(component, space, weights)
        done = replay(search, lambda _: None, self.rounds(weights), weights=weights)
        check_proposal(space, done.best, weights)
        assert done.best.fitness is None

    def test_figures_are_plain_data(self, component: Strategy, weights: WeightMode) -> None:
        """The figures can be written to the journal, before and after a search."""
        space = self.space(component, weights)
        search = self.make(component, space, weights)
        json.dumps(search.figures(), allow_nan=False)
        self.run(search, space, weights)
        assert json.loads(json.dumps(search.figures(), allow_nan=False)) == search.figures()

    def test_is_better_than_chance(self, component: Strategy, weights: WeightMode) -> None:
        """Its answers beat more architectures than ones drawn at random do."""
        beaten = []
        for seed in range(self.seeds):
            space = self.space(component, weights, seed)
            done = self.run(self.make(component, space, weights, seed), space, weights)
            beaten.append(float(np.mean(space.table < space.evaluate(done.best))))
        assert np.mean(beaten) > self.share

    def test_finds_the_best_of_a_small_space(self, component: Strategy, weights: WeightMode) -> None:
        """Where there are but a few architectures it finds the best one of most spaces."""
        hits = []
        for seed in range(self.seeds):
            space = self.small_space(component, weights, seed)
            done = self.run(self.make(component, space, weights, seed), space, weights)
            hits.append(space.evaluate(done.best) == space.table.max())
        assert np.mean(hits) >= self.found, f"found in {sum(hits)} of {len(hits)} spaces"

    def test_respects_its_budget(self, component: Strategy, weights: WeightMode) -> None:
        """It asks for no more than it may; with own weights it ends by itself and asks for nothing more."""
        space = self.space(component, weights)
        search = self.make(component, space, weights)
        rounds = self.epochs if weights == "shared" else ENDLESS
        done = replay(search, space.evaluate, rounds, weights=weights)
        if weights == "own":
            assert len(done.steps) < ENDLESS, "it has no end"
            assert not search.ask(len(done.steps) + 1), "it goes on after its end"
        most = self.most_evaluations(component)
        paid = self.paid(done)
        assert most is None or paid <= most, f"{paid} evaluations, not {most}"

    def paid(self, done: Replay) -> int:
        """Evaluations that were asked for; shorter trials count as whole ones by their epochs.

        A longer trial pays what it has more than the longest one before of the same architecture.
        """
        proposals = [proposal for step in done.steps for proposal in step.proposals]
        if all(proposal.epochs is None for proposal in proposals):
            return done.evaluations
        longest: dict[str, int] = {}
        for proposal in proposals:
            key = json.dumps(proposal.sample)
            longest[key] = max(longest.get(key, 0), proposal.epochs or self.epochs)
        return sum(longest.values()) // self.epochs

    def most_evaluations(self, component: Strategy) -> int | None:
        """The most evaluations that the search may ask for, None where nothing is said."""
        if self.budget is not None:
            return self.budget
        most: int | None = checked_params(component, self.params).get("evaluations")
        return most


def check_proposal(space: TabulatedSpace, proposal: Proposal, weights: WeightMode) -> None:
    """Fail where a proposal is not of the space or lacks what the way of getting weights needs."""
    assert proposal.sample is not None or weights == "shared", "own weights need a sample"
    if proposal.sample is not None:
        canonical = space.canonical(proposal.sample)
        assert list(canonical.items()) == list(proposal.sample.items()), "the sample is not canonical"
        json.dumps(proposal.sample)
    if weights == "own":
        return
    assert proposal.weights is not None, "shared weights need weights"
    assert set(proposal.weights) == {point.label for point in space.points}
    for point in space.points:
        weight = proposal.weights[point.label]
        assert weight.shape == (len(point.options),)
        assert np.all(weight >= 0)
        assert weight.sum() == pytest.approx(1)


def _plain(proposal: Proposal) -> dict[str, Any]:
    weights = proposal.weights
    return {
        "sample": proposal.sample,
        "weights": None if weights is None else {k: w.tolist() for k, w in weights.items()},
        "fitness": proposal.fitness,
        "kept": proposal.kept,
    }


def _plain_steps(done: Replay) -> list[Any]:
    return [[step.generation, *map(_plain, step.proposals)] for step in done.steps]
