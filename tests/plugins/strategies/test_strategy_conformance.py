"""The public conformance suite, over the strategies that skelbench brings."""

import pytest

from skelbench.errors import SpecError
from skelbench.registry import load_registry
from skelbench.search import Proposal
from skelbench.testing.replay import TabulatedSpace
from skelbench.testing.strategies import StrategyConformance, check_proposal

REGISTRY = load_registry()


class TestCeim(StrategyConformance):
    strategy = REGISTRY.get("strategy", "ceim")
    params = {"population": 8, "warmup_epochs": 2, "generations": 10}  # noqa: RUF012


class TestCeimAsReleased(StrategyConformance):
    strategy = REGISTRY.get("strategy", "ceim")
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
    strategy = REGISTRY.get("strategy", "random")
    params = {"evaluations": 20, "batch": 3}  # noqa: RUF012


class TestGrid(StrategyConformance):
    strategy = REGISTRY.get("strategy", "grid")
    params = {"batch": 50}  # noqa: RUF012
    share = 0.98


class NotRandom:
    """A faulty search: always the same architecture, told nothing, with a label of its own."""

    def __init__(self, space, **_):
        self.sample = next(space.enumerate())

    def ask(self, generation):
        return [Proposal({**self.sample, "surplus": 1})]


def test_the_suite_sees_a_sample_outside_the_space():
    space = TabulatedSpace.of_choices(2, 3)
    (proposal,) = NotRandom(space).ask(0)
    with pytest.raises(SpecError, match="surplus"):
        check_proposal(space, proposal, "own")


def test_the_suite_sees_weights_that_do_not_sum_to_one():
    space = TabulatedSpace.of_choices(1, 2)
    with pytest.raises(AssertionError):
        check_proposal(space, Proposal(weights={"point0": space.table + 5}), "shared")
