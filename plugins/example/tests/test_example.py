"""The conformance suites that skelbench offers, run over this plugin's components."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from skelbench_example.figures import worst_class
from skelbench_example.shift import Shift
from skelbench_example.topology import RefinedConv, RefinedGraph, skeleton

from skelbench.testing.datasets import DatasetConformance
from skelbench.testing.metrics import MetricConformance
from skelbench.testing.operators import GraphModuleConformance, OperatorConformance, context
from skelbench.testing.strategies import StrategyConformance


class TestShift(OperatorConformance):
    """The operator by shifts."""

    name = "example.shift"


class TestFarShift(OperatorConformance):
    """Beyond the end of the clip."""

    name = "example.shift"
    params = {"frames": 20}  # noqa: RUF012


class TestRefinedConv(OperatorConformance):
    """The operator with a graph for each channel."""

    name = "example.ctr_conv"


class TestRefinedConvOnRefinedGraph(OperatorConformance):
    """The same with a topology that depends on the clip."""

    name = "example.ctr_conv"
    params = {"channels": 8, "graph": {"op": "example.ctr", "embed": 2}, "embed": 3}  # noqa: RUF012
    layout = "ucla20"


class TestRefinedGraph(GraphModuleConformance):
    """The graph module."""

    name = "example.ctr"


class TestClimb(StrategyConformance):
    """The strategy."""

    name = "example.climb"


class TestWorstClass(MetricConformance):
    """The metric."""

    name = "example.worst_class"


class TestCsv(DatasetConformance):
    """The data set."""

    name = "example.csv"


def skelbench(*arguments, folder):
    """What a command prints, run in a folder."""
    command = [str(Path(sys.executable).with_name("skelbench")), *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_whole_way(tmp_path):
    """From made-up recordings through a search to a leaderboard row, with every component in use."""
    space = files("skelbench_example") / "space.yaml"
    skelbench("data", "synth", "example.csv", "data", "--clips", 96, folder=tmp_path)
    skelbench("check", space, folder=tmp_path)
    record = json.loads(skelbench("run", space, "--data", "data", "--json", folder=tmp_path))
    assert record["strategy"]["name"] == "example.climb"
    assert record["synthetic"]
    trials = record["search"]["trials"]
    assert 1 <= trials <= 4  # an architecture proposed twice is evaluated once
    assert 0 <= record["metrics"]["example.worst_class"] <= record["metrics"]["top1"] <= 100
    assert record["plugins"]["example"] == "skelbench-example 0.1.0"
    assert record["run"] in (tmp_path / "runs" / record["run"] / "example.txt").read_text()
    assert f'"example.trials": {trials}' in skelbench("leaderboard", "--json", folder=tmp_path)


def test_every_shift_is_from_another_joint_and_frame(skelbench_registry):
    """What a unit in one place becomes, before channels are mixed."""
    place = context(skelbench_registry)  # 8 channels of 25 joints
    shift = Shift(place, frames=1)
    x = torch.zeros(1, 8, 5, 25)
    x[0, :, 2, 10] = 1
    found = {tuple(place) for place in shift.shifted(x)[0].nonzero().tolist()}
    frame = {
        0: 3,
        1: 3,
        6: 1,
        7: 1,
    }  # of 8 channels two come from the frame before and two from the one after
    assert found == {(c, frame.get(c, 2), 10 - c) for c in range(8)}


def test_a_topology_is_the_skeleton_until_it_is_refined(skelbench_registry):
    """Alpha is 0 at first and all clips have one graph; then each has its own."""
    place = context(skelbench_registry)
    graph, x = RefinedGraph(place, embed=4), torch.randn(2, 8, 6, 25)
    assert torch.equal(graph(x)[0], skeleton(place.layout))
    assert torch.equal(graph(x)[0], graph(x)[1])
    torch.nn.init.ones_(graph.alpha)
    assert not torch.allclose(graph(x)[0], graph(x)[1])


def test_each_channel_has_a_graph_of_its_own(skelbench_registry):
    """The convolution is the sum over subsets and joints, written out for one entry of the output."""
    place = context(skelbench_registry)
    graph = RefinedGraph(place, embed=2)
    conv = RefinedConv(place, channels=8, graph=graph, embed=2).eval()
    torch.nn.init.ones_(conv.alpha)
    x = torch.randn(1, 8, 3, 25)
    refined = conv.refine(conv.differences(x).flatten(1, 2)).view(3, 8, 25, 25)
    features = conv.features(x).view(3, 8, 3, 25)
    c, t, v = 5, 1, 7
    matrices = skeleton(place.layout)[:, :, v] + refined[:, c, :, v]
    value = (features[:, c, t] * matrices).sum() / (1 + conv.bn.eps) ** 0.5 + x[0, c, t, v]
    torch.testing.assert_close(conv(x)[0, c, t, v], value.relu())


def test_the_worst_class_counts_not_the_mean():
    """One class at a half is a half, however good the others are."""
    scores = np.eye(3)[[0, 0, 1, 2]]
    assert worst_class(scores, np.array([0, 0, 1, 1])) == 50
    assert worst_class(scores, np.array([0, 0, 1, 2])) == 100
