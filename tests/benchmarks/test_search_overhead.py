"""What a trial costs beside its training: the search, NNI's engine and the journal on the disk."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from skelbench.engine import nas
from skelbench.engine.journal import Journal
from skelbench.host.registry import load_registry
from skelbench.results.store import RunFolder
from skelbench.search import Sample
from skelbench.testing.params import checked_params
from skelbench.testing.replay import TabulatedSpace

TRIALS = 1000
SPACE = TabulatedSpace.of_choices(10, 8)


@pytest.mark.parametrize("name", ["random", "evolution", "tpe"])
def test_a_thousand_trials_without_training(name: str, benchmark: Any, tmp_path: Path) -> None:
    strategy = load_registry().get("strategy", name)
    params = checked_params(strategy, {"evaluations": TRIALS})
    ends: list[float] = []

    def evaluate(sample: Sample) -> float:
        ends.append(time.process_time())
        return SPACE.fitness(sample)

    def search() -> Journal:
        journal = Journal(RunFolder.create(tmp_path, name, "a" * 64, 0))
        made = strategy.load()(SPACE, seed=0, weights="own", epochs=1, **params)
        nas.search_by_trials(made, SPACE.points, evaluate, journal, nas.sequential_engine())
        return journal

    wall, start = time.perf_counter(), time.process_time()
    journal = benchmark.pedantic(search, rounds=1)
    wall, seconds = (time.perf_counter() - wall) / TRIALS, (time.process_time() - start) / TRIALS
    last = (ends[-1] - ends[-100]) / 99
    benchmark.extra_info.update(
        ms_per_trial=seconds * 1e3, ms_of_the_last_trials=last * 1e3, wall_ms_per_trial=wall * 1e3
    )
    assert len(journal.trials) == len(ends) == TRIALS
