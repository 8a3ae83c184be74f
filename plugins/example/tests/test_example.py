"""The conformance suites that skelbench offers, run over this plugin's components."""

from __future__ import annotations

import json
import subprocess
from importlib.resources import files

from skelbench.testing.datasets import DatasetConformance
from skelbench.testing.operators import GraphModuleConformance, OperatorConformance
from skelbench.testing.strategies import StrategyConformance


class TestGate(OperatorConformance):
    name = "example.gate"


class TestUniform(GraphModuleConformance):
    name = "example.uniform"


class TestClimb(StrategyConformance):
    name = "example.climb"


class TestCsv(DatasetConformance):
    name = "example.csv"


def test_the_whole_way(tmp_path):
    space = files("skelbench_example") / "space.yaml"
    subprocess.run(["skelbench", "data", "synth", "example.csv", "data", "--clips", "96"], cwd=tmp_path, check=True)
    command = ["skelbench", "run", str(space), "--data", "data", "--json"]
    out = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    record = json.loads(out)
    assert record["strategy"]["name"] == "example.climb"
    assert 0 <= record["metrics"]["top1"] <= 100
