"""Tables as Markdown, narrow enough for a code host, with links to records and publications."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from skelbench.leaderboard.cells import column_title, metric_cell, shown_columns
from skelbench.leaderboard.column import is_number
from skelbench.leaderboard.plain import for_markdown
from skelbench.leaderboard.table import Row, metric_columns
from skelbench.leaderboard.view import View

Link = Callable[[str], str | None]
"""From the name of a run to where its record lies, None where it is not published."""
_FEW = 6


def to_markdown(views: Sequence[View], link: Link = lambda run: None) -> str:
    """Each table under its caption, in GitHub's form.

    Args:
        views: The tables as they are to be shown.
        link: Where the record of a run lies; rows without one have no link.
    """
    return "\n".join(_table(view, link) for view in views)


def pareto_section(view: View, link: Link = lambda run: None) -> str:
    """The rows of the Pareto front from the fewest MACs to the most, empty where a reader sees as much below.

    Whoever may spend so many MACs takes the last row within them.
    """
    front = sorted((row for row in view.rows if row["pareto"]), key=lambda row: (row["gmacs"], row["name"]))
    if len(front) < 2 or len(view.rows) < _FEW:
        return ""
    metric, interval, _ = metric_columns(view.table.metric)
    wanted = ("gmacs", "name", "stream", metric, interval, "params_m")
    own = View(view.table, tuple(front), tuple(n for n in wanted if n in view.columns))
    lines = [
        "## The best for their compute",
        "",
        "Cheapest first: nothing measured here is better at as few GMACs as any of these. The best within a "
        "budget is the last row that fits it.",
        "",
        *_grid(own, link),
    ]
    return "\n".join([*lines, ""])


def _table(view: View, link: Link) -> str:
    legend = [for_markdown(view.table.legend), ""] if view.table.legend else []
    return "\n".join([f"## {for_markdown(view.caption)}", "", *_grid(view, link), "", *legend])


class _Column(NamedTuple):
    title: str
    cells: list[str]
    rule: str


def _grid(view: View, link: Link) -> list[str]:
    columns = [
        _Column(
            for_markdown(column_title(view, name)),
            [_cell(view, row, name) for row in view.rows],
            "---:" if is_number(name) else "---",
        )
        for name in shown_columns(view)
    ]
    records = [_records(row, link) for row in view.rows]
    if any(records) and not view.asked.columns:
        columns.append(_Column("record", records, "---"))
    rows = zip(*(column.cells for column in columns), strict=True)
    titles, rules = [column.title for column in columns], [column.rule for column in columns]
    return [f"| {' | '.join(cells)} |" for cells in (titles, rules, *rows)]


def _cell(view: View, row: Row, name: str) -> str:
    """A cell; publications are links."""
    text = metric_cell(view, row, name)
    links = str(row["url"] or "").split()
    if name != "source" or not links:
        return for_markdown(text)
    parts = []
    for part, link in zip(text.split("; "), links, strict=True):
        cite, comma, place = part.partition(", Table")
        parts.append(f"[{for_markdown(cite)}]({link}){for_markdown(comma + place)}")
    return "; ".join(parts)


def _records(row: Row, link: Link) -> str:
    """A link for each seed."""
    found = [(run, link(run)) for run in str(row["run"] or "").split()]
    links = [f"[{for_markdown(run.rpartition('-')[2])}]({place})" for run, place in found if place]
    return f"seed {links[0]}" if len(links) == 1 else f"seeds {', '.join(links)}" if links else ""
