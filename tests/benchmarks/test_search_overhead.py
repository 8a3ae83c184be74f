"""What a trial costs beside its training: the search, NNI's engine and the journal on the disk."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from skelbench.engine import nas
from skelbench.engine.journal import Journal
from skelbench.host.registry import load_registry
from skelbench.results.store import RunFolder
from skelbench.space.trials import Asked
from skelbench.testing.engines import Rating
from skelbench.testing.params import checked_params
from skelbench.testing.replay import TabulatedSpace

TRIALS = 1000
SPACE = TabulatedSpace.of_choices(10, 8)


@pytest.mark.parametrize(
    ("engine", "params"), [("sequential", {}), ("local", {"workers": 1}), ("local", {"workers": 2})]
)
def test_what_an_engine_adds_to_a_trial(
    engine: str, params: dict[str, Any], benchmark: Any, tmp_path: Path
) -> None:
    registry, ends = load_registry(), list[float]()
    component, strategy = registry.get("engine", engine), registry.get("strategy", "random")

    def search() -> None:
        folder = RunFolder.create(tmp_path, engine, "a" * 64, 0)
        journal = Journal(folder, lambda line: ends.append(time.perf_counter()))
        given = checked_params(strategy, {"evaluations": TRIALS, "batch": 16})
        made = strategy.load()(SPACE, seed=0, weights="own", epochs=1, **given)
        workers = component.make(**checked_params(component, params))
        nas.search_by_trials(made, SPACE.points, Rating(SPACE), journal, workers)

    benchmark.pedantic(search, rounds=1)
    gaps = sorted(after - before for before, after in pairwise(ends[20:]))  # without the start of workers
    benchmark.extra_info.update(median_ms=gaps[len(gaps) // 2] * 1e3, mean_ms=sum(gaps) / len(gaps) * 1e3)
    assert sum(gaps) / len(gaps) < 0.02


@pytest.mark.parametrize("name", ["random", "evolution", "tpe"])
def test_a_thousand_trials_without_training(name: str, benchmark: Any, tmp_path: Path) -> None:
    strategy = load_registry().get("strategy", name)
    params = checked_params(strategy, {"evaluations": TRIALS})
    ends: list[float] = []

    def evaluate(asked: Asked) -> float:
        ends.append(time.process_time())
        return SPACE.fitness(asked.sample)

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
