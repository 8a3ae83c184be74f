"""The commands ``skelbench plot`` and ``skelbench frames``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from skelbench.cli.options import Json

Output = Annotated[Path | None, typer.Option("--output", "-o", help="Draw to this file: .svg, .png or .pdf.")]
Series = Literal["space", "family", "strategy", "stream", "model"]


def plot(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[RUN|DIR|RECORD]...",
            help="Folders of finished runs, folders of runs or records, record files; ./runs without any.",
        ),
    ] = None,
    output: Output = None,
    series: Annotated[
        Series,
        typer.Option(
            help="What the networks on one line share; family: the model but for a number at its end."
        ),
    ] = "space",
    dataset: Annotated[str | None, typer.Option(help="Take only runs on this data set.")] = None,
    stream: Annotated[str | None, typer.Option(help="Take only runs on this stream.")] = None,
    show: Annotated[
        Literal["curve", "search", "confusion", "architecture"],
        typer.Option(help="What to draw; all but the curve are of one run and need --output."),
    ] = "curve",
    json_output: Json = False,
) -> None:
    """Accuracy against GMACs of runs on one split, as text or as a picture; or a picture of one run.

    Lines lead through networks with `--series family`. Pictures need the extra 'plots' of skelbench.

    Example: `skelbench plot runs -o curve.svg`
    """
    if show != "curve":
        from skelbench.figures.one_run import draw_run

        return draw_run(runs or [], show, output)
    from skelbench.figures.runs import show_or_draw

    show_or_draw(runs or [], output, series, dataset, stream, json_output)


def frames(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run's folder.")],
    clip: Annotated[
        str | None, typer.Option(metavar="ID", help="Sample id; the first of the test split without it.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Where the recordings are now.")] = None,
    output: Output = None,
    json_output: Json = False,
) -> None:
    """Which model each frame of a test clip took, and its joints, as text or as a picture.

    Example: `skelbench frames runs/adasgn-1a2b3c4d-0 --clip S001C001P003R001A010 -o frames.svg`
    """
    from skelbench.figures.page import check_page

    if output is not None:
        check_page(output)
    from skelbench.engine.frames import show_or_draw  # torch takes seconds to import

    show_or_draw(run, clip, data, output, json_output)
