"""The forms of a table: nothing is lost, nothing breaks out of its cell."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from skelbench.leaderboard.render import to_csv, to_json, to_markdown, to_rich
from skelbench.leaderboard.reported import Reported
from skelbench.leaderboard.table import COLUMNS, make_tables
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


def on_screen(tables, width):
    out = io.StringIO()
    Console(width=width, file=out, color_system=None).print(to_rich(tables, width))
    return out.getvalue()


@given(st.lists(records(), max_size=6))
def test_csv_gives_back_every_cell(found):
    tables = make_tables(found, [FIGURE], {"layout": lambda r: r.layout})
    read = list(csv.DictReader(io.StringIO(to_csv(tables), newline="")))
    rows = [(table, row) for table in tables for row in table.rows]
    assert len(read) == len(rows)
    for got, (table, row) in zip(read, rows, strict=True):
        assert got.pop("split") == table.key.split[:12]
        assert got == {name: "" if value is None else str(value) for name, value in row.items()}


def test_csv_has_the_same_columns_whatever_there_is():
    header = to_csv([]).strip()
    assert header == ",".join([*COLUMNS, "as_reported", "split"])
    assert to_csv(make_tables([record()], [FIGURE])).splitlines()[0] == header


def test_plugin_columns_follow_the_fixed_ones():
    tables = make_tables([record()], columns={"mine": lambda r: 1.0})
    assert to_csv(tables).splitlines()[0].split(",")[len(COLUMNS)] == "mine"


@given(st.lists(records(), min_size=1, max_size=6))
def test_markdown_has_one_line_a_row_and_all_cells_in_it(found):
    for table in make_tables(found):
        lines = to_markdown([table]).splitlines()
        assert lines[0].startswith("## ")
        grid = [line for line in lines if line.startswith("|")]
        assert len(grid) == 2 + len(table.rows)
        assert {line.replace("\\|", "").count("|") for line in grid} == {len(COLUMNS) + 1}


def test_markdown_shows_as_reported_only_where_it_is_given():
    measured, stated = make_tables([record()], [FIGURE])
    assert "as_reported" not in to_markdown([measured])
    assert "1 GFLOPs" in to_markdown([stated])


def test_json_gives_back_the_rows():
    tables = make_tables([record()], [FIGURE])
    read = json.loads(to_json(tables))
    assert [table["rows"] for table in read] == [list(table.rows) for table in tables]
    assert read[0]["split"] == record().split_fingerprint


def test_the_terminal_shows_names_in_square_brackets_as_they_are():
    assert "[red]net" in on_screen(make_tables([record().model_copy(update={"model": "[red]net"})]), 200)


def test_a_wide_terminal_shows_every_column_that_is_not_blank():
    shown = on_screen(make_tables([record()]), 300)
    for name in set(COLUMNS) - {"dataset", "protocol", "source", "top1_std"}:
        assert name in shown
    assert "top1_std" not in shown
    assert "Left out" not in shown


@pytest.mark.parametrize("width", [80, 100, 140])
def test_a_narrow_terminal_keeps_what_tells_most_and_names_the_rest(width):
    shown = on_screen(make_tables([record()]), width)
    for name in ("rank", "model", "top1", "selection", "views"):
        assert name in shown
    assert "Left out for want of room" in shown
    assert "gflops" in shown
    assert max(map(len, shown.splitlines())) <= width
