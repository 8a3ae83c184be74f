"""The commands `runs` and `show`."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from skelbench.cli import app as cli
from skelbench.errors import RunFolderError
from skelbench.results.store import ARCHITECTURE, RunFolder
from tests.results.records import record
from tests.shown import invoke, rows

RUNS = Path("runs")


@pytest.fixture(autouse=True)
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = RunFolder.create(tmp_path / "runs", "sgcn", "01234567" * 2, 0)
    folder.write_record(record(run=folder.name, choices={"graph_1": ["a"], "graph_2": ["b"]}))
    folder.save_scores(np.array(["x", "y"]), np.array([0, 1]), np.eye(2)[[0, 0]])
    return folder


def test_runs_are_listed_with_state_progress_and_result():
    RunFolder.create(RUNS, "sgcn", "89abcdef", 1)
    shown = rows("runs")
    assert {row["run"]: row["state"] for row in shown} == {
        "sgcn-01234567-0": "finished",
        "sgcn-89abcdef-1": "interrupted",
    }
    assert {row["run"]: row["result"] for row in shown}["sgcn-01234567-0"].startswith("top1 90.00 %")
    assert {one["state"] for one in json.loads(invoke("runs", "runs", "--json").stdout)} == {
        "finished",
        "interrupted",
    }


def test_a_run_is_shown_with_its_architecture_its_classes_and_what_is_next():
    said = invoke("show", "runs/sgcn-01234567-0").stdout
    assert "top1        90.00 % (95 %: 86.93 to 92.41)" in said
    assert "graph_1  ●  ·" in said
    assert "1    0.0 % right, most often taken for 0" in said
    assert "skelbench compare runs/sgcn-01234567-0 OTHER" in said


def test_the_same_as_json():
    said = json.loads(invoke("show", "runs/sgcn-01234567-0", "--json").stdout)
    assert said["choices"] == {"graph_1": ["a"], "graph_2": ["b"]}
    assert said["hardest_classes"] == [{"class": 1, "accuracy": 0.0, "taken_for": 0}]
    assert said["record"]["run"] == "sgcn-01234567-0"
    assert said["next"]


def test_an_unfinished_run_shows_what_it_has(run):
    other = RunFolder.create(RUNS, "sgcn", "89abcdef", 1)
    other.write_text(ARCHITECTURE, "choices: {x: y}\n")
    said = invoke("show", str(other.path)).stdout
    assert "interrupted" in said
    assert "x  y" in said
    assert "goes on where it stopped" in said


@pytest.mark.parametrize("text", ["[", "- 1", "choices: 3"])
def test_a_damaged_architecture_is_refused_with_its_place(text):
    other = RunFolder.create(RUNS, "sgcn", "89abcdef", 1)
    other.write_text(ARCHITECTURE, text)
    failed = invoke("show", str(other.path)).exception
    assert isinstance(failed, RunFolderError)
    assert "the architecture is damaged" in str(failed)


def test_a_folder_of_runs_is_no_run():
    assert "this is a folder of runs" in str(invoke("show", "runs").exception)


def test_leftovers_are_listed_and_removed_and_nothing_finished_is(tmp_path: Path):
    run = next(RUNS.glob("sgcn-*"))
    (run / "checkpoints" / "trial-x").mkdir(parents=True)
    (run / ".record.json.77.tmp").write_text("half")
    store = RUNS / ".stores" / "ucla-x"
    store.mkdir(parents=True)
    (store / "store.json").write_text("{}")
    raw = RUNS / ".stores" / "ucla-synthetic-240-10"
    raw.mkdir()
    aside = RUNS / ".previous-1" / "old-01234567-0"
    aside.mkdir(parents=True)
    (aside / "run.json").write_text("{}")
    before = sorted(path for path in run.rglob("*") if path.is_file() and ".tmp" not in path.name)
    listed = CliRunner().invoke(cli.app, ["runs", "clean", "runs"], input="n\n")
    assert listed.exit_code == 1
    assert (store / "store.json").exists()
    for name in ("trial-x", ".record.json.77.tmp", "ucla-x"):
        assert name in listed.output
    assert "old-01234567-0" not in listed.stdout
    assert CliRunner().invoke(cli.app, ["runs", "clean"], input="y\n").exit_code == 0
    assert sorted(path for path in run.rglob("*") if path.is_file() and path.name != "lock") == [
        path for path in before if path.name != "lock"
    ]
    assert not store.exists()
    assert raw.exists()
    assert aside.exists()
    assert CliRunner().invoke(cli.app, ["runs", "clean", "--earlier", "--yes"]).exit_code == 0
    assert not aside.exists()
    assert invoke("runs", "clean").stdout == "nothing is left over\n"


def test_what_a_process_is_writing_stays():
    run = next(RUNS.glob("sgcn-*"))
    (run / "checkpoints" / "trial-x").mkdir(parents=True)
    with RunFolder(run).lock():
        assert "a process works on them" in invoke("runs", "clean", "--yes").stderr
        assert (run / "checkpoints" / "trial-x").exists()
