"""What ``skelbench leaderboard`` does, apart from the command line so that others start without it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import typer
from rich.console import Console

from skelbench.errors import PluginError, SkelbenchError, described, did_you_mean
from skelbench.host.guard import stdout_captured
from skelbench.host.registry import Entry, load_registry
from skelbench.leaderboard import publish
from skelbench.leaderboard.costs import Counter, completed, read_costs, write_costs
from skelbench.leaderboard.markdown import to_markdown
from skelbench.leaderboard.render import to_csv, to_json, to_rich
from skelbench.leaderboard.row import ColumnFunction
from skelbench.leaderboard.table import Table, make_tables
from skelbench.leaderboard.view import View, Wish, view_tables
from skelbench.results.record import Record

Format = Literal["rich", "csv", "markdown", "html"]
_TEXTS = {"csv": to_csv, "markdown": to_markdown}


@dataclass(frozen=True)
class Form:
    """How tables are put out.

    Attributes:
        format: A form by name; None: rich on a terminal, CSV in a pipe.
        json: JSON instead.
        wish: Columns, order and rows.
    """

    format: Format | None = None
    json: bool = False
    wish: Wish = field(default_factory=Wish)


def show_or_write(
    dataset: str | None,
    form: Form,
    output: Path | None,
    check: bool,
    runs: list[Path] | None,
    counted: Counter,
) -> None:
    """Show the tables, write them, or compare them with what is on disk; see the command's help."""
    target = output or (Path("leaderboards") if check else None)
    if target is not None and form != Form():
        what = "files hold whole tables in their own forms"
        raise SkelbenchError(what, where="--output", remedy="Choose columns, rows or a form without it")
    records = _records(target, runs)
    _tell_failed(records)
    folder = publish.published_folder(target)
    figures = publish.reported_figures(folder)
    costs = read_costs(folder)
    if target is not None and not check and publish.is_published(target):
        costs = completed(costs, figures, counted)
        write_costs(target, costs)
    made = make_tables(records, figures, _columns(), publish.names_of(folder), costs)
    tables = _only(made, dataset)
    if target is None:
        strategies = folder if dataset is None else None
        _show(view_tables(tables, form.wish), form, records, _places(folder, runs), strategies)
    elif check:
        publish.check(tables, target, whole=dataset is None)
        typer.echo(f"{target} is up to date")
    else:
        for path in publish.write(tables, target):
            typer.echo(f"wrote {path}")


def _records(target: Path | None, runs: list[Path] | None) -> list[Record]:
    folders = runs or []
    if not runs and Path("runs").is_dir() and not (target and publish.is_published(target)):
        folders = [Path("runs")]
    published = publish.published_records(publish.published_folder(target))
    return published + [record for folder in folders for record in publish.run_records(folder)]


def _tell_failed(records: list[Record]) -> None:
    failed = [record.run for record in records if record.status == "failed"]
    if failed:
        typer.echo(f"Failed runs left out: {', '.join(failed)}", err=True)


def _columns() -> dict[str, ColumnFunction]:
    """Columns of plugins; one that cannot be loaded is told and left out."""
    columns = {}
    for entry in load_registry().entries("column"):
        try:
            with stdout_captured():
                columns[entry.component.name] = _guarded(entry, entry.component.load())
        except PluginError as error:
            typer.echo(f"skelbench: {error}", err=True)
    return columns


def _guarded(entry: Entry, function: ColumnFunction) -> ColumnFunction:
    """A column that is blank where it fails, told once: nobody else's table shall depend on it."""
    told = False

    def cell(record: Record) -> str | float | None:
        nonlocal told
        try:
            with stdout_captured():
                value = function(record)
            if value is None or isinstance(value, str | int | float):
                return value
            failed = f"it gave {value!r}, no text and no number"
        except (Exception, SystemExit) as error:  # a stranger's function may raise anything
            failed = described(error)
        if not told:
            name = entry.component.name
            typer.echo(f"skelbench: {record.run}: column '{name}' failed: {failed}; blank there", err=True)
            told = True
        return None

    return cell


def _only(tables: list[Table], dataset: str | None) -> list[Table]:
    if dataset is None:
        return tables
    kept = [table for table in tables if table.key.dataset == dataset]
    if not kept:
        known = {table.key.dataset for table in tables}
        raise SkelbenchError(
            f"there are no rows for data set '{dataset}'", remedy=did_you_mean(dataset, known)
        )
    return kept


def _places(folder: Path, runs: list[Path] | None) -> Callable[[str], Path | None]:
    """From the name of a run to where it lies: its folder, else its published record."""

    def place(run: str) -> Path | None:
        own = [parent / run for parent in runs or [Path("runs")]]
        found = [path for path in (*own, folder / publish.RECORDS / f"{run}.json") if path.exists()]
        return found[0] if found else None

    return place


def _show(
    views: list[View],
    form: Form,
    records: list[Record],
    place: Callable[[str], Path | None],
    strategies: Path | None,
) -> None:
    format = form.format or ("rich" if sys.stdout.isatty() else "csv")
    if form.json:
        typer.echo(to_json(views), nl=False)
    elif format == "rich":
        console = Console()
        console.print(to_rich(views, console.width))
    elif format == "html":
        from skelbench.web.board import to_html  # needs numpy, which the other forms do not

        text, told = to_html(views, records, place, strategies)
        for line in told:
            typer.echo(f"skelbench: left out: {line}", err=True)
        typer.echo(text, nl=False)
    else:
        typer.echo(_TEXTS[format](views), nl=False)
