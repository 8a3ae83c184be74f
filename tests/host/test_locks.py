"""Locks: one holder at a time, whatever becomes of the file, and freed when the holder dies."""

from __future__ import annotations

import errno
import fcntl
import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from skelbench.host.locks import NO_LOCKS, Held, take_lock

FORK = multiprocessing.get_context("fork")


def _hold(path: Path, inside: Any, overlaps: Any, turns: int) -> None:
    """Take the lock some times, remove its file, and count who else is inside meanwhile."""
    for _ in range(turns):
        lock = take_lock(path, wait=True)
        with inside.get_lock():
            inside.value += 1
            overlaps.value += inside.value > 1
        time.sleep(0.001)
        with inside.get_lock():
            inside.value -= 1
        path.unlink()
        lock.release()


def test_no_two_hold_it_although_its_file_is_removed(tmp_path: Path) -> None:
    inside, overlaps = FORK.Value("i", 0), FORK.Value("i", 0)
    given = (tmp_path / "x.lock", inside, overlaps, 60)
    processes = [FORK.Process(target=_hold, args=given) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
    assert overlaps.value == 0


def test_it_goes_with_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    ready = FORK.Event()

    def hold() -> None:
        _lock = take_lock(path, wait=False)
        ready.set()
        time.sleep(60)

    process = FORK.Process(target=hold)
    process.start()
    assert ready.wait(30)
    with pytest.raises(Held):
        take_lock(path, wait=False)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join(30)
    take_lock(path, wait=True).release()


def test_a_file_system_without_locks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_given: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(OSError, match=NO_LOCKS):
        take_lock(tmp_path / "x.lock", wait=True)
