"""Searches that are asked ahead: one record whoever is fast, and any stop survived."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest

from skelbench.check.engine import check_engine
from skelbench.engine import nas
from skelbench.engine.journal import Journal
from skelbench.engine.nas.evolution import Evolution
from skelbench.engine.nas.tpe import Tpe
from skelbench.engine.workers.local import LocalWorkers
from skelbench.errors import SpecError
from skelbench.results.store import RunFolder
from skelbench.search import Search
from skelbench.space.trials import Asked
from skelbench.testing.replay import TabulatedSpace

from . import tiny
from .test_supernet import lines_without_times

SPACE = TabulatedSpace.of_choices(3, 3)
EVALUATIONS, AHEAD = 14, 4
SMALL: dict[str, dict[str, Any]] = {"population": 4, "tournament": 2, "mutation": 0.3, "crossover": False}
TPE = {"startup": 5, "candidates": 8, "forgetting": 25, "prior": 1.0, "gamma": 0.25}


def made(kind: type) -> Search:
    params = SMALL if kind is Evolution else TPE
    return kind(SPACE, seed=0, weights="own", epochs=1, evaluations=EVALUATIONS, **params)  # type: ignore[no-any-return]


def evaluate(asked: Asked) -> float:
    return SPACE.fitness(asked.sample)


class Slow:
    """Takes another time for each architecture, and may be sent to workers."""

    def __call__(self, asked: Asked) -> float:
        time.sleep(0.05 * random.Random(json.dumps(asked.sample)).random())
        return evaluate(asked)


class Counted:
    """Counts how many trials go on at once, and may end the process in the middle."""

    def __init__(self, last: int | None = None) -> None:
        self.count, self.last = 0, last

    def __call__(self, asked: Asked) -> float:
        self.count += 1
        if self.count == self.last:
            raise KeyboardInterrupt
        return evaluate(asked)


def searched(folder: Path, kind: type, function: Any, engine: Any = None, ahead: int = AHEAD) -> Any:
    if not folder.exists():
        folder.mkdir()
    run = RunFolder.create(folder, "toy", "a" * 64, 0)
    carried = engine or nas.sequential_engine()
    nas.search_by_trials(made(kind), SPACE.points, function, Journal(run), carried, ahead=ahead)
    return lines_without_times(run)


@pytest.mark.parametrize("kind", [Evolution, Tpe])
def test_the_record_is_one_whatever_the_workers(tmp_path: Path, kind: type) -> None:
    alone = searched(tmp_path / "alone", kind, Slow())
    two = searched(tmp_path / "two", kind, Slow(), LocalWorkers(2))
    assert sorted(map(json.dumps, alone)) == sorted(map(json.dumps, two))
    assert len([line for line in alone if line["kind"] == "trial"]) == EVALUATIONS


@pytest.mark.parametrize("kind", [Evolution, Tpe])
@pytest.mark.parametrize("last", [1, 3, 5, 9, 13])
def test_a_search_that_was_stopped_goes_on_to_the_same_record(tmp_path: Path, kind: type, last: int) -> None:
    whole = searched(tmp_path / "whole", kind, evaluate)
    with pytest.raises(KeyboardInterrupt):
        searched(tmp_path / "parts", kind, Counted(last))
    again = Counted()
    assert searched(tmp_path / "parts", kind, again) == whole
    assert again.count == EVALUATIONS - (last - 1), "what was done before is not done again"


@pytest.mark.parametrize("kind", [Evolution, Tpe])
def test_asked_one_ahead_it_is_the_search_that_it_always_was(tmp_path: Path, kind: type) -> None:
    lines = searched(tmp_path / "one", kind, evaluate, ahead=1)
    search, told = made(kind), []
    while proposals := search.ask(len(told)):
        told.append(proposals[0].sample)
        search.tell(proposals, [SPACE.fitness(proposals[0].sample or {})])
    assert [line["choices"] for line in lines if line["kind"] == "trial"] == told


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        ({"name": "local", "weights": "own"}, r"'local' has to hear of a generation before the next one"),
        ({"name": "random", "weights": "shared"}, r"a generation is evaluated after its epoch"),
    ],
    ids=["strategy", "supernet"],
)
def test_what_cannot_be_asked_ahead_is_refused(tmp_path: Path, strategy: Any, message: str) -> None:
    spec = tiny.spec(search={"strategy": strategy, "ahead": 2})
    with pytest.raises(SpecError, match=rf"tiny.yaml:\d+: nothing can be asked ahead.*{message}.*Leave out"):
        check_engine(tiny.checked(tmp_path, spec))
    check_engine(
        tiny.checked(tmp_path, tiny.spec(search={"strategy": {"name": "tpe", "weights": "own"}, "ahead": 2}))
    )
