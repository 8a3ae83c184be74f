"""Options and arguments that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Spec = Annotated[str, typer.Argument(help="A spec file, or the name of a shipped one (`sgcn`).")]
Data = Annotated[Path | None, typer.Option(help="Raw data or a store; without it, built-in synthetic data.")]
Profile = Annotated[str | None, typer.Option(help="A profile of the spec, such as `quick` or `paper`.")]
Sets = Annotated[list[str], typer.Option("--set", help="Change one key: `--set train.epochs=30`.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
Runs = Annotated[Path, typer.Option(help="Where run folders go.")]
Resume = Annotated[
    bool, typer.Option(help="Go on where an interrupted run stopped, or set it aside and start afresh.")
]
Discard = Annotated[
    bool,
    typer.Option("--discard", help="With --no-resume: remove the earlier run once the new one is finished."),
]
Accelerator = Annotated[str, typer.Option(help="`auto` (a GPU where there is one), `cpu` or `gpu`.")]
Devices = Annotated[
    int, typer.Option(help="Devices that share the training of one architecture; a search uses one.")
]
Graph = Annotated[
    bool,
    typer.Option("--cuda-graph", help="Replay each step of the final training as one graph of a GPU."),
]
Epochs = Annotated[
    bool, typer.Option("--keep-epochs", help="Keep the weights of every epoch of the final training.")
]
Workers = Annotated[
    str | None,
    typer.Option(
        metavar="N|auto",
        help="Processes for runs side by side, or for trials of one search; `auto`: one a core or GPU.",
    ),
]
Arch = Annotated[str, typer.Option(help="An architecture named in the spec, or an architecture file.")]
Start = Annotated[
    list[str],
    typer.Option(
        help="Begin with a finished run's weights: `--start NAME=RUN`, NAME from the spec's `start`."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
