"""The commands ``skelbench reproduce`` and ``skelbench publish``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelbench.cli.options import Json, Runs
from skelbench.cli.table import print_paths
from skelbench.errors import SkelbenchError

if TYPE_CHECKING:
    from skelbench.leaderboard.reproduce import Recipe


def reproduce(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="ROW|RUN",
            help="A run's folder or the name of a published run; without the seed at its end, all its seeds.",
        ),
    ],
    run: Annotated[bool, typer.Option("--run", help="Run the commands and compare what comes out.")] = False,
    data: Annotated[Path | None, typer.Option(help="Where the recordings are.")] = None,
    runs: Runs = Path("runs"),
    seed: Annotated[int | None, typer.Option(help="Another seed, which joins the row.")] = None,
    json_output: Json = False,
) -> None:
    """Print the commands that make a run or a published row again, or run them.

    Where the shipped spec has changed since, they take the spec as it was, which is kept with every run and
    published row.

    Example: `skelbench reproduce esan-ucla.esan-85c07718 --data nw-ucla --seed 3`
    """
    from skelbench.leaderboard.publish import published_folder
    from skelbench.leaderboard.reproduce import Wanted, recipes

    found = recipes(name, Wanted(published_folder(), data, runs, seed))
    if json_output:
        typer.echo(json.dumps([recipe.as_data() for recipe in found], indent=2))
    else:
        for recipe in found:
            _show(recipe)
    if run:
        _refuse_open(found)
        for recipe in found:
            for words in recipe.commands:
                context.find_root().command.main(list(words), "skelbench", standalone_mode=False)
            _compare(recipe, runs)


def _show(recipe: Recipe) -> None:
    said = recipe.as_data()
    typer.echo("\n".join([f"# {said['run']}", *(f"# {note}" for note in said["notes"]), *said["commands"]]))


def _refuse_open(found: list[Recipe]) -> None:
    if any("DATA" in words for recipe in found for words in recipe.commands):
        raise SkelbenchError(
            "the recordings are not known", where="--run", remedy="Give their place with --data"
        )


def _compare(recipe: Recipe, runs: Path) -> None:
    """What came out now beside what the record says."""
    from skelbench.results.collection import placed_records

    folder = runs / recipe.record.run
    if not folder.is_dir():
        return  # another seed
    [(_, now)] = placed_records(folder)
    for metric, before in recipe.record.metrics.items():
        again = now.metrics.get(metric)
        shown = "not measured" if again is None else f"{again:.2f} ({again - before:+.2f})"
        typer.echo(f"{recipe.record.run}: {metric} {before:.2f} in the record, {shown} now", err=True)


def publish(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of finished runs.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The folder of published leaderboards.")
    ] = Path("leaderboards"),
    json_output: Json = False,
) -> None:
    """Copy what is published of runs: record, scores, spec; then `skelbench leaderboard -o leaderboards`.

    Example: `skelbench publish runs/sgn-ucla.sgn-feb242f8-3`
    """
    from skelbench.leaderboard.publishing import publish_run

    written = [path for run in runs for path in publish_run(run, output)]
    print_paths(written, json_output, "wrote ")
