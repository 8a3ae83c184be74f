"""The command ``skelbench fuse``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from skelbench.cli.options import Json
from skelbench.errors import SkelbenchError


def fuse(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of finished runs.")],
    weights: Annotated[
        str | None, typer.Option(help="One number for each run, as in `0.6,0.4`; equal without it.")
    ] = None,
    of: Annotated[
        Literal["probabilities", "logits"], typer.Option(help="What of the runs is added up.")
    ] = "probabilities",
    out: Annotated[
        Path | None, typer.Option(help="Store the fused scores and record as a run under this folder.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Fuse the scores of several runs, such as the joint and the bone stream, by sample id.

    Example: `skelbench fuse runs/sgcn-1a2b3c4d-0 runs/sgcn-5e6f7a8b-0 --weights 0.6,0.4`
    """
    from skelbench.engine.fusion import fuse_runs, store_fusion
    from skelbench.training.scores import rate

    fusion = fuse_runs(runs, numbers(weights), of)
    rows = [
        {"run": part.folder.name, "stream": part.record.stream, "weight": part.weight}
        | rate(part.scores, fusion.metrics)
        for part in fusion.parts
    ]
    rows.append({"run": "fused", "stream": fusion.stream, "weight": 1.0} | fusion.figures)
    if out is not None:
        rows[-1]["run"] = store_fusion(fusion, out).run
    _show(rows, json_output)


def numbers(text: str | None) -> list[float] | None:
    """Weights as the command line has them, `0.6,0.4`.

    Raises:
        SkelbenchError: They are not of that form.
    """
    try:
        return None if text is None else [float(part) for part in text.split(",")]
    except ValueError as error:
        remedy = "Write numbers with commas between them: --weights 0.6,0.4"
        raise SkelbenchError(f"'{text}' is not a list of weights", remedy=remedy) from error


def _show(rows: list[dict[str, Any]], json_output: bool) -> None:
    """JSON where asked for, a table on a terminal, tab-separated lines in a pipe."""
    if json_output:
        typer.echo(json.dumps(rows, indent=2))
        return
    lines = [list(rows[0])] + [[f"{v:.2f}" if isinstance(v, float) else v for v in r.values()] for r in rows]
    if not sys.stdout.isatty():
        for line in lines:
            typer.echo("\t".join(line))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*lines[0])
    for line in lines[1:]:
        table.add_row(*line)
    Console().print(table)
