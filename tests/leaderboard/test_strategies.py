"""The leaderboard of strategies is one of the shipped table, and its figures come out again."""

import csv
from pathlib import Path

import pytest

from skelbench.host.registry import load_registry
from skelbench.tables import report
from skelbench.tables.bench import BenchOptions, Entry, run_bench
from skelbench.tables.catalog import open_table

BOARDS = Path(__file__).parents[2] / "leaderboards"


@pytest.fixture(scope="module")
def published() -> dict[str, dict[str, str]]:
    with (BOARDS / "strategies.csv").open() as file:
        return {row["strategy"]: row for row in csv.DictReader(file)}


def test_it_is_of_the_shipped_table():
    table = open_table("ucla-slots", load_registry())
    assert table.complete.all()
    assert (BOARDS / "strategies.md").read_text().startswith(f"# Strategies on {table.name}\n")


@pytest.mark.parametrize("name", ["random", "local"])
def test_its_figures_come_out_again(name: str, published: dict[str, dict[str, str]]):
    registry = load_registry()
    options = BenchOptions(evaluations=200, repetitions=500)
    results = run_bench(open_table("ucla-slots", registry), [Entry(registry.get("strategy", name))], options)
    (row,) = report.rows(results, options)
    measured = [column for column in row if column.partition("@")[0] in ("regret", "low", "high", "shrunken")]
    assert len(measured) == 13
    assert {column: str(row[column]) for column in measured} == {c: published[name][c] for c in measured}


def test_random_and_local_search_take_part(published: dict[str, dict[str, str]]):
    assert {"random", "local"} <= set(published)
