"""The command ``skelbench predict``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skelbench.cli.fuse import numbers
from skelbench.cli.options import Accelerator, Json
from skelbench.cli.table import print_table

if TYPE_CHECKING:
    from skelbench.engine.predict import Prediction


def predict(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run's folder, or an exported one.")],
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE|FOLDER]...", help="Recordings in a form that the run's data set is read from."
        ),
    ] = None,
    npz: Annotated[
        Path | None,
        typer.Option(help="Plain arrays instead, npy or npz: each (T, V, C), (T, M, V, C), or several such."),
    ] = None,
    also: Annotated[
        list[Path] | None,
        typer.Option("--with", metavar="RUN", help="A further run whose probabilities are averaged in."),
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="One number for each run, as in `0.6,0.4`; equal without it.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many classes to name, the most probable first.")] = 3,
    window: Annotated[
        int | None,
        typer.Option(min=1, help="Classify windows of so many frames instead of whole recordings."),
    ] = None,
    stride: Annotated[
        int | None, typer.Option(min=1, help="Frames from one window to the next; half a window without it.")
    ] = None,
    fps: Annotated[
        float | None, typer.Option(min=0.001, help="Frames a second of skeletons, to tell times.")
    ] = None,
    accelerator: Accelerator = "auto",
    json_output: Json = False,
) -> None:
    """Classify recordings that have no labels, by a trained network or several together.

    Example: `skelbench predict runs/sgcn-1a2b3c4d-0 walk.json --top 5`
    """
    from skelbench.console import Screen
    from skelbench.engine.predict import Source, classify

    source = Source(tuple(files or ()), npz, window, stride, fps)
    names, found = classify([run, *(also or ())], source, numbers(weights), accelerator, Screen())
    if json_output:
        typer.echo(json.dumps([_plain(one, top, names) for one in found], indent=2))
        return
    rows = [row for one in found for row in _rows(one, top, names)]
    timed = ["from", "to"] if any(one.rate for one in found) else []
    print_table(rows, ["recording", "frames", *timed, "rank", "label", "probability"])


def _plain(one: Prediction, top: int, names: tuple[str, ...]) -> dict[str, Any]:
    seconds = None if one.rate is None else [one.start / one.rate, one.stop / one.rate]
    place = {"recording": one.id, "start": one.start, "stop": one.stop, "seconds": seconds}
    return place | {"classes": one.best(top, names)}


def _rows(one: Prediction, top: int, names: tuple[str, ...]) -> list[dict[str, Any]]:
    place: dict[str, Any] = {"recording": one.id, "frames": f"{one.start}-{one.stop - 1}"}
    for name, frame in (("from", one.start), ("to", one.stop)):
        place[name] = f"{frame / one.rate:.2f} s" if one.rate else ""
    return [
        place | {"rank": rank, "label": best["label"], "probability": f"{best['probability']:.4f}"}
        for rank, best in enumerate(one.best(top, names), start=1)
    ]
