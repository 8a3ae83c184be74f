"""The page of a leaderboard: its data and the files of this folder put into one text."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from skelbench.errors import SkelbenchError
from skelbench.leaderboard.cells import metric_cell
from skelbench.leaderboard.column import better_low, is_number, label, names_of, value
from skelbench.leaderboard.plain import plain
from skelbench.leaderboard.table import metric_columns
from skelbench.leaderboard.view import View
from skelbench.results.record import Record
from skelbench.web.run_page import run_data
from skelbench.web.strategies import strategies_table

SCRIPTS = ("dom.js", "table.js", "scatter.js", "regret.js", "drawing.js", "run.js", "board.js")
STYLE = "board.css"
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; {policy}">
<meta name="color-scheme" content="light dark">
<title>skelbench leaderboard</title>
<style>{style}</style>
</head>
<body>
<noscript>This page sorts and draws with JavaScript, which is off. The CSV has the same rows.</noscript>
<div id="page"></div>
<script type="application/json" id="data">{data}</script>
<script>{script}</script>
</body>
</html>
"""


def to_html(
    views: Sequence[View],
    records: Iterable[Record] = (),
    place: Callable[[str], Path | None] = lambda run: None,
    strategies: Path | None = None,
) -> tuple[str, list[str]]:
    """One page that stands by itself.

    Args:
        views: The tables as they are to be shown.
        records: The runs in them, each of which gets a page.
        place: Where a run lies: its folder, or the file of its record.
        strategies: A folder with a leaderboard of strategies, which becomes the last table.

    Returns:
        The page, and a line for each file of a run that could not be read.
    """
    told: list[str] = []
    shown = {run for view in views for row in view.rows for run in str(row["run"] or "").split()}
    runs = {r.run: run_data(r, place(r.run), told) for r in records if r.run in shown}
    tables = [*map(_table, views), *_strategies(strategies, told)]
    data = {"tables": tables, "runs": runs}
    style, script = _text(STYLE), "\n".join(map(_text, SCRIPTS))
    policy = f"style-src '{_digest(style)}'; script-src '{_digest(script)}'"
    text = _PAGE.format(style=style, script=script, policy=policy, data=_embedded(data))
    return text, told


def _strategies(folder: Path | None, told: list[str]) -> list[dict[str, Any]]:
    try:
        found = strategies_table(folder) if folder is not None else None
    except SkelbenchError as error:
        told.append(str(error))
        return []
    return [found] if found is not None else []


def _table(view: View) -> dict[str, Any]:
    """A view as the scripts take it: rows as lists, each cell as shown and, where it differs, to sort by."""
    metric, interval, _ = metric_columns(view.table.metric)
    shown = [name for name in view.columns if not (view.metric_in_one and name == interval)]
    names = [*shown, *(name for name in names_of(view.table) if name not in shown and name in view.further)]
    return {
        "title": f"{view.table.key.label}, {view.table.key.protocol}",
        "dataset": view.table.key.label,
        "protocol": view.table.key.protocol,
        "source": view.table.key.source,
        "split": view.table.key.split[:12],
        "caption": plain(view.caption),
        "legend": plain(view.table.legend),
        "metric": metric,
        "columns": [
            {
                "name": name,
                "label": f"{label(name)} (95 %)"
                if name == metric and interval in view.columns
                else label(name),
                "number": is_number(name),
                "low": better_low(name),
                "shown": name in shown,
            }
            for name in names
        ],
        "rows": [
            {
                "cells": [plain(metric_cell(view, row, name)) for name in names],
                "keys": [value(name, row[name]) for name in names],
                "x": row["gmacs"],
                "y": row[metric],
                "size": row["params_m"],
                "name": plain(str(row["name"])),
                "group": plain(str(row["space"] or "reported")),
                "pareto": bool(row["pareto"]),
                "runs": str(row["run"] or "").split(),
                "interval": row[interval],
            }
            for row in view.rows
        ],
    }


def _embedded(data: Any) -> str:
    """JSON that ends no script element, whatever stands in it."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _text(name: str) -> str:
    return (files("skelbench.web") / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
