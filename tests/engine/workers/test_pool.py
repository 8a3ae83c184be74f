"""The pool over real processes: whatever becomes of them, every task comes back once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skelbench.engine.workers import local
from skelbench.engine.workers.local import LocalWorkers
from skelbench.engine.workers.pool import Pool
from skelbench.engine.workers.work import Answer
from skelbench.errors import WorkFailed

from .made import CannotBegin, Does, EndsAtOnce

SOON = 60.0
"""Seconds in which anything here happens, on a machine that is busy with other things."""


def carried_out(
    tasks: list[Any], folder: Path, workers: int = 2, timeout: float | None = None
) -> list[Answer]:
    """The answer to each task, in the order of the tasks."""
    answers: dict[int, Answer] = {}
    with Pool(LocalWorkers(workers), Does(folder), timeout) as pool:
        for number, task in enumerate(tasks):
            pool.submit(number, task)
        while pool.pending:
            for number, answer in pool.wait():
                assert number not in answers, "a task comes back once"
                answers[number] = answer
    return [answers[number] for number in range(len(tasks))]


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + SOON
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    return "State:\tZ" not in status


def test_tasks_are_shared_by_workers_that_live_on_and_have_one_thread(tmp_path: Path):
    tasks = [("pid", 0.05)] * 30 + [("double", 3), ("environment", "OMP_NUM_THREADS")]
    *pids, double, threads = carried_out(tasks, tmp_path)
    assert len({answer.value for answer in pids}) == 2, "no worker is started for each task"
    assert os.getpid() not in {answer.value for answer in pids}
    assert (double.value, threads.value) == (6, "1")
    assert all(answer.seconds >= 0.05 for answer in pids)


def test_what_a_task_raises_is_its_answer_and_what_ends_its_worker_is_tried_twice(tmp_path: Path):
    tasks = [("fail", "no luck"), ("die", 3), ("die_once", 5.0), ("leave", 2), ("double", 1)]
    failed, died, once, left, well = carried_out(tasks, tmp_path)
    assert failed.error == "ValueError: no luck"
    assert "in fail" in failed.traceback, "down to the line that raised"
    assert died.error == "WorkerLost: the worker ended with exit code 3, twice"
    assert (once.value, once.error) == (5.0, "")
    assert left.error == "SystemExit: 2"
    assert well.value == 2


def test_a_task_that_takes_too_long_has_failed_and_the_others_go_on(tmp_path: Path):
    *hung, well, also = carried_out(
        [("hang", 600), ("hang", 600), ("double", 1), ("double", 2)], tmp_path, 2, 1.5
    )
    assert [answer.error for answer in hung] == ["TimeoutError: not done after 1.5 s"] * 2
    assert all(answer.seconds >= 1.5 for answer in hung)
    assert (well.value, also.value) == (2, 4)
    assert len(list(tmp_path.glob("pid-*"))) == 2, "it is not tried again"


def test_no_worker_outlives_the_pool(tmp_path: Path):
    with Pool(LocalWorkers(1), Does(tmp_path)) as pool:
        pool.submit(0, ("pid", 0))
        ((_, answer),) = pool.wait()
        assert alive(answer.value)
    assert not alive(answer.value)


@pytest.mark.parametrize("sign", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_no_worker_outlives_a_parent_that_is_killed(sign: int, tmp_path: Path):
    code = f"from tests.engine.workers.made import hang_in_workers; hang_in_workers({str(tmp_path)!r})"
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[3])
    try:
        until(lambda: len(list(tmp_path.glob("pid-*"))) == 2)
        pids = [int(path.name.removeprefix("pid-")) for path in tmp_path.glob("pid-*")]
        assert all(alive(pid) for pid in pids)
    finally:
        parent.send_signal(sign)
        parent.wait()
    until(lambda: not any(alive(pid) for pid in pids))


@pytest.mark.parametrize(
    ("evaluate", "told"),
    [
        (CannotBegin(), "a worker cannot begin: OSError: no room here"),
        (EndsAtOnce(), "workers die before they have begun; the last one ended with exit code 7"),
        (lambda task: task, "the trials cannot be sent to another process: "),
    ],
    ids=["raises", "ends", "cannot be sent"],
)
def test_workers_that_cannot_begin_are_told(evaluate: Any, told: str):
    def work() -> None:
        with Pool(LocalWorkers(1), evaluate) as pool:
            pool.submit(0, None)
            pool.wait()

    with pytest.raises(WorkFailed) as error:
        work()
    assert told in str(error.value)
    assert error.value.exit_code == 1


def test_there_are_as_many_workers_as_cores(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(local, "visible_devices", list)
    monkeypatch.setattr(local, "cores", lambda: 8)
    assert [LocalWorkers("auto").count, LocalWorkers("auto", threads=3).count, LocalWorkers(3).count] == [
        8,
        2,
        3,
    ]
    assert LocalWorkers("auto", threads=9).count == 1
    assert LocalWorkers(8).advice == ""
    assert LocalWorkers(5, threads=2).advice == "5 workers of 2 threads share 8 cores and hinder each other"


def test_each_worker_has_a_gpu_to_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(local, "visible_devices", lambda: ["4", "7"])
    assert LocalWorkers("auto").count == 2
    seen = carried_out([("environment", "CUDA_VISIBLE_DEVICES"), ("pid", 1)] * 2, tmp_path)
    assert {answer.value for answer in seen if isinstance(answer.value, str)} <= {"4", "7"}
    assert "CUDA_VISIBLE_DEVICES" not in os.environ or os.environ["CUDA_VISIBLE_DEVICES"] not in ("4", "7")
