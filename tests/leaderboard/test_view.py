"""What of a table is shown: conditions, order, Pareto fronts, columns and captions."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelbench.errors import SkelbenchError
from skelbench.leaderboard.table import make_tables
from skelbench.leaderboard.view import pareto_front, read_wish, view_table, view_tables
from tests.results.records import record


def made(**changes):
    gmacs = changes.pop("gmacs", 1.0)
    macs = None if gmacs is None else int(gmacs * 1e9)
    top1 = changes.pop("top1", 90.0)
    return record(**changes, macs=macs, flops=macs and 2 * macs, metrics={"top1": top1})


TABLES = make_tables(
    [
        made(model="a", gmacs=0.05, top1=80.0, date="2026-01-03"),
        made(model="b", gmacs=0.2, top1=85.0, stream="joint+bone"),
        made(model="c", gmacs=0.1, top1=70.0),
        made(model="d", gmacs=None, top1=95.0, params=None),
    ]
)


def shown(columns=None, sort=None, where=(), pareto=None):
    views = view_tables(TABLES, read_wish(columns, sort, where, pareto))
    return [row["model"] for view in views for row in view.rows]


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        (["gmacs<0.1"], ["a"]),
        (["gmacs <= 0.1"], ["a", "c"]),
        (["gmacs>0.1"], ["b"]),
        (["gmacs=0.1"], ["c"]),
        (["gmacs==0.1"], ["c"]),
        (["gmacs!=0.1"], ["d", "b", "a"]),
        (["gmacs<=0.1", "top1>=75"], ["a"]),
        (["stream=JOINT"], ["d", "a", "c"]),
        (["stream~bone"], ["b"]),
        (["stream!=joint"], ["b"]),
        (["rank<2"], ["d"]),
        (["top1_interval>80"], ["d", "b"]),
        (["date>=2026-01-03"], ["a"]),
    ],
)
def test_conditions_choose_rows(where, kept):
    assert shown(where=where) == kept


@pytest.mark.parametrize(
    ("sort", "order"),
    [("gmacs", "acbd"), ("top1", "dbac"), ("rank", "dbac"), ("stream,gmacs", "acdb"), ("model", "abcd")],
)
def test_rows_are_sorted_with_the_best_first_and_blanks_last(sort, order):
    assert shown(sort=sort) == list(order)


def test_the_pareto_front_in_columns_of_ones_choice():
    assert shown(pareto="gmacs,top1") == ["b", "a"]
    assert shown(pareto="gmacs,top1", where=["stream=joint"]) == ["a"]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)), max_size=20))
def test_a_front_holds_exactly_those_that_nobody_surpasses(points):
    rows: list[dict[str, Any]] = [{"gmacs": -a, "params_m": -b, "top1": c} for a, b, c in points]
    front = pareto_front(rows, ["gmacs", "params_m", "top1"])

    def surpassed(point):
        return any(o != point and all(x >= y for x, y in zip(o, point, strict=True)) for o in points)

    assert front == [row for row, point in zip(rows, points, strict=True) if not surpassed(point)]


@pytest.mark.parametrize(
    ("given", "where", "what"),
    [
        ({"where": ["gmcas<0.1"]}, "--where", "no column 'gmcas'.*Did you mean 'gmacs'"),
        ({"where": ["gmacs"]}, "--where", "'gmacs' is no condition"),
        ({"where": ["gmacs<small"]}, "--where 'gmacs<small'", "'small' is no number"),
        ({"columns": "name,topp1"}, "--columns", "Did you mean 'top1'"),
        ({"sort": "gmac"}, "--sort", "Did you mean 'gmacs'"),
        ({"pareto": "gmacs,name"}, "--pareto", "holds text"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_option(given, where, what):
    with pytest.raises(SkelbenchError, match=what) as caught:
        shown(**given)
    assert caught.value.problems[0].where == where


def test_what_all_rows_have_in_common_stands_in_the_caption():
    (view,) = view_tables(TABLES, read_wish(None, None, [], None))
    assert "space sgcn, strategy ceim, selection last, views 1, device cpu" in view.caption
    assert view.columns == ("rank", "name", "stream", "top1", "top1_interval", "params_m", "gmacs",
                            "latency_ms", "pareto")  # fmt: skip
    assert {"model", "top1_std"} & set(view.further) == {"model"}


def test_the_caption_says_which_rows_are_shown():
    (view,) = view_tables(TABLES, read_wish(None, None, ["gmacs<0.15"], "gmacs,top1"))
    assert view.caption.endswith("1 of 4 rows: gmacs<0.15, Pareto front of gmacs, top1")


def test_one_row_keeps_its_cells():
    (table,) = make_tables([made()])
    assert {"space", "strategy", "stream"} <= set(view_table(table).columns)


def test_a_latency_is_shown_only_where_all_rows_have_one():
    (table,) = make_tables([made(), made(model="b", latency=None)])
    view = view_table(table)
    assert "latency_ms" not in view.columns
    assert "latency_ms" in view.further


def test_tables_that_conditions_leave_empty_are_left_out_unless_all_are():
    tables = [*TABLES, *make_tables([made(dataset="ntu60", model="z")])]
    assert [
        view.table.key.dataset for view in view_tables(tables, read_wish(None, None, ["name=z"], None))
    ] == ["ntu60"]
    (view,) = view_tables(tables, read_wish(None, None, ["name=nobody"], None))
    assert view.rows == ()
