"""Two workers against one, on trials that compute; it says something where two cores are free."""

from __future__ import annotations

import time
from typing import Any

from skelbench.engine.workers.local import LocalWorkers
from skelbench.engine.workers.pool import Pool

TRIALS, LOOPS = 16, 3_000_000
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
