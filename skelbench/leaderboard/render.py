"""Tables as CSV, Markdown, JSON and for the terminal; the same tables give the same text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table as RichTable
from rich.text import Text

from skelbench.leaderboard.table import AS_REPORTED, COLUMNS, SPLIT_DIGITS, Cell, Table

SPLIT = "split"
_IN_CAPTION = {"measured": ("dataset", "protocol", "source"), "reported": ("dataset", "protocol")}
_DROPPED_FIRST = (
    *("date", "device", "gflops", "run", "search_cost_h", "latency_ms"),
    *("space", "top5", "params_m", "strategy", "gmacs"),
)
_NUMBERS = {
    *("rank", "top1", "top1_interval", "top1_std", "n_seeds", "top5", "params_m", "gmacs", "gflops"),
    *("latency_ms", "search_cost_h", "views"),
}


def to_csv(tables: Sequence[Table]) -> str:
    """All tables as one CSV: the fixed columns, plugin columns, ``as_reported`` and ``split``."""
    extra = dict.fromkeys(name for table in tables for name in table.extra)
    out = io.StringIO()
    writer = csv.DictWriter(out, [*COLUMNS, *extra, AS_REPORTED, SPLIT], lineterminator="\n")
    writer.writeheader()
    for table in tables:
        writer.writerows(row | {SPLIT: table.key.split[:SPLIT_DIGITS]} for row in table.rows)
    return out.getvalue()


def to_markdown(tables: Sequence[Table]) -> str:
    """Each table under its caption, in GitHub's form; ``as_reported`` only where it is given."""
    return "\n".join(_markdown(table) for table in tables)


def to_json(tables: Sequence[Table]) -> str:
    """A list of tables, each with what its rows have in common and the rows by column name."""
    listed = [{**table.key._asdict(), "rows": list(table.rows)} for table in tables]
    return json.dumps(listed, indent=2) + "\n"


def to_rich(tables: Sequence[Table], width: int) -> Group:
    """Tables for a terminal ``width`` characters wide.

    Columns that are blank or stand in the caption are left out, and the less telling ones where
    the table would be too wide; a line below the table names those.
    """
    return Group(*(part for table in tables for part in _rich(table, width)))


def _text(value: Cell) -> str:
    return "" if value is None else str(value)


def _markdown(table: Table) -> str:
    names = [*COLUMNS, *table.extra, *([AS_REPORTED] if _given(table, AS_REPORTED) else [])]
    rules = ["---:" if name in _NUMBERS else "---" for name in names]
    rows = [[_escaped(_text(row[name])) for name in names] for row in table.rows]
    lines = [f"| {' | '.join(cells)} |" for cells in (names, rules, *rows)]
    legend = [table.legend, ""] if table.legend else []
    return "\n".join([f"## {_escaped(table.caption)}", "", *lines, "", *legend])


def _escaped(text: str) -> str:
    """Text that stays in its Markdown cell and is not taken for markup."""
    for character in "\\`*_[]<>|":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.split())


def _given(table: Table, name: str) -> bool:
    return any(row[name] is not None for row in table.rows)


def _rich(table: Table, width: int) -> list[RichTable | Text]:
    names = [n for n in (*COLUMNS, *table.extra, AS_REPORTED) if n not in _IN_CAPTION[table.key.source]]
    given = [n for n in names if _given(table, n)]
    shown = _fitting(table, given, width)
    out = RichTable(title=Text(table.caption), title_justify="left", box=SIMPLE_HEAD)
    for name in shown:
        out.add_column(name, justify="right" if name in _NUMBERS else "left", overflow="fold")
    for row in table.rows:
        out.add_row(*(Text(_text(row[name])) for name in shown))
    hidden = [name for name in given if name not in shown]
    note = f"  Left out for want of room: {', '.join(hidden)} (--format csv has all)\n"
    notes = [note] if hidden else []
    notes += [f"  {table.legend}\n"] if table.legend else []
    return [out, *(Text(note, style="dim") for note in notes)]


def _fitting(table: Table, names: Sequence[str], width: int) -> list[str]:
    """The names whose columns fit, after dropping from `_DROPPED_FIRST` as far as needed."""
    need = {n: 3 + max(len(n), *(len(_text(row[n])) for row in table.rows)) for n in names}
    for name in _DROPPED_FIRST:
        if sum(need.values()) + 1 > width:
            need.pop(name, None)
    return list(need)
