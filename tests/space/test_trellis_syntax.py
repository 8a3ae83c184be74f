"""The node ``trellis`` of a spec: what it opens, and every fault in it."""

from __future__ import annotations

import pytest

from skelbench.host.registry import load_registry
from skelbench.space.arch import architecture_hash, closed
from skelbench.space.expand import Expander
from skelbench.space.nodes import TrellisNode
from skelbench.space.size import SearchSpace
from skelbench.spec.yaml import load_yaml

REGISTRY = load_registry()
FROM = "{d1: r2plus1d_block, skip: identity}"
STAGES = "{a: {widths: [4, 8]}, b: {widths: [8, 12, 16], stride: [1, 2, 2], layers: 2}}"
WHOLE = f"head: r2plus1d_block, from: {FROM}, stages: {STAGES}"


def expand(trellis: str, ends: tuple[str, str] = ("pixels", "video_pool_linear")):
    text = f"input: {ends[0]}\nhead: {ends[1]}\nbody:\n  - trellis: {{{trellis}}}\n"
    data, marks = load_yaml(text, "f.yaml")
    expander = Expander(REGISTRY, marks)
    return expander.network(data), [str(problem) for problem in expander.problems]


def node(trellis: str) -> TrellisNode:
    network, problems = expand(trellis)
    assert problems == []
    return network.body.children[0]


def points(trellis: str):
    network, problems = expand(trellis)
    assert problems == []
    return SearchSpace(network).points


def test_each_stage_opens_its_width_and_its_layers():
    assert [(p.label, p.kind, p.options) for p in points(WHOLE)] == [
        ("a.width", "trellis", (4, 8)),
        ("b.width", "trellis", (8, 12, 16)),
        ("b.layer1", "trellis", ("d1", "skip")),
        ("b.layer2", "trellis", ("d1", "skip")),
    ]


def test_a_decision_says_what_its_weights_hang_on():
    assert {p.label: (p.under, p.out) for p in points(WHOLE)} == {
        "a.width": ("", ""),
        "b.width": ("a.width", "b.width.out"),
        "b.layer1": ("b.width", ""),
        "b.layer2": ("b.width", ""),
    }


def test_stages_of_a_list_are_numbered_and_a_label_goes_before_all_decisions():
    stages = "[{widths: [4]}, {widths: [8], layers: 1}]"
    found = points(f"label: second, head: r2plus1d_block, from: {FROM}, stages: {stages}")
    assert [p.label for p in found] == ["second.stage1.width", "second.stage2.width", "second.stage2.layer1"]


def test_the_head_gets_the_stride_of_its_stage():
    first, second = node(WHOLE).stages
    assert (first.head.params["stride"], second.head.params["stride"]) == (1, (1, 2, 2))


def test_decisions_keep_their_widths_where_channels_are_divided():
    found = node(f"divide: 4, {WHOLE}")
    assert (found.divide, found.stages[0].width.options) == (4, (4, 8))
    assert found.stages[0].head.params["channels"] == 1


def test_a_trellis_may_stand_among_skeleton_operators():
    graph = "{op: stgcn_block, graph: cheb.l}"
    trellis = (
        f"head: {graph}, from: [{{op: stgcn_block, channels: 8, graph: cheb.l}}], stages: [{{widths: [8]}}]"
    )
    network, problems = expand(trellis, ("data_bn", "mean_pool_linear"))
    assert problems == []
    assert SearchSpace(network).size() == 1


def test_an_architecture_is_what_it_builds_however_it_is_written():
    decided = {"a.width": 4, "b.width": 12, "b.layer1": "skip", "b.layer2": "d1"}
    network, _ = expand(WHOLE)
    renamed, _ = expand(WHOLE.replace("d1:", "basic:"))
    other, _ = expand(f"divide: 2, {WHOLE}")
    own = architecture_hash(network, decided)
    assert architecture_hash(renamed, decided | {"b.layer2": "basic"}) == own
    assert architecture_hash(other, decided) != own
    stages = closed(network, decided)["body"][0]["trellis"]
    assert [stage["head"]["channels"] for stage in stages] == [4, 12]
    assert [[layer["op"] for layer in stage["layers"]] for stage in stages] == [
        [],
        ["identity", "r2plus1d_block"],
    ]


@pytest.mark.parametrize(
    ("trellis", "wanted"),
    [
        (f"from: {FROM}, stages: {STAGES}", "the key 'head' is missing"),
        (f"{WHOLE}, widths: [3]", "unknown key 'widths'"),
        (WHOLE.replace("[4, 8]", "[]"), "'widths' lists the channels to choose from, one at least"),
        (WHOLE.replace("[4, 8]", "4"), "'widths' lists the channels to choose from, one at least"),
        (WHOLE.replace("[4, 8]", "[4, true]"), "'widths' lists the channels to choose from, one at least"),
        (WHOLE.replace("[4, 8]", "[0, 8]"), "'widths' lists the channels to choose from, one at least"),
        (WHOLE.replace("[4, 8]", "[4, 4]"), "'widths' lists a width twice"),
        (f"divide: 4, {WHOLE.replace('12', '14')}", "a width of 14 does not divide by 4 ('divide')"),
        (f"divide: 0, {WHOLE}", "'divide' is a number from 1"),
        (WHOLE.replace("layers: 2", "layers: -1"), "'layers' is a number from 0 to 100, not -1"),
        (WHOLE.replace("{widths: [4, 8]}", "{layers: 1}"), "the key 'widths' is missing"),
        (WHOLE.replace("{widths: [4, 8]}", "[4, 8]"), "a mapping with widths is wanted here"),
        (WHOLE.replace(STAGES, "[]"), "'stages' lists the stages"),
        (WHOLE.replace("a: {", "a/b: {"), "a stage's name cannot hold '/'"),
        (WHOLE.replace("[1, 2, 2]", "[1, 2]"), "stride"),
        (
            WHOLE.replace("head: r2plus1d_block", "head: {op: r2plus1d_block, channels: 8}"),
            "'channels' of its head",
        ),
        (WHOLE.replace("head: r2plus1d_block", "head: {op: r2plus1d_block, mid: wide}"), "mid"),
        (WHOLE.replace("head: r2plus1d_block", "head: [identity]"), "the head of a trellis is one operator"),
        (WHOLE.replace("head: r2plus1d_block", "head: identity"), "channels"),
        (WHOLE.replace("head: r2plus1d_block", "head: r2plus1_block"), "unknown operator 'r2plus1_block'"),
        (WHOLE.replace("skip: identity", "skip: sep3"), "operator 'sep3' (cell) cannot stand here"),
        (
            WHOLE.replace("skip: identity", "skip: {choice: {from: [identity, r2plus1d_block]}}"),
            "a layer's options are operators in which nothing is searched",
        ),
        (
            WHOLE.replace(
                "d1: r2plus1d_block", "d1: {op: r2plus1d_block, dilation: {value: {from: [1, 2]}}}"
            ),
            "a layer's options are operators in which nothing is searched",
        ),
    ],
)
def test_faults_are_told_with_their_place(trellis: str, wanted: str):
    network, problems = expand(trellis)
    assert network is None
    assert any(wanted in problem and problem.startswith("f.yaml:4") for problem in problems), problems


def test_a_wrong_parameter_of_the_head_is_told_once():
    _, problems = expand(WHOLE.replace("head: r2plus1d_block", "head: {op: r2plus1d_block, mid: wide}"))
    assert len(problems) == 1


def test_two_trellises_with_the_same_labels_are_told_apart_by_a_label():
    text = f"input: pixels\nhead: video_pool_linear\nbody:\n  - trellis: {{{WHOLE}}}\n"
    other = f"  - trellis: {{{WHOLE.replace('[4, 8]', '[4, 6]')}}}\n"
    data, marks = load_yaml(text + other, "f.yaml")
    expander = Expander(REGISTRY, marks)
    assert expander.network(data) is None
    assert any("stands for another decision" in str(problem) for problem in expander.problems)


@pytest.mark.parametrize(
    "form", ["cell: {layers: 3, channels: 4, from: [sep3]}", "adaptive: {policy: conv_policy}"]
)
def test_nodes_of_skeletons_cannot_stand_among_videos(form: str):
    data, marks = load_yaml(f"input: pixels\nhead: video_pool_linear\nbody:\n  - {form}\n", "f.yaml")
    expander = Expander(REGISTRY, marks)
    assert expander.network(data) is None
    assert any("works on skeletons" in str(problem) for problem in expander.problems)


def test_a_video_input_wants_video_operators():
    _, problems = expand(WHOLE, ("pixels", "mean_pool_linear"))
    assert any(
        "operator 'mean_pool_linear' (head) cannot stand here: video_head is needed" in p for p in problems
    )
