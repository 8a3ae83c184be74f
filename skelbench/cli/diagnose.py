"""The command ``skelbench diagnose``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from skelbench.cli.options import Json


def diagnose(
    run: Annotated[Path, typer.Argument(help="The folder of a run that searched.")],
    train: Annotated[int, typer.Option(min=4, help="So many architectures are trained by themselves.")] = 12,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each.")] = 1,
    rated: Annotated[
        int, typer.Option(min=4, help="So many are drawn at random and rated on the supernet.")
    ] = 60,
    table: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="Take a table's trainings instead of new ones.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Where the recordings are now.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Draw a picture (.svg, .png, .pdf).")
    ] = None,
    json_output: Json = False,
) -> None:
    """Does a search's fitness rank architectures? Train some by themselves and compare.

    They are spread over the range of fitness. It gives Kendall's tau with its interval, and the spread
    between architectures beside that between seeds. The same command goes on where it stopped.

    Example: `skelbench diagnose runs/sgcn-b92c2560-0 --train 12 --seeds 2 -o diagnosis.svg`
    """
    from skelbench.figures.page import check_page

    if output is not None:
        check_page(output)
    from skelbench.engine.diagnose import DiagnoseOptions
    from skelbench.engine.diagnose import diagnose as diagnosed

    found = diagnosed(run, DiagnoseOptions(data, train, seeds, rated, table))
    if output is not None:
        from skelbench.figures.diagnosis import diagnosis_picture

        diagnosis_picture(found, output)
        typer.echo(f"wrote {output}", err=True)
    typer.echo(json.dumps(found.plain(), indent=2) if json_output else "\n".join(found.lines()))
