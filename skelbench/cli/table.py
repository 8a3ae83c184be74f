"""Tables that commands print."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def print_table(rows: list[dict[str, Any]], columns: list[str], title: str | None = None) -> None:
    """A table on a terminal, tab-separated lines under their names in a pipe."""
    if not sys.stdout.isatty():
        for line in [columns, *([str(row[column]) for column in columns] for row in rows)]:
            print("\t".join(" ".join(cell.split()) for cell in line))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = [column for column in columns if any(row[column] for row in rows)]
    table = Table(*shown, title=title, title_justify="left")
    table.columns[0].no_wrap = True
    for row in rows:
        table.add_row(*(Text(str(row[column])) for column in shown))
    Console().print(table)


def print_paths(paths: Sequence[Path], as_json: bool, before: str = "") -> None:
    """Files that a command has written, a line each or as a list."""
    if as_json:
        print(json.dumps([str(path) for path in paths], indent=2))
        return
    for path in paths:
        print(f"{before}{path}")
