"""One architecture as a network: every kind of decision taken, shapes followed, faults told."""

from __future__ import annotations

from weakref import WeakSet

import pytest
import torch
from torch import Tensor, nn

from skelbench.components import BuildContext, Operator
from skelbench.errors import SpecError, WorkFailed
from skelbench.search import Sample
from skelbench.space.modules import Chain, Sum, Take
from skelbench.space.network import build_network
from skelbench.space.nodes import (
    ChoiceNode,
    DepthNode,
    InputsNode,
    MixNode,
    Node,
    OpNode,
    SequenceNode,
    SumNode,
    ValueNode,
)
from skelbench.space.shapes import output_shape

from .toys import CONTEXT, TIMES, Mean, Times, nodes, ones, times, widen

TWO_THREE = (("two", times(2)), ("three", times(3)))


def score(sample: Sample, *body: Node) -> float:
    """What the body multiplies by."""
    scores = build_network(nodes(*body), sample, CONTEXT)(ones())
    assert scores.shape == (2, 3)
    assert len(scores.unique()) == 1
    return float(scores[0, 0].detach())


@pytest.mark.parametrize(
    ("node", "decision", "expected"),
    [
        (ChoiceNode("a", TWO_THREE), "three", 3),
        (MixNode("a", TWO_THREE), ["two"], 2),
        (MixNode("a", TWO_THREE), ["two", "three"], 5),
        (OpNode(TIMES, {"by": ValueNode("a", (4.0, 8.0))}), 8.0, 8),
        (DepthNode("a", (0, 1, 3), (times(2), times(3), times(5))), 0, 1),
        (DepthNode("a", (0, 1, 3), (times(2), times(3), times(5))), 1, 2),
        (DepthNode("a", (0, 1, 3), (times(2), times(3), times(5))), 3, 30),
    ],
)
def test_each_decision_is_taken(node: Node, decision: object, expected: float):
    assert score({"a": decision}, node) == expected


def test_a_sum_adds_and_a_sequence_chains():
    assert score({}, SumNode((times(2), SequenceNode((times(3), times(4)))))) == 14


@pytest.mark.parametrize(("combine", "expected"), [("sum", 1 + 6), ("mean", 3.5)])
def test_inputs_take_earlier_outputs_of_their_sequence(combine: str, expected: float):
    taken = InputsNode("a", (0, 1, 2), 2, combine)  # type: ignore[arg-type]
    assert score({"a": [0, 2]}, times(2), times(3), taken) == expected


class Noted(nn.Module):
    """Gives a new tensor, and notes how many that the others gave are still there."""

    def __init__(self, alive: WeakSet[Tensor], counts: list[int]) -> None:
        super().__init__()
        self.alive, self.counts = alive, counts

    def forward(self, x: Tensor) -> Tensor:
        self.counts.append(len(self.alive))
        y = x + 1
        self.alive.add(y)
        return y


@pytest.mark.parametrize(
    ("takes", "expected"),
    [
        ({}, [0, 1, 1, 1, 1, 1, 1]),
        # Output 1 is asked for after the fourth module, and nothing thereafter.
        ({4: [1, 4]}, [0, 1, 2, 2, 0, 1]),
        ({3: [2], 5: [2, 1]}, [0, 1, 2, 2, 0]),
    ],
)
def test_a_chain_lets_outputs_go_after_the_last_that_may_ask_for_them(
    takes: dict[int, list[int]], expected: list[int]
):
    alive: WeakSet[Tensor] = WeakSet()
    counts: list[int] = []
    modules = [Take(takes[place], "sum") if place in takes else Noted(alive, counts) for place in range(7)]
    with torch.no_grad():
        Chain(*modules)(torch.zeros(3))
    assert counts == expected


def test_one_label_is_one_decision_in_all_its_places():
    assert score({"a": "three"}, ChoiceNode("a", TWO_THREE), ChoiceNode("a", TWO_THREE)) == 9


def test_decisions_inside_what_is_not_chosen_need_no_answer():
    inner = ChoiceNode("inner", TWO_THREE)
    outer = ChoiceNode("outer", (("plain", times(7)), ("open", inner)))
    assert score({"outer": "plain"}, outer) == 7
    assert score({"outer": "open", "inner": "two"}, outer) == 2


def test_a_missing_decision_is_told():
    with pytest.raises(SpecError, match="says nothing about 'a'"):
        build_network(nodes(ChoiceNode("a", TWO_THREE)), {}, CONTEXT)


def test_every_module_is_built_for_the_shape_that_it_gets():
    network = build_network(nodes(times(1), widen(5), times(1), widen(6)), {}, CONTEXT)
    contexts = [m.context for m in network.modules() if isinstance(m, Times | Mean)]
    assert [(c.channels, c.frames) for c in contexts] == [(3, 4), (5, 2), (6, 1)]
    assert network(ones()).shape == (2, 6)


def test_the_shape_after_taken_inputs_is_that_of_the_inputs():
    taken = InputsNode("a", (1,))
    network = build_network(nodes(widen(5), taken, widen(6)), {"a": [1]}, CONTEXT)
    assert network(ones()).shape == (2, 6)


def test_modules_that_do_not_fit_each_other_are_told_with_their_place():
    different = InputsNode("a", (0, 1), 2)
    with pytest.raises(SpecError, match=r"network\.body: the module does not take an input of 1 x 3 x 4 x 2"):
        build_network(nodes(widen(5), different), {"a": [0, 1]}, CONTEXT)


def test_following_shapes_changes_and_computes_nothing():
    module = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 5, 1))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    state = torch.get_rng_state()
    assert output_shape(module, (1, 3, 4, 2), "here") == (1, 5, 4, 2)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)


def test_fixed_graphs_broadcast_over_the_graphs_of_a_batch():
    class Fixed(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.ones(3, 2, 2)

    class Dynamic(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.full((len(x), 3, 2, 2), 2.0)

    for graphs in ([Fixed(), Dynamic()], [Dynamic(), Fixed()]):
        total = Sum(graphs)(torch.zeros(5, 3, 4, 2))
        assert total.shape == (5, 3, 2, 2)
        assert (total == 3).all()


class Odd(nn.Module):
    """Gives what no module of a body gives."""

    def __init__(self, context: BuildContext, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, x: Tensor) -> object:
        return {"flat": x.flatten(1), "pair": (x, x), "none": None}[self.kind]


def odd(kind: str) -> OpNode:
    return OpNode(Operator(name="odd", target=Odd), {"kind": kind}, place="network.body[0]")


@pytest.mark.parametrize("after", [(), (times(2),)])
def test_a_module_that_gives_other_dimensions_is_told(after: tuple[Node, ...]):
    with pytest.raises(
        SpecError, match=r"^network\.body(\[0\])?: the module gives 1 x 24, which is not \(N, C, T, V\)"
    ):
        build_network(nodes(odd("flat"), *after), {}, CONTEXT)


@pytest.mark.parametrize("kind", ["pair", "none"])
def test_a_module_that_gives_no_tensor_is_told(kind: str):
    with pytest.raises(SpecError, match=r"^network\.body\[0\]: .* object has no attribute 'shape'"):
        build_network(nodes(odd(kind)), {}, CONTEXT)


def test_a_module_that_cannot_be_made_is_told_by_its_name():
    """Its constructor takes other parameters."""
    with pytest.raises(WorkFailed, match=r"^operator 'odd' fails: TypeError: .* argument 'sort'"):
        build_network(nodes(OpNode(Operator(name="odd", target=Odd), {"sort": "flat"})), {}, CONTEXT)
