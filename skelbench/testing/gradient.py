"""Conformance suite for gradient searches: subclass, name the strategy, run pytest."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Literal

import pytest
import torch
from torch import Tensor

from skelbench.components import Strategy
from skelbench.recipe import DeriveOptions
from skelbench.search import GradientSearch, Point, TensorWeights, weight_shape
from skelbench.testing.bilevel import ToyBilevel, optimise
from skelbench.testing.params import checked_params
from skelbench.testing.strategies import POINTS, DeclaredStrategy

EDGES = tuple(f"{operator}({source})" for source in range(3) for operator in ("sep3", "max3"))
STAGE = (
    Point("stage2.width", "trellis", (8, 12, 16), under="stage1.width", out="stage2.width.out"),
    Point("stage2.layer1", "trellis", ("d1", "d2", "skip"), under="stage2.width"),
)
GRADIENT_POINTS = (*POINTS, Point("cell.3", "cell", EDGES, 2, (0, 0, 1, 1, 2, 2), none=True), *STAGE)
"""Decisions of each kind, a node of a cell that may hold nothing of an input, and a trellis of two stages."""


class GradientStrategyConformance(DeclaredStrategy):
    """What every gradient search must do.

    Attributes:
        epochs: Epochs of a whole search.
        steps: Steps of an epoch.
        seeds: Over how many problems it must find the best architecture.
    """

    form: ClassVar[Literal["ask_tell", "gradient", "oneshot"]] = "gradient"
    epochs: ClassVar[int] = 4
    steps: ClassVar[int] = 40
    seeds: ClassVar[int] = 3

    def problem(self, component: Strategy, seed: int = 0) -> ToyBilevel:
        """A problem over decisions of the kinds that the strategy searches."""
        kinds = component.searches["shared"]
        return ToyBilevel([point for point in GRADIENT_POINTS if point.kind in kinds], seed=seed)

    def make(self, component: Strategy, problem: ToyBilevel, seed: int = 0) -> GradientSearch:
        """A search that has not begun, made as a run makes it."""
        params = checked_params(component, self.params)
        search: GradientSearch = component.load()(
            problem.space, seed=seed, weights="shared", epochs=self.epochs, derive=DeriveOptions(), **params
        )
        search.to(torch.device("cpu"))
        return search

    def few(self, search: GradientSearch, problem: ToyBilevel) -> None:
        """A few steps in every epoch."""
        optimise(search, problem, range(self.epochs), 2)

    def test_searches_a_supernet(self, component: Strategy) -> None:
        """Gradients need shared weights, and there is no other way."""
        assert set(component.searches) == {"shared"}

    def test_weights_fit_the_supernet(self, component: Strategy) -> None:
        """In every epoch there is one number for each option, without a gradient."""
        problem = self.problem(component)
        search = self.make(component, problem)
        for epoch in range(self.epochs):
            check_weights(problem, search.training_weights(epoch))
            optimise(search, problem, range(epoch, epoch + 1), 2)
            check_weights(problem, search.training_weights(epoch))

    def test_a_step_leaves_the_supernet_as_it_was(self, component: Strategy) -> None:
        """Not one bit of w is changed, and no gradient is left on it."""
        problem = self.problem(component)
        search = self.make(component, problem)
        for epoch in range(self.epochs):
            before = [w.detach().clone() for w in problem.shared]
            search.step(epoch, problem)
            check_untouched(problem, before)

    def test_takes_what_it_asked_for(self, component: Strategy) -> None:
        """After an epoch it may ask for evaluations of architectures of the space, and is told of them."""
        problem = self.problem(component)
        search = self.make(component, problem)
        for epoch in range(self.epochs):
            optimise(search, problem, range(epoch, epoch + 1), 2)
            proposals = search.ask(epoch)
            for proposal in proposals:
                assert proposal.sample is not None, "a gradient search proposes architectures"
                assert problem.space.canonical(proposal.sample) == proposal.sample
            search.tell(proposals, [50.0] * len(proposals))

    @pytest.mark.parametrize("losses", range(4))
    def test_a_step_that_fails_leaves_the_supernet_as_it_was(self, component: Strategy, losses: int) -> None:
        """Neither is it when a loss cannot be computed, whichever it is."""
        problem = self.problem(component)
        search = self.make(component, problem)
        before = [w.detach().clone() for w in problem.shared]
        broken: Any = Broken(problem, losses)
        try:
            search.step(self.epochs - 1, broken)
        except Interrupted:
            check_untouched(problem, before)
        else:
            assert broken.losses_left >= 0, "a failure is not to be hidden"

    def test_finds_the_best_architecture(self, component: Strategy) -> None:
        """On small problems whose answer is known; of a mix it keeps at least the best option."""
        for seed in range(self.seeds):
            problem = self.problem(component, seed)
            search = self.make(component, problem, seed)
            optimise(search, problem, range(self.epochs), self.steps)
            sample = search.best().sample
            assert sample is not None, "a gradient search answers with an architecture"
            assert list(problem.space.canonical(sample).items()) == list(sample.items())
            for point in problem.space.points:
                found, best = sample[point.label], problem.best[point.label]
                assert set(best) <= set(found) if point.kind == "mix" else found == best, (seed, point.label)

    def test_same_seed_same_search(self, component: Strategy) -> None:
        """Two searches of one seed learn the same."""
        states = []
        for _ in range(2):
            problem = self.problem(component)
            search = self.make(component, problem, seed=3)
            self.few(search, problem)
            states.append(search.state())
        assert states[0] == states[1]

    @pytest.mark.parametrize("begun", [True, False], ids=["begun", "not begun"])
    def test_goes_on_from_its_state(self, component: Strategy, begun: bool) -> None:
        """A search restored from JSON learns bit by bit what the one that was not interrupted does."""
        problem, again = self.problem(component), self.problem(component)
        whole = self.make(component, problem)
        if begun:
            self.few(whole, problem)
        other = self.make(component, again, seed=99)
        other.restore(json.loads(json.dumps(whole.state(), allow_nan=False)))
        for w, same in zip(again.shared, problem.shared, strict=True):
            w.data.copy_(same.detach())
        for epoch in range(self.epochs):
            optimise(whole, problem, range(epoch, epoch + 1), 2)
            optimise(other, again, range(epoch, epoch + 1), 2)
            assert other.state() == whole.state()
            expected = whole.training_weights(epoch)
            for label, weight in other.training_weights(epoch).items():
                assert torch.equal(weight, expected[label])
        assert other.best() == whole.best()

    def test_figures_are_plain_data(self, component: Strategy) -> None:
        """The figures can be written to the journal, before and after a search."""
        problem = self.problem(component)
        search = self.make(component, problem)
        json.dumps(search.figures(), allow_nan=False)
        self.few(search, problem)
        assert json.loads(json.dumps(search.figures(), allow_nan=False)) == search.figures()


class Interrupted(Exception):
    """What a loss fails with in the suite."""


class Broken:
    """A problem that computes so many losses and then fails.

    Args:
        problem: The problem.
        losses: How many losses can be computed.
    """

    def __init__(self, problem: ToyBilevel, losses: int) -> None:
        self._problem = problem
        self.losses_left = losses
        self.shared, self.lr, self.costs = problem.shared, problem.lr, problem.costs

    def train_loss(self, weights: TensorWeights) -> Tensor:
        """The problem's, or a failure."""
        self._count()
        return self._problem.train_loss(weights)

    def validation_loss(self, weights: TensorWeights) -> Tensor:
        """The problem's, or a failure."""
        self._count()
        return self._problem.validation_loss(weights)

    def _count(self) -> None:
        self.losses_left -= 1
        if self.losses_left < 0:
            raise Interrupted


def check_weights(problem: ToyBilevel, weights: TensorWeights) -> None:
    """Fail where weights are not what a supernet trains under."""
    points = problem.space.points
    ends = {point.out: (len(point.options),) for point in points if point.out}
    shapes = ends | {point.label: weight_shape(points, point) for point in points}
    assert set(weights) == set(shapes)
    for label, weight in weights.items():
        assert weight.shape == shapes[label]
        assert not weight.requires_grad, "the supernet would learn the architecture weights"
        assert bool(torch.isfinite(weight).all())


def check_untouched(problem: ToyBilevel, before: list[Tensor]) -> None:
    """Fail where w is not bit by bit what it was, or has a gradient."""
    for w, kept in zip(problem.shared, before, strict=True):
        assert torch.equal(w.detach().view(torch.int32), kept.view(torch.int32)), "w was changed"
        assert w.grad is None, "a gradient was left on w"
        assert w.requires_grad, "w learns no longer"
