"""The command ``skelbench export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skelbench.cli.options import Json
from skelbench.cli.table import print_paths


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run's folder.")],
    to: Annotated[
        list[str],
        typer.Option(
            "--to", metavar="onnx|torch|card", help="Form of the export; may be given more than once."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to; `exported/` and the run's name without it.")
    ] = None,
    force: Annotated[
        str | None, typer.Option(metavar="CHOICE", help="Of an adaptive network: the model for all frames.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Write a trained network for use elsewhere, with a description of its input.

    Graphs take any number of clips and are checked against the network's own scores. For onnx and card the
    extra 'export' of skelbench is needed.

    Example: `skelbench export runs/sgcn-1a2b3c4d-0 --to onnx`
    """
    from skelbench.engine.export import export_run

    print_paths(sorted(export_run(run, to, out, force).iterdir()), json_output)
