"""Stacks of cells as modules: what is connected to what, in derived networks and in supernets."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from skelbench.components import BuildContext, Operator
from skelbench.layers import DropPath, FactorisedReduce
from skelbench.search import Sample, as_weights
from skelbench.space.build import SupernetSpace, supernet_hook
from skelbench.space.cells import Cell, CellStack, KeptNode, layers_of
from skelbench.space.decisions import EdgesDecision, weighted_sum
from skelbench.space.network import build_network
from skelbench.space.nodes import CellsNode, EdgesNode, KeptEdges, OpNode
from skelbench.space.size import SearchSpace

from .toys import CONTEXT, nodes, times

LARGE = replace(CONTEXT, frames=13, joints=9)


class Scale(nn.Module):
    """Multiplies by a number; at stride 2 every other row and column alone. Counts its calls."""

    def __init__(self, context: BuildContext, by: float = 1.0) -> None:
        super().__init__()
        self.by = nn.Parameter(torch.tensor(float(by)))
        self.context, self.calls = context, 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return x[..., :: self.context.stride, :: self.context.stride] * self.by


SCALE = Operator(name="scale", target=Scale, contract="cell")
ZERO = Operator(name="zero", target=lambda context: Scale(context, 0.0), contract="cell")
FACTORS = {"two": 2.0, "three": 3.0, "five": 5.0}
OPERATORS = tuple((name, OpNode(SCALE, {"by": by})) for name, by in FACTORS.items())


def open_edges(kind: str, count: int = 2, *, none: bool = False, choose: int = 2) -> tuple[EdgesNode, ...]:
    """Nodes whose edges are searched."""
    return tuple(
        EdgesNode(
            f"{kind}.{k}",
            tuple(f"{name}({source})" for source in range(k) for name in FACTORS),
            tuple(source for source in range(k) for _ in FACTORS),
            choose,
            none,
        )
        for k in range(2, 2 + count)
    )


def stack(layers: int = 2, reduce_at: tuple[int, ...] | None = (), **changes: Any) -> CellsNode:
    """A stack of cells of two nodes of three channels, all open."""
    normal, reduce = open_edges("normal"), open_edges("reduce")
    node = CellsNode(layers, 3, reduce_at, OPERATORS, normal, reduce)
    return replace(node, **changes)


def kept(*edges: str) -> tuple[KeptEdges, ...]:
    """Nodes written out: ``kept("two(0) five(1)", "three(2)")``."""
    return tuple(KeptEdges(tuple(node.split())) for node in edges)


def plain(module: nn.Module) -> nn.Module:
    """The stack with entries that only repeat channels up to the width, and halve where they halve."""
    for cell in module.modules():
        if isinstance(cell, Cell):
            cell.first, cell.second = _through(cell.first), _through(cell.second)
    return module


class _Through(nn.Module):
    def __init__(self, channels: int, step: int) -> None:
        super().__init__()
        self.channels, self.step = channels, step

    def forward(self, x: Tensor) -> Tensor:
        channels = torch.arange(self.channels) % x.shape[1]
        return x[:, channels, :: self.step, :: self.step]


def _through(entry: nn.Module) -> nn.Module:
    norm = next(part for part in entry.modules() if isinstance(part, nn.BatchNorm2d))
    return _Through(norm.num_features, 2 if isinstance(entry, FactorisedReduce) else 1)


def build(node: CellsNode, sample: Sample | None = None, context: BuildContext = CONTEXT) -> CellStack:
    """The stack of a derived network."""
    (found,) = build_network(nodes(node), sample or {}, context).body.children()
    assert isinstance(found, CellStack)
    return found


def supernet(node: CellsNode, context: BuildContext = CONTEXT) -> SupernetSpace:
    """The supernet with a `Decision` at every node, as a one-shot strategy makes it."""
    space = SupernetSpace(nodes(node), context)
    for cell in [part for part in space.modules() if isinstance(part, Cell)]:
        for k, module in enumerate(cell.nodes):
            made = supernet_hook(module, str(k), {}, {})
            assert isinstance(made, EdgesDecision)
            cell.nodes[k] = made
    return space


def decisions(space: nn.Module) -> list[EdgesDecision]:
    return [module for module in space.modules() if isinstance(module, EdgesDecision)]


def random_image(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


# --- what is connected -------------------------------------------------------------------------


def test_a_cell_takes_the_outputs_of_the_two_before_it_and_the_first_its_input_twice():
    """The factors that channels are multiplied by, told by hand: all inputs are ones."""
    node = stack(3, normal=kept("two(0) five(1)", "three(0) two(2)"))
    body, x = plain(build(node)), torch.ones(1, 3, 4, 2)
    outputs = [x]
    for cell in body.children():
        cell.register_forward_hook(lambda module, given, out: outputs.append(out))
    body(x)
    found = [(out[0, 0, 0, 0].item(), out[0, -1, 0, 0].item()) for out in outputs[1:]]
    # Each cell's first three channels are node 2: 2 a + 5 b; the others node 3: 3 a + 2 (2 a + 5 b), where
    # a and b are the first three channels of the cell before the last and of the last one.
    assert found == [(7, 17), (2 + 35, 3 + 74), (2 * 7 + 5 * 37, 3 * 7 + 2 * 199)]


def test_a_cells_output_holds_the_channels_of_all_its_nodes_in_order():
    node = stack(1, normal=kept("two(0)", "three(0)", "five(3)"))
    out = plain(build(node))(torch.ones(1, 3, 4, 2))
    assert out[0, :, 0, 0].tolist() == [2] * 3 + [3] * 3 + [15] * 3


def test_reductions_double_the_width_and_halve_rows_and_columns_rounded_up():
    node = stack(6, (2, 4), normal=kept("two(0)", "two(0)"), reduce=kept("two(0)", "two(1)"))
    body, shapes = build(node, context=LARGE), []
    for cell in body.children():
        cell.register_forward_hook(lambda module, given, out: shapes.append(tuple(out.shape[1:])))
    body(random_image(2, 3, 13, 9))
    assert shapes == [(6, 13, 9)] * 2 + [(12, 7, 5)] * 2 + [(24, 4, 3)] * 2


def test_entries_are_factorised_right_after_a_reduction_and_only_for_the_older_output():
    node = stack(6, (2, 4), normal=kept("two(0)", "two(0)"), reduce=kept("two(0)", "two(1)"))
    cells = [cell for cell in build(node, context=LARGE).children() if isinstance(cell, Cell)]
    assert [isinstance(cell.first, FactorisedReduce) for cell in cells] == [
        False, False, False, True, False, True,
    ]  # fmt: skip
    assert not any(isinstance(cell.second, FactorisedReduce) for cell in cells)
    layers = list(layers_of(node, 6, 3))
    assert [(x.before, x.last, x.channels) for x in layers] == [
        (3, 3, 3), (3, 6, 3), (6, 6, 6), (6, 12, 6), (12, 12, 12), (12, 24, 12),
    ]  # fmt: skip


def test_two_reductions_in_a_row_fit_each_other():
    node = stack(4, (0, 1), normal=kept("two(0)", "two(1)"), reduce=kept("two(0)", "two(1) five(2)"))
    assert build(node, context=LARGE)(random_image(2, 3, 13, 9)).shape == (2, 24, 4, 3)


def test_only_edges_from_the_inputs_of_a_reduction_have_a_stride():
    edges = "two(0) three(1)", "two(0) three(2)", "five(1) two(3)"
    body = build(stack(2, (1,), normal=kept(*edges), reduce=kept(*edges)), context=LARGE)
    normal, reduce = (cell for cell in body.children() if isinstance(cell, Cell))
    found = [
        [(part.context.stride, part.context.frames) for part in cell.modules() if isinstance(part, Scale)]
        for cell in (normal, reduce)
    ]
    assert found == [[(1, 13)] * 6, [(2, 13), (2, 13), (2, 13), (1, 7), (2, 13), (1, 7)]]


def test_operators_are_told_the_width_of_their_cell():
    body = build(stack(3, (1,), normal=kept("two(0)"), reduce=kept("two(0)")), context=LARGE)
    assert [m.context.channels for m in body.modules() if isinstance(m, Scale)] == [3, 6, 6]
    assert not any(m.context.shared for m in body.modules() if isinstance(m, Scale))


@pytest.mark.parametrize("reduce_at", [(), (0,), (0, 1, 2), None])
def test_a_stack_of_one_channel_on_one_pixel_works(reduce_at: tuple[int, ...] | None):
    node = stack(3, reduce_at, channels=1, normal=kept("two(0)", "two(1)"), reduce=kept("two(0)", "two(1)"))
    body = build(node, context=replace(CONTEXT, frames=1, joints=1))
    wide = 2 * 2 ** len(node.reductions(3))
    assert body(random_image(4, 3, 1, 1)).shape == (4, wide, 1, 1)
    assert body.training
    assert all(part.training for part in body.modules())


def test_a_reduction_to_one_channel_has_one_convolution():
    module = FactorisedReduce(4, 1)
    x = random_image(3, 4, 5, 4)
    assert module(x).shape == (3, 1, 3, 2)
    assert sum(p.numel() for p in module.parameters()) == 4 + 2
    halves = FactorisedReduce(4, 3)
    assert [tuple(p.shape) for p in halves.parameters()][:2] == [(1, 4, 1, 1), (2, 4, 1, 1)]


# --- drop path ---------------------------------------------------------------------------------


def test_paths_are_dropped_in_derived_networks_but_never_identities():
    identity = OpNode(Operator(name="skip", target=lambda context: nn.Identity(), contract="cell"), {})
    operators = (*OPERATORS, ("skip", identity))
    node = stack(1, operators=operators, normal=kept("two(0) skip(1)"), drop_path=0.3)
    (made,) = (m for m in build(node).modules() if isinstance(m, KeptNode))
    assert [type(drop) for drop in made.drops] == [DropPath, nn.Identity]
    none = build(replace(node, drop_path=0.0))
    assert not any(isinstance(part, DropPath) for part in none.modules())
    closed = SupernetSpace(nodes(node), CONTEXT)
    assert not any(isinstance(part, DropPath) for part in closed.modules())


def test_dropping_rises_with_the_progress_and_keeps_the_mean():
    drop, x = DropPath(0.4), torch.ones(4000, 2, 1, 1)
    assert drop(x) is x
    drop.set_progress(0.5)
    torch.manual_seed(0)
    out = drop(x)
    # Four standard deviations of a share of 4,000 draws of 0.2 are 0.025.
    assert (out == 0).float().mean().item() == pytest.approx(0.2, abs=0.026)
    assert sorted(out.unique().tolist()) == pytest.approx([0, 1.25])
    assert bool((out[:, 0] == out[:, 1]).all()), "a sample is dropped as a whole"
    assert drop.eval()(x) is x


# --- derived network and supernet --------------------------------------------------------------


def both(node: CellsNode, context: BuildContext = CONTEXT) -> tuple[SearchSpace, SupernetSpace]:
    space = supernet(node, context)
    plain(space)
    return SearchSpace(nodes(node)), space


@pytest.mark.parametrize("reduce_at", [(), (1,)])
@pytest.mark.parametrize("choose", [1, 2])
def test_a_supernet_of_one_architecture_has_its_scale(reduce_at: tuple[int, ...], choose: int):
    kinds = {kind: open_edges(kind, choose=choose) for kind in ("normal", "reduce")}
    node = stack(2, reduce_at, **kinds) if reduce_at else stack(2, (), normal=kinds["normal"], reduce=())
    space, net = both(node, LARGE)
    rng, x = np.random.default_rng(0), random_image(2, 3, 13, 9)
    for _ in range(6):
        sample = space.sample(rng)
        expected = plain(build(node, sample, LARGE))(x)
        weights = as_weights(space.points, sample)
        one_hot = {
            point.label: [float(option in sample[point.label]) for option in point.options]
            for point in space.points
        }
        for decision in decisions(net):
            decision.active = tuple(np.flatnonzero(one_hot[decision.label]))
        assert torch.allclose(net.body(x), expected, atol=1e-5)
        for decision in decisions(net):
            decision.weigh(list(weights[decision.label]), normalised=True)
        assert torch.allclose(net.body(x), expected, atol=1e-5)
        for decision in decisions(net):
            decision.weigh(one_hot[decision.label], normalised=False)
        assert torch.allclose(net.body(x), expected, atol=1e-5)
        for decision in decisions(net):
            decision.weigh(torch.tensor(one_hot[decision.label]).unbind(), normalised=False)
        assert torch.allclose(net.body(x), expected, atol=1e-5)


def test_a_supernet_computes_only_what_has_weight():
    space, net = both(stack(2, (), reduce=()))
    sample = space.sample(np.random.default_rng(0))
    for decision in decisions(net):
        decision.weigh(list(as_weights(space.points, sample)[decision.label]))
    scales = [m for m in net.modules() if isinstance(m, Scale)]
    for scale in scales:
        scale.calls = 0  # shapes were followed through some
    net.body(torch.ones(1, 3, 4, 2))
    counted = [m.calls for m in scales]
    points = {point.label: point for point in space.points}
    expected = [o in sample[d.label] for d in decisions(net) for o in points[d.label].options]
    assert counted == list(map(int, expected))
    assert sum(counted) == 8


def test_every_place_of_a_label_has_weights_of_its_own_and_one_decision():
    _, net = both(stack(3, (1,)))
    assert Counter(d.label for d in decisions(net)) == {
        "normal.2": 2, "normal.3": 2, "reduce.2": 1, "reduce.3": 1,
    }  # fmt: skip
    one, other = (d for d in decisions(net) if d.label == "normal.2")
    assert not {id(p) for p in one.parameters()} & {id(p) for p in other.parameters()}


def test_candidates_stand_in_the_order_of_the_options_and_zero_is_none_of_them():
    node = stack(1, (), reduce=(), operators=(("zero", OpNode(ZERO, {})), *OPERATORS))
    node = replace(node, normal=open_edges("normal", none=True))
    for decision in decisions(supernet(node)):
        factors = [m.by.item() for m in decision.candidates if isinstance(m, Scale)]
        assert factors == [FACTORS[name] for _ in range(decision.groups[-1] + 1) for name in FACTORS]
    labels = set(SupernetSpace(nodes(node), CONTEXT).simplify())
    assert labels == {"normal.2.0", "normal.2.1", "normal.3.0", "normal.3.1", "normal.3.2"}


def test_candidates_are_told_that_they_stand_beside_others():
    net = supernet(stack(1, (), reduce=()))
    assert all(m.context.shared for m in net.modules() if isinstance(m, Scale))
    norms = [m for m in net.body.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms
    assert not any(norm.affine for norm in norms)


def test_before_a_strategy_takes_over_a_supernet_runs():
    space = SupernetSpace(nodes(stack(2, (1,))), LARGE)
    assert space(random_image(2, 3, 13, 9, 1)).shape == (2, 12)


def test_a_written_out_stack_beside_a_search_is_built_into_the_supernet():
    fixed = stack(1, (), normal=kept("two(0)"), reduce=())
    space = SupernetSpace(nodes(fixed, stack(1, (), reduce=())), CONTEXT)
    assert space(random_image(2, 3, 4, 2, 1)).shape == (2, 6)


# --- draws -------------------------------------------------------------------------------------


def edges_decision(inputs: int, choose: int = 2) -> EdgesDecision:
    (node,) = open_edges("normal", inputs - 1, choose=choose)[-1:]
    return EdgesDecision(node, [nn.Identity() for _ in node.options])


@given(st.integers(2, 4), st.integers(1, 2), st.integers(0, 999), st.data())
def test_drawn_edges_come_from_different_inputs(inputs: int, choose: int, seed: int, data: st.DataObject):
    decision = edges_decision(inputs, choose)
    weight = st.just(0.0) | st.floats(0.05, 1.0)
    weights = data.draw(st.lists(weight, min_size=decision.count, max_size=decision.count))
    decision.weights = weights
    decision.draw(torch.Generator().manual_seed(seed))
    assert decision.active is not None
    taken = [decision.groups[i] for i in decision.active]
    assert len(taken) == len(set(taken)) == choose
    assert list(decision.active) == sorted(decision.active)
    likely = {group for group, weight in zip(decision.groups, weights, strict=True) if weight > 0}
    drawn = sum(weights[i] > 0 for i in decision.active)
    assert drawn >= min(choose, len(likely)), "weight zero comes last"


def test_the_first_of_drawn_edges_follows_the_weights():
    decision = edges_decision(2, choose=1)
    decision.weights = [0.5, 0.2, 0.0, 0.3, 0.0, 0.0]
    generator = torch.Generator().manual_seed(0)
    counts: Counter[Any] = Counter()
    for _ in range(2000):
        decision.draw(generator)
        counts[decision.active] += 1
    assert set(counts) == {(0,), (1,), (3,)}
    for (index,), count in counts.items():
        # Four standard deviations of a share of 2,000 draws are below 0.045.
        assert count / 2000 == pytest.approx(decision.weights[index], abs=0.045)


# --- the weighted sum --------------------------------------------------------------------------


def terms(count: int) -> list[Tensor]:
    return [random_image(2, 3, 4, 5) + k for k in range(count)]


def kept_for_the_gradient(weights: Sequence[float | Tensor], values: Sequence[Tensor]) -> Iterator[Tensor]:
    """The tensors that autograd keeps of a sum whose terms are results of operators."""
    results = [value.requires_grad_() + 0 for value in values]
    kept: list[Tensor] = []

    def pack(tensor: Tensor) -> Tensor:
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        weighted_sum(weights, results.__getitem__)
    return (tensor for tensor in kept if any(tensor.data_ptr() == one.data_ptr() for one in results))


@settings(max_examples=40)
@given(st.lists(st.floats(0.05, 2) | st.just(1.0), min_size=1, max_size=5), st.booleans())
def test_a_sum_is_that_of_plain_sums_in_value_and_gradient(weights: list[float], learned: bool):
    double: Any = {"dtype": torch.float64, "requires_grad": True}
    given_, plain_ = ([torch.tensor(weight, **double) for weight in weights] for _ in range(2))
    values = [[term.double().requires_grad_() for term in terms(len(weights))] for _ in range(2)]
    calls: list[int] = []

    def run(index: int) -> Tensor:
        calls.append(index)
        return values[0][index] * 3

    found = weighted_sum(given_ if learned else weights, run)
    expected = sum(w * (value * 3) for w, value in zip(plain_, values[1], strict=True))
    assert calls == list(range(len(weights))), "each term once, in order"
    assert isinstance(expected, Tensor)
    assert torch.allclose(found, expected)
    found.square().sum().backward()
    expected.square().sum().backward()
    for one, other in zip(values[0], values[1], strict=True):
        assert torch.allclose(one.grad, other.grad)  # type: ignore[arg-type]
    for one, other in zip(given_, plain_, strict=True):
        assert (one.grad is None) is not learned
        assert not learned or torch.allclose(one.grad, other.grad)  # type: ignore[arg-type]


@pytest.mark.parametrize("weights", [[0.5, 0.25, 2.0], [1.0, 1.0, 1.0], [1.0, 0.5, 1.0]])
def test_a_sum_by_numbers_keeps_no_term(weights: list[float]):
    assert list(kept_for_the_gradient(weights, terms(3))) == []


def test_a_sum_by_tensors_keeps_each_term_once():
    weights = [torch.tensor(0.5, requires_grad=True) for _ in range(3)]
    assert len(list(kept_for_the_gradient(weights, terms(3)))) == 3


def test_a_sum_leaves_its_terms_as_they_are():
    for weights in itertools.product([1.0, 0.5], repeat=3):
        values = terms(3)
        before = [value.clone() for value in values]
        out = weighted_sum(weights, values.__getitem__)
        out.add_(1) if weights != (1.0,) else None
        assert all(torch.equal(a, b) for a, b in zip(values, before, strict=True))


def test_a_state_that_is_handed_on_as_it_is_stays_whole():
    """A node of one skip is the state itself; what is added for later nodes may not be written into it."""
    (node,) = open_edges("normal", 1)
    decision = EdgesDecision(node, [nn.Identity() for _ in node.options])
    states = terms(2)
    before = [state.clone() for state in states]
    decision.active = (0, 3)
    assert torch.allclose(decision(states), before[0] + before[1])
    decision.weigh([1 / 6] * 6, normalised=False)
    assert torch.allclose(decision(states), (before[0] + before[1]) / 2, atol=1e-6)
    assert all(torch.equal(a, b) for a, b in zip(states, before, strict=True))


def test_nothing_to_sum_is_told():
    with pytest.raises(ValueError, match="there is nothing to sum"):
        weighted_sum([], terms(1).__getitem__)


def test_a_stack_stands_among_other_modules():
    body = (times(2), stack(1, (), normal=kept("two(0)"), reduce=()), times(3))
    network = build_network(nodes(*body), {}, CONTEXT)
    plain(network)
    assert network(torch.ones(2, 3, 4, 2, 1)).flatten().tolist() == [12] * 6
