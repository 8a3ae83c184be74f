"""Ten thousand trials of which some fail, some end their process and some hang: all are accounted for."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from skelbench.engine import nas
from skelbench.engine.journal import Journal
from skelbench.engine.workers.local import LocalWorkers
from skelbench.results.store import RunFolder
from skelbench.testing.engines import Listed
from skelbench.testing.replay import TabulatedSpace

from .made import FAILING, FATAL, HANGING, Troubled

TRIALS, TIMEOUT = 10_000, 5.0


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_every_trial_is_accounted_for(workers: int, tmp_path: Path):
    space = TabulatedSpace.of_choices(1, TRIALS)
    search = Listed(space)
    journal = Journal(RunFolder.create(tmp_path, "many", "a" * 64, 0))
    engine = LocalWorkers(workers) if workers else nas.sequential_engine()
    evaluate = Troubled(space, workers > 0)
    nas.search_by_trials(search, space.points, evaluate, journal, engine, TIMEOUT if workers else None)
    kinds = Counter(line.get("error", "").partition(":")[0] for line in journal.trials)
    wanted = {"ValueError": TRIALS // FAILING}
    if workers:
        wanted |= {"TimeoutError": TRIALS // HANGING, "WorkerLost": TRIALS // FATAL}
    assert kinds == Counter({**wanted, "": TRIALS - sum(wanted.values())})
    assert len(search.told) == TRIALS
    told = {str(sample): space.fitness(sample) for sample in space.enumerate()}
    assert all(fitness in (None, told[name]) for name, fitness in search.told.items())
