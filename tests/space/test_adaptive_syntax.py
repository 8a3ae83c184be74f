"""The node ``adaptive`` of a spec: what it opens, and every fault in it."""

from __future__ import annotations

import pytest

from skelbench.host.registry import load_registry
from skelbench.space.arch import closed
from skelbench.space.expand import Expander
from skelbench.space.nodes import AdaptiveNode
from skelbench.space.size import SearchSpace
from skelbench.spec.yaml import load_yaml

REGISTRY = load_registry()
MODELS = "{a: {op: sgn_joints, joints: 1}, b: {op: sgn_joints, joints: 25}}"
WHOLE = f"policy: conv_policy, from: {MODELS}"


def expand(adaptive: str):
    text = f"input: sgn_clip\nhead: sgn_head\nbody:\n  - adaptive: {{{adaptive}}}\n"
    data, marks = load_yaml(text, "f.yaml")
    expander = Expander(REGISTRY, marks)
    return expander.network(data), [str(problem) for problem in expander.problems]


def node(adaptive: str) -> AdaptiveNode:
    network, problems = expand(adaptive)
    assert problems == []
    return network.body.children[0]


def test_defaults():
    found = node(WHOLE)
    assert (found.alpha, found.alpha_scale, found.warmup, found.place) == (
        0.0,
        "gmacs",
        0.0,
        "body[0].adaptive",
    )
    assert [name for name, _ in found.options] == ["a", "b"]


def test_policy_and_alpha_may_be_searched():
    policy = "{choice: {label: policy, from: {conv: conv_policy, lstm: lstm_policy}}}"
    alpha = "{value: {label: alpha, from: [0, 0.5, 4]}}"
    network, problems = expand(f"policy: {policy}, alpha: {alpha}, from: {MODELS}")
    assert problems == []
    space = SearchSpace(network)
    assert [(p.label, p.kind, p.options) for p in space.points] == [
        ("policy", "choice", ("conv", "lstm")),
        ("alpha", "value", (0, 0.5, 4)),
    ]
    plain = closed(network, {"policy": "lstm", "alpha": 0.5})["body"][0]["adaptive"]
    assert (plain["policy"]["op"], plain["alpha"], list(plain["from"])) == ("lstm_policy", 0.5, ["a", "b"])


@pytest.mark.parametrize(
    ("adaptive", "wanted"),
    [
        (f"from: {MODELS}", "'policy' is missing"),
        ("policy: conv_policy", "'from' is missing"),
        (f"{WHOLE}, alfa: 4", "Did you mean 'alpha'"),
        (f"{WHOLE}, alpha: -1", "'alpha' is a number from 0 on, not -1"),
        (f"{WHOLE}, alpha: four", "'alpha' is a number from 0 on, not 'four'"),
        (f"{WHOLE}, alpha: {{value: {{from: [1, -2]}}}}", "'alpha' is a number from 0 on, not -2"),
        (f"{WHOLE}, alpha_scale: gflops", "Valid: gmacs, released"),
        (f"{WHOLE}, warmup: 1", "'warmup' is a share from 0 to below 1, not 1"),
        (f"policy: sgn_spatial, from: {MODELS}", "policy is needed"),
        (f"policy: conv_polcy, from: {MODELS}", "Did you mean 'conv_policy'"),
        (f"policy: {{op: conv_policy, heads: 2}}, from: {MODELS}", "heads"),
        ("policy: conv_policy, from: [sgn_joints, sgn_joints]", "'from' names two models or more"),
        ("policy: conv_policy, from: {a: sgn_joints}", "'from' names two models or more"),
        ("policy: conv_policy, from: {a.b: sgn_joints, c: sgn_joints}", "cannot hold '.': 'a.b'"),
        ("policy: conv_policy, from: {a: sgn_clip, c: sgn_joints}", "skeleton is needed"),
    ],
)
def test_faults_say_what_is_wrong(adaptive, wanted):
    network, problems = expand(adaptive)
    assert network is None
    assert any(wanted in problem for problem in problems), problems
    assert all("f.yaml:" in problem for problem in problems)


def test_a_graph_cannot_be_chosen_frame_by_frame():
    block = "{op: stgcn_block, channels: 8, graph: {adaptive: {}}}"
    text = f"input: data_bn\nhead: mean_pool_linear\nbody:\n  - {block}\n"
    data, marks = load_yaml(text, "f.yaml")
    expander = Expander(REGISTRY, marks)
    assert expander.network(data) is None
    assert any("'adaptive' cannot stand where one graph is wanted" in str(p) for p in expander.problems)
