"""The node ``cell`` of a spec: what it opens, and every fault in it."""

from __future__ import annotations

from typing import Any

import pytest

from skelbench import hookimpl
from skelbench.host.registry import Registry, load_registry
from skelbench.space.arch import architecture_hash, closed
from skelbench.space.expand import Expander
from skelbench.space.nodes import CellsNode, EdgesNode, KeptEdges, NetworkNodes, ValueNode
from skelbench.space.size import SearchSpace
from skelbench.spec.yaml import load_yaml

SEARCHED = "layers: 4, channels: 8, from: [sep3, skip, zero]"
NORMAL, REDUCE = "[[sep3(0), max3(1)], [skip(2), se(0)]]", "[[avg3(1), max3(0)], [max3(0), dil3(2)]]"
GENOTYPE = f"genotype: {{normal: {NORMAL}, reduce: {REDUCE}}}"


class Broken:
    @hookimpl
    def register_metrics(self) -> list[Any]:
        raise RuntimeError("no such luck")


def expand(registry: Registry, *cells: str, more: str = "") -> tuple[NetworkNodes | None, Expander]:
    lines = [f"  - cell: {{{cell}}}\n" for cell in cells]
    text = "input: skeleton_image\nhead: mean_pool_linear\nbody:\n" + "".join(lines) + more
    data, marks = load_yaml(text, "f.yaml")
    expander = Expander(registry, marks)
    return expander.network(data), expander


def network(registry: Registry, *cells: str) -> NetworkNodes:
    found, expander = expand(registry, *cells)
    assert expander.problems == []
    assert found is not None
    return found


def stack(registry: Registry, cell: str) -> CellsNode:
    (node,) = network(registry, cell).body.children
    assert isinstance(node, CellsNode)
    return node


def faults(registry: Registry, *cells: str) -> list[str]:
    found, expander = expand(registry, *cells)
    assert found is None
    return [str(problem) for problem in expander.problems]


def labels(registry: Registry, *cells: str) -> list[str]:
    return [point.label for point in SearchSpace(network(registry, *cells)).points]


# --- what is opened ----------------------------------------------------------------------------


def test_each_node_of_either_kind_of_cell_decides_among_the_edges_from_all_states_before_it(
    registry: Registry,
):
    node = stack(registry, "layers: 6, channels: 8, from: [sep3, skip, zero]")
    assert [edges.label for edges in (*node.normal, *node.reduce) if isinstance(edges, EdgesNode)] == [
        f"{kind}.{k}" for kind in ("normal", "reduce") for k in (2, 3, 4, 5)
    ]
    first, second, *_ = node.normal
    assert first == EdgesNode("normal.2", ("sep3(0)", "skip(0)", "sep3(1)", "skip(1)"), (0, 0, 1, 1), 2, True)
    assert isinstance(second, EdgesNode)
    assert second.inputs == (0, 0, 1, 1, 2, 2)
    assert (node.layers, node.channels, node.drop_path, node.reductions(6)) == (6, 8, 0.0, (2, 4))


def test_without_zero_every_input_has_an_edge_in_a_weighted_sum(registry: Registry):
    (edges, *_) = stack(registry, "layers: 4, channels: 8, from: [sep3, skip]").normal
    assert isinstance(edges, EdgesNode)
    assert not edges.none


def test_operators_may_be_named(registry: Registry):
    node = stack(registry, "layers: 4, channels: 8, nodes: 1, choose: 1, from: {a: sep3, b: max3, no: zero}")
    assert [name for name, _ in node.operators] == ["a", "b", "no"]
    (edges,) = node.normal
    assert isinstance(edges, EdgesNode)
    assert (edges.options, edges.choose, edges.none) == (("a(0)", "b(0)", "a(1)", "b(1)"), 1, True)


@pytest.mark.parametrize(
    ("layers", "expected"), [(3, (1, 2)), (4, (1, 2)), (6, (2, 4)), (7, (2, 4)), (8, (2, 5)), (9, (3, 6))]
)
def test_reductions_stand_at_one_and_two_thirds(layers: int, expected: tuple[int, ...], registry: Registry):
    node = stack(registry, f"layers: {layers}, channels: 8, from: [sep3]")
    assert node.reduce_at is None
    assert node.reductions(layers) == expected


@pytest.mark.parametrize(
    ("reduce_at", "kinds"),
    [("[]", {"normal"}), ("[0, 3]", {"normal", "reduce"}), ("[0, 1, 2, 3]", {"reduce"})],
)
def test_only_kinds_of_cells_that_occur_are_decided(reduce_at: str, kinds: set[str], registry: Registry):
    found = labels(registry, f"{SEARCHED}, reduce_at: {reduce_at}")
    assert {label.partition(".")[0] for label in found} == kinds


def test_the_number_of_cells_may_be_searched(registry: Registry):
    node = stack(registry, f"layers: {{value: {{label: depth, from: [7, 9]}}}}, channels: 8, {GENOTYPE}")
    assert node.layers == ValueNode("depth", (7, 9))
    space = SearchSpace(network(registry, f"layers: {{value: {{from: [7, 9]}}}}, channels: 8, {GENOTYPE}"))
    assert [(p.label, p.kind, p.options) for p in space.points] == [("body.1.layers", "value", (7, 9))]


def test_two_stacks_share_their_decisions_unless_a_label_stands_before_them(registry: Registry):
    alone = labels(registry, SEARCHED)
    assert labels(registry, SEARCHED, SEARCHED) == alone
    assert labels(registry, SEARCHED, f"{SEARCHED}, label: late") == [*alone, *(f"late.{x}" for x in alone)]
    assert labels(registry, f"{SEARCHED}, label: 'b{{i}}'") == [f"b1.{label}" for label in alone]


def test_two_stacks_of_other_operators_cannot_share_their_decisions(registry: Registry):
    told = faults(registry, SEARCHED, "layers: 4, channels: 8, from: [max3]")
    assert len(told) == 8
    assert "f.yaml:5: the label 'normal.2' stands for another decision at f.yaml:4" in told[0]


# --- cells that are written out ----------------------------------------------------------------


def test_a_genotype_leaves_nothing_open(registry: Registry):
    node = stack(registry, f"layers: 4, channels: 8, {GENOTYPE}")
    assert node.normal == (KeptEdges(("sep3(0)", "max3(1)")), KeptEdges(("se(0)", "skip(2)")))
    assert {name for name, _ in node.operators} == {"sep3", "max3", "skip", "se", "avg3", "dil3"}
    assert labels(registry, f"layers: 4, channels: 8, {GENOTYPE}") == []


def test_a_genotype_may_keep_any_number_of_edges_from_different_inputs(registry: Registry):
    cell = "layers: 1, channels: 8, reduce_at: [], genotype: {normal: [[sep3(0)], [a(0), a(1), b(2)]]}"
    node = stack(registry, f"{cell}, from: {{a: max3, b: skip, sep3: sep3, unused: se}}")
    assert node.normal == (KeptEdges(("sep3(0)",)), KeptEdges(("a(0)", "a(1)", "b(2)")))
    assert [name for name, _ in node.operators] == ["a", "b", "sep3"]


def test_edges_may_be_written_in_any_order(registry: Registry):
    turned = GENOTYPE.replace("sep3(0), max3(1)", "max3(01), sep3(0)")
    first, second = (network(registry, f"layers: 4, channels: 8, {g}") for g in (GENOTYPE, turned))
    assert architecture_hash(first, {}) == architecture_hash(second, {})


@pytest.mark.parametrize(
    "reduce_at", ["", ", reduce_at: []", ", reduce_at: [0, 1, 2, 3]", ", reduce_at: [1]"]
)
def test_a_closed_stack_reads_as_the_same_network(reduce_at: str, registry: Registry):
    network_ = network(registry, f"{SEARCHED}, label: x, drop_path: 0.1{reduce_at}")
    space = SearchSpace(network_)
    sample = next(iter(space.enumerate()))
    plain = closed(network_, sample)
    expander = Expander(registry, load_yaml("", "")[1])
    again = expander.network(plain)
    assert expander.problems == []
    assert again is not None
    assert SearchSpace(again).points == ()
    assert closed(again, {}) == plain
    assert architecture_hash(again, {}) == architecture_hash(network_, sample)


# --- faults ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("channels: 8, from: [sep3]", "f.yaml:4: the key 'layers' is missing. Add 'layers'"),
        ("layers: 4, channels: 8, form: [sep3]", "f.yaml:4: unknown key 'form'. Did you mean 'from'?"),
        ("layers: 0, channels: 8, from: [sep3]", "'layers' is a number from 1 to 1000, not 0"),
        ("layers: 4.0, channels: 8, from: [sep3]", "'layers' is a number from 1 to 1000, not 4.0"),
        ("layers: {choice: [4]}, channels: 8, from: [sep3]", "'layers' is a number from 1 to 1000, not"),
        ("layers: {value: {from: [4, 0]}}, channels: 8, from: [sep3]", "'layers' is a number from 1 to 1000"),
        ("layers: {value: {from: []}}, channels: 8, from: [sep3]", "'from' lists the values to choose from"),
        ("layers: {value: {from: [4, 4]}}, channels: 8, from: [sep3]", "'from' lists a value twice"),
        (
            "layers: 2, channels: 8, from: [sep3]",
            "f.yaml:4: 2 cells have no one and two thirds. Say with 'reduce_at' which cells halve the size",
        ),
        ("layers: {value: {from: [2, 4]}}, channels: 8, from: [sep3]", "2 cells have no one and two thirds"),
        (f"{SEARCHED}, reduce_at: [4]", "'reduce_at' lists cells from 0 to 3"),
        (f"{SEARCHED}, reduce_at: 2", "'reduce_at' lists cells from 0 to 3"),
        (f"{SEARCHED}, reduce_at: [true]", "'reduce_at' lists cells from 0 to 3"),
        (f"{SEARCHED}, reduce_at: [2, 1]", "'reduce_at' lists cells in rising order, each once"),
        (f"{SEARCHED}, reduce_at: [1, 1]", "'reduce_at' lists cells in rising order, each once"),
        (
            "layers: {value: {from: [2, 3]}}, channels: 8, reduce_at: [0, 1], from: [sep3]",
            "of 2 cells, all are reductions, and of 3 are not. List fewer, or search no 'layers'",
        ),
        ("layers: 4, channels: 0, from: [sep3]", "'channels' is a number from 1 to 1000000, not 0"),
        ("layers: 4, channels: {value: {from: [8]}}, from: [sep3]", "'channels' is a number from 1 to"),
        (f"{SEARCHED}, nodes: 0", "'nodes' is a number from 1 to 32, not 0"),
        (f"{SEARCHED}, choose: 3", "'choose' is a number from 1 to 2, not 3"),
        (f"{SEARCHED}, drop_path: 1", "'drop_path' is a share from 0 to below 1, not 1"),
        (f"{SEARCHED}, drop_path: -0.1", "'drop_path' is a share from 0 to below 1, not -0.1"),
        (f"{SEARCHED}, drop_path: true", "'drop_path' is a share from 0 to below 1, not True"),
        (f"{SEARCHED}, drop_path: .nan", "'drop_path' is a share from 0 to below 1, not '.nan'"),
        (f"{SEARCHED}, label: a/b", "a label is a word without '/', not 'a/b'"),
        ("layers: 4, channels: 8", "'from' lists the operators of an edge. See 'skelbench list operator'"),
        ("layers: 4, channels: 8, from: sep3", "'from' lists the operators of an edge"),
        ("layers: 4, channels: 8, from: [zero]", "a cell of 'zero' alone has no edges"),
        (
            "layers: 4, channels: 8, from: [{choice: {from: [sep3, sep5]}}]",
            "'choice': on an edge of a cell stands one fixed operator",
        ),
        (
            "layers: 4, channels: 8, from: {'sep(3)': sep3}",
            "the name of a cell's operator has no brackets: 'sep(3)'",
        ),
    ],
)
def test_a_fault_of_the_stack_says_its_place(cell: str, message: str, registry: Registry):
    told = faults(registry, cell)
    assert len(told) == 1
    assert told[0].startswith("f.yaml:4: ")
    assert message in told[0]


@pytest.mark.parametrize(
    ("genotype", "message"),
    [
        ("[sep3(0)]", "'genotype' is a mapping with the cells 'normal' and 'reduce'"),
        (f"{{norm: {NORMAL}}}", "unknown key 'norm'. Did you mean 'normal'?"),
        (f"{{normal: {NORMAL}}}", "the genotype has no 'reduce' cell. Add 'reduce'"),
        (f"{{normal: [], reduce: {REDUCE}}}", "the genotype has no 'normal' cell. Add 'normal'"),
        (f"{{normal: [[sep3(0)]], reduce: {REDUCE}}}", "'normal' and 'reduce' have the same number of nodes"),
        (
            f"{{normal: sep3(0), reduce: {REDUCE}}}",
            "a cell lists its nodes, each a list of edges like sep3(0)",
        ),
        (
            f"{{normal: [sep3(0), sep3(1)], reduce: {REDUCE}}}",
            "a node lists its edges, like [sep3(0), max3(1)]",
        ),
        (
            f"{{normal: [[sep3(0)], [sep3]], reduce: {REDUCE}}}",
            "'sep3' is no edge. Write operator(input), like sep3(0)",
        ),
        (f"{{normal: [[sep3(0)], [sep3(-1)]], reduce: {REDUCE}}}", "'sep3(-1)' is no edge"),
        (f"{{normal: [[sep3(0)], [(1)]], reduce: {REDUCE}}}", "'(1)' is no edge"),
        (
            f"{{normal: [[sep3(0)], [sep3(3)]], reduce: {REDUCE}}}",
            "node 3 has no input 3. Its inputs are 0 to 2",
        ),
        (
            f"{{normal: [[sep3(0), max3(0)], [sep3(1)]], reduce: {REDUCE}}}",
            "node 2 takes one input twice. Give each edge its own input",
        ),
        (
            f"{{normal: [[sep3(0)], [sep33(1)]], reduce: {REDUCE}}}",
            "unknown operator 'sep33'. Did you mean 'sep3'?",
        ),
        (
            f"{{normal: [[sep3(0)], [stgcn_block(1)]], reduce: {REDUCE}}}",
            "operator 'stgcn_block' (skeleton) cannot stand here: cell is needed",
        ),
        (
            f"{{normal: [[sep3(0)], [zero(1)]], reduce: {REDUCE}}}",
            "'zero' is no edge of an architecture. Leave it out",
        ),
    ],
)
def test_a_fault_of_a_genotype_says_its_place(genotype: str, message: str, registry: Registry):
    told = faults(registry, f"layers: 4, channels: 8, genotype: {genotype}")
    assert len(told) == 1
    assert told[0].startswith("f.yaml:4: ")
    assert message in told[0]


def test_edges_that_are_none_do_not_also_take_one_input_twice(registry: Registry):
    told = faults(registry, f"layers: 4, channels: 8, genotype: {{normal: [[sep3, max3]], reduce: {REDUCE}}}")
    assert [line.split(". ")[0] for line in told] == [
        "f.yaml:4: 'sep3' is no edge",
        "f.yaml:4: 'max3' is no edge",
        "f.yaml:4: 'normal' and 'reduce' have the same number of nodes",
    ]


def test_an_operator_that_a_genotype_does_not_list_is_told_with_those_that_it_does(registry: Registry):
    told = faults(registry, f"layers: 4, channels: 8, from: [sep3, max3, skip, avg3, dil3], {GENOTYPE}")
    assert told == ["f.yaml:4: no operator 'se'. Did you mean 'sep3'?"]


def test_keys_of_a_search_have_no_meaning_beside_a_genotype(registry: Registry):
    told = faults(registry, f"layers: 4, channels: 8, label: a, nodes: 2, choose: 2, {GENOTYPE}")
    assert [line.partition(": ")[2] for line in told] == [
        f"'{key}' has no meaning beside 'genotype'. Leave it out" for key in ("label", "nodes", "choose")
    ]


def test_a_fault_in_a_genotype_of_many_lines_names_the_line(registry: Registry):
    text = (
        "  - cell:\n      layers: 4\n      channels: 8\n      genotype:\n        normal:\n"
        "          - [sep3(0)]\n          - [sep33(1), max3(1)]\n"
        "        reduce:\n          - [sep3(0)]\n          - [stgcn_block(0)]\n"
    )
    found, expander = expand(registry, more=text)
    assert found is None
    assert [(p.where, p.what.partition(" (")[0]) for p in expander.problems] == [
        ("f.yaml:10", "node 3 takes one input twice"),
        ("f.yaml:10", "unknown operator 'sep33'"),
        ("f.yaml:13", "operator 'stgcn_block'"),
    ]


@pytest.mark.parametrize(
    ("name", "what", "remedy"),
    [
        ("sep33", "unknown operator 'sep33'", "Did you mean 'sep3'?"),
        ("esan_blok", "unknown operator 'esan_blok'", "Valid names: avg3, conv3, dil3, dil5, max3, se, sep3"),
        ("mean_pol", "unknown operator 'mean_pol'", "Valid names: avg3, conv3"),
        ("xyz", "unknown operator 'xyz'", ", sep5, skip, zero"),
        (
            "image_stem",
            "operator 'image_stem' (skeleton) cannot stand here: cell is needed",
            "Valid names: avg3",
        ),
        ("cheb.l", "unknown operator 'cheb.l'", "That name is in use for the kind 'graph module'"),
    ],
)
def test_only_operators_of_edges_are_offered_for_an_edge(
    name: str, what: str, remedy: str, registry: Registry
):
    _, expander = expand(registry, f"layers: 4, channels: 8, from: [{name}, skip]")
    (problem,) = expander.problems
    assert problem.where == "f.yaml:4"
    assert what in problem.what
    assert remedy in problem.remedy
    assert not {"esan_block", "mean_pool_linear", "stgcn_block", "data_bn"} & set(problem.remedy.split(", "))


def test_elsewhere_no_operator_of_an_edge_is_offered(registry: Registry):
    _, expander = expand(registry, more="  - sep33\n  - qqq\n")
    near, far = expander.problems
    assert near.what == "unknown operator 'sep33'"
    assert not any(f"{edge}" in near.remedy + far.remedy for edge in ("sep3", "conv3", "zero", "mean_pool"))
    assert "graph_conv" in far.remedy


def test_a_plugin_that_failed_is_named_beside_the_operators_that_fit():
    broken = load_registry(extra=[("broken", Broken())])
    _, expander = expand(broken, "layers: 4, channels: 8, from: [sep33]")
    assert expander.problems[0].remedy == (
        "Did you mean 'sep3'? Plugins that failed to load: broken (RuntimeError: no such luck)"
    )
