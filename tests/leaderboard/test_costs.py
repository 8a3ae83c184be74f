"""Costs of our networks beside reported figures: kept in a file, the same as their specs give."""

from pathlib import Path

import pytest

from skelbench.errors import RunFolderError
from skelbench.leaderboard.costs import COSTS, Cost, completed, key, read_costs, write_costs
from skelbench.leaderboard.reported import Reported, read_reported
from skelbench.leaderboard.table import make_tables
from skelbench.papers.costs import cost_of

PUBLISHED = Path(__file__).parents[2] / "leaderboards"
NAMED = {key(figure): figure for figure in read_reported(PUBLISHED / "reported.yaml") if figure.network}
FIGURE = Reported(
    dataset="ntu60",
    protocol="xsub",
    stream="joint+bone",
    model="x",
    network="esan#esan",
    top1=90.0,
    params_m=3.0,
    source="Y 2020",
)


def row(costs):
    (table,) = make_tables([], [FIGURE], costs=costs)
    return table.rows[0]


def test_every_network_that_a_figure_names_has_its_cost_and_no_other():
    assert set(read_costs(PUBLISHED)) == set(NAMED)


@pytest.mark.parametrize("name", NAMED)
def test_published_costs_are_those_of_the_specs(name):
    assert read_costs(PUBLISHED)[name] == cost_of(NAMED[name])


def test_our_costs_stand_beside_the_publication_s_for_all_streams():
    found = row({"esan#esan ntu60": Cost(params=1_000_000, macs=2_000_000_000)})
    assert (found["params_m"], found["gmacs"], found["gflops"], found["reported_params_m"]) == (2, 4, 8, 3)
    assert found["views"] == "unknown"
    assert found["pareto"] is None


def test_macs_that_depend_on_recordings_are_blank():
    found = row({"esan#esan ntu60": Cost(params=1_000_000)})
    assert (found["params_m"], found["gmacs"]) == (2, None)


def test_without_a_cost_nothing_is_made_up():
    assert row({})["params_m"] is None


def test_costs_come_back_as_written_and_known_ones_are_kept(tmp_path):
    known = {"esan#esan ntu60": Cost(params=1, macs=2), "gone#gone ntu60": Cost(params=3)}
    write_costs(tmp_path, known)
    assert read_costs(tmp_path) == known
    assert completed(known, [FIGURE], cost_of) == {"esan#esan ntu60": Cost(params=1, macs=2)}


@pytest.mark.parametrize(
    ("text", "said"), [("a: {params: -1}", "a: "), ("a: [", "not YAML"), ("- 1", "costs.yaml")]
)
def test_a_faulty_file_is_named(tmp_path, text, said):
    (tmp_path / COSTS).write_text(text)
    with pytest.raises(RunFolderError, match=said):
        read_costs(tmp_path)
