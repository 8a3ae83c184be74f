"""Ray, where it is installed: tasks come back as from any workers, and nothing is left of it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from skelbench.engine.workers.pool import Pool
from skelbench.engine.workers.ray_guard import TOKEN, carriers
from skelbench.engine.workers.ray_workers import RayWorkers
from skelbench.errors import SkelbenchError
from skelbench.host import stopping

from .made import CannotBegin, Does
from .test_pool import alive, until

pytest.importorskip("ray")
pytestmark = pytest.mark.slow  # Ray takes its time to start


def listeners(pids: set[int]) -> set[str]:
    """The addresses that processes listen on, as hexadecimal numbers."""
    inodes = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(link))
            inodes |= {found[1]} if found else set()
    lines = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{name}").read_text().splitlines()
    ]
    return {line[1].partition(":")[0] for line in lines if line[3] == "0A" and line[9] in inodes}


def test_tasks_come_back_from_ray_on_the_loopback_and_nothing_is_left(tmp_path: Path) -> None:
    home = Path.home() / ".ray"
    there = home.exists()
    workers = RayWorkers(workers=2)
    assert workers.count == 2
    token = os.environ[TOKEN]
    handlers = {number: signal.getsignal(number) for number in stopping.STOPS}
    tasks = [("double", 3), ("fail", "no luck"), ("die_once", 5.0), ("environment", "OMP_NUM_THREADS")]
    answers = {}
    with Pool(workers, Does(tmp_path), timeout=60) as pool:
        for number, task in enumerate(tasks):
            pool.submit(number, task)
        while pool.pending:
            answers |= dict(pool.wait())
        assert {number: signal.getsignal(number) for number in stopping.STOPS} == handlers
        pids = set(carriers(token))
        heard = listeners(pids)
    assert [answers[n].value for n in (0, 2, 3)] == [6, 5.0, "1"]
    assert answers[1].error == "ValueError: no luck"
    assert (tmp_path / "died").exists()
    assert len(pids) >= 4, "Ray's own processes and the workers"
    assert heard <= {"0100007F", "0000000000000000FFFF00000100007F"}, "127.0.0.1 alone"
    assert not any(alive(pid) for pid in pids)
    assert TOKEN not in os.environ
    assert home.exists() == there


def test_a_second_ray_begins_in_the_same_process_and_tells_what_cannot_begin(tmp_path: Path) -> None:
    for memory in (None, 0.5):
        with Pool(RayWorkers(workers=1, memory=memory), Does(tmp_path)) as pool:
            pool.submit(0, ("die", 3))
            ((_, answer),) = pool.wait()
            assert re.match(r"WorkerLost: the worker was lost: The actor died .*, twice", answer.error)
    with Pool(RayWorkers(workers=1), CannotBegin()) as pool:
        pool.submit(0, None)
        with pytest.raises(SkelbenchError, match="a worker cannot begin: OSError: no room here"):
            pool.wait()
    with pytest.raises(
        SkelbenchError, match="no machine of the cluster has 999 processor cores for a worker"
    ):
        RayWorkers(threads=999)
    with pytest.raises(SkelbenchError, match=r"Ray cannot be reached at '127\.0\.0\.1:1'"):
        RayWorkers("127.0.0.1:1")


def test_nothing_of_ray_outlives_a_parent_that_is_killed(tmp_path: Path) -> None:
    code = f"from tests.engine.workers.made import hang_on_ray; hang_on_ray({str(tmp_path)!r})"
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[3])
    try:
        until(lambda: len(list(tmp_path.glob("pid-*"))) == 1)
        token, folder = (tmp_path / "token").read_text(), Path((tmp_path / "folder").read_text())
        pids = set(carriers(token))
        assert len(pids) >= 4
        assert folder.exists()
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    until(lambda: not any(alive(pid) for pid in pids) and not folder.exists())
