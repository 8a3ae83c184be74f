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
from skelbench.recipe import DeriveOptions
from skelbench.search import Point, Space, decode
from skelbench.space.nodes import (
    CellsNode,
    ChoiceNode,
    DepthNode,
    EdgesNode,
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


SEVEN = ("conv3", "sep3", "dil3", "max3", "avg3", "skip", "se")


def edges(label: str, inputs: int, names: tuple[str, ...] = SEVEN, choose: int = 2) -> EdgesNode:
    pairs = [(f"{name}({source})", source) for source in range(inputs) for name in names]
    return EdgesNode(label, tuple(n for n, _ in pairs), tuple(s for _, s in pairs), choose, True)


def cells(
    count: int = 4, names: tuple[str, ...] = SEVEN, choose: int = 2, label: str = "", **changes: Any
) -> CellsNode:
    kinds = {
        kind: tuple(edges(f"{label}{kind}.{k}", k, names, choose) for k in range(2, 2 + count))
        for kind in ("normal", "reduce")
    }
    given = {"layers": 6, "channels": 8, "reduce_at": None, "operators": named("ab"), **kinds, **changes}
    return CellsNode(**given)


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
        st.just(cells(1, SEVEN[:2], reduce=(), layers=ValueNode("v", (1, 2)))),
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
        elif point.kind == "cell":
            answers.append(_sets(point, point.choose or 1))
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


# --- cells -----------------------------------------------------------------------------------


def test_a_kind_of_cell_of_seven_operators_has_180_times_7_to_the_eighth_forms():
    one_kind = 180 * 7**8
    assert one_kind == 1_037_664_180
    assert space_of(cells(reduce=())).size() == one_kind
    assert space_of(cells()).size() == one_kind**2


def test_stacks_share_their_decisions_by_label():
    alone = space_of(cells()).size()
    assert space_of(cells(), cells(layers=9)).size() == alone
    assert space_of(cells(), cells(label="late.")).size() == alone**2
    assert [p.label for p in space_of(cells(1), cells(1, label="late.")).points] == [
        "normal.2",
        "reduce.2",
        "late.normal.2",
        "late.reduce.2",
    ]


def test_a_searched_number_of_cells_multiplies():
    space = space_of(cells(1, SEVEN[:2], layers=ValueNode("layers", (7, 8, 9))))
    assert space.size() == 3 * 4**2
    assert space.points[0] == Point("layers", "value", (7, 8, 9))
    assert len(list(space.enumerate())) == 48
    assert list(space.sample(np.random.default_rng(0))) == ["layers", "normal.2", "reduce.2"]


@settings(max_examples=25)
@given(st.integers(1, 2), st.integers(1, 2), st.integers(1, 2), st.booleans())
def test_cells_are_counted_as_they_are_listed(count: int, operators: int, choose: int, shared: bool):
    stacks = (cells(count, SEVEN[:operators], choose, reduce=()),) * (2 if shared else 1)
    space = space_of(*stacks)
    listed = [repr(sample) for sample in space.enumerate()]
    per_node = [
        sum(operators**choose for _ in itertools.combinations(range(k), choose)) for k in range(2, 2 + count)
    ]
    assert space.size() == len(listed) == len(set(listed)) == np.prod(per_node)
    kept = [
        dict(zip((p.label for p in space.points), chosen, strict=True))
        for chosen in itertools.product(*(_sets(p, choose) for p in space.points))
    ]
    assert set(listed) == {repr(sample) for sample in kept}


def _sets(point: Point, choose: int) -> list[list[str]]:
    """Every set of so many edges from different inputs."""
    found = itertools.combinations(range(len(point.options)), choose)
    return [[point.options[i] for i in c] for c in found if len({point.groups[i] for i in c}) == choose]


@given(st.integers(1, 4), st.integers(1, 2), st.integers(0, 2**32 - 1))
def test_a_drawn_cell_is_canonical_whatever_the_order_of_its_edges(count: int, choose: int, seed: int):
    space = space_of(cells(count, choose=choose))
    sample = space.sample(np.random.default_rng(seed))
    assert list(sample) == [p.label for p in space.points]
    assert all(len(kept) == choose for kept in sample.values())
    turned = {label: list(reversed(kept)) for label, kept in reversed(sample.items())}
    assert space.canonical(turned) == space.canonical(sample) == sample
    assert list(space.canonical(turned)) == list(sample)


def test_drawn_edges_are_equally_likely():
    space, rng = space_of(cells(2, SEVEN[:2], reduce=())), np.random.default_rng(0)
    drawn = [tuple(space.sample(rng)["normal.3"]) for _ in range(2400)]
    counts = [drawn.count(kept) for kept in set(drawn)]
    assert len(counts) == 12
    # Four standard deviations of 2,400 draws of a twelfth are 54.
    assert all(abs(count - 200) < 55 for count in counts)


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        (["sep3(0)"], "the cell 'normal.3' takes 2 of its options, not 1"),
        (["sep3(0)", "skip(1)", "se(2)"], "the cell 'normal.3' takes 2 of its options, not 3"),
        (["sep3(0)", "skip(0)"], "the cell 'normal.3' takes one input twice. Give each edge an input of its"),
        (["sep3(0)", "sep3(0)"], "the cell 'normal.3' names an option twice"),
        (["sep3(0)", "skip(3)"], "the cell 'normal.3' has no input 3. Its inputs are 0, 1, 2"),
        (["sep3(0)", "zero(1)"], "has no option 'zero(1)'"),
        (["sep3(0)", "sep4(1)"], "has no option 'sep4(1)'. Did you mean 'sep3(1)'?"),
        (["sep3(0)", "sep3"], "has no option 'sep3'. Did you mean 'sep3(2)'?"),
        (["sep3(0)", 1], "has no option 1"),
        ("sep3(0)", "the cell 'normal.3' takes a list, not 'sep3(0)'"),
        ([], "the cell 'normal.3' takes a list, not []. Choose from conv3(0), sep3(0)"),
        ({"sep3(0)": 1}, "the cell 'normal.3' takes a list"),
    ],
)
def test_edges_that_do_not_fit_are_told(kept: Any, message: str):
    space = space_of(cells(2, reduce=()))
    with pytest.raises(SpecError) as error:
        space.canonical({"normal.2": ["sep3(0)", "se(1)"], "normal.3": kept})
    assert len(error.value.problems) == 1
    assert message in str(error.value)


weights_of_a_node = st.integers(2, 4).flatmap(
    lambda inputs: st.tuples(
        st.just(inputs), st.lists(st.floats(0, 1), min_size=3 * inputs, max_size=3 * inputs, unique=True)
    )
)


@settings(max_examples=80)
@given(weights_of_a_node, st.integers(1, 2), st.sampled_from(["threshold", "argmax"]))
def test_weights_give_the_best_inputs_each_with_its_best_operator(
    given_: tuple[int, list[float]], choose: int, by: Any
):
    inputs, weights = given_
    point = space_of(cells(inputs - 1, SEVEN[:3], choose, reduce=())).points[-1]
    found = decode([point], {point.label: np.array(weights)}, DeriveOptions(by=by))[point.label]
    by_edge = dict(zip(point.options, weights, strict=True))
    best = max(_sets(point, choose), key=lambda kept: sum(by_edge[edge] for edge in kept))
    # The sum is largest for the best inputs each with its best operator; near sums may tie by rounding.

    def ranked(kept: list[str]) -> list[float]:
        return sorted((by_edge[edge] for edge in kept), reverse=True)

    assert sum(ranked(found)) == pytest.approx(sum(ranked(best)))
    assert len({edge.partition("(")[2] for edge in found}) == choose
    best_of_input = [max(by_edge[e] for e in point.options if e.endswith(f"({i})")) for i in range(inputs)]
    assert ranked(found) == sorted(best_of_input, reverse=True)[:choose]


def test_what_decoding_gives_is_an_architecture_of_the_space():
    space, rng = space_of(cells()), np.random.default_rng(0)
    weights = {p.label: rng.dirichlet(np.ones(len(p.options))) for p in space.points}
    sample = decode(space.points, weights, DeriveOptions())
    assert space.canonical(sample) == sample
