"""Tables: what is ranked together, how seeds are averaged, and that order does not matter."""

import math
import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelbench.errors import PluginError
from skelbench.leaderboard.reported import Reported
from skelbench.leaderboard.table import COLUMNS, make_tables
from skelbench.results.health import SearchHealth
from tests.results.records import EXAMPLE, record, records

FIGURE = Reported(
    dataset="ucla",
    protocol="xview",
    stream="joint",
    model="x",
    top1=99.0,
    as_reported="1 GFLOPs",
    source="Y 2020",
)


def seeds(*top1, **changes):
    return [
        record(seed=seed, run=f"run-{seed}", metrics={"top1": value, "top5": 99.0}, **changes)
        for seed, value in enumerate(top1)
    ]


def only_row(found, **arguments):
    (table,) = make_tables(found, **arguments)
    (row,) = table.rows
    return row


def test_the_columns_are_fixed():
    assert ",".join(COLUMNS) == (
        "rank,name,model,space,strategy,dataset,protocol,stream,top1,top1_interval,top1_std,n_seeds,top5,params_m,"
        "gmacs,pareto,gflops,latency_ms,device,search_cost_h,selection,views,source,date,run"
    )


def test_one_record_is_one_row():
    row = only_row([record()])
    assert {name: row[name] for name in COLUMNS} == {
        "rank": "1", "name": "found by ceim", "model": "searched", "space": "sgcn", "strategy": "ceim",
        "dataset": "ucla",
        "protocol": "xview", "stream": "joint", "top1": 90.0, "top1_interval": "86.93 to 92.41",
        "top1_std": None, "n_seeds": 1, "top5": 99.0,
        "params_m": 3.4695, "gmacs": 4.14, "pareto": "yes", "gflops": 8.28, "latency_ms": 12.5,
        "device": "cpu",
        "search_cost_h": 2.0, "selection": "last", "views": 1, "source": "measured", "date": "2026-01-02",
        "run": "sgcn-01234567-0",
    }  # fmt: skip


@given(st.lists(records(), max_size=8), st.randoms())
def test_tables_do_not_depend_on_the_order_of_records(found, random):
    shuffled = found.copy()
    random.shuffle(shuffled)
    assert make_tables(shuffled, [FIGURE]) == make_tables(found, [FIGURE])


@given(st.lists(records(), max_size=8))
def test_adding_the_same_records_again_changes_nothing(found):
    assert make_tables(found + found) == make_tables(found)


@given(st.lists(records(), max_size=8))
def test_ranks_follow_top1_within_a_table(found):
    for table in make_tables(found):
        figures: list[Any] = [row["top1"] for row in table.rows]
        assert figures == sorted(figures, reverse=True)
        for place, row in enumerate(table.rows, start=1):
            first, last = ends(row["rank"])
            assert first <= place <= last


def ends(rank):
    first, _, last = rank.partition(" to ")
    return int(first), int(last or first)


def test_a_rank_is_the_range_of_places_that_the_intervals_leave_open():
    found = [
        record(model=name, metrics={"top1": top1})
        for name, top1 in zip("abcd", (95, 94, 90, 50), strict=True)
    ]
    (table,) = make_tables(found)
    assert [(row["rank"], row["top1_interval"]) for row in table.rows] == [
        ("1 to 2", "92.62 to 96.64"), ("1 to 3", "91.46 to 95.82"), ("2 to 3", "86.93 to 92.41"),
        ("4", "45.47 to 54.53"),
    ]  # fmt: skip


def test_figures_from_elsewhere_have_no_interval():
    _, stated = make_tables([record()], [FIGURE])
    assert stated.rows[0]["top1_interval"] is None
    (table,) = make_tables([record(source="reported")])
    assert (table.rows[0]["top1_interval"], table.rows[0]["rank"]) == (None, None)


@given(st.lists(records(), max_size=8))
def test_a_table_holds_one_split_of_one_data_set_all_synthetic_or_none(found):
    by_run = {one.run: one for one in found}
    for table in make_tables(by_run.values()):
        origins = [by_run[name] for row in table.rows for name in str(row["run"]).split()]
        assert len({(r.dataset, r.protocol, r.synthetic, r.split_fingerprint) for r in origins}) == 1


@given(st.lists(st.floats(0, 100), min_size=1, max_size=6))
def test_seeds_are_averaged(values):
    row = only_row(seeds(*values))
    assert math.isclose(row["top1"], sum(values) / len(values), abs_tol=0.0051)
    assert row["n_seeds"] == len(values)
    if len(values) == 1:
        assert row["top1_std"] is None
    else:
        assert math.isclose(row["top1_std"], statistics.stdev(values), abs_tol=0.0051)


def test_seeds_of_a_search_are_averaged_whatever_they_found():
    one, other = seeds(90, 92)
    other = other.model_copy(update={"architecture": "11111111", "params": 5_469_510})
    row = only_row([one, other])
    assert (row["n_seeds"], row["params_m"], row["run"]) == (2, 4.4695, "run-0 run-1")


def test_different_fixed_architectures_are_never_averaged():
    one, other = seeds(90, 92, strategy=None, search=None, model="x")
    other = other.model_copy(update={"architecture": "11111111"})
    (table,) = make_tables([one, other])
    assert [row["n_seeds"] for row in table.rows] == [1, 1]


@pytest.mark.parametrize(
    "change",
    [{"spec_hash": "f" * 16}, {"stream": "bone"}, {"selection": "best_val"}, {"views": 5},
     {"profile": "quick"}, {"model": "other"}, {"space": "other"},
     {"strategy": {"name": "random", "params": {}}},
     {"fusion": {"a": 1.0, "b": 2.0}}],
)  # fmt: skip
def test_runs_that_differ_in_more_than_the_seed_are_rows_of_one_table(change):
    (table,) = make_tables([record(), record(seed=1, **change)])
    assert [row["n_seeds"] for row in table.rows] == [1, 1]


@pytest.mark.parametrize(
    "change",
    [{"split_fingerprint": "c" * 16}, {"protocol": "xsub"}, {"dataset": "ntu60"}, {"synthetic": True}],
)
def test_runs_that_cannot_be_compared_have_tables_and_ranks_of_their_own(change):
    found = make_tables([record(), record(seed=1, metrics={"top1": 50.0}, **change)])
    assert [[row["rank"] for row in table.rows] for table in found] == [["1"], ["1"]]


def test_of_two_runs_with_one_seed_the_latest_counts_and_not_the_best():
    early = record(metrics={"top1": 95.0}, date="2026-01-01")
    late = record(metrics={"top1": 91.0}, date="2026-02-01")
    row = only_row([late, early])
    assert (row["top1"], row["n_seeds"]) == (91.0, 1)


def test_equal_figures_share_a_rank():
    found = [
        record(model=name, metrics={"top1": top1})
        for name, top1 in [("a", 90), ("b", 95), ("c", 95), ("d", 80)]
    ]
    (table,) = make_tables(found)
    assert [(row["rank"], row["model"]) for row in table.rows] == [
        ("1 to 2", "b"), ("1 to 2", "c"), ("3", "a"), ("4", "d"),
    ]  # fmt: skip


def test_failed_runs_are_left_out():
    assert make_tables([record(status="failed", metrics={})]) == []


def test_a_run_without_top1_stands_last_and_has_no_rank():
    (table,) = make_tables([record(model="b", metrics={"mean_class": 99.0}), record(model="a")])
    assert [(row["model"], row["rank"]) for row in table.rows] == [("a", "1"), ("b", None)]


def test_fused_streams_say_in_what_proportion_unless_it_is_equal():
    fused = {"stream": "joint+bone+joint_motion"}
    parts = {"a": 3 / 7, "b": 3 / 7, "c": 1 / 7}
    assert only_row([record(**fused, fusion=parts)])["stream"] == "joint+bone+joint_motion (3:3:1)"
    assert only_row([record(**fused, fusion=dict.fromkeys("abc", 1 / 3))])["stream"] == fused["stream"]
    left_out = {"a": 0.6, "b": 0.4, "c": 0.0}
    assert only_row([record(**fused, fusion=left_out)])["stream"].endswith("(1.5:1:0)")


def test_synthetic_rows_say_so():
    assert only_row([record(synthetic=True)])["dataset"] == "ucla (synthetic)"


def test_the_profile_stands_in_the_row():
    assert only_row([record(profile="quick")])["space"] == "sgcn (quick)"


def test_latencies_of_different_devices_are_not_averaged():
    other = {**EXAMPLE["latency"], "device": "cuda"}
    row = only_row([record(), record(seed=1, latency=other)])
    assert (row["latency_ms"], row["device"]) == (None, "cpu, cuda")


def test_reported_figures_have_a_table_of_their_own_without_ranks():
    measured, stated = make_tables([record()], [FIGURE])
    assert [row["rank"] for row in measured.rows] == ["1"]
    (row,) = stated.rows
    assert (row["rank"], row["top1"], row["as_reported"], row["source"]) == (
        None, 99.0, "1 GFLOPs", "reported: Y 2020",
    )  # fmt: skip
    assert stated.key.source == "reported"


def test_a_record_of_a_reported_result_is_not_ranked():
    measured, stated = make_tables([record(), record(source="reported", metrics={"top1": 99.0})])
    assert measured.rows[0]["rank"] == "1"
    assert stated.rows[0]["rank"] is None


def test_a_plugin_column_is_averaged_over_seeds_or_lists_what_differs():
    columns = {"lr": lambda r: r.training.lr, "seeds": lambda r: f"s{r.seed}", "none": lambda r: None}
    row = only_row(seeds(90, 91), columns=columns)
    assert (row["lr"], row["seeds"], row["none"]) == (0.1, "s0, s1", None)
    assert list(row)[-3:] == ["lr", "seeds", "none"]


def test_a_plugin_column_that_fails_is_named_with_the_run():
    with pytest.raises(PluginError, match="column 'bad' failed: ZeroDivisionError") as caught:
        make_tables([record()], columns={"bad": lambda r: 1 / 0})
    assert caught.value.problems[0].where == "sgcn-01234567-0"


def test_a_search_without_signal_is_marked_and_the_mark_explained():
    health = {"fitness": "accuracy", "normalisation": "recalibrated", "candidates": 30, "distinct": 4}
    silent = SearchHealth(**health, ties=0.1, reliability=-0.05)
    sound = SearchHealth(**health, ties=0.1, reliability=0.8)
    (marked,) = make_tables(seeds(90.0, 91.0, health=silent))
    assert marked.rows[0]["strategy"] == "ceim (no signal)"
    assert "reliability" in marked.legend
    mixed = [record(seed=n, run=f"r-{n}", health=one) for n, one in enumerate((silent, sound))]
    assert only_row(mixed)["strategy"] == "ceim (no signal in 1 of 2)"
    (plain,) = make_tables([record(health=sound)])
    assert (plain.rows[0]["strategy"], plain.legend) == ("ceim", "")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"ties": 0.6, "reliability": 0.9}, "60 % of the pairs"),
        ({"ties": 0.1, "reliability": 0.2}, "reliability 0.20"),
        ({"ties": 0.5, "reliability": 0.3}, ""),
        ({"ties": 1.0, "candidates": 3}, ""),
        ({}, ""),
    ],
)
def test_what_counts_as_no_signal(changes, problem):
    base = {"fitness": "accuracy", "normalisation": "own", "candidates": 6, "distinct": 2}
    found = SearchHealth(**(base | changes)).problem
    assert problem in found
    assert bool(found) == bool(problem)


def test_the_first_metric_of_the_specs_ranks():
    found = [
        record(model=name, metrics={"mean_class": value, "top1": 90.0})
        for name, value in (("a", 60), ("b", 80))
    ]
    (table,) = make_tables([*found, record(model="c", metrics={"top1": 99.0})])
    assert table.metric == "mean_class"
    assert [(row["model"], row["rank"], row["mean_class"]) for row in table.rows] == [
        ("b", "1 to 2", 80), ("a", "1 to 2", 60), ("c", None, None),
    ]  # fmt: skip


def test_a_metric_that_is_no_share_of_recordings_has_an_interval_from_three_seeds():
    found = [
        record(seed=seed, run=f"r-{seed}", metrics={"mean_class": value, "top1": 90.0})
        for seed, value in enumerate((60, 61, 62))
    ]
    assert only_row(found[:2])["mean_class_interval"] is None
    row = only_row(found)
    assert (row["mean_class"], row["mean_class_interval"], row["mean_class_std"]) == (
        61,
        "58.52 to 63.48",
        1.0,
    )


def test_a_further_metric_is_a_column():
    (table,) = make_tables([record(metrics={"top1": 90.0, "mean_class": 80.126})])
    assert (table.metric, table.extra, table.rows[0]["mean_class"]) == ("top1", ("mean_class",), 80.13)


@given(st.lists(records(), max_size=8))
def test_the_pareto_mark_is_for_whom_nobody_surpasses(found):
    for table in make_tables(found):
        known: list[Any] = [row for row in table.rows if row["gmacs"] is not None]
        for row in known:
            better = [
                other
                for other in known
                if other["gmacs"] <= row["gmacs"] and other["top1"] >= row["top1"]
                and (other["gmacs"], other["top1"]) != (row["gmacs"], row["top1"])
            ]  # fmt: skip
            assert (row["pareto"] == "yes") == (not better)
        assert all(row["pareto"] is None for row in table.rows if row not in known)
