"""Tables as CSV and JSON and for the terminal; the same tables give the same text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table as RichTable
from rich.text import Text

from skelbench.leaderboard.cells import column_title, metric_cell, shown_columns
from skelbench.leaderboard.column import SPLIT, is_number
from skelbench.leaderboard.plain import for_spreadsheet, plain
from skelbench.leaderboard.table import BESIDE, COLUMNS, SPLIT_DIGITS, Row
from skelbench.leaderboard.view import View

_DROPPED_FIRST = ("source", "space", "params_m", "as_reported", "strategy", "stream")
_EDGES, _GAP, _NARROWEST = 2, 2, 12


def to_csv(views: Sequence[View]) -> str:
    """All tables as one CSV: fixed columns, further ones, publications' and ``split``; or those asked for.

    Text that a spreadsheet would take for a formula has an apostrophe before it.
    """
    extra = dict.fromkeys(name for view in views for name in view.table.extra)
    asked = next((view.asked.columns for view in views), ())
    out = io.StringIO()
    names = asked or (*COLUMNS, *extra, *BESIDE, SPLIT)
    writer = csv.DictWriter(out, names, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for view in views:
        split = {SPLIT: view.table.key.split[:SPLIT_DIGITS]}
        writer.writerows(
            {k: for_spreadsheet(v) if isinstance(v, str) else v for k, v in (row | split).items()}
            for row in view.rows
        )
    return out.getvalue()


def to_json(views: Sequence[View]) -> str:
    """A list of tables, each with what its rows have in common and the rows by column name."""
    listed = [
        {
            **view.table.key._asdict(),
            "metric": view.table.metric,
            "rows": [_picked(view, r) for r in view.rows],
        }
        for view in views
    ]
    return json.dumps(listed, indent=2) + "\n"


def to_rich(views: Sequence[View], width: int) -> Group:
    """Tables for a terminal ``width`` characters wide; what does not fit is folded, and left out at last."""
    return Group(*(part for view in views for part in _rich(view, width)))


def _picked(view: View, row: Row) -> Row:
    return {name: row.get(name) for name in view.asked.columns} if view.asked.columns else row


def _rich(view: View, width: int) -> list[RichTable | Text]:
    columns = [_Column.of(view, name) for name in shown_columns(view)]
    dropped = _drop(columns, width)
    columns = [column for column in columns if column.name not in dropped]
    widths = _widths(columns, width)
    out = RichTable(
        title=Text(plain(view.caption)), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    for column, room in zip(columns, widths, strict=True):
        title = column.title.replace(" (", "\n(") if len(column.title) > room else column.title
        right = is_number(column.name)
        out.add_column(title, justify="right" if right else "left", overflow="fold", width=room)
    for row in zip(*(column.cells for column in columns), strict=True):
        out.add_row(*map(Text, row))
    notes = []
    if dropped:
        notes.append(f"Left out for want of room: {', '.join(dropped)}")
    if view.further:
        notes.append(f"Further columns for --columns: {', '.join(view.further)}")
    notes += [view.table.legend] if view.table.legend else []
    return [out, *(Text(f"  {plain(note)}", style="dim") for note in notes), Text("")]


class _Column(NamedTuple):
    """A column on a terminal: its text, and the characters that it needs and would like."""

    name: str
    title: str
    cells: list[str]
    least: int
    most: int

    @classmethod
    def of(cls, view: View, name: str) -> _Column:
        title = plain(column_title(view, name))
        cells = [plain(metric_cell(view, row, name)) for row in view.rows]
        words = [word for text in (title.replace("95 %", "95_%"), *cells) for word in text.split()]
        least = max(map(len, words), default=0)
        most = max(map(len, [*title.split(" ("), *cells]), default=0)
        return cls(name, title, cells, least if is_number(name) else min(_NARROWEST, least), max(least, most))


def _drop(columns: Sequence[_Column], width: int) -> list[str]:
    """The columns that have no room, the least telling ones first."""
    left, dropped = {column.name: column.least for column in columns}, []
    for name in _DROPPED_FIRST:
        if _EDGES + sum(left.values()) + _GAP * len(left) > width and name in left:
            dropped.append(name)
            del left[name]
    return dropped


def _widths(columns: Sequence[_Column], width: int) -> list[int]:
    """As wide as columns would like; where there is no room for it, the widest give way first."""
    widths = [column.most for column in columns]
    while _EDGES + sum(widths) + _GAP * len(widths) > width:
        folding = [n for n, column in enumerate(columns) if widths[n] > column.least]
        if not folding:
            break
        widths[max(folding, key=lambda n: widths[n])] -= 1
    return widths
