"""Policies of an adaptive node: contracts, draws in training, the best in evaluation, and the baselines."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from skelbench_plugins.operators.policies import (
    ConvPolicy,
    FusePolicy,
    LstmPolicy,
    RandomPolicy,
    TransformerPolicy,
    TwoConvPolicy,
)

from skelbench.errors import SpecError
from skelbench.host.registry import load_registry
from skelbench.testing.operators import OperatorConformance, context
from skelbench.testing.params import checked_params

LEARNED = [ConvPolicy, TwoConvPolicy, LstmPolicy, TransformerPolicy]
N, C, T, V, K = 3, 8, 7, 2, 5


class TestConvConforms(OperatorConformance):
    name = "conv_policy"


class TestTwoConvConforms(OperatorConformance):
    name = "conv2_policy"


class TestLstmConforms(OperatorConformance):
    name = "lstm_policy"


class TestTransformerConforms(OperatorConformance):
    name = "transformer_policy"


class TestRandomConforms(OperatorConformance):
    name = "random_policy"


class TestFuseConforms(OperatorConformance):
    name = "fuse_policy"


@pytest.fixture
def place():
    return replace(context(load_registry()), channels=C, frames=T, joints=V, choices=K)


@pytest.fixture
def x():
    return torch.randn(N, C, T, V, generator=torch.Generator().manual_seed(1))


def one_of_each_frame(gates):
    assert gates.shape == (N, K, T)
    return bool(((gates == 0) | (gates == 1)).all() and (gates.sum(1) == 1).all())


@pytest.mark.parametrize("kind", LEARNED)
class TestLearned:
    def test_each_frame_takes_one_model_in_training_too(self, kind, place, x):
        gates = kind(place)(x)
        assert one_of_each_frame((gates.detach() > 0.5).float())
        assert torch.allclose(gates.detach(), gates.detach().round(), atol=1e-6)

    def test_in_evaluation_it_is_the_most_probable_one_without_noise(self, kind, place, x):
        policy = kind(place).eval()
        assert one_of_each_frame(policy(x))
        assert torch.equal(policy(x).argmax(1), policy.scores(x.amax(3)).argmax(1))
        assert torch.equal(policy(x), policy(x))

    def test_every_score_gets_a_gradient_through_the_draw(self, kind, place, x):
        policy = kind(place)
        found = {}

        def scores(features, scores=policy.scores):
            found["scores"] = scores(features)
            found["scores"].retain_grad()
            return found["scores"]

        policy.scores = scores
        (policy(x) * torch.arange(K).view(1, K, 1)).sum().backward()
        assert (found["scores"].grad.abs().sum(1) > 0).all()
        assert torch.allclose(found["scores"].grad.sum(1), torch.zeros(N, T), atol=1e-5)

    def test_the_temperature_falls_by_the_same_factor_each_epoch(self, kind, place):
        policy = kind(place, temperature=(5.0, 0.0226))
        seen = []
        for epoch in range(121):
            policy.set_progress(epoch / 120)
            seen.append(policy.temperature)
        assert seen[0] == 5
        assert seen[-1] == pytest.approx(0.0226)
        factors = [later / earlier for earlier, later in pairwise(seen)]
        assert min(factors) == pytest.approx(max(factors)) == pytest.approx(0.956, abs=5e-4)

    def test_draws_follow_the_probabilities(self, kind, place):
        policy = kind(place)
        wanted = torch.tensor([0.4, 0.3, 0.15, 0.1, 0.05])
        policy.scores = lambda x: wanted.log().view(1, K, 1).expand(len(x), K, T)
        torch.manual_seed(0)
        drawn = policy(torch.zeros(2000, C, T, V)).mean((0, 2))
        assert torch.allclose(drawn, wanted, atol=0.02)


class TestBaselines:
    def test_random_takes_each_as_often(self, place):
        policy = RandomPolicy(place)
        for mode in (True, False):
            gates = policy.train(mode)(torch.zeros(900, C, T, V))
            assert torch.allclose(gates.mean((0, 2)), torch.full((K,), 1 / K), atol=0.03)
            assert torch.equal(gates.sum(1), torch.ones(900, T))

    def test_random_draws_anew_in_training_and_repeats_itself_in_evaluation(self, place, x):
        policy = RandomPolicy(place)
        assert not torch.equal(policy(x), policy(x))
        state = torch.get_rng_state()
        policy.eval()
        assert torch.equal(policy(x), policy(x))
        assert torch.equal(torch.get_rng_state(), state), "evaluating leaves the generator alone"

    def test_fuse_takes_all_to_the_same_part(self, place, x):
        assert torch.equal(FusePolicy(place)(x), torch.full((N, K, T), 1 / K))


class TestParameters:
    def test_the_size_of_the_published_policy(self, place):
        policy = ConvPolicy(replace(place, channels=256, choices=6))
        assert sum(p.numel() for p in policy.parameters()) == 3 * 256 * 6 + 6

    @pytest.mark.parametrize(
        ("name", "params", "message"),
        [
            ("conv_policy", {"temperature": [0, 1]}, "greater than 0"),
            ("conv2_policy", {"hidden": 0}, "greater than 0"),
            ("transformer_policy", {"hidden": 10, "heads": 4}, "do not divide"),
        ],
    )
    def test_impossible_ones_are_refused(self, name, params, message):
        with pytest.raises(SpecError, match=message):
            checked_params(load_registry().get("operator", name), params)


def test_released_temperature_is_that_of_120_epochs():
    assert math.isclose(5 * 0.956**120, 0.0226, rel_tol=2e-3)
