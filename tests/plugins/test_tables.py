"""The table that comes along: what it is, that nothing is missing, and that strategies can search it."""

from __future__ import annotations

import numpy as np
import pytest

from skelbench.spec.resolve import load_spec
from skelbench.tables.bench import BenchOptions, Entry, run_bench
from skelbench.tables.catalog import OpenTable, open_table


@pytest.fixture(scope="module")
def slots() -> OpenTable:
    return open_table("ucla-slots")


def test_it_is_of_the_shipped_spec(slots: OpenTable) -> None:
    assert slots.header["hash"] == load_spec("ucla-slots").table_hash
    assert not slots.header["synthetic"]


def test_nothing_is_missing(slots: OpenTable) -> None:
    assert slots.complete.all()
    assert len(slots.complete) == slots.space.size() == 625
    assert slots.trained.sum() == 341
    assert slots.seeds == (0, 1, 2)
    assert slots.header["shortcomings"] == []


@pytest.mark.parametrize("name", ["random", "local", "evolution", "nsga2", "tpe", "grid", "ceim"])
def test_strategies_search_it(name: str, slots: OpenTable, registry) -> None:
    given = [Entry(registry.get("strategy", name))]
    (result,) = run_bench(slots, given, BenchOptions(evaluations=50, repetitions=4))
    assert (result.evaluations > 10).all()
    assert np.isfinite(result.regret).all()
