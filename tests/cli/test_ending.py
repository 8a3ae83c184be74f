"""Stopping commands from outside, at any time: one line, an exit code, and the same command goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from skelbench_plugins.datasets.ucla.reader import UclaReader

from skelbench.results.store import RunFolder
from tests.engine import tiny

COMMAND = [sys.executable, "-m", "skelbench"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
GO_ON = "the same command goes on from here\n"


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("ucla")
    UclaReader().synthesise(root, clips=60, seed=0, classes=3)
    return root


def stopped(
    command: list[str], number: int, when: Callable[[str], bool], *, ignored: int | None = None
) -> tuple[int, str]:
    """Exit code and standard error of a command that gets a signal after the first line that says when."""
    ignore = partial(signal.signal, ignored, signal.SIG_IGN) if ignored else None
    with subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env=ENVIRONMENT,
        preexec_fn=ignore or partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stderr is not None
        before = []
        for line in process.stderr:
            before.append(line)
            if when(line):
                break
        else:
            pytest.fail(f"it ended before: {before}")
        process.send_signal(number)
        rest = process.stderr.read()
        return process.wait(60), rest


def test_sigterm_in_a_trial_ends_the_run_and_counts_against_nobody(raw: Path, tmp_path: Path):
    """As a background job of a shell, which ignores Ctrl-C."""
    data = tiny.spec(search=tiny.own("random", evaluations=4, batch=2) | {"trial_epochs": 40})
    spec = tiny.write(tmp_path, data)
    command = [*COMMAND, "run", str(spec), "--data", str(raw), "--runs", str(tmp_path / "runs")]
    command += ["--accelerator", "cpu"]
    code, told = stopped(
        command, signal.SIGTERM, lambda line: line.startswith("trial 0.0"), ignored=signal.SIGINT
    )
    assert code == 128 + signal.SIGTERM
    assert told == f"skelbench: stopped by SIGTERM; {GO_ON}"
    folder = tiny.only_run(tmp_path / "runs")
    assert all(line["fitness"] is not None for line in folder.trials() if line["kind"] == "trial")
    assert not list(folder.checkpoints.glob("trial-*"))


def test_a_lost_terminal_and_a_first_signal_while_starting_are_as_clean(tmp_path: Path):
    began = tmp_path / "began"
    code = f"""
import importlib.abc, sys
class Told(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "skelbench.cli.app":
            open({str(began)!r}, "w").close()
            import time
            time.sleep(30)
sys.meta_path.insert(0, Told())
from skelbench.__main__ import main
main()
"""
    for number in (signal.SIGINT, signal.SIGHUP):
        began.unlink(missing_ok=True)
        with subprocess.Popen(
            [sys.executable, "-c", code],
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=partial(signal.signal, number, signal.SIG_DFL),  # a shell or nohup may ignore it
        ) as process:
            assert process.stderr is not None
            while not began.exists():
                time.sleep(0.02)
            process.send_signal(number)
            assert process.stderr.read().endswith(GO_ON)
            assert process.wait(30) == 128 + number


def test_making_a_table_is_stopped_without_a_failure_in_its_journal(raw: Path, tmp_path: Path):
    data = tiny.spec(train={"epochs": 40, "batch_size": 16, "precision": "32", "optimizer": {"lr": 0.05}})
    spec = tiny.write(tmp_path, data)
    folder = tmp_path / "table"
    command = [
        *COMMAND,
        "table",
        "make",
        str(spec),
        "--data",
        str(raw),
        "--seeds",
        "1",
        "--folder",
        str(folder),
    ]
    code, told = stopped(command, signal.SIGTERM, lambda line: " seed 0  " in line)
    assert (code, told.splitlines()[-1] + "\n") == (143, f"skelbench: stopped by SIGTERM; {GO_ON}")
    kinds = [json.loads(line)["kind"] for line in (folder / "journal.jsonl").read_text().splitlines()]
    assert "failure" not in kinds


def test_an_exit_of_a_component_is_an_error_and_not_the_end_of_its_trial(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    from skelbench.cli import app as cli
    from skelbench.engine import trial

    def leave(*given: object, **options: object) -> None:
        sys.exit(0)

    spec = tiny.write(tmp_path, tiny.spec(search=tiny.own("random", evaluations=2, batch=1)))
    monkeypatch.setattr(trial, "fit", leave)
    given = ["--data", str(raw), "--runs", str(tmp_path / "runs"), "--accelerator", "cpu"]
    monkeypatch.setattr(sys, "argv", ["skelbench", "run", str(spec), *given])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert "a component asked to end the process: SystemExit: 0" in capsys.readouterr().err.splitlines()[-1]
    assert not RunFolder(tiny.only_run(tmp_path / "runs").path).trials()
