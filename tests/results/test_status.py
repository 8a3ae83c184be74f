"""How far runs have come: states, progress, and folders that cannot be read."""

import os
import subprocess
import sys

import pytest

from skelbench.errors import RunFolderError
from skelbench.results.status import run_status, run_statuses
from skelbench.results.store import SPEC, RunFolder
from tests.results.records import record


@pytest.fixture
def folder(tmp_path):
    made = RunFolder.create(tmp_path / "runs", "sgcn", "01234567" * 2, 0)
    made.write_text(SPEC, "name: sgcn\nsearch: {epochs: 3}\n")
    return made


def trial(number, **more):
    return {"kind": "trial", "generation": 0, "number": number, "fitness": 1.0, **more}


def epoch(number):
    return {"kind": "epoch", "generation": number - 1, "number": -1, "epoch": number}


def test_a_run_that_has_just_begun(folder):
    status = run_status(folder.path)
    assert (status.state, status.progress, status.headline) == ("interrupted", "begun", "")


def test_a_search_says_how_far_it_is(folder):
    for line in (epoch(1), trial(0), trial(1), epoch(2)):
        folder.append_trial(line)
    assert run_status(folder.path).progress == "epoch 2 of 3, 2 candidates"
    folder.append_trial(epoch(3))
    assert run_status(folder.path).progress.endswith("training what was found")


@pytest.mark.parametrize("spec", ["", "[", "- a", "search: 3", "search: {epochs: many}"])
def test_a_spec_that_says_nothing_of_epochs_is_no_matter(folder, spec):
    folder.write_text(SPEC, spec)
    folder.append_trial(epoch(1))
    assert run_status(folder.path).progress == "epoch 1"


def test_a_run_is_running_while_its_process_lives(folder):
    with folder.lock():
        assert run_status(folder.path).state == "running"
    assert run_status(folder.path).state == "interrupted"


def test_a_process_that_was_killed_runs_no_more(folder):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (folder.path / "lock.holder").write_text(f"{dead.pid}\n")
    assert run_status(folder.path).state == "interrupted"


def test_a_finished_run_tells_its_metrics_and_cost(folder):
    folder.write_record(record())
    status = run_status(folder.path)
    assert (status.state, status.progress, status.trials) == ("finished", "done", 100)
    assert status.headline == "top1 90.00 %, top5 99.00 %, 4.14 GMACs"
    assert status.as_data()["metrics"] == {"top1": 90.0, "top5": 99.0}


def test_failed_trials_are_told(folder):
    folder.append_trial(trial(0, error="ValueError: no", traceback="..."))
    assert run_status(folder.path).headline == "1 trials failed, the last: ValueError: no"
    folder.write_record(record(status="failed", metrics={}, failures=[{"trial": 0, "error": "x"}]))
    assert run_status(folder.path).state == "failed"


def test_a_damaged_run_hides_no_other(folder):
    whole = RunFolder.create(folder.path.parent, "other", "01234567", 1)
    (folder.path / "record.json").write_text("{")
    states = {status.run: (status.state, status.problem[:22]) for status in run_statuses(folder.path.parent)}
    assert states == {folder.name: ("damaged", "the record is not JSON"), whole.name: ("interrupted", "")}


def test_the_latest_written_stands_first(folder):
    other = RunFolder.create(folder.path.parent, "other", "01234567", 1)
    os.utime(folder.path / "run.json", (0, 0))
    listed = run_statuses(folder.path.parent)
    assert [status.run for status in listed] == [other.name, folder.name]
    assert listed[1].age.endswith(" d")


def test_what_is_no_run_or_no_folder_is_refused(tmp_path):
    with pytest.raises(RunFolderError, match="cannot open the run"):
        run_status(tmp_path)
    with pytest.raises(RunFolderError, match="no such folder of runs"):
        run_statuses(tmp_path / "none")
