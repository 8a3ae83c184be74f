"""The public conformance suite for gradient searches, over DARTS, Viterbi and faulty ones."""

from dataclasses import replace

import pytest
import torch
from skelbench_plugins.strategies.darts import Darts

from skelbench.testing.gradient import GradientStrategyConformance

QUICK = {"lr": 0.05}


class TestDartsOfSecondOrder(GradientStrategyConformance):
    name = "darts"
    params = QUICK


class TestDartsOfFirstOrder(GradientStrategyConformance):
    name = "darts"
    params = QUICK | {"order": 1}


class TestDartsWithWarmUpAndCost(GradientStrategyConformance):
    name = "darts"
    params = QUICK | {"warmup_epochs": 1, "cost_weight": 0.01}


class TestViterbi(GradientStrategyConformance):
    name = "viterbi"
    params = QUICK | {"warmup_epochs": 0, "evaluate_epochs": 2}


class TestViterbiBySumsWithoutCost(GradientStrategyConformance):
    name = "viterbi"
    params = QUICK | {"warmup_epochs": 1, "mode": "sum", "cost_weight": 0}


class TestViterbiOfSampledOperators(GradientStrategyConformance):
    name = "viterbi"
    params = QUICK | {"warmup_epochs": 0, "sampled": True, "cost_weight": 0.01}


class Idle(Darts):
    """A faulty search that learns nothing."""

    def step(self, epoch, problem):
        pass


class Grabbing(Darts):
    """A faulty search that leaves gradients on the supernet's weights."""

    def step(self, epoch, problem):
        problem.train_loss(self.training_weights(epoch)).backward()


class Rounding(Darts):
    """A faulty search that moves the supernet's weights and moves them back."""

    def step(self, epoch, problem):
        with torch.no_grad():
            for w in problem.shared:
                w.add_(0.3).sub_(0.3)


class Silent(Darts):
    """A faulty search that hides failures."""

    def step(self, epoch, problem):
        try:
            super().step(epoch, problem)
        except Exception:
            return


class Tracking(Darts):
    """A faulty search whose training weights have gradients."""

    def training_weights(self, epoch):
        return self._alphas.weights()


class Forgetful(Darts):
    """A faulty search whose state lacks Adam's moments."""

    def restore(self, state):
        super().restore(state | {"exp_avg": [[0.0] * len(row) for row in state["alphas"]]})


SUITE = GradientStrategyConformance()


@pytest.mark.parametrize(
    ("faulty", "test", "arguments"),
    [
        (Idle, SUITE.test_finds_the_best_architecture, ()),
        (Grabbing, SUITE.test_a_step_leaves_the_supernet_as_it_was, ()),
        (Rounding, SUITE.test_a_step_leaves_the_supernet_as_it_was, ()),
        (Silent, SUITE.test_a_step_that_fails_leaves_the_supernet_as_it_was, (2,)),
        (Tracking, SUITE.test_weights_fit_the_supernet, ()),
        (Forgetful, SUITE.test_goes_on_from_its_state, (True,)),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_the_suite_sees(registry, faulty, test, arguments):
    darts = registry.get("strategy", "darts")
    component = replace(darts, name="faulty", target=faulty)
    with pytest.raises(AssertionError):
        test(component, *arguments)
