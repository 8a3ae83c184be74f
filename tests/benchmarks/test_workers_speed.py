"""Two workers against one, on trials that compute; it says something where two cores are free."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from skelbench.engine import nas
from skelbench.engine.journal import Journal
from skelbench.engine.nas.evolution import Evolution
from skelbench.engine.workers.local import LocalWorkers
from skelbench.engine.workers.pool import Pool
from skelbench.results.store import RunFolder
from skelbench.testing.replay import TabulatedSpace

TRIALS, LOOPS = 16, 3_000_000
EVOLVED, LONGER = 48, 4
WARM_UP = 2


def compute(loops: int) -> int:
    """Half a second or so of one core."""
    return sum(number * number for number in range(loops))


def seconds(workers: int) -> float:
    """Wall time of all trials, once the workers have begun."""
    with Pool(LocalWorkers(workers), compute) as pool:
        for number in range(WARM_UP):
            pool.submit(number, LOOPS)
        while pool.pending:
            pool.wait()
        started = time.perf_counter()
        for number in range(TRIALS):
            pool.submit(number, LOOPS)
        while pool.pending:
            pool.wait()
        return time.perf_counter() - started


def test_two_workers_against_one(benchmark: Any) -> None:
    alone = seconds(1)
    both = benchmark.pedantic(seconds, args=(2,), rounds=1)
    benchmark.extra_info["ratio"] = alone / both
    assert alone / both >= 1.8


def whole(asked: Any) -> float:
    """A trial that computes."""
    return float(compute(LONGER * LOOPS) + len(asked.sample))


def evolved(folder: Path, ahead: int) -> float:
    """Wall time of an evolution of 48 trials with two workers, their start included."""
    space = TabulatedSpace.of_choices(4, 4)
    params = {"population": 6, "tournament": 3, "mutation": 0.3, "crossover": False}
    search = Evolution(space, seed=0, weights="own", epochs=1, evaluations=EVOLVED, **params)
    journal = Journal(RunFolder.create(folder, "toy", "a" * 64, ahead))
    started = time.perf_counter()
    nas.search_by_trials(search, space.points, whole, journal, LocalWorkers(2), ahead=ahead)
    return time.perf_counter() - started


def test_asked_ahead_an_evolution_keeps_two_workers_busy(benchmark: Any, tmp_path: Path) -> None:
    one = evolved(tmp_path, 1)
    ahead = benchmark.pedantic(evolved, args=(tmp_path, 4), rounds=1)
    benchmark.extra_info["ratio"] = one / ahead
    assert ahead < one
