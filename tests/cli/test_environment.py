"""The environment that commands prepare for torch: read in fresh processes, where torch is not loaded yet."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from skelbench.cli import environment

SET = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")
PROBE = """
import os
from skelbench.cli import environment
environment.prepare({threads})
import torch
print(torch.get_num_threads(), *[os.environ[name] for name in {names}])
"""


def prepared(threads: int | None = None, **given: str) -> list[str]:
    """Threads of torch, and the environment, in a process of its own."""
    clean = {name: value for name, value in os.environ.items() if name not in SET}
    code = PROBE.format(threads=threads, names=SET)
    done = subprocess.run(
        [sys.executable, "-c", code], env={**clean, **given}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_threads_that_are_asked_for_are_those_of_torch() -> None:
    thresholds = [str(environment.MMAP_THRESHOLD), str(environment.TRIM_THRESHOLD)]
    assert prepared(1, OMP_NUM_THREADS="2") == ["1", "1", "PASSIVE", *thresholds]


def test_what_the_user_has_set_stays() -> None:
    given = dict(zip(SET, ("2", "ACTIVE", "1000000", "2000000"), strict=True))
    assert prepared(**given)[1:] == list(given.values())


def test_a_number_of_threads_still_counts_where_torch_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SET:
        monkeypatch.setenv(name, "1")
    before = torch.get_num_threads()
    try:
        environment.prepare(before + 1)
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("count", "load", "quota", "expected"),
    [
        (2, 0.1, "max 100000", 2),
        (2, 1.0, "max 100000", 1),
        (2, 9.0, "max 100000", 1),
        (64, 20.4, "max 100000", 44),
        (64, 0.0, "400000 100000", 4),
        (64, 0.0, "50000 100000", 1),
        (8, 0.0, "what is this", 8),
    ],
)
def test_as_many_threads_as_processors_are_idle(
    count: int, load: float, quota: str, expected: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(environment, "_QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(count)), raising=False)
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
    assert environment.idle_processors() == expected


def test_a_system_that_tells_neither_load_nor_quota_has_its_processors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(environment, "_QUOTA", Path("nowhere"))
    monkeypatch.delattr(os, "getloadavg", raising=False)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert environment.idle_processors() == 5
