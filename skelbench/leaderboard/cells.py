"""Cells as a reader sees them: short, with the interval beside its metric."""

from __future__ import annotations

from skelbench.leaderboard.column import label
from skelbench.leaderboard.table import Cell, Row, metric_columns
from skelbench.leaderboard.view import View

PARETO = "\N{BLACK CIRCLE}"


def shown_columns(view: View) -> list[str]:
    """The columns shown; the interval has none of its own where it stands beside its metric."""
    _, interval, _ = metric_columns(view.table.metric)
    return [name for name in view.columns if not (view.metric_in_one and name == interval)]


def column_title(view: View, name: str) -> str:
    """What stands above a column: its own name where columns were asked for by name."""
    if view.asked.columns:
        return name
    metric, interval, _ = metric_columns(view.table.metric)
    return f"{label(name)} (95 %)" if name == metric and interval in view.columns else label(name)


def metric_cell(view: View, row: Row, name: str) -> str:
    """A cell as text."""
    metric, interval, _ = metric_columns(view.table.metric)
    cell = row.get(name)
    if view.asked.columns or cell is None:
        return "" if cell is None else str(cell)
    if name == metric:
        return f"{cell:.2f}{_short(row[interval])}"
    return _readable(name, cell)


def _readable(name: str, cell: Cell) -> str:
    if name == "pareto":
        return PARETO
    if name == "rank":
        return str(cell).replace(" to ", "\N{EN DASH}")
    if name == "stream":
        return str(cell).replace("+", " + ").replace("_", " ")
    if name == "source":
        return str(cell).removeprefix("reported: ")
    if isinstance(cell, float):
        return f"{cell:.2f}" if abs(cell) >= 1 else f"{cell:.3g}"
    return str(cell)


def _short(interval: Cell) -> str:
    """An interval to a tenth: nobody needs more of it."""
    if interval is None:
        return ""
    low, high = (float(end) for end in str(interval).split(" to "))
    return f" ({low:.1f}\N{EN DASH}{high:.1f})"
