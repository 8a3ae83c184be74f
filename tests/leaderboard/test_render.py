"""The forms of a table: nothing is lost, nothing breaks out of its cell."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from skelbench.leaderboard.markdown import pareto_section, to_markdown
from skelbench.leaderboard.render import to_csv, to_json, to_rich
from skelbench.leaderboard.reported import Reported
from skelbench.leaderboard.table import BESIDE, COLUMNS, make_tables
from skelbench.leaderboard.view import view_table
from tests.results.records import record, records

FIGURE = Reported(
    dataset="ucla",
    protocol="xview",
    stream="joint",
    model="x",
    top1=99.0,
    as_reported="1 GFLOPs",
    source="Y 2020",
)


def views(*arguments, **named):
    return [view_table(table) for table in make_tables(*arguments, **named)]


def named(model):
    """A record with a name that none that is read may have."""
    return record().model_copy(update={"model": model})


def on_screen(tables, width):
    out = io.StringIO()
    Console(width=width, file=out, color_system=None).print(to_rich(tables, width))
    return out.getvalue()


@given(st.lists(records(), max_size=6))
def test_csv_gives_back_every_cell(found):
    shown = views(found, [FIGURE], {"layout": lambda r: r.layout})
    read = list(csv.DictReader(io.StringIO(to_csv(shown), newline="")))
    rows = [(view.table, row) for view in shown for row in view.rows]
    assert len(read) == len(rows)
    for got, (table, row) in zip(read, rows, strict=True):
        assert got.pop("split") == table.key.split[:12]
        wanted = {name: "" if value is None else " ".join(str(value).split()) for name, value in row.items()}
        assert {name: text.removeprefix("'") for name, text in got.items()} == wanted


def test_csv_has_the_same_columns_whatever_there_is():
    header = to_csv([]).strip()
    assert header == ",".join([*COLUMNS, *BESIDE, "split"])
    assert to_csv(views([record()], [FIGURE])).splitlines()[0] == header


def test_further_metrics_and_then_plugin_columns_follow_the_fixed_ones():
    found = views([record(metrics={"top1": 9.0, "z": 1.0, "b": 2.0})], columns={"a": lambda r: 1.0})
    assert to_csv(found).splitlines()[0].split(",")[len(COLUMNS) :] == ["b", "z", "a", *BESIDE, "split"]


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1", "-1+2", "@SUM(A1)", "\t=1", " =1"])
def test_no_name_is_a_formula_in_a_spreadsheet(name):
    (row,) = csv.DictReader(io.StringIO(to_csv(views([named(name)]))))
    assert row["model"] == "'" + " ".join(name.split())
    assert row["top1"] == "90.0"


@pytest.mark.parametrize("form", [to_csv, to_markdown, lambda shown: on_screen(shown, 300)])
def test_control_characters_act_on_nothing(form):
    said = form(views([named("\x1b[31mred\x07\x9b0m \u202ekcab")]))
    assert "red" in said
    assert not set("\x1b\x07\x9b\u202e") & set(said)


@given(st.lists(records(), min_size=1, max_size=6))
def test_markdown_has_one_line_a_row_and_all_cells_in_it(found):
    for view in views(found):
        lines = to_markdown([view]).splitlines()
        assert lines[0].startswith("## ")
        grid = [line for line in lines if line.startswith("|")]
        assert len(grid) == 2 + len(view.rows)
        assert len({line.replace("\\|", "").count("|") for line in grid}) == 1


def test_markdown_is_no_markup_of_a_name():
    said = to_markdown(views([named("<img src=x> [a](http://b) `c` *d* &lt;")]))
    assert r"\<img src=x\> \[a\](http://b) \`c\` \*d\* \&lt;" in said


def test_markdown_shows_what_a_reader_needs_and_links_records():
    (view,) = views([record(seed=seed, run=f"a-{seed}") for seed in (0, 1)])
    grid = to_markdown([view], {"a-0": "records/a-0.json", "a-1": "records/a-1.json"}.get).splitlines()
    titles = ["rank", "model", "space", "strategy", "stream", "top-1 (95 %)", "params (M)", "GMACs"]
    assert grid[2] == f"| {' | '.join(titles)} | latency (ms) | Pareto | record |"
    row = "| 1 | searched | sgcn | ceim | joint | 90.00 (86.9–92.4) | 3.47 | 4.14 | 12.50 | ● |"
    assert (
        grid[4]
        == f"{row.replace('searched', 'found by ceim')} seeds [0](records/a-0.json), [1](records/a-1.json) |"
    )


def test_markdown_shows_as_reported_only_where_it_is_given():
    measured, stated = views([record()], [FIGURE])
    assert "reported" not in to_markdown([measured])
    assert "1 GFLOPs" in to_markdown([stated])


def test_the_best_for_their_compute_are_listed_from_the_cheapest():
    found = [
        record(model=f"m{n}", macs=n * 10**9, flops=2 * n * 10**9, metrics={"top1": top1})
        for n, top1 in enumerate([50, 60, 55, 70, 70, 90], start=1)
    ]
    (view,) = views(found)
    section = pareto_section(view)
    assert [line.split(" | ")[1] for line in section.splitlines() if line[2:3].isdigit()] == [
        "m1",
        "m2",
        "m4",
        "m6",
    ]
    assert pareto_section(views(found[:3])[0]) == ""


def test_json_gives_back_the_rows():
    shown = views([record()], [FIGURE])
    read = json.loads(to_json(shown))
    assert [table["rows"] for table in read] == [list(view.rows) for view in shown]
    assert read[0]["split"] == record().split_fingerprint


def test_the_terminal_shows_names_in_square_brackets_as_they_are():
    assert "[red]net" in on_screen(views([named("[red]net")]), 200)


WANTED = ("rank", "model", "strategy", "top-1", "(86.9–92.4)", "3.47", "GMACs", "Pareto", "●")


@pytest.mark.parametrize("width", [80, 100, 140, 300])
def test_a_terminal_shows_what_a_reader_came_for_and_names_the_rest(width):
    shown = on_screen(
        views([record(space="sgcn-ucla", stream="joint+bone+joint_motion", latency=None)]), width
    )
    assert [name for name in WANTED if name not in shown] == []
    assert "Further columns for --columns: model, " in shown
    assert "Left out" not in shown
    assert max(map(len, shown.splitlines())) <= width


def test_a_terminal_without_room_keeps_the_ranking_and_says_what_is_left_out():
    shown = on_screen(views([record(space="sgcn-ucla", latency=None)]), 60)
    assert [name for name in ("rank", "top-1", "GMACs", "Pareto") if name not in shown] == []
    assert "Left out for want of room: space" in shown
