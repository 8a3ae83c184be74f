"""Operators: contracts, agreement with the published formulas, and the published models' size and cost."""

from __future__ import annotations

import pytest
import torch
from skelbench_plugins.layouts import NTU25
from torch import nn
from torch.nn import functional

from skelbench.components import BuildContext
from skelbench.host.registry import load_registry
from skelbench.space.network import build_network
from skelbench.space.nodes import NetworkNodes, OpNode, SequenceNode, SumNode
from skelbench.testing.operators import OperatorConformance
from skelbench.training.cost import cost

REGISTRY = load_registry()
CHANNELS = [64] * 4 + [128] * 3 + [256] * 3
STRIDES = [1, 1, 1, 1, 2, 1, 1, 2, 1, 1]
BLOCKS = pytest.mark.parametrize("name", ["stgcn_block", "stgcn_block.original"])


class Fixed(nn.Module):
    """Gives a graph of the test's own."""

    def __init__(self, graph):
        super().__init__()
        self.graph = nn.Parameter(graph)

    def forward(self, x):
        return self.graph


def make(name, context, **params):
    return REGISTRY.get("operator", name).load()(context, **params)


def random_graph(*sizes):
    return Fixed(torch.randn(*sizes, 3, 25, 25))


class TestAdaptiveBlockWithStrideConforms(OperatorConformance):
    name = "stgcn_block"
    params = {"channels": 24, "stride": 2, "graph": {"op": "dynamic.st", "embed": 4}}  # noqa: RUF012


class TestOriginalBlockWithStrideConforms(OperatorConformance):
    name = "stgcn_block.original"
    params = {"channels": 24, "stride": 2, "graph": "adjacency.weighted"}  # noqa: RUF012


class TestDataBn:
    def test_folds_persons_into_the_batch(self, place):
        x = torch.randn(2, 3, 6, 25, 2)
        module = make("data_bn", place(channels=3)).eval()
        y = module(x)
        assert y.shape == (4, 3, 6, 25)
        for clip in range(2):
            for person in range(2):
                assert torch.allclose(y[2 * clip + person], x[clip, ..., person], atol=1e-4)

    @pytest.mark.parametrize(("persons", "features"), [("apart", 150), ("together", 75)])
    def test_normalises_every_coordinate_of_every_joint(self, persons, features, place):
        torch.manual_seed(0)
        scale = torch.rand(1, 3, 1, 25, 1) + 0.5
        x = scale * torch.randn(8, 3, 6, 25, 2) + torch.randn(1, 3, 1, 25, 1)
        module = make("data_bn", place(channels=3), persons=persons)
        y = module(x)
        assert module.bn.num_features == features
        assert torch.allclose(y.mean((0, 2)), torch.zeros(3, 25), atol=1e-5)
        assert torch.allclose(y.var((0, 2), unbiased=False), torch.ones(3, 25), atol=1e-3)

    def test_persons_apart_have_statistics_of_their_own(self, place):
        x = torch.randn(8, 3, 6, 25, 2)
        x[..., 1] += 5
        y = make("data_bn", place(channels=3))(x).view(8, 2, 3, 6, 25)
        assert torch.allclose(y.mean((0, 2, 3, 4)), torch.zeros(2), atol=1e-5)


class TestLinearEmbed:
    def test_brings_each_joint_to_the_width_by_itself(self, place):
        torch.manual_seed(0)
        module = make("linear_embed", place(channels=3), channels=8).eval()
        x = torch.randn(2, 3, 6, 25, 2)
        y = module(x)
        assert y.shape == (4, 8, 6, 25)
        changed = x.clone()
        changed[:, :, 2, 7] += 1
        differs = (module(changed) != y).any(1)
        assert differs[:, 2, 7].all()
        assert differs.sum() == 4

    def test_normalises_as_data_bn_does(self, place):
        torch.manual_seed(0)
        x = 3 * torch.randn(4, 3, 6, 25, 2) + 5
        module = make("linear_embed", place(channels=3), channels=3)
        torch.nn.init.dirac_(module.embed.weight)
        torch.nn.init.zeros_(module.embed.bias)
        assert torch.allclose(module(x), make("data_bn", place(channels=3))(x), atol=1e-5)


class TestLinearEmbedConforms(OperatorConformance):
    name = "linear_embed"
    params = {"channels": 8}  # noqa: RUF012


@BLOCKS
class TestEveryBlock:
    @pytest.mark.parametrize(("channels", "stride", "frames"), [(8, 1, 7), (12, 1, 7), (8, 2, 4), (4, 3, 3)])
    def test_strides_over_frames_and_changes_channels(self, name, channels, stride, frames, place):
        module = make(name, place(channels=8), channels=channels, stride=stride, graph=random_graph())
        assert module(torch.randn(2, 8, 7, 25)).shape == (2, channels, frames, 25)

    def test_takes_one_graph_per_sample(self, name, place):
        torch.manual_seed(0)
        x, graphs = torch.randn(3, 8, 6, 25), random_graph(3)
        module = make(name, place(channels=8), channels=8, graph=graphs).eval()
        every, together = graphs.graph, module(x)
        for index in range(3):
            graphs.graph = nn.Parameter(every[index].detach())
            assert torch.allclose(module(x[index : index + 1])[0], together[index], atol=1e-4)

    def test_every_parameter_learns(self, name, place):
        module = make(name, place(channels=8), channels=16, graph=random_graph())
        module(torch.randn(4, 8, 6, 25)).square().sum().backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters())

    def test_input_is_left_alone(self, name, place):
        x = torch.randn(2, 8, 6, 25)
        before = x.clone()
        make(name, place(channels=8), channels=8, graph=random_graph())(x)
        assert torch.equal(x, before)

    def test_dropout_acts_in_training_only(self, name, place):
        module = make(name, place(channels=8), channels=8, residual="none", dropout=0.9, graph=random_graph())
        x = torch.randn(2, 8, 6, 25)
        assert (module(x) == 0).float().mean() > 0.85
        module.eval()
        assert torch.equal(module(x), module(x))

    @pytest.mark.parametrize("wrong", [{"kernel": 4}, {"stride": 0}, {"dropout": 1.0}, {"residual": "yes"}])
    def test_wrong_parameters_are_refused(self, name, wrong):
        with pytest.raises(ValueError, match="validation error"):
            REGISTRY.get("operator", name).params(channels=8, graph="adjacency", **wrong)


class TestAdaptiveBlock:
    def test_starts_as_its_skip_connections(self, place):
        module = make("stgcn_block", place(channels=8), channels=8, graph=random_graph()).eval()
        x = torch.randn(2, 8, 6, 25)
        expected = functional.relu(module.tcn(functional.relu(x)) + x)
        assert torch.allclose(module(x), expected, atol=1e-4)

    @pytest.mark.parametrize("gain", [1e-6, 0.1, 1.0])
    def test_the_graph_counts_for_as_much_as_the_gain_at_first(self, place, gain):
        x, found = torch.randn(4, 8, 6, 25), []
        for graph in (random_graph(), random_graph()):
            torch.manual_seed(0)  # the same weights under both graphs
            found.append(make("stgcn_block", place(channels=8), channels=8, graph=graph, gain=gain).gcn(x))
        difference = float((found[0] - found[1]).detach().std())
        assert 0.1 * gain < difference < 3 * gain

    def test_graph_convolution_follows_the_formula(self, place):
        x, graph = torch.randn(2, 8, 6, 25), random_graph()
        conv = make("stgcn_block", place(channels=8), channels=16, graph=graph).gcn.conv
        nn.init.normal_(conv.bias)
        expected = torch.zeros(2, 16, 6, 25)
        for k in range(3):  # subset by subset, as in 2s-AGCN
            weight = conv.weight[:, 8 * k : 8 * (k + 1)]
            expected = expected + functional.conv2d(x @ graph.graph[k], weight, conv.bias[k])
        assert torch.allclose(conv(x, graph.graph), expected, atol=1e-4)

    def test_mixing_graphs_equals_mixing_features(self, place):
        x, one, other = torch.randn(2, 8, 6, 25), torch.randn(3, 25, 25), torch.randn(2, 3, 25, 25)
        conv = make("stgcn_block", place(channels=8), channels=16, graph=random_graph()).gcn.conv
        features = 0.3 * conv(x, one) + 0.7 * conv(x, other)
        assert torch.allclose(conv(x, 0.3 * one + 0.7 * other), features, atol=1e-4)

    def test_weights_start_as_published(self, place):
        torch.manual_seed(0)
        module = make("stgcn_block", place(channels=64), channels=128, graph=random_graph())
        assert float(module.gcn.conv.weight.detach().std()) == pytest.approx(
            (2 / (128 * 64 * 3)) ** 0.5, rel=0.02
        )
        assert float(module.tcn[0].weight.detach().std()) == pytest.approx((2 / (128 * 9)) ** 0.5, rel=0.02)
        assert torch.equal(module.gcn.bn.weight, torch.full((128,), 1e-6))


class TestOriginalBlock:
    def test_follows_the_formula(self, place):
        x, graph = torch.randn(2, 8, 6, 25), random_graph()
        module = make("stgcn_block.original", place(channels=8), channels=16, stride=2, graph=graph).eval()
        features = module.conv(x).view(2, 3, 16, 6, 25)
        y = torch.einsum("nkctv,kvw->nctw", features, graph.graph)
        expected = functional.relu(module.tcn(functional.relu(module.bn(y))) + module.residual(x))
        assert torch.allclose(module(x), expected, atol=1e-4)

    def test_graph_keeps_its_own_initial_weights(self, place):
        graph = nn.Conv2d(1, 1, 1)
        before = graph.weight.clone()
        make("stgcn_block.original", place(channels=8), channels=8, graph=graph)
        assert torch.equal(graph.weight, before)


class TestMeanPoolLinear:
    def test_averages_over_all_but_clips(self, place):
        module = make("mean_pool_linear", place(channels=8, classes=5))
        x = torch.randn(4, 8, 6, 25)
        expected = module.linear(x.view(2, 2, 8, -1).mean((1, 3)))
        assert torch.allclose(module(x), expected, atol=1e-5)

    def test_weights_start_as_published(self, place):
        torch.manual_seed(0)
        weight = make("mean_pool_linear", place(channels=256)).linear.weight
        assert float(weight.detach().std()) == pytest.approx((2 / 60) ** 0.5, rel=0.03)


def op(kind, name, **params):
    return OpNode(REGISTRY.get(kind, name), params)


def graph_sum(names, **params):
    return SumNode(tuple(op("graph_module", name, **params.get(name, {})) for name in names))


def network(graphs, block="stgcn_block", persons="apart"):
    """The ten blocks of all these models, with ``graphs[i]`` in block i."""
    body = [
        op("operator", block, channels=c, stride=s, residual="auto" if i else "none", graph=graphs[i])
        for i, (c, s) in enumerate(zip(CHANNELS, STRIDES, strict=True))
    ]
    head = op("operator", "mean_pool_linear")
    return NetworkNodes(op("operator", "data_bn", persons=persons), SequenceNode(tuple(body)), head)


def counted(nodes, frames):
    with torch.device("meta"):
        built = build_network(nodes, {}, BuildContext(3, frames, 25, 2, 60, NTU25))
    return cost(built, (1, 3, frames, 25, 2))


AGCN = ["adjacency", "learned", "dynamic.s"]
SUPERNET = [
    *("cheb.l", "released.cheb.l4n", "released.cheb.l4", "released.cheb.l3", "released.cheb.l2"),
    *("dynamic.s", "dynamic.t", "released.dynamic.st"),
]
SHORT = {
    "L3": "released.model.l3",
    "L4n": "released.model.l4n",
    "S": "dynamic.s",
    "T": "dynamic.t",
    "ST": "released.dynamic.st",
}
TABLE = [
    *("L3 S T ST", "L3 S T ST", "S T ST", "S T ST", "L3 S T"),
    *("L3 T", "L4n L3 S T ST", "L3 T", "L3 T", "T"),
]
SEARCHED = [["learned", *(SHORT[name] for name in row.split())] for row in TABLE]
DEAD = {"released.dynamic.st": {"dead": True}}


class TestPublishedModels:
    @pytest.mark.parametrize(("frames", "gmacs"), [(300, 19.407), (64, 4.140)])
    def test_two_stream_agcn(self, frames, gmacs):
        found = counted(network([graph_sum(AGCN)] * 10), frames)
        assert found.params == 3_469_510
        assert round(found.macs / 1e9, 3) == gmacs
        blocks = [40595, *[57779] * 3, 204563, *[224275] * 2, 808659, *[889043] * 2]
        assert [row["params"] for row in found.rows] == [300, *blocks, 15420]
        assert found.rows[-2]["output_shape"] == (2, 256, frames // 4, 25)

    @pytest.mark.parametrize(("frames", "gmacs"), [(300, 37.496), (64, 7.999)])
    def test_searched_network_as_released(self, frames, gmacs):
        found = counted(network([graph_sum(names) for names in SEARCHED]), frames)
        assert found.params == 6_292_550
        assert round(found.macs / 1e9, 3) == gmacs

    @pytest.mark.parametrize(("frames", "gmacs"), [(300, 44.409), (64, 9.474)])
    def test_supernet_as_released(self, frames, gmacs):
        found = counted(network([graph_sum(SUPERNET)] * 10), frames)
        assert found.params == 7_583_304
        assert round(found.macs / 1e9, 3) == gmacs

    def test_dead_parameters_of_the_released_code(self):
        searched = counted(network([graph_sum(names, **DEAD) for names in SEARCHED]), 64)
        assert searched.params == 6_567_334
        # The released supernet also holds the learned graphs and leaves them out of the mix.
        supernet = counted(network([graph_sum([*SUPERNET, "learned"], **DEAD)] * 10), 64)
        assert supernet.params == 9_668_326

    def test_st_gcn(self):
        """ST-GCN's parameters follow from its parts, in the order of the code that was released."""
        graph = op("graph_module", "adjacency.weighted", normalise="degree")
        found = counted(network([graph] * 10, "stgcn_block.original", "together"), 64)
        expected, before = 2 * 3 * 25 + (256 * 60 + 60), 3
        for index, (channels, stride) in enumerate(zip(CHANNELS, STRIDES, strict=True)):
            expected += 3 * 25 * 25  # importance of the edges
            expected += before * 3 * channels + 3 * channels + 2 * channels
            expected += 9 * channels * channels + channels + 2 * channels
            if index and (before != channels or stride != 1):
                expected += before * channels + channels + 2 * channels
            before = channels
        assert expected == 3_098_832  # usually given as 3.1 M
        assert found.params == expected
