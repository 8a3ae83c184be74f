"""Counting, drawing, listing and tidying the architectures of a space."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skelbench.components import GraphModule, Operator
from skelbench.errors import SpecError
from skelbench.search import Space
from skelbench.space.nodes import (
    ChoiceNode,
    DepthNode,
    InputsNode,
    MixNode,
    NetworkNodes,
    Node,
    OpNode,
    SequenceNode,
    SumNode,
    ValueNode,
)
from skelbench.space.size import SearchSpace


def op(name: str = "op", **params: Any) -> OpNode:
    return OpNode(Operator(name=name), params)


def space_of(*nodes: Node) -> SearchSpace:
    return SearchSpace(NetworkNodes(op("in"), SequenceNode(nodes), op("head")))


def named(names: str, *nodes: Node) -> tuple[tuple[str, Node], ...]:
    return tuple(zip(names, nodes, strict=True)) if nodes else tuple((n, op(n)) for n in names)


def graph_mix(label: str, names: str = "abcdefgh") -> OpNode:
    options = tuple((n, OpNode(GraphModule(name=n), {})) for n in names)
    return op("block", graph=SumNode((op("learned"), MixNode(label, options))), channels=64)


def test_ten_blocks_of_eight_modules_each_have_255_to_the_tenth_architectures():
    space = space_of(*(graph_mix(f"graph_{i}") for i in range(1, 11)))
    assert space.size() == 255**10
    assert [p.label for p in space.points] == [f"graph_{i}" for i in range(1, 11)]
    assert space.kinds() == {"mix"}


def test_a_shared_label_counts_once():
    assert space_of(*(graph_mix("graph") for _ in range(10))).size() == 255


def test_every_kind_of_node_counts_by_its_own_formula():
    inner = ChoiceNode("inner", named("xyz"))
    assert space_of(ChoiceNode("c", named("ab"))).size() == 2
    assert space_of(MixNode("m", named("abc"))).size() == 7
    assert space_of(MixNode("m", named("ab", inner, op()))).size() == (1 + 3) * (1 + 1) - 1
    assert space_of(op(), op(), InputsNode("i", (0, 1, 2), 2)).size() == 3
    assert space_of(op(channels=ValueNode("v", (8, 16, 32)))).size() == 3
    repetitions = tuple(ChoiceNode(f"r{k}", named("ab")) for k in range(3))
    assert space_of(DepthNode("d", (1, 3), repetitions)).size() == 2 + 2**3


def test_inactive_decisions_neither_count_nor_appear():
    space = space_of(ChoiceNode("outer", named("ab", op(), ChoiceNode("inner", named("xyz")))))
    assert space.size() == 1 + 3
    assert space.canonical({"inner": "x", "outer": "a"}) == {"outer": "a"}
    assert space.canonical({"inner": "x", "outer": "b"}) == {"outer": "b", "inner": "x"}


def test_a_space_without_decisions_has_one_architecture():
    space = space_of(op())
    assert (space.size(), list(space.enumerate()), space.sample(np.random.default_rng(0))) == (1, [{}], {})


def test_size_does_not_enumerate():
    wide = [
        MixNode(f"m{i}", tuple((str(k), ChoiceNode(f"c{i}.{k}", named("ab"))) for k in range(40)))
        for i in range(9)
    ]
    assert space_of(*wide).size() == (3**40 - 1) ** 9


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        ({"choise": "a"}, "no label 'choise'. Did you mean 'choice'?"),
        ({"choice": "cheb.l33", "mix": ["a"]}, "no option 'cheb.l33'. Did you mean 'cheb.l3'?"),
        ({"choice": "cheb.l3"}, "no decision for the mix 'mix'. Choose from a, b"),
        ({"choice": "cheb.l3", "mix": []}, "takes a list"),
        ({"choice": "cheb.l3", "mix": "a"}, "takes a list, not 'a'"),
        ({"choice": "cheb.l3", "mix": ["a", "a"]}, "names an option twice"),
        ({"choice": ["cheb.l3"], "mix": ["a"]}, "no option ['cheb.l3']"),
        ({"choice": "cheb.l3", "mix": ["a"], "from": [0]}, "takes 2 of its options, not 1"),
    ],
)
def test_a_sample_that_does_not_fit_is_refused_with_a_remedy(sample: dict[str, Any], message: str):
    options = (("cheb.l3", op()), ("learned", op()))
    nodes = ChoiceNode("choice", options), MixNode("mix", named("ab")), InputsNode("from", (0, 1), 2)
    with pytest.raises(SpecError) as error:
        space_of(*nodes).canonical(sample)
    assert message in str(error.value)


def test_every_fault_of_a_sample_is_told_at_once():
    with pytest.raises(SpecError) as error:
        space_of(MixNode("m", named("ab"))).canonical({"x": 1, "y": 2, "m": ["c"]})
    assert len(error.value.problems) == 3


def test_one_label_for_two_different_decisions_is_refused():
    with pytest.raises(SpecError, match="'m' stands for two different decisions"):
        space_of(MixNode("m", named("ab")), MixNode("m", named("abc")))


def test_drawn_sets_of_a_mix_are_equally_likely():
    space = space_of(MixNode("m", named("abc")))
    rng = np.random.default_rng(0)
    drawn = [tuple(space.sample(rng)["m"]) for _ in range(2100)]
    counts = [drawn.count(chosen) for chosen in set(drawn)]
    assert len(counts) == 7
    assert min(counts) > 230
    assert max(counts) < 370


# --- laws, on random small trees with nesting and shared labels -----------------------------

LABELS = "pqrs"


def _nodes(depth: int) -> st.SearchStrategy[Node]:
    """Random trees; a label always stands for the same decision, its options open what they may."""
    leaf = st.one_of(
        st.just(op()),
        st.just(op(channels=ValueNode("v", (1, 2)))),
        st.just(InputsNode("i", (0, 1, 2), 2)),
    )
    if depth == 0:
        return leaf
    inner = _nodes(depth - 1)
    pair = st.tuples(inner, inner)
    return st.one_of(
        leaf,
        st.builds(lambda s, p: ChoiceNode(f"c{s}", named("ab", *p)), st.sampled_from(LABELS), pair),
        st.builds(lambda s, p: MixNode(f"m{s}", named("ab", *p)), st.sampled_from(LABELS), pair),
        st.builds(lambda p: DepthNode("d", (1, 2), p), pair),
        st.builds(SequenceNode, pair),
        st.builds(SumNode, pair),
        st.builds(lambda n: op(slot=n), inner),
    )


def _brute_force(space: SearchSpace) -> set[str]:
    """Canonical forms of every combination of answers."""
    answers = []
    for point in space.points:
        if point.kind == "mix":
            sizes = range(1, len(point.options) + 1)
            answers.append([list(c) for n in sizes for c in itertools.combinations(point.options, n)])
        elif point.kind == "inputs":
            answers.append([list(c) for c in itertools.combinations(point.options, point.choose or 1)])
        else:
            answers.append(list(point.options))
    labels = [point.label for point in space.points]
    return {repr(space.canonical(dict(zip(labels, a, strict=True)))) for a in itertools.product(*answers)}


@settings(max_examples=150, deadline=None)
@given(st.lists(_nodes(3), min_size=1, max_size=3))
def test_size_is_the_number_listed_and_the_number_of_canonical_forms(nodes: list[Node]):
    space = space_of(*nodes)
    listed = [repr(sample) for sample in itertools.islice(space.enumerate(), 3000)]
    assert len(set(listed)) == len(listed)
    if len(listed) < 3000:
        assert space.size() == len(listed)
    if np.prod([2.0 ** len(p.options) for p in space.points]) < 3000:
        assert set(listed) == _brute_force(space)


@settings(max_examples=60, deadline=None)
@given(st.lists(_nodes(3), min_size=1, max_size=3), st.integers(0, 2**32 - 1))
def test_a_drawn_sample_is_canonical(nodes: list[Node], seed: int):
    space: Space = space_of(*nodes)
    sample = space.sample(np.random.default_rng(seed))
    assert space.canonical(sample) == sample
    assert list(space.canonical(dict(reversed(sample.items())))) == list(sample)
