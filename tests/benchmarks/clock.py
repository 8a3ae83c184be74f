"""Timing of runs against each other."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import torch


def fastest(runs: Sequence[Callable[[], object]], rounds: int = 3) -> list[float]:
    """Processor seconds of each run on one thread, the best of several rounds in which all take turns.

    Other work on the machine does not count as processor time of this process.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        times = [[_processor_seconds(run) for run in runs] for _ in range(rounds)]
    finally:
        torch.set_num_threads(threads)
    return [min(taken) for taken in zip(*times, strict=True)]


def _processor_seconds(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start
