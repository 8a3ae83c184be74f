"""A trellis with all its paths: what it computes, for which weights, and what a path takes over from it."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from skelbench.components import NO_SKELETON, BuildContext, Operator, Params
from skelbench.engine.inherit import take_over
from skelbench.errors import SpecError
from skelbench.host.registry import load_registry
from skelbench.search import as_weights, weight_shape
from skelbench.space.build import OpenTrellis, SupernetSpace, supernet_hook
from skelbench.space.expand import Expander
from skelbench.space.network import build_network
from skelbench.space.nodes import ForkNode, OpNode, StageNode, TrellisNode
from skelbench.space.size import SearchSpace
from skelbench.space.trellises import Candidate, Trellis
from skelbench.spec.yaml import Marks

CONTEXT = BuildContext(
    channels=3, frames=6, joints=0, persons=1, classes=5, layout=NO_SKELETON, height=12, width=12
)
NETWORK: dict[str, Any] = {
    "input": "pixels",
    "body": [
        {"op": "video_stem", "channels": 4},
        {
            "trellis": {
                "head": "r2plus1d_block",
                "from": {
                    "d1": "r2plus1d_block",
                    "d2": {"op": "r2plus1d_block", "dilation": 2},
                    "skip": "identity",
                },
                "stages": [
                    {"widths": [4, 6]},
                    {"widths": [6, 8, 10], "stride": [2, 2, 2], "layers": 2},
                    {"widths": [8, 12], "layers": 1},
                ],
            }
        },
    ],
    "head": "video_pool_linear",
}


def expanded(network: dict[str, Any] = NETWORK):
    expander = Expander(load_registry(), Marks())
    nodes = expander.network(network)
    assert nodes is not None, expander.problems
    return nodes


def supernet(nodes: Any) -> SupernetSpace:
    """The supernet as it is once NNI has taken the hook to it."""
    space = SupernetSpace(nodes, CONTEXT)
    for name, module in list(space.named_modules()):
        if isinstance(module, OpenTrellis):
            space.set_submodule(name, supernet_hook(module, name, {}, {}))
    return space


def trellis_of(space: nn.Module) -> Trellis:
    (found,) = (module for module in space.modules() if isinstance(module, Trellis))
    return found


@cache
def made():
    """The checked network, its decisions and its supernet."""
    torch.manual_seed(0)
    nodes = expanded()
    return nodes, SearchSpace(nodes), supernet(nodes)


@pytest.fixture
def whole():
    return made()


# --- a path in the trellis and by itself ---------------------------------------------------------


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6))
def test_a_path_gives_by_itself_what_it_gives_in_the_trellis(seed: int):
    nodes, space, net = made()
    sample = space.sample(np.random.default_rng(seed))
    alone = build_network(nodes, sample, CONTEXT)
    take_over(alone, net.state_dict())
    trellis_of(net).take(as_weights(space.points, sample))
    clips = torch.randint(0, 256, (2, *CONTEXT.clip_shape[1:]), generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        expected, found = net.eval()(clips.byte()), alone.eval()(clips.byte())
    assert torch.allclose(found, expected, atol=1e-5)


def test_a_path_takes_over_every_weight_but_normalisations(whole):
    nodes, space, net = whole
    alone = build_network(nodes, space.sample(np.random.default_rng(1)), CONTEXT)
    before = {name: weight.clone() for name, weight in alone.state_dict().items()}
    for module in net.modules():
        if isinstance(module, nn.BatchNorm3d):
            module.running_mean.fill_(3.0)
    take_over(alone, net.state_dict())
    after = alone.state_dict()
    unmoved = {name for name in after if torch.equal(before[name], after[name])}
    norms = {f"{n}." for n, m in alone.named_modules() if isinstance(m, nn.BatchNorm3d)}
    assert {name for name in after if name.endswith("running_mean")} <= unmoved
    assert unmoved <= {name for name in after if any(name.startswith(norm) for norm in norms)} | {
        "head.linear.bias"
    }


def test_a_supernet_of_another_size_is_refused(whole):
    nodes, space, _ = whole
    alone = build_network(nodes, space.sample(np.random.default_rng(1)), CONTEXT)
    body = [{"op": "video_stem", "channels": 2}, NETWORK["body"][1]]
    narrow = supernet(expanded(NETWORK | {"body": body}))
    with pytest.raises(ValueError, match=r"is \(.*\) there and \(.*\) here"):
        take_over(alone, narrow.state_dict())
    with pytest.raises(ValueError, match="none of the network's weights"):
        take_over(alone, {})


def test_the_open_trellis_weighs_all_paths_evenly(whole):
    nodes, space, _ = whole
    opened = SupernetSpace(nodes, CONTEXT)
    (open_trellis,) = (m for m in opened.modules() if isinstance(m, OpenTrellis))
    even = {p.label: np.full(len(p.options), 1 / len(p.options)) for p in space.points}
    x = torch.randn(1, 4, 6, 6, 6)
    with torch.no_grad():
        expected = open_trellis.eval()(x)
        open_trellis.trellis.take(even)
        assert torch.equal(open_trellis(x), expected)
    assert {m.label for m in open_trellis.mutables} == {point.label for point in space.points}


# --- what is computed ----------------------------------------------------------------------------


class Times(nn.Module):
    """Multiplies by a number, repeats channels to a width, and counts its calls."""

    def __init__(self, by: float, width: int | None = None) -> None:
        super().__init__()
        self.by, self.width, self.calls = by, width, 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return (x if self.width is None else x[:, :1].expand(-1, self.width, *x.shape[2:])) * self.by


def times_operator() -> OpNode:
    return OpNode(Operator(name="times", target=Times, params=Params, contract="video"), {})


def toy() -> tuple[Trellis, dict[str, Any]]:
    """Two stages of widths (1, 2) and (1, 3), one layer of two operators in the second."""
    first, second = ForkNode("a", (1, 2)), ForkNode("b", (1, 3), "a", "b.out")
    layer = ForkNode("b.layer", ("x2", "x5"), "b")
    stages = (StageNode("a", first, times_operator(), ()), StageNode("b", second, times_operator(), (layer,)))
    node = TrellisNode(stages, (("x2", times_operator()), ("x5", times_operator())))
    heads = {(0, j): Times(2.0 + j, width) for j, width in enumerate((1, 2))}
    heads |= {(1, i, j): Times(1.0 + 10 * i + j, width) for i in range(2) for j, width in enumerate((1, 3))}
    layers = {("layer", j, o): Times(by) for j in range(2) for o, by in enumerate((2.0, 5.0))}
    trellis = Trellis(
        node,
        [
            [Candidate([heads[0, j]], []) for j in range(2)],
            [
                Candidate(
                    [heads[1, i, j] for i in range(2)], [[layers["layer", j, 0], layers["layer", j, 1]]]
                )
                for j in range(2)
            ],
        ],
    )
    return trellis, {**heads, **layers}


WEIGHTS = {
    "a": [0.25, 0.75],
    "b": [[0.5, 0.5], [0.2, 0.8]],
    "b.layer": [[0.9, 0.1], [0.3, 0.7]],
    "b.out": [0.4, 0.6],
}


def expected_sum() -> list[float]:
    """The three channels of the toy's output for an input of 1, by hand."""
    a = [0.25 * 2, 0.75 * 3]
    entry = [0.5 * 1 * a[0] + 0.2 * 11 * a[1], 0.5 * 2 * a[0] + 0.8 * 12 * a[1]]
    state = [entry[0] * (0.9 * 2 + 0.1 * 5), entry[1] * (0.3 * 2 + 0.7 * 5)]
    return [0.4 * state[0] + 0.6 * state[1], 0.6 * state[1], 0.6 * state[1]]


@pytest.mark.parametrize("tracked", [True, False])
def test_all_paths_are_summed_and_narrow_widths_filled_up_with_zeros(tracked: bool):
    trellis, _ = toy()
    trellis.take({label: torch.tensor(rows) for label, rows in WEIGHTS.items()}, tracked=tracked)
    out = trellis(torch.ones(1, 1, 2, 2, 2))
    assert out.shape == (1, 3, 2, 2, 2)
    assert out[0, :, 0, 0, 0].tolist() == pytest.approx(expected_sum(), rel=1e-5)


def test_gradients_reach_all_weights_that_play_a_part():
    trellis, _ = toy()
    weights = {label: torch.tensor(rows, requires_grad=True) for label, rows in WEIGHTS.items()}
    trellis.take(weights, tracked=True)
    trellis(torch.ones(1, 1, 2, 2, 2)).sum().backward()
    for label, weight in weights.items():
        assert weight.grad is not None, label
        assert bool((weight.grad != 0).all()), label


def test_what_has_no_weight_is_not_computed():
    trellis, modules = toy()
    weights = {"a": [1.0, 0.0], "b": [[0.0, 1.0], [0.5, 0.5]], "b.layer": [[1.0, 0.0], [0.0, 1.0]]}
    trellis.take({label: np.array(rows) for label, rows in weights.items()} | {"b.out": np.array([0.5, 0.5])})
    out = trellis(torch.ones(1, 1, 2, 2, 2))
    assert {key for key, module in modules.items() if module.calls} == {
        (0, 0),
        (1, 0, 1),
        ("layer", 1, 1),
    }
    assert out[0, :, 0, 0, 0].tolist() == pytest.approx([0.5 * 2 * 2 * 5] * 3)


def test_a_weight_of_zero_gets_no_gradient_and_runs_nothing_where_weights_are_tracked():
    trellis, modules = toy()
    weights = {label: torch.tensor(rows) for label, rows in WEIGHTS.items()}
    weights["b.layer"] = torch.tensor([[0.0, 1.0], [1.0, 0.0]], requires_grad=True)
    trellis.take(weights, tracked=True)
    trellis(torch.ones(1, 1, 2, 2, 2)).sum().backward()
    assert [modules["layer", j, o].calls for j in range(2) for o in range(2)] == [0, 1, 1, 0]
    assert (weights["b.layer"].grad != 0).tolist() == [[False, True], [True, False]]


def test_without_weights_of_its_own_the_end_takes_those_of_the_last_width():
    trellis, _ = toy()
    x = torch.ones(1, 1, 2, 2, 2)
    rows = {label: torch.tensor(weight) for label, weight in WEIGHTS.items() if label != "b.out"}
    trellis.take(rows)
    found = trellis(x)
    trellis.take(rows | {"b.out": torch.tensor(WEIGHTS["b"]).mean(0)})
    assert torch.equal(found, trellis(x))


def test_every_option_has_a_place_in_the_shape_of_the_weights(whole):
    _, space, net = whole
    trellis = trellis_of(net)
    places = trellis.places()
    assert set(places) == {point.label for point in space.points}
    for point in space.points:
        shape = weight_shape(space.points, point)
        assert np.array(places[point.label]).shape == (shape if len(shape) == 2 else (1, *shape))
        for row in places[point.label]:
            for path in row:
                trellis.get_submodule(path)


def test_an_operator_that_changes_the_shape_is_no_layer():
    trellis = NETWORK["body"][1]["trellis"]
    wide = trellis | {"from": {"wide": {"op": "r2plus1d_block", "channels": 99}}}
    nodes = expanded(NETWORK | {"body": [NETWORK["body"][0], {"trellis": wide}]})
    with pytest.raises(SpecError, match="a layer of a trellis keeps the shape"):
        SupernetSpace(nodes, CONTEXT)
    with pytest.raises(SpecError, match="a layer of a trellis keeps the shape"):
        build_network(nodes, SearchSpace(nodes).sample(np.random.default_rng(0)), CONTEXT)
