"""The command ``skelbench leaderboard``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from skelbench.cli.options import Json

Format = Literal["rich", "csv", "markdown", "html"]


def leaderboard(
    dataset: Annotated[str | None, typer.Option(help="Show only this data set.")] = None,
    format: Annotated[
        Format | None, typer.Option(help="Form of the output; rich on a terminal, csv in a pipe.")
    ] = None,
    json_output: Json = False,
    columns: Annotated[
        str | None, typer.Option(metavar="NAME,...", help="Show these columns, by their names in the CSV.")
    ] = None,
    sort: Annotated[
        str | None, typer.Option(metavar="NAME,...", help="Sort by these columns, the best first.")
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CONDITION",
            help="Show rows that fulfil it: `gmacs<0.1`, `stream=joint`, `name~gcn`. May be given again.",
        ),
    ] = None,
    pareto: Annotated[
        str | None,
        typer.Option(metavar="NAME,...", help="Show the Pareto front in these columns: `gmacs,top1`."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write a CSV and a Markdown file a data set."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Compare the files in --output (./leaderboards) and write none.")
    ] = False,
    runs: Annotated[
        list[Path] | None, typer.Option(help="A folder of runs; may be given again. [default: ./runs]")
    ] = None,
) -> None:
    """Rank runs that can be compared, beside what publications report.

    The tables hold the runs of each --runs folder, the published records and the reported
    figures. A folder of published leaderboards (one with a reported.yaml) is written and checked
    from its own records alone, unless --runs is given.

    Example: `skelbench leaderboard --dataset ucla --where 'gmacs<0.1' --pareto gmacs,top1`
    """
    from skelbench.leaderboard.command import Form, show_or_write
    from skelbench.leaderboard.view import read_wish
    from skelbench.papers.costs import cost_of

    form = Form(format, json_output, read_wish(columns, sort, where or [], pareto))
    show_or_write(dataset, form, output, check, runs, cost_of)
