"""Graph modules: shapes, normalisation, polynomials, and agreement with slower ways of computing them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skelbench_plugins.graphs.dynamic import Spatial, SpatialTemporal, Temporal, similarity
from skelbench_plugins.graphs.fixed import Learned, WeightedAdjacency, adjacency, bones, chebyshev
from skelbench_plugins.layouts import LAYOUTS, NTU25, UCLA20
from torch import nn
from torch.nn import functional

from skelbench.host.registry import load_registry

REGISTRY = load_registry()
NAMES = REGISTRY.names("graph_module")
DYNAMIC = ["dynamic.s", "dynamic.t", "dynamic.st", "released.dynamic.st"]
layouts = pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)


def make(name, context, **params):
    component = REGISTRY.get("graph_module", name)
    component.params(**params)
    return component.load()(context, **params)


@pytest.mark.parametrize("name", NAMES)
class TestEveryGraph:
    def test_gives_three_subsets_of_joints_by_joints(self, name, place):
        graph = make(name, place(out_channels=16))(torch.randn(2, 8, 6, 25))
        assert graph.shape == ((2, 3, 25, 25) if name in DYNAMIC else (3, 25, 25))
        assert graph.isfinite().all()

    def test_fits_other_layouts_and_lengths(self, name, place):
        module = make(name, place(channels=5, layout=UCLA20))
        for frames in (1, 13):
            assert module(torch.randn(1, 5, frames, 20)).shape[-2:] == (20, 20)

    def test_every_parameter_learns(self, name, place):
        module = make(name, place())
        graph = module(torch.randn(2, 8, 6, 25))
        if not list(module.parameters()):
            assert not graph.requires_grad
            return
        (graph * torch.randn_like(graph)).sum().backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters())
        assert sum(float(p.grad.abs().sum()) for p in module.parameters()) > 0

    def test_is_summarised(self, name):
        assert REGISTRY.get("graph_module", name).summary


@layouts
class TestAdjacency:
    def test_columns_sum_to_one_or_are_empty(self, layout):
        sums = adjacency(layout).sum(1)
        empty = bones(layout).sum(1) == 0
        assert torch.equal(sums[empty], torch.zeros_like(sums[empty]))
        assert torch.allclose(sums[~empty], torch.ones_like(sums[~empty]))
        assert not empty[0].any()
        assert empty[1].nonzero().flatten().tolist() == [layout.root]

    def test_inward_takes_from_the_parent_and_outward_from_the_children(self, layout):
        graph = adjacency(layout)
        for child, parent in layout.inward:
            assert graph[1, parent, child] == 1
            assert graph[2, child, parent] > 0
        assert torch.equal(graph[1] > 0, (graph[2] > 0).T)

    def test_by_degree_the_subsets_sum_to_one_together(self, layout):
        joints = len(layout.joints)
        assert torch.allclose(adjacency(layout, "degree").sum((0, 1)), torch.ones(joints))


class TestLearnedParts:
    def test_importance_starts_as_the_plain_graph(self, place):
        module = WeightedAdjacency(place(), "degree")
        assert torch.equal(module(torch.zeros(0)), adjacency(NTU25, "degree"))

    def test_importance_cannot_make_edges(self, place):
        module = WeightedAdjacency(place())
        nn.init.uniform_(module.importance, 1, 2)
        assert torch.equal(module(torch.zeros(0)) != 0, adjacency(NTU25) != 0)

    def test_learned_graph_starts_near_zero(self, place):
        graph = Learned(place())(torch.zeros(0))
        assert torch.equal(graph, torch.full((3, 25, 25), 1e-6))


@st.composite
def symmetric(draw):
    size = draw(st.integers(2, 6))
    values = draw(st.lists(st.floats(-1, 1), min_size=size * size, max_size=size * size))
    matrix = np.array(values).reshape(size, size)
    return (matrix + matrix.T) / (2 * size)


class TestChebyshev:
    @given(symmetric(), st.integers(1, 6))
    def test_acts_on_eigenvalues_as_the_polynomial(self, matrix, order):
        eigenvalues, vectors = np.linalg.eigh(matrix)
        polynomial = np.polynomial.chebyshev.Chebyshev.basis(order)(eigenvalues)
        expected = vectors @ np.diag(polynomial) @ vectors.T
        found = chebyshev(torch.from_numpy(matrix)[None], order)[0].numpy()
        np.testing.assert_allclose(found, expected, atol=1e-10)

    @pytest.mark.parametrize(
        ("order", "explicit"),
        [
            (1, lambda a, i: a),
            (2, lambda a, i: 2 * a @ a - i),
            (3, lambda a, i: 4 * a @ a @ a - 3 * a),
            (4, lambda a, i: 8 * a @ a @ a @ a - 8 * a @ a + i),
        ],
    )
    def test_modules_are_the_first_four_polynomials(self, order, explicit, place):
        graph = make("cheb.l" if order == 1 else f"cheb.l{order}", place())(torch.zeros(0))
        expected = torch.stack([explicit(a, torch.eye(25)) for a in adjacency(NTU25)])
        assert torch.allclose(graph, expected, atol=1e-5)

    @pytest.mark.parametrize("name", ["cheb.l4n", "released.cheb.l4n", "released.model.l4n"])
    def test_normalised_polynomial_sums_to_one_over_sources(self, name, place):
        graph = make(name, place())(torch.zeros(0))
        assert (graph > 0).all()
        assert torch.allclose(graph.sum(-2), torch.ones(3, 25))


class TestReleasedPolynomials:
    @pytest.mark.parametrize(
        ("name", "explicit"),
        [
            ("released.cheb.l2", lambda a, i: 2 * a**2 - i),
            ("released.cheb.l3", lambda a, i: 4 * a**3 - 3 * a),
            ("released.cheb.l4", lambda a, i: 8 * a**4 - 8 * a**2 + i),
            ("released.cheb.l4n", lambda a, i: ((8 * a**4 - 8 * a**2 + i) / 25).softmax(-2)),
            ("released.model.l3", lambda a, i: 4 * a**2 - a - 2 * i),
            ("released.model.l4n", lambda a, i: ((8 * a**4 - 4 * a**2 - 4 * a + i) / 25).softmax(-2)),
        ],
    )
    def test_takes_powers_by_element(self, name, explicit, place):
        graph = make(name, place())(torch.zeros(0))
        assert torch.allclose(graph, explicit(adjacency(NTU25), torch.eye(25)), atol=1e-6)


def graph_of(p, q):
    """One subset's graph as the published models write it: p, q (N, E, T, V)."""
    batch, _, _, joints = p.shape
    sources = p.permute(0, 3, 1, 2).reshape(batch, joints, -1)
    targets = q.reshape(batch, -1, joints)
    return (sources @ targets / sources.shape[-1]).softmax(-2)


def parts(conv, index, size):
    """Weight and bias of the ``index``-th embedding in a batched convolution."""
    rows = slice(index * size, (index + 1) * size)
    return conv.weight[rows], conv.bias[rows]


class TestDynamic:
    @pytest.mark.parametrize("name", DYNAMIC)
    def test_sources_sum_to_one(self, name, place):
        graph = make(name, place(out_channels=16))(5 * torch.randn(2, 8, 6, 25))
        assert torch.allclose(graph.sum(-2), torch.ones(2, 3, 25), atol=1e-6)

    @pytest.mark.parametrize(("kind", "frames"), [(Spatial, 1), (Temporal, 9)])
    def test_batched_embeddings_equal_one_convolution_each(self, kind, frames, place):
        x = 3 * torch.randn(2, 8, 12, 25)
        module = kind(place(out_channels=16))
        nn.init.normal_(module.embedding.bias)
        padding = (frames // 2, 0)

        def embed(index):
            weight, bias = parts(module.embedding, index, 4)
            return functional.conv2d(x, weight, bias, padding=padding)

        expected = torch.stack([graph_of(embed(2 * k), embed(2 * k + 1)) for k in range(3)], 1)
        assert torch.allclose(module(x), expected, atol=1e-6)

    def test_chain_equals_two_convolutions_for_each_embedding(self, place):
        x = 3 * torch.randn(2, 8, 12, 25)
        module = SpatialTemporal(place(out_channels=16))

        def embed(index):
            near = functional.conv2d(x, *parts(module.spatial, index, 4))
            weight, bias = parts(module.temporal, index, 4)
            return functional.conv2d(near, weight, bias, padding=(4, 0))

        expected = torch.stack([graph_of(embed(2 * k), embed(2 * k + 1)) for k in range(3)], 1)
        assert torch.allclose(module(x), expected, atol=1e-6)

    def test_released_chain_is_temporal_in_the_middle_subset_only(self, place):
        module = make("released.dynamic.st", place(out_channels=16))
        x = 3 * torch.randn(1, 8, 12, 25)
        changed = x[:, :, torch.tensor([*range(1, 12), 0])]  # the same frames in another order
        before, after = module(x)[0], module(changed)[0]
        assert torch.allclose(before[0], after[0], atol=1e-6)
        assert torch.allclose(before[2], after[2], atol=1e-6)
        assert not torch.allclose(before[1], after[1], atol=1e-4)

    def test_bias_of_the_source_embedding_changes_nothing(self, place):
        x, module = torch.randn(2, 8, 6, 25), Spatial(place(out_channels=16))
        before = module(x)
        with torch.no_grad():
            module.embedding.bias.view(3, 2, 4)[:, 0] += 10 * torch.randn(3, 4)
        assert torch.allclose(before, module(x), atol=1e-5)

    def test_alike_joints_are_linked(self):
        embedded = torch.zeros(1, 2 * 3, 4, 5)
        embedded.view(1, 3, 2, 4, 5)[..., 1:3] = 3.0  # joints 1 and 2 move alike in P and Q
        graph = similarity(embedded)
        assert (graph[0, :, 1:3, 1] > graph[0, :, [0, 3, 4], 1].amax()).all()
        assert torch.allclose(graph[0, :, :, 0], torch.full((3, 5), 0.2))

    def test_embeds_a_quarter_of_the_output_channels(self, place):
        assert Spatial(place(channels=8, out_channels=64)).embedding.out_channels == 6 * 16
        assert Spatial(place(channels=8)).embedding.out_channels == 6 * 2
        assert Spatial(place(channels=8, out_channels=64), embed=5).embedding.out_channels == 6 * 5

    def test_each_embedding_starts_with_its_own_fan_out(self, place):
        torch.manual_seed(0)
        weight = Temporal(place(channels=64, out_channels=64)).embedding.weight
        assert float(weight.detach().std()) == pytest.approx((2 / (16 * 9)) ** 0.5, rel=0.03)


def count(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("name", "params", "expected"),
    [
        ("learned", {}, 3 * 25 * 25),
        ("adjacency", {}, 0),
        ("adjacency.weighted", {}, 3 * 25 * 25),
        ("cheb.l4n", {}, 0),
        ("dynamic.s", {}, 6 * (64 * 16 + 16)),
        ("dynamic.t", {}, 6 * (9 * 64 * 16 + 16)),
        ("dynamic.st", {}, 6 * (64 * 16 + 16) + 6 * (9 * 16 * 16 + 16)),
        ("released.dynamic.st", {}, 4 * (64 * 16 + 16) + 2 * (9 * 64 * 16 + 16)),
        ("released.dynamic.st", {"dead": True}, 6 * (64 * 16 + 16) + 6 * (9 * 64 * 16 + 16)),
    ],
)
def test_parameters_are_as_many_as_published(name, params, expected, place):
    assert count(make(name, place(channels=64, out_channels=64), **params)) == expected


@pytest.mark.parametrize(
    ("name", "params"),
    [("dynamic.s", {"embed": 0}), ("adjacency", {"normalise": "row"}), ("cheb.l2", {"order": 3})],
)
def test_wrong_parameters_are_refused(name, params):
    with pytest.raises(ValueError, match="validation error"):
        REGISTRY.get("graph_module", name).params(**params)


@pytest.mark.parametrize(("order", "size"), [(2, 2.6), (3, 5.44), (4, 11.24)])
def test_columns_of_polynomials_outweigh_others_unless_normalised(order, size, place):
    """In the mean over the inward subset's columns, each joint but the root takes 1 of any other module."""

    def sums(**params):
        module = REGISTRY.get("graph_module", f"cheb.l{order}").make(place(), **params)
        return module(torch.zeros(1)).abs().sum(-2)

    assert sums()[1].mean().item() == pytest.approx(size, abs=5e-3)
    columns = sums(normalise="columns")
    assert torch.allclose(columns[columns > 0], torch.ones(()))
