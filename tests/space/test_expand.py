"""From node syntax to checked nodes, and every fault on the way."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import Field

from skelbench import hookimpl
from skelbench.components import Operator, Params, Slot
from skelbench.host.registry import Registry, load_registry
from skelbench.space.expand import Expander
from skelbench.space.nodes import (
    ChoiceNode,
    DepthNode,
    InputsNode,
    MixNode,
    NetworkNodes,
    OpNode,
    SequenceNode,
    SumNode,
    ValueNode,
)
from skelbench.space.size import SearchSpace
from skelbench.spec.yaml import load_yaml


class ConvParams(Params):
    channels: Annotated[int, Field(gt=0)] = 8
    kernel: tuple[int, int] = (3, 1)
    scale: float = 1.0


class WrapParams(Params):
    inside: Annotated[Any, Slot("operator")] = "toy.conv"
    graph: Annotated[Any, Slot("graph_module")] = None


class Toys:
    @hookimpl
    def register_operators(self) -> list[Operator]:
        return [
            Operator(name="toy.conv", params=ConvParams),
            Operator(name="toy.pool"),
            Operator(name="toy.wrap", params=WrapParams),
            Operator(name="toy.in", contract="input"),
            Operator(name="toy.head", contract="head"),
        ]


@pytest.fixture(scope="module")
def toys() -> Registry:
    return load_registry(extra=[("toys", Toys())])


def expand(toys: Registry, body: str, **ends: str) -> tuple[NetworkNodes | None, Expander]:
    ends = {"input": "toy.in", "head": "toy.head", **ends}
    text = f"input: {ends['input']}\nhead: {ends['head']}\nbody:\n" + body
    data, marks = load_yaml(text, "f.yaml")
    expander = Expander(toys, marks)
    return expander.network(data), expander


def body_of(toys: Registry, body: str) -> tuple[Any, ...]:
    network, expander = expand(toys, body)
    assert expander.problems == []
    assert network is not None
    return network.body.children


def faults(toys: Registry, body: str, **ends: str) -> list[str]:
    network, expander = expand(toys, body, **ends)
    assert network is None
    return [str(problem) for problem in expander.problems]


def test_names_and_mappings_become_operators_with_all_parameters(toys: Registry):
    first, second = body_of(toys, "- toy.conv\n- {op: toy.conv, kernel: [5, 1], scale: 2}\n")
    assert first.params == {"channels": 8, "kernel": (3, 1), "scale": 1.0}
    assert second.params == {"channels": 8, "kernel": (5, 1), "scale": 2.0}
    assert (second.block, second.place) == (2, "body[1]")


def test_repeats_are_unrolled_and_every_copy_is_a_block(toys: Registry):
    body = (
        "- toy.pool\n"
        "- {repeat: 2, op: toy.conv}\n"
        "- {repeat: 2, body: [toy.conv, {repeat: 2, op: toy.pool}]}\n"
    )
    nodes = body_of(toys, body)
    assert [n.component.name.removeprefix("toy.") for n in nodes] == [
        "pool",
        *["conv"] * 2,
        *["conv", "pool", "pool"] * 2,
    ]
    assert [n.block for n in nodes] == list(range(1, 10))


def test_labels_are_filled_in_or_made_of_the_place(toys: Registry):
    body = (
        "- toy.pool\n"
        "- {repeat: 2, op: toy.wrap, graph: {mix: {label: 'g_{i}', from: [cheb.l, learned]}}}\n"
        "- {repeat: 2, op: toy.wrap, graph: {sum: [learned, {mix: {from: [cheb.l, cheb.l2]}}]}}\n"
        "- {repeat: 2, choice: {from: [toy.conv, {op: toy.conv, channels: {value: {from: [4, 8]}}}]}}\n"
    )
    network, _ = expand(toys, body)
    assert network is not None
    assert [p.label for p in SearchSpace(network).points] == [
        "g_2",
        "g_3",
        "body.4.graph.2",
        "body.5.graph.2",
        "body.6",
        "body.6.toy.conv#2.channels",
        "body.7",
        "body.7.toy.conv#2.channels",
    ]


def test_every_form_expands_to_its_node(toys: Registry):
    conv, choice, mix, total, nested, inputs, depth, wrap = body_of(
        toys,
        "- {op: toy.conv, channels: {value: {label: c, from: [4, 8]}}, "
        "scale: {value: {label: s, from: [1, 2.5]}}}\n"
        "- {choice: {label: a, from: {small: toy.conv, none: [toy.pool, toy.pool]}}}\n"
        "- {mix: {label: b, from: [toy.conv, toy.pool, {op: toy.conv}]}}\n"
        "- {sum: [toy.conv, toy.pool]}\n"
        "- [toy.conv, toy.pool]\n"
        "- {inputs: {label: d, from: [0, 2, 5], choose: 2, combine: mean}}\n"
        "- {depth: {label: e, of: toy.conv, from: [0, 1, 3]}}\n"
        "- {op: toy.wrap, inside: {choice: {label: f, from: [toy.conv, toy.pool]}}, graph: cheb.l}\n",
    )
    assert conv.params["channels"] == ValueNode("c", (4, 8))
    assert conv.params["scale"] == ValueNode("s", (1.0, 2.5))
    assert isinstance(choice, ChoiceNode)
    assert [name for name, _ in choice.options] == ["small", "none"]
    assert isinstance(choice.options[1][1], SequenceNode)
    assert isinstance(mix, MixNode)
    assert [name for name, _ in mix.options] == ["toy.conv", "toy.pool", "toy.conv#2"]
    assert isinstance(total, SumNode)
    assert isinstance(nested, SequenceNode)
    assert inputs == InputsNode("d", (0, 2, 5), 2, "mean")
    assert isinstance(depth, DepthNode)
    assert (depth.counts, len(depth.repetitions)) == ((0, 1, 3), 3)
    assert isinstance(wrap.params["inside"], ChoiceNode)
    assert isinstance(wrap.params["graph"], OpNode)
    assert (inputs.label, wrap.block) == ("d", 7), "a choice of inputs is no block"


def test_a_slot_has_its_default_module(toys: Registry):
    (wrap,) = body_of(toys, "- toy.wrap\n")
    assert wrap.params["inside"].component.name == "toy.conv"
    assert wrap.params["graph"] is None


def test_a_label_used_again_is_one_decision(toys: Registry):
    body = "- {repeat: 3, choice: {label: a, from: [toy.conv, toy.pool]}}\n"
    network, _ = expand(toys, body)
    assert network is not None
    assert SearchSpace(network).size() == 2


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("- toy.cnov\n", "f.yaml:4: unknown operator 'toy.cnov'. Did you mean 'toy.conv'?"),
        ("- cheb.l\n", "unknown operator 'cheb.l'. That name is in use for the kind 'graph module'"),
        (
            "- {op: toy.wrap, graph: toy.conv}\n",
            "unknown graph module 'toy.conv'. That name is in use for the kind",
        ),
        ("- {op: toy.wrap, graph: cheb.l33}\n", "unknown graph module 'cheb.l33'. Did you mean 'cheb.l3'?"),
        ("- {op: [toy.conv]}\n", "unknown operator"),
        ("- {op: toy.conv, chanels: 3}\n", "'toy.conv' has no parameter 'chanels'. Did you mean 'channels'?"),
        ("- {op: toy.pool, size: 3}\n", "'toy.pool' has no parameter 'size'. It takes no parameters"),
        ("- {op: toy.conv, channels: 0}\n", "channels: must be greater than 0 (it is 0)"),
        ("- {op: toy.conv, channels: '8'}\n", "channels: must be a whole number"),
        ("- {op: toy.conv, kernel: [3]}\n", "'toy.conv' needs the parameter 'kernel.1'"),
        ("- {op: stgcn_block, channels: 8}\n", "'stgcn_block' needs the parameter 'graph'. Add 'graph'"),
        ("- toy.head\n", "operator 'toy.head' (head) cannot stand here: skeleton is needed"),
        ("- {chioce: {from: [toy.conv]}}\n", "a module cannot begin with 'chioce'. Did you mean 'choice'?"),
        (
            "- {choice: {from: [toy.conv]}, label: x}\n",
            "unknown key 'label' beside 'choice'. Put it inside 'choice'",
        ),
        ("- {choice: {labl: x, from: [toy.conv]}}\n", "unknown key 'labl'. Did you mean 'label'?"),
        ("- {choice: {label: x}}\n", "the key 'from' is missing. Add 'from'"),
        ("- {choice: [toy.conv]}\n", "a mapping with from is wanted here"),
        ("- {choice: {from: []}}\n", "'from' lists the modules to choose from"),
        ("- {choice: {label: a/b, from: [toy.conv]}}\n", "a label is a word without '/', not 'a/b'"),
        ("- {choice: {label: 3, from: [toy.conv]}}\n", "a label is a word without '/', not 3"),
        ("- {choice: {label: 'a_{n}', from: [toy.conv]}}\n", "only '{i}' can be filled in"),
        ("- {choice: {from: {a/b: toy.conv}}}\n", "an option's name cannot hold '/': 'a/b'"),
        ("- {repeat: 0, op: toy.conv}\n", "'repeat' is a number from 1 on, not 0"),
        ("- {repeat: yes, op: toy.conv}\n", "'repeat' is a number from 1 on, not 'yes'"),
        ("- {inputs: {from: [0, 1]}}\n", "'from' lists earlier outputs of this list: 0 (its input) to 0"),
        ("- toy.conv\n- {inputs: {from: [0, 0]}}\n", "'from' lists an output twice"),
        ("- toy.conv\n- {inputs: {from: [0, 1], choose: 3}}\n", "'choose' is a number from 1 to 2"),
        ("- toy.conv\n- {inputs: {from: [0], combine: max}}\n", "unknown 'combine': 'max'. Valid: sum, mean"),
        ("- {sum: [{inputs: {from: [0]}}]}\n", "'inputs' stands only in a list"),
        ("- {sum: []}\n", "'sum' lists the modules that are added up"),
        ("- {depth: {of: toy.conv, from: [2, 1]}}\n", "'from' lists numbers of repetitions, rising"),
        ("- {depth: {of: toy.conv, from: [0]}}\n", "the last at least 1"),
        (
            "- {op: toy.wrap, graph: [cheb.l]}\n",
            "a list cannot stand where one graph is wanted. Add graphs up with",
        ),
        ("- {op: toy.wrap, graph: {value: {from: [cheb.l]}}}\n", "'graph' holds a module, not a value"),
        (
            "- {op: toy.conv, channels: {value: {from: [8, 0]}}}\n",
            "channels: must be greater than 0 (it is 0)",
        ),
        ("- {op: toy.conv, channels: {value: {from: [8, 8]}}}\n", "'from' lists a value twice"),
        ("- {op: toy.conv, kernel: {value: {from: [[3, 1]]}}}\n", "'from' lists the values to choose from"),
        ("- 3\n", "3 is no module"),
        ("- []\n", "a list of modules is wanted here"),
    ],
)
def test_a_fault_says_its_place_and_the_remedy(toys: Registry, body: str, message: str):
    problems = faults(toys, body)
    assert len(problems) == 1
    assert message in problems[0]
    assert problems[0].startswith("f.yaml:")


def test_one_label_with_two_meanings_names_both_places(toys: Registry):
    body = "- {choice: {label: a, from: [toy.conv]}}\n- {choice: {label: a, from: [toy.conv, toy.pool]}}\n"
    assert faults(toys, body) == [
        "f.yaml:5: the label 'a' stands for another decision at f.yaml:4. "
        "Give the two different labels, or the same options"
    ]


def test_a_block_number_means_nothing_outside_the_body(toys: Registry):
    ends = {"head": "{op: toy.head}", "input": "{choice: {label: '{i}', from: [toy.in]}}"}
    assert any(
        "has no meaning outside the body" in problem for problem in faults(toys, "- toy.conv\n", **ends)
    )


def test_the_ends_are_one_operator_of_their_contract(toys: Registry):
    assert "input is needed. Did you mean 'toy.in'?" in faults(toys, "- toy.conv\n", input="toy.conv")[0]
    assert (
        "the head of a network is one operator" in faults(toys, "- toy.conv\n", head="{sum: [toy.head]}")[0]
    )


def test_a_fault_in_a_repeated_line_is_told_once_and_all_faults_are_told(toys: Registry):
    body = "- {repeat: 9, op: toy.conv, channels: 0}\n- {op: toy.wrap, x: 1, graph: nothing}\n- toy.what\n"
    assert len(faults(toys, body)) == 4


def test_a_network_cannot_grow_without_bound(toys: Registry):
    with pytest.raises(Exception, match="more than 20000 nodes"):
        expand(toys, "- {repeat: 1000000, op: toy.conv}\n")
