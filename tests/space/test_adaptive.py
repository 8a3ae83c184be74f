"""The node ``adaptive``: what runs, what is chosen, what it costs and what learns."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from skelbench.components import Operator
from skelbench.engine.complexity import complexity, cost_by_choice, forget_choices
from skelbench.errors import SpecError
from skelbench.recipe import OptimizerOptions
from skelbench.space.adaptive import Adaptive, released_scale
from skelbench.space.arch import closed
from skelbench.space.network import build_network
from skelbench.space.nodes import AdaptiveNode, NetworkNodes, OpNode, SequenceNode, ValueNode
from skelbench.space.size import SearchSpace
from skelbench.training.cost import cost
from skelbench.training.module import ClipClassifier, make_optimizer
from tests.space.toys import CONTEXT, FOLD, MEAN, times, widen
from tests.training.made import options

N, C, T, V, K = 4, 3, 6, 2, 3


class Given(nn.Module):
    """Gives each frame the model that its first coordinate names."""

    def __init__(self, context=None, more: int = 0):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.choices = (K if context is None else context.choices) + more

    def forward(self, x):
        wanted = nn.functional.one_hot(x[:, 0, :, 0].round().long(), self.choices).transpose(1, 2)
        return wanted + (self.weight - self.weight.detach()) if self.training else wanted.to(x.dtype)


class Logged(nn.Module):
    """A convolution over single frames that notes how many of them it gets."""

    def __init__(self, channels: int = C):
        super().__init__()
        self.conv = nn.Conv2d(C, channels, 1)
        self.bn = nn.BatchNorm2d(channels)
        self.seen: list[int] = []

    def forward(self, x):
        self.seen.append(x.shape[0] * x.shape[2])
        return self.bn(self.conv(x))


class FirstOf(nn.Module):
    """The input itself, so that the policy sees what was asked for."""

    def forward(self, x):
        return x.clone()


def made(**more) -> Adaptive:
    torch.manual_seed(0)
    models = {"id": FirstOf(), "a": Logged(), "b": Logged()}
    return Adaptive(models, Given(), [0.1, 0.5, 2.0], **more)


def clips(choices: torch.Tensor) -> torch.Tensor:
    """(N, C, T, V) whose frames ask for ``choices`` (N, T)."""
    x = torch.randn(len(choices), C, choices.shape[1], V, generator=torch.Generator().manual_seed(2))
    x[:, 0, :, 0] = choices.to(x.dtype)
    return x


def masked(node: Adaptive, x: torch.Tensor) -> torch.Tensor:
    """All models on all frames, then the chosen one's: the straightforward way."""
    features = torch.stack([model(x) for model in node.models.values()], 1)
    gates = node.policy(features[:, 0])
    return (features * gates[:, :, None, :, None]).sum(1)


class TestEvaluation:
    @settings(deadline=None, max_examples=40)
    @given(st.lists(st.lists(st.integers(0, K - 1), min_size=T, max_size=T), min_size=1, max_size=5))
    def test_each_frame_is_what_its_model_makes_of_it(self, choices):
        node, x = made().eval(), clips(torch.tensor(choices))
        assert torch.allclose(node(x), masked(node, x), atol=1e-6)

    @settings(deadline=None, max_examples=40)
    @given(st.lists(st.lists(st.integers(0, K - 1), min_size=T, max_size=T), min_size=1, max_size=5))
    def test_a_model_sees_the_frames_that_chose_it_and_no_others(self, choices):
        node, wanted = made().eval(), torch.tensor(choices)
        node(clips(wanted))
        for index, name in ((1, "a"), (2, "b")):
            count = int((wanted == index).sum())
            assert node.models[name].seen == ([count] if count else [])

    def test_shares_are_of_all_frames_since_forgotten(self):
        node = made().eval()
        node(clips(torch.full((N, T), 2)))
        node.forget()
        node(clips(torch.zeros(N, T)))
        node(clips(torch.ones(N, T)))
        assert node.shares() == {"id": 0.5, "a": 0.5, "b": 0.0}
        assert node.last_gates.shape == (N, K, T)
        assert node.last_gates[:, 1].all()

    def test_training_is_not_counted(self):
        node = made()
        node(clips(torch.zeros(N, T)))
        assert node.shares() == {"id": 0.0, "a": 0.0, "b": 0.0}
        assert node.last_gates is None

    def test_several_models_at_once_are_weighted(self):
        node = made().eval()
        node.policy.forward = lambda x: x.new_full((len(x), K, x.shape[2]), 1 / K)
        x = clips(torch.zeros(N, T))
        mean = torch.stack([model(x) for model in node.models.values()]).mean(0)
        assert torch.allclose(node(x), mean, atol=1e-6)
        assert node.shares() == {"id": 1.0, "a": 1.0, "b": 1.0}

    def test_weights_may_be_any_numbers(self):
        node, x = made().eval(), clips(torch.zeros(N, T))
        weights = torch.tensor([0.5, -1.0, 0.0]).view(1, K, 1)
        node.policy.forward = lambda x: weights.expand(len(x), K, x.shape[2])
        features = [model(x) for model in node.models.values()]
        assert torch.allclose(node(x), 0.5 * features[0] - features[1], atol=1e-6)
        assert node.shares() == {"id": 1.0, "a": 1.0, "b": 0.0}

    def test_an_evaluated_network_can_be_copied(self):
        node = made()
        node(clips(torch.zeros(N, T)))
        node.eval()
        node(clips(torch.zeros(N, T)))
        assert torch.equal(copy.deepcopy(node)(clips(torch.ones(N, T))), node(clips(torch.ones(N, T))))

    def test_its_counts_are_no_part_of_its_state(self):
        assert not any("taken" in name or "costs" in name for name in made().state_dict())


class TestTraining:
    def test_every_model_sees_every_frame(self):
        node = made()
        node(clips(torch.tensor([[0, 1, 1, 0, 0, 1]] * N)))
        assert node.models["a"].seen == node.models["b"].seen == [N * T]

    def test_it_gives_what_the_chosen_models_give(self):
        node, x = made(), clips(torch.tensor([[0, 1, 2, 2, 0, 1]] * N))
        assert torch.allclose(node(x), masked(node, x), atol=1e-6)

    def test_the_policy_learns_from_models_that_are_not_chosen(self):
        node = made()
        node(clips(torch.zeros(N, T))).square().sum().backward()
        assert node.policy.weight.grad.abs() > 0

    @pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
    def test_a_model_that_is_never_chosen_keeps_its_weights(self, name):
        """Also where it has been chosen before: neither decay nor momentum moves it then."""
        node = made()
        chosen = OptimizerOptions(name=name, lr=0.1, weight_decay=0.1)
        optimizer = make_optimizer(options(optimizer=chosen), node.parameters())

        def step(choice: int) -> None:
            optimizer.zero_grad()
            (node(clips(torch.full((N, T), choice))).square().mean() + node.penalty()).backward()
            optimizer.step()

        before = {k: v.clone() for k, v in node.models["b"].conv.state_dict().items()}
        for _ in range(3):
            step(1)
        assert all(torch.equal(v, before[k]) for k, v in node.models["b"].conv.state_dict().items())
        step(2)
        assert not torch.equal(node.models["b"].conv.weight, before["weight"])
        before = {k: v.clone() for k, v in node.models["b"].conv.state_dict().items()}
        step(1)
        assert all(torch.equal(v, before[k]) for k, v in node.models["b"].conv.state_dict().items())


class TestPenalty:
    def test_it_is_alpha_times_the_mean_cost_of_the_frames(self):
        """Equations 10 and 12."""
        node = made(alpha=4.0)
        node(clips(torch.tensor([[0, 0, 0, 1, 1, 2]] * N)))
        assert node.penalty().item() == pytest.approx(4 * (3 * 0.1 + 2 * 0.5 + 2.0) / 6)

    def test_the_released_scale_divides_by_5_and_lets_the_first_be_free(self):
        assert released_scale([0.1, 0.5, 2.0]) == [0.0, 0.1, 0.4]

    def test_alpha_rises_from_0_over_its_share_of_the_training(self):
        node = made(alpha=2.0, warmup=5 / 120)
        seen = []
        for epoch in (0, 1, 4, 5, 119):
            node.set_progress(epoch / 120)
            node(clips(torch.full((N, T), 2)))
            seen.append(node.penalty().item())
        assert seen == pytest.approx([0, 0.8, 3.2, 4, 4])

    def test_it_is_told_once(self):
        node = made(alpha=2.0)
        node(clips(torch.full((N, T), 2)))
        node.penalty()
        assert node.penalty() == 0

    def test_it_enters_the_loss_of_a_training(self):
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.node = made(alpha=3.0)

            def forward(self, x):
                return self.node(x).mean((2, 3))

        x, y = clips(torch.full((N, T), 2)), torch.tensor([0, 1, 2, 0])
        module = ClipClassifier(options(), 1)
        module.set_model(Net())
        with_costs = module.training_step((x, y, y), 0)
        plain = module.loss(module(x), y)
        assert (with_costs - plain).item() == pytest.approx(6.0, abs=1e-4)


# --- as a node of a network -------------------------------------------------------------------------

GIVEN = Operator(name="given", target=Given, contract="policy")
WRONG = Operator(name="wrong", target=lambda context: Given(context, more=1), contract="policy")
JOIN = Operator(name="join", target=lambda context: nn.AvgPool2d((2, 1)))


class Conv(nn.Module):
    def __init__(self, context, by: int = 1):
        super().__init__()
        self.layers = nn.Sequential(*[nn.Conv2d(context.channels, context.channels, 1) for _ in range(by)])

    def forward(self, x):
        return self.layers(x)


CONV = Operator(name="conv", target=Conv)


def conv(by: int) -> OpNode:
    return OpNode(CONV, {"by": by})


def node(policy=GIVEN, **more) -> AdaptiveNode:
    models = more.pop("options", (("one", conv(1)), ("three", conv(3)), ("two", conv(2))))
    return AdaptiveNode(OpNode(policy, {}), models, place="network.body[0]", **more)


def nodes(adaptive: AdaptiveNode) -> NetworkNodes:
    return NetworkNodes(OpNode(FOLD, {}), SequenceNode((adaptive,)), OpNode(MEAN, {}))


class TestBuilding:
    def test_its_costs_are_counted_and_not_typed_in(self):
        found = build_network(nodes(node()), {}, CONTEXT).body[0]
        one = CONTEXT.frames * CONTEXT.joints * 9 / 1e9
        assert found.costs.tolist() == pytest.approx([one, 3 * one, 2 * one])
        assert found.names == ("one", "three", "two")

    def test_the_policy_is_told_what_it_chooses_among(self):
        found = build_network(nodes(node()), {}, CONTEXT).body[0]
        assert found.policy.choices == 3

    def test_alpha_may_be_searched(self):
        network = nodes(node(alpha=ValueNode("alpha", (0.5, 4))))
        space = SearchSpace(network)
        assert space.size() == 2
        assert build_network(network, {"alpha": 4}, CONTEXT).body[0].alpha == 4
        assert closed(network, {"alpha": 4})["body"][0]["adaptive"]["alpha"] == 4

    def test_decisions_inside_it_are_those_of_the_space(self):
        models = (("one", OpNode(CONV, {"by": ValueNode("by", (1, 2))})), ("three", conv(3)))
        network = nodes(node(options=models))
        assert [point.label for point in SearchSpace(network).points] == ["by"]
        assert len(build_network(network, {"by": 2}, CONTEXT).body[0].models["one"].layers) == 2

    def test_a_policy_of_another_number_of_choices_is_refused(self):
        with pytest.raises(SpecError, match=r"the policy gives 4 x 4 for 3 models and 4 frames") as caught:
            build_network(nodes(node(WRONG)), {}, CONTEXT)
        assert "network.body[0]" in str(caught.value)

    def test_models_of_different_shapes_are_refused(self):
        models = (("a", conv(1)), ("b", SequenceNode((conv(1), OpNode(WIDER, {})))))
        with pytest.raises(SpecError, match=r"different shapes: a 3 x 4 x 2, b 5 x 4 x 2"):
            build_network(nodes(node(options=models)), {}, CONTEXT)

    @pytest.mark.parametrize("module", [widen(3), OpNode(JOIN, {})])
    def test_models_that_join_frames_are_refused(self, module):
        with pytest.raises(SpecError, match=r"network\.body\[0\]"):
            build_network(nodes(node(options=(("a", conv(1)), ("b", module)))), {}, CONTEXT)

    def test_a_copy_on_the_meta_device_runs_everything(self):
        network = build_network(nodes(node()), {}, CONTEXT)
        one = CONTEXT.frames * CONTEXT.joints * 9
        assert cost(network, (1, 3, 4, 2, 1)).macs == 6 * one


WIDER = Operator(name="wider", target=lambda context: nn.Conv2d(context.channels, 5, 1))


class TestWhatItCosts:
    CLIP = (1, 3, 4, 2, 1)
    ONE = 4 * 2 * 9

    def network(self):
        network = build_network(nodes(node()), {}, CONTEXT).eval()
        for name in network.body[0].names:  # the policy reads the features, so they must be the input
            for layer in network.body[0].models[name].layers:
                nn.init.dirac_(layer.weight)
                nn.init.zeros_(layer.bias)
        return network

    def clips(self, choices):
        x = torch.zeros(len(choices), 3, 4, 2, 1)
        x[:, 0, :, 0, 0] = torch.tensor(choices, dtype=torch.float)
        return x

    def test_the_first_model_always_and_the_others_as_often_as_chosen(self):
        network = self.network()
        network(self.clips([[0, 0, 1, 2], [0, 0, 0, 1]]))
        found = complexity(network, self.CLIP)
        assert found["macs"] == round(self.ONE * (1 + 3 * 2 / 8 + 2 * 1 / 8))
        assert found["flops"] == 2 * found["macs"]
        assert found["adaptive"].shares == {"one": 0.625, "three": 0.25, "two": 0.125}

    def test_each_choice_by_itself(self):
        network = self.network()
        by_choice = cost_by_choice(network, cost(network, self.CLIP))
        wanted = {"one": self.ONE, "three": 4 * self.ONE, "two": 3 * self.ONE}
        assert {name: macs.macs for name, macs in by_choice.items()} == wanted
        biases = {"one": 3, "three": 12, "two": 9}
        added = {name: macs.as_reported - macs.macs for name, macs in by_choice.items()}
        assert {n: a - added["one"] for n, a in added.items()} == {n: 8 * (b - 3) for n, b in biases.items()}

    def test_what_came_before_is_forgotten(self):
        network = self.network()
        network(self.clips([[1, 1, 1, 1]]))
        forget_choices(network)
        network(self.clips([[2, 2, 2, 2]]))
        assert complexity(network, self.CLIP)["macs"] == 3 * self.ONE

    def test_a_network_without_choices_has_none(self):
        network = NetworkNodes(OpNode(FOLD, {}), SequenceNode((times(2),)), OpNode(MEAN, {}))
        found = complexity(build_network(network, {}, CONTEXT), self.CLIP)
        assert found["adaptive"] is None

    def test_several_nodes_have_their_paths_in_the_labels(self):
        network = NetworkNodes(OpNode(FOLD, {}), SequenceNode((node(), node())), OpNode(MEAN, {}))
        found = complexity(build_network(network, {}, CONTEXT).eval(), self.CLIP)
        assert list(found["adaptive"].shares)[:2] == ["body.0.one", "body.0.three"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_a_gpu_gives_what_the_processor_gives():
    node, x = made().eval(), clips(torch.tensor([[0, 1, 2, 2, 0, 1]] * N))
    expected = node(x)
    assert torch.allclose(node.to("cuda")(x.to("cuda")).cpu(), expected, atol=1e-4)
