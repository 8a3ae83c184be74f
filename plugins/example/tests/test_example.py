"""The conformance suites that skelbench offers, run over this plugin's components."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
from skelbench_example.figures import worst_class

from skelbench.testing.datasets import DatasetConformance
from skelbench.testing.operators import GraphModuleConformance, OperatorConformance
from skelbench.testing.strategies import StrategyConformance


class TestGate(OperatorConformance):
    """The operator."""

    name = "example.gate"


class TestUniform(GraphModuleConformance):
    """The graph module."""

    name = "example.uniform"


class TestClimb(StrategyConformance):
    """The strategy."""

    name = "example.climb"


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
    assert f'"example.trials": {trials}' in skelbench("leaderboard", "--format", "json", folder=tmp_path)


def test_the_worst_class_counts_not_the_mean():
    """One class at a half is a half, however good the others are."""
    scores = np.eye(3)[[0, 0, 1, 2]]
    assert worst_class(scores, np.array([0, 0, 1, 1])) == 50
    assert worst_class(scores, np.array([0, 0, 1, 2])) == 100
