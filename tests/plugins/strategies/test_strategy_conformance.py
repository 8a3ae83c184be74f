"""The public conformance suite, over the strategies that skelbench brings."""

import numpy as np
import pytest

from skelbench.components import Params, Strategy
from skelbench.errors import SpecError
from skelbench.search import Proposal
from skelbench.testing.replay import TabulatedSpace
from skelbench.testing.strategies import StrategyConformance, check_proposal


class TestCeim(StrategyConformance):
    name = "ceim"
    budget = 80
    params = {"population": 8, "warmup_epochs": 2, "generations": 10}  # noqa: RUF012


class TestCeimAsReleased(StrategyConformance):
    name = "ceim"
    budget = 80
    params = {  # noqa: RUF012
        "population": 8,
        "warmup_epochs": 2,
        "generations": 10,
        "elite": 0.5,
        "normalise": "softmax",
        "final": "mean",
        "variance": 0.1,
        "every": 2,
    }


class TestRandom(StrategyConformance):
    name = "random"
    params = {"evaluations": 20, "batch": 3}  # noqa: RUF012


class TestGrid(StrategyConformance):
    name = "grid"
    params = {"batch": 50}  # noqa: RUF012
    share = 0.98


class TestLocal(StrategyConformance):
    name = "local"
    params = {"evaluations": 25}  # noqa: RUF012


class TestNsga2(StrategyConformance):
    name = "nsga2"
    params = {"population": 6, "evaluations": 25}  # noqa: RUF012


class TestAsha(StrategyConformance):
    name = "asha"
    params = {"evaluations": 15, "rungs": [3, 6], "batch": 2}  # noqa: RUF012


class TestEvolution(StrategyConformance):
    name = "evolution"
    params = {"population": 6, "tournament": 3, "evaluations": 25}  # noqa: RUF012
    share = 0.95


class TestTpe(StrategyConformance):
    name = "tpe"
    params = {"startup": 8, "evaluations": 25}  # noqa: RUF012
    share = 0.95


class Stuck:
    """A faulty search: always the first architecture, and one label too many where ``surplus``."""

    def __init__(self, space, *, surplus, **_):
        self.sample = next(space.enumerate()) | ({"surplus": 1} if surplus else {})

    def ask(self, generation):
        return [Proposal(self.sample)]

    def tell(self, proposals, fitness):
        pass

    def best(self):
        return Proposal(self.sample)


class StuckParams(Params):
    surplus: bool = False


STUCK = Strategy(
    name="stuck",
    summary="Never moves",
    target=Stuck,
    params=StuckParams,
    searches={"own": frozenset(["choice"])},
)


class StuckConformance(StrategyConformance):
    seeds = 20


class SurplusConformance(StuckConformance):
    params = {"surplus": True}  # noqa: RUF012


def test_the_suite_sees_a_search_that_learns_nothing():
    with pytest.raises(AssertionError):
        StuckConformance().test_is_better_than_chance(STUCK, "own")


def test_the_suite_sees_a_sample_outside_the_space():
    with pytest.raises(SpecError, match="surplus"):
        SurplusConformance().test_respects_the_space(STUCK, "own")


def test_the_suite_sees_weights_that_do_not_sum_to_one():
    space = TabulatedSpace.of_choices(1, 2)
    with pytest.raises(AssertionError):
        check_proposal(space, Proposal(weights={"point0": np.array([0.5, 0.6])}), "shared")
