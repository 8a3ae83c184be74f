"""The command ``skelbench leaderboard``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Format = Literal["rich", "csv", "markdown", "json"]


def leaderboard(
    dataset: Annotated[str | None, typer.Option(help="Show only this data set.")] = None,
    format: Annotated[
        Format | None, typer.Option(help="Form of the output; rich on a terminal, csv in a pipe.")
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

    Example: skelbench leaderboard --dataset ucla --format csv > ucla.csv
    """
    from skelbench.leaderboard.command import show_or_write

    show_or_write(dataset, format, output, check, runs)
