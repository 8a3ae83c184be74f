"""The leaderboard of strategies as a table of the page: what ``skelbench bench -o`` wrote."""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path
from typing import Any

from skelbench.errors import RunFolderError
from skelbench.leaderboard.plain import plain
from skelbench.results.files import read_regular

FILE, PAGE = "strategies.csv", "strategies.md"
MOST_BYTES = 1_000_000
_TITLE = re.compile(r"# (Strategies on [\w@.-]+)")
_CAPTION = (
    "Searches replayed on a table of trained networks. Regret: by how many points of test top-1 the "
    "incumbent is below the best network after so many evaluations. Front: percent of the hypervolume of "
    "accuracy against MACs. In brackets: intervals of 95 % over repetitions. Strategies that share a letter "
    "are not decided between."
)


def strategies_table(folder: Path) -> dict[str, Any] | None:
    """The board in a folder of leaderboards as the page's scripts take it; None where there is none.

    Args:
        folder: Where ``strategies.csv`` and ``strategies.md`` are.

    Raises:
        RunFolderError: The file is no board of strategies.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    rows = _rows(path)
    budgets = sorted(int(name.partition("@")[2]) for name in rows[0] if re.fullmatch(r"regret@\d{1,7}", name))
    columns = [
        _column("strategy", "strategy", number=False),
        *(_column(f"regret@{n}", f"regret at {n} (95 %)") for n in budgets),
        _column("group", "group", number=False),
        _column("vs_random", "against random", number=False),
        *(
            _column(f"front@{n}", f"front at {n}, % (95 %)", low=False, shown=n == budgets[-1])
            for n in budgets
        ),
        _column("front_vs_random", "front against random", number=False),
        _column("train_s", "training, s", shown=False),
        _column("own_s", "own, s"),
    ]
    columns = [column for column in columns if column["name"] in rows[0]]
    return {
        "title": _title(folder),
        "dataset": "",
        "protocol": "",
        "source": "strategies",
        "split": "",
        "caption": _CAPTION,
        "legend": "",
        "metric": "regret",
        "columns": columns,
        "rows": [_row(row, columns, budgets) for row in rows],
        "budgets": budgets,
    }


def _rows(path: Path) -> list[dict[str, str]]:
    text = read_regular(path, MOST_BYTES).decode("utf-8", "replace")
    rows = [row for row in csv.DictReader(text.splitlines()) if None not in row and None not in row.values()]
    if not rows or "strategy" not in rows[0] or not any(name.startswith("regret@") for name in rows[0]):
        remedy = "Write it again with `skelbench bench TABLE -o FOLDER`"
        raise RunFolderError("this is no leaderboard of strategies", where=path, remedy=remedy)
    return rows


def _title(folder: Path) -> str:
    path = folder / PAGE
    text = read_regular(path, MOST_BYTES).decode("utf-8", "replace") if path.is_file() else ""
    found = _TITLE.match(text)
    return plain(found[1]) if found else "Strategies"


def _column(
    name: str, label: str, *, number: bool = True, low: bool = True, shown: bool = True
) -> dict[str, Any]:
    return {"name": name, "label": label, "number": number, "low": low, "shown": shown}


def _row(row: dict[str, str], columns: list[dict[str, Any]], budgets: list[int]) -> dict[str, Any]:
    return {
        "cells": [_cell(row, column["name"]) for column in columns],
        "keys": [_number(row[c["name"]]) if c["number"] else plain(row[c["name"]]) for c in columns],
        "x": None,
        "y": None,
        "size": None,
        "name": plain(row["strategy"]),
        "group": plain(row["strategy"]),
        "pareto": False,
        "runs": [],
        "interval": "",
        "curve": [[_number(row.get(f"{part}@{n}")) for part in ("regret", "low", "high")] for n in budgets],
    }


def _cell(row: dict[str, str], name: str) -> str:
    kind, at, budget = name.partition("@")
    if not at:
        return plain(row[name])
    ends = ("low", "high") if kind == "regret" else (f"{kind}_low", f"{kind}_high")
    digits = 2 if kind == "regret" else 1
    told = [_number(row.get(key)) for key in (name, *(f"{end}@{budget}" for end in ends))]
    if None in told:
        return plain(row[name])
    mean, low, high = (f"{value:.{digits}f}" for value in told)
    return f"{mean} [{low}, {high}]"


def _number(text: str | None) -> float | None:
    """A finite number, or None."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
