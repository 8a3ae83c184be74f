"""`skelbench check SPEC --data PATH` reads the recordings as a run would."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from skelbench.cli.app import app
from skelbench.errors import SpecError
from tests.engine import tiny
from tests.plugins.datasets.own import SBU, sbu


def described(tmp_path: Path, change: tuple[str, str] = ("", "")) -> Path:
    sbu(tmp_path / "data")
    fields = "".join(f"    {line}\n" for line in SBU.strip().splitlines()).replace(*change)
    path = tmp_path / "my.yaml"
    path.write_text(f"data:\n  root: data\n  dataset:\n    name: skeletons\n{fields}")
    return path


def test_what_a_run_would_find_is_said(tmp_path: Path) -> None:
    path = described(tmp_path, ("{folds: 2}", "{share: 0.7}"))
    sets = ("--set", "train.validation.by=random", "--set", "train.validation.fraction=0.5")
    done = CliRunner().invoke(
        app, ["check", "sgn", "--profile", "quick", "--data", str(path), "--json", *sets]
    )
    assert done.exit_code == 0, done.output
    (row,) = json.loads(done.stdout)
    facts = "\n".join(row["recordings"])
    assert "share: " in facts
    assert "42 of 42 recordings are shorter than a clip of" in facts
    assert any(note.startswith("joints: 15") for note in row["notes"])


def test_recordings_that_do_not_fit_are_a_problem_of_the_check(tmp_path: Path) -> None:
    path = described(tmp_path, ("openni15", "kinect20"))
    done = CliRunner().invoke(app, ["check", "sgn", "--profile", "quick", "--data", str(path)])
    assert isinstance(done.exception, SpecError)
    assert done.exception.exit_code == 2
    assert "skeleton_pos.txt" in str(done.exception)


def test_a_network_that_leaves_nothing_to_search_is_built_too(tmp_path: Path) -> None:
    network = {"input": "data_bn", "body": ["block_graph_conv"], "head": "mean_pool_linear"}
    path = tiny.write(tmp_path, tiny.spec(network=network, architectures={}))
    done = CliRunner().invoke(app, ["check", str(path)])
    assert isinstance(done.exception, SpecError)
    assert "tiny.yaml:12: 8 groups do not divide 3" in str(done.exception)
