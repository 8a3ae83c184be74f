"""The command: what it prints for people, pipes and programs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from skelbench_plugins.datasets.ucla.reader import UclaReader
from typer.testing import CliRunner

from skelbench.cli.predict import predict
from skelbench.errors import RunFolderError
from skelbench.results.store import RunFolder
from tests.engine.tiny import only_run, run
from tests.results.records import record


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    UclaReader().synthesise(folder / "raw", clips=24, seed=0, classes=3)
    run(folder, folder / "raw", arch="plain")
    return only_run(folder / "runs").path


def invoke(*arguments: object) -> str:
    app = typer.Typer()
    app.command()(predict)
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.stdout


def test_a_pipe_gets_a_line_for_each_class_named(trained: Path) -> None:
    file = min((trained.parents[1] / "raw" / "all_sqe").glob("*.json"))
    head, *rows = [line.split("\t") for line in invoke(trained, file, "--top", 2).splitlines()]
    assert head == ["recording", "frames", "rank", "label", "probability"]
    assert [row[2] for row in rows] == ["1", "2"]
    assert {row[0] for row in rows} == {file.name}
    assert all(row[3] in UclaReader.class_names for row in rows)


def test_json_tells_windows_with_their_times(trained: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "long.npy", np.random.default_rng(0).normal(size=(60, 20, 3)))
    told = json.loads(
        invoke(trained, "--npz", tmp_path / "long.npy", "--window", 40, "--fps", 20, "--top", 1, "--json")
    )
    assert [(one["start"], one["stop"], one["seconds"]) for one in told] == [
        (0, 40, [0.0, 2.0]),
        (20, 60, [1.0, 3.0]),
    ]
    assert all(0 < one["classes"][0]["probability"] <= 1 for one in told)
    whole = json.loads(invoke(trained, "--npz", tmp_path / "long.npy", "--top", 99, "--json"))
    assert sum(best["probability"] for best in whole[0]["classes"]) == pytest.approx(1, abs=1e-5)
    assert whole[0]["seconds"] is None


def test_a_fusion_says_which_runs_to_name(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "both", "abcd1234", 0)
    folder.write_record(record(fusion={"one": 0.5, "two": 0.5}, run=folder.name))
    with pytest.raises(RunFolderError, match=r"no network of their own.*one, two"):
        invoke(folder.path, tmp_path)
