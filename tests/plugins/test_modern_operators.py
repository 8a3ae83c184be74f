"""The residual block and what stands in it: contracts, formulas, and where they begin."""

from __future__ import annotations

import pytest
import torch
from skelbench_plugins.graphs.bones import rewired
from skelbench_plugins.graphs.fixed import adjacency
from skelbench_plugins.graphs.hops import at_distance, hops, links, over_frames
from skelbench_plugins.graphs.learned import LearnedAdjacency, NormalisedLearned
from skelbench_plugins.layouts import NTU25, SHREC22
from skelbench_plugins.operators.hyperformer import groups_of
from torch import nn
from torch.nn import functional

from skelbench.check.spec import check_spec
from skelbench.engine.describe import describe_spec
from skelbench.errors import SpecError
from skelbench.host.registry import load_registry
from skelbench.spec.resolve import load_spec
from skelbench.testing.modules import build
from skelbench.testing.operators import GraphModuleConformance, OperatorConformance

REGISTRY = load_registry()


class TestResidualBlockConforms(OperatorConformance):
    name = "residual_block"
    params = {  # noqa: RUF012
        "channels": 24,
        "stride": 2,
        "spatial": {"op": "ctr_graph_conv"},
        "temporal": {"op": "multi_branch_conv"},
    }


class TestGraphConvConforms(OperatorConformance):
    name = "graph_conv"
    params = {"channels": 24, "graph": "learned.normalised"}  # noqa: RUF012


class TestGraphConvOfSubsetsConforms(OperatorConformance):
    name = "graph_conv.subsets"
    params = {"channels": 24, "init": "torch"}  # noqa: RUF012


class TestCtrGraphConvConforms(OperatorConformance):
    name = "ctr_graph_conv"
    params = {"channels": 24, "graph": {"op": "dynamic.s", "embed": 4}}  # noqa: RUF012


class TestTemporalConvConforms(OperatorConformance):
    name = "temporal_conv"
    params = {"stride": 2}  # noqa: RUF012


class TestMultiBranchConvConforms(OperatorConformance):
    name = "multi_branch_conv"
    params = {"kernel": 3, "dilations": (1, 2, 3, 4), "transform": True, "channels": 20}  # noqa: RUF012


class TestNormalHeadConforms(OperatorConformance):
    name = "mean_pool_linear.normal"


class TestBlockGraphConvConforms(OperatorConformance):
    name = "block_graph_conv"
    params = {"channels": 24, "groups": 4, "parents": ((21, 7), (23, 11))}  # noqa: RUF012


class TestHypergraphAttentionConforms(OperatorConformance):
    name = "hypergraph_attention"
    params = {"channels": 24, "heads": 2, "projection_groups": 4}  # noqa: RUF012


class TestMultiScaleGraphConvConforms(OperatorConformance):
    name = "multi_scale_graph_conv"
    params = {"channels": 24, "scales": 5}  # noqa: RUF012


class TestSpaceTimeGraphConvConforms(OperatorConformance):
    name = "space_time_graph_conv"
    params = {"channels": 24, "stride": 2, "scales": 3}  # noqa: RUF012


class TestMultiBranchBlockConforms(OperatorConformance):
    name = "multi_branch_block"
    params = {"channels": 24, "stride": 2}  # noqa: RUF012


class TestReluConforms(OperatorConformance):
    name = "relu"


class TestDistanceMotionConforms(OperatorConformance):
    name = "distance_motion_embed"
    params = {"embed": 4}  # noqa: RUF012


class TestPortOfDistanceMotionConforms(OperatorConformance):
    name = "distance_motion_embed"
    params = {"embed": 4, "port": True}  # noqa: RUF012


class TestFrameConvsConform(OperatorConformance):
    name = "frame_convs"
    params = {"channels": 24, "dropout": 0.1}  # noqa: RUF012


class TestMaxDenseHeadConforms(OperatorConformance):
    name = "max_pool_dense"
    params = {"port": True}  # noqa: RUF012


class TestLearnedAdjacencyConforms(GraphModuleConformance):
    name = "adjacency.learned"
    params = {"transpose": True, "parents": ((21, 7), (23, 11))}  # noqa: RUF012


class TestNormalisedLearnedConforms(GraphModuleConformance):
    name = "learned.normalised"


def make(name, context, **params):
    return build(REGISTRY, REGISTRY.get("operator", name), params, context)


class Given(nn.Module):
    """Gives a graph of the test's own."""

    def __init__(self, graph):
        super().__init__()
        self.graph = graph

    def forward(self, x):
        return self.graph


class TestResidualBlock:
    def test_modules_inside_take_its_channels_and_its_stride(self, place):
        block = make(
            "residual_block", place(channels=8), channels=16, stride=2,
            spatial={"op": "graph_conv"}, temporal={"op": "temporal_conv", "kernel": 3},
        )  # fmt: skip
        assert block.temporal[0].stride == (2, 1)
        assert block(torch.randn(2, 8, 7, 25)).shape == (2, 16, 4, 25)

    @pytest.mark.parametrize(("residual", "kind"), [("auto", nn.Identity), ("conv", nn.Sequential)])
    def test_residual_where_the_shape_stays(self, residual, kind, place):
        assert isinstance(make("residual_block", place(), residual=residual).residual, kind)

    def test_without_modules_it_adds_the_input_to_itself(self, place):
        x = torch.randn(2, 8, 6, 25)
        before = x.clone()
        assert torch.equal(make("residual_block", place())(x), functional.relu(2 * x))
        plain = make("residual_block", place(), residual="none", activation="none")
        assert torch.equal(plain(x), x)
        make("residual_block", place(), residual="none")(x)
        assert torch.equal(x, before)


class TestCtrGraphConv:
    def test_follows_the_formula(self, place):
        """Each subset and channel by itself, and embeddings of every frame before the mean."""
        torch.manual_seed(0)
        unit = make("ctr_graph_conv", place(channels=16), channels=8).eval()
        nn.init.constant_(unit.alpha, 0.7)
        x = torch.randn(2, 16, 6, 25)
        weight, bias = unit.embed.weight.unsqueeze(-1), unit.embed.bias
        pairs = functional.conv2d(x, weight, bias).mean(2).view(2, 3, 2, 2, 25)
        features = unit.conv(x)
        y = torch.zeros(2, 8, 6, 25)
        for k, conv in enumerate(unit.refine):
            sources, targets = pairs[:, k, 0], pairs[:, k, 1]
            q = conv(torch.tanh(targets[..., None, :] - sources[..., :, None]))
            y += torch.einsum("nctv,ncvw->nctw", features[:, :, k], unit.graph.weight[k] + 0.7 * q)
        expected = functional.relu(unit.bn(y) + unit.skip(x))
        assert torch.allclose(unit(x), expected, atol=1e-5)

    def test_begins_on_the_shared_graph_alone(self, place):
        unit = make("ctr_graph_conv", place(channels=16))
        x = torch.randn(2, 16, 6, 25)
        for k, graph in enumerate(unit.topology(x)):
            assert torch.allclose(graph, adjacency(NTU25)[k].expand(2, 16, 25, 25))


class TestGraphConvOfSubsets:
    @pytest.mark.parametrize("sizes", [(), (2,)])
    def test_features_of_a_subset_with_their_bias_are_gathered_by_its_graph(self, sizes, place):
        torch.manual_seed(0)
        unit = make("graph_conv.subsets", place(), channels=16, init="torch").eval()
        graph, x = torch.randn(*sizes, 3, 25, 25), torch.randn(2, 8, 6, 25)
        unit.graph = Given(graph)
        features = unit.conv(x)  # (N, O, K, T, V)
        y = torch.einsum("noktv,nkvw->notw", features, graph.expand(2, 3, 25, 25))
        assert torch.allclose(unit(x), functional.relu(unit.bn(y) + unit.skip(x)), atol=1e-4)


class TestMultiBranch:
    def test_branches_are_those_of_the_formula(self, place):
        module = make("multi_branch_conv", place(channels=12), stride=2).eval()
        x = torch.randn(2, 12, 9, 25)
        reduced = functional.relu(module.reduce_bn(module.reduce(x)))
        first, second, third = reduced.split(3, 1)
        parts = [
            functional.conv2d(part, conv.weight, conv.bias, (2, 1), (2 * d, 0), (d, 1))
            for d, part, conv in zip((1, 2), (first, second), module.convs, strict=True)
        ]
        pooled = functional.max_pool2d(third, (3, 1), (2, 1), (1, 0))
        expected = module.bn(torch.cat([*parts, pooled, module.point(x)], 1))
        assert torch.allclose(module(x), expected, atol=1e-5)

    def test_the_first_branch_takes_what_is_left_over(self, place):
        assert make("multi_branch_conv", place(channels=64), dilations=(1, 2, 3, 4)).widths == [14, *[10] * 5]

    def test_too_few_channels_are_told(self, place):
        with pytest.raises(SpecError, match="2 channels cannot be divided among 4 branches"):
            make("multi_branch_conv", place(channels=2))


class TestGraphs:
    def test_transposed_a_parent_takes_the_sum_of_its_children(self, place):
        graph = LearnedAdjacency(place(), transpose=True)(torch.zeros(0))
        children = [child for child, parent in NTU25.inward if parent == 20]
        assert torch.equal(graph[1, children, 20], torch.ones(4))

    def test_columns_of_the_normalised_graph_have_length_one(self, place):
        graph = NormalisedLearned(place())
        nn.init.normal_(graph.weight)
        assert torch.allclose(graph(torch.zeros(0)).norm(dim=1), torch.ones(3, 25), atol=1e-3)

    def test_other_parents_take_the_place_of_the_layouts(self):
        assert (21, 7) in rewired(NTU25, [(21, 7)]).inward
        assert (21, 22) not in rewired(NTU25, [(21, 7)]).inward

    @pytest.mark.parametrize("pair", [(20, 1), (3, 25), (25, 3), (4, 4)])
    def test_impossible_parents_are_told(self, pair):
        with pytest.raises(SpecError, match=f"joint {pair[0]} of layout 'ntu25' cannot hang"):
            rewired(NTU25, [pair])

    @pytest.mark.parametrize("parents", [[(21, 22), (22, 21)], [(5, 7), (6, 5)]])
    def test_parents_that_go_round_in_a_circle_are_told(self, parents):
        with pytest.raises(SpecError, match=r"no bones lead from joint .* to its root"):
            rewired(NTU25, parents)


class TestHops:
    def test_are_those_of_a_search_from_every_joint(self):
        near = {v: {u for e in NTU25.inward if v in e for u in e} - {v} for v in range(25)}
        found = hops(links(NTU25))
        for start in range(25):
            distance, front = {start: 0}, [start]
            while front:
                new = {u for v in front for u in near[v]} - set(distance)
                distance |= dict.fromkeys(new, max(distance.values()) + 1)
                front = sorted(new)
            assert found[start].tolist() == [distance[v] for v in range(25)]

    def test_nodes_that_nothing_leads_to_are_farther_than_any(self):
        assert hops(torch.zeros(3, 3)).tolist() == [[0, 3, 3], [3, 0, 3], [3, 3, 0]]

    def test_over_frames_a_joint_meets_itself_and_its_neighbours_in_one_step(self):
        one, two = hops(links(NTU25)), hops(over_frames(links(NTU25), 2))
        other_frame = two[:25, 25:]
        assert torch.equal(two[:25, :25], one)
        assert torch.equal(other_frame, torch.where(one == 0, 1, one))

    def test_graphs_of_a_distance_are_normalised_by_degree(self):
        distance, graphs = hops(links(NTU25)), at_distance(links(NTU25), 4)
        assert torch.equal(graphs[0], torch.eye(25))
        for k in (1, 2, 3):
            plain = (distance == k).float() + torch.eye(25)
            degree = plain.sum(0)
            assert torch.allclose(graphs[k], plain / (degree[:, None] * degree[None]).sqrt())


class TestDistanceMotion:
    def test_nobody_gives_finite_features_in_the_port(self, place):
        module = make("distance_motion_embed", place(channels=3), embed=4, port=True)
        assert module(torch.zeros(2, 3, 6, 25, 2)).isfinite().all()

    def test_distances_do_not_depend_on_where_somebody_stands(self, place):
        module = make("distance_motion_embed", place(channels=3), embed=4).eval()
        x = torch.randn(2, 3, 8, 25, 2)
        assert torch.allclose(module(x), module(x + 5), atol=1e-4)


class TestBlockGraphConv:
    def test_follows_the_formula(self, place):
        """Group by group and subset by subset."""
        torch.manual_seed(0)
        module = make("block_graph_conv", place(channels=8), channels=8, groups=4).eval()
        nn.init.normal_(module.free)
        nn.init.normal_(module.hop_weight)
        x, distance, y = torch.randn(2, 8, 6, 25), hops(links(NTU25)), torch.zeros(2, 8, 6, 25)
        for k, conv in enumerate(module.convs):
            for h in range(4):
                far = module.hop_weight[k, h][distance]
                columns = [g / (g.square().sum(0).sqrt() + 1e-4) for g in (module.free[k, h], far)]
                own = slice(2 * h, 2 * h + 2)
                z = torch.einsum("nctv,vw->nctw", x[:, own], sum(columns))
                y[:, own] += functional.conv2d(z, conv.weight[own], conv.bias[own])
        assert torch.allclose(module(x), functional.relu(module.bn(y) + x), atol=1e-5)

    def test_channels_that_groups_do_not_divide_are_told(self, place):
        with pytest.raises(SpecError, match="8 groups do not divide 3 and 16 channels"):
            make("block_graph_conv", place(channels=3), channels=16)


class TestHypergraphAttention:
    @pytest.mark.parametrize(
        ("layout", "params", "what"),
        [
            (NTU25, {"groups": (0, 1)}, "'groups' names 2 joints and layout 'ntu25' has 25"),
            (NTU25, {"heads": 5}, "5 heads do not divide 216 channels"),
            (NTU25, {"projection_groups": 7}, "7 groups of the projection do not divide 216 channels"),
        ],
    )
    def test_what_does_not_fit_is_told(self, layout, params, what, place):
        with pytest.raises(SpecError, match=what):
            make("hypergraph_attention", place(layout=layout), channels=216, **params)

    def test_begins_as_the_projection_of_the_values(self, place):
        module = make("hypergraph_attention", place(channels=12), heads=2).eval()
        x = torch.randn(2, 12, 4, 25)
        rows = module.kv(module.norm(x.permute(0, 2, 3, 1)))[..., 12:]
        assert torch.allclose(module(x), module.proj(rows.permute(0, 3, 1, 2)) + x, atol=1e-5)

    def test_any_layout_takes_groups_of_its_own(self, place):
        groups = [number % 3 for number in range(22)]
        module = make("hypergraph_attention", place(channels=12, layout=SHREC22), heads=2, groups=groups)
        assert module(torch.randn(2, 12, 4, 22)).shape == (2, 12, 4, 22)


def test_groups_that_nobody_has_given_are_parts_by_the_bones():
    shrec = ("data.dataset=shrec17-14", "data.protocol=official")
    assert describe_spec("modern", "attention", sets=shrec)["params"]
    assert sorted(set(groups_of(SHREC22, None))) == [0, 1, 2, 3, 4]


def test_only_a_module_between_the_ends_may_stand_in_a_block():
    wrong = ("network.body.0.temporal=mean_pool_linear",)
    with pytest.raises(SpecError, match=r"'mean_pool_linear' \(head\) cannot stand here"):
        check_spec(load_spec("baselines", sets=wrong), REGISTRY)
