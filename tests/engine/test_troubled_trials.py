"""Ten thousand trials, of which some fail and some hang: each is accounted for, once."""

from __future__ import annotations

import time
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from skelbench.engine import nas
from skelbench.engine.journal import Journal
from skelbench.host.registry import load_registry
from skelbench.results.store import RunFolder
from skelbench.space.trials import Asked
from skelbench.testing.params import checked_params
from skelbench.testing.replay import TabulatedSpace

TRIALS = 10_000
SPACE = TabulatedSpace.of_choices(5, 10)


def fate(sample: dict[str, Any]) -> str:
    """Of a hundred architectures five fail and one hangs."""
    number = zlib.crc32(str(sample).encode()) % 100
    return "fails" if number < 5 else "hangs" if number == 5 else "ends"


@dataclass(frozen=True)
class Troubled:
    """What becomes of a trial by its architecture.

    Attributes:
        hang: Seconds for which those hang that do.
    """

    hang: float

    def __call__(self, asked: Asked) -> float:
        if fate(asked.sample) == "fails":
            raise ValueError("no luck")
        if fate(asked.sample) == "hangs":
            time.sleep(self.hang)
        return SPACE.fitness(asked.sample)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("engine", "params", "timeout"),
    [("sequential", {}, None), ("local", {"workers": 2}, 0.5), ("ray", {"workers": 2}, 0.5)],
)
def test_every_trial_is_accounted_for(
    engine: str, params: dict[str, Any], timeout: float | None, tmp_path: Path
) -> None:
    if engine == "ray":
        pytest.importorskip("ray")
    registry = load_registry()
    component, strategy = registry.get("engine", engine), registry.get("strategy", "random")
    given = checked_params(strategy, {"evaluations": TRIALS, "batch": 200})
    search = strategy.load()(SPACE, seed=0, weights="own", epochs=1, **given)
    journal = Journal(RunFolder.create(tmp_path, engine, "a" * 64, 0))
    workers = component.make(**checked_params(component, params))
    hang = 0.0 if timeout is None else 60.0
    best = nas.search_by_trials(search, SPACE.points, Troubled(hang), journal, workers, timeout)
    assert len(journal.trials) == TRIALS
    assert len({str(line["choices"]) for line in journal.trials}) == TRIALS
    wanted, found = Counter(fate(line["choices"]) for line in journal.trials), Counter[str]()
    for line in journal.trials:
        error = line.get("error", "")
        found["fails" if "no luck" in error else "hangs" if error else "ends"] += 1
        if not error:
            assert line["fitness"] == SPACE.fitness(line["choices"])
    if timeout is None:
        wanted = Counter({"ends": wanted["ends"] + wanted["hangs"], "fails": wanted["fails"]})
    assert found == wanted
    assert best.fitness == max(line["fitness"] or 0.0 for line in journal.trials)
