"""The command line: thin, and quick to start; what is heavy is imported by the command that needs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelbench import __version__
from skelbench.cli import ending, environment
from skelbench.cli.about import doctor, show_plugins
from skelbench.cli.bench import bench
from skelbench.cli.compare import compare
from skelbench.cli.data import app as data_app
from skelbench.cli.diagnose import diagnose
from skelbench.cli.export import export
from skelbench.cli.fuse import fuse
from skelbench.cli.leaderboard import leaderboard
from skelbench.cli.list import list_components
from skelbench.cli.new import new_plugin
from skelbench.cli.options import (
    Accelerator,
    Arch,
    Data,
    Devices,
    Discard,
    Epochs,
    Graph,
    Json,
    Profile,
    Resume,
    Runs,
    Seed,
    Sets,
    Spec,
    Start,
    Workers,
)
from skelbench.cli.plot import frames, plot
from skelbench.cli.predict import predict
from skelbench.cli.reproduce import publish, reproduce
from skelbench.cli.runs import app as runs_app
from skelbench.cli.runs import show
from skelbench.cli.sample import sample
from skelbench.cli.spec import check, schema
from skelbench.cli.tables import app as table_app
from skelbench.cli.verify import verify_paper

if TYPE_CHECKING:
    from skelbench.results.record import Record

app = typer.Typer(
    name="skelbench",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Benchmarks for neural architecture search on human-action recognition.\n\n"
    "From a search-space spec to a leaderboard row: `skelbench run sgcn`.",
)
_debug = False


@app.callback(invoke_without_command=True)
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
    threads: Annotated[
        int | None,
        typer.Option(
            min=1, help="Threads on processors; without it OMP_NUM_THREADS, or the idle processors."
        ),
    ] = None,
) -> None:
    """Options that hold for every command."""
    global _debug
    _debug = debug
    environment.prepare(threads)
    if version:
        print(__version__)
        raise typer.Exit


@app.command()
def run(
    spec: Spec,
    data: Data = None,
    profile: Profile = None,
    sets: Sets = [],  # noqa: B006 - typer reads the default, nothing changes it
    seed: Seed = 0,
    runs: Runs = Path("runs"),
    resume: Resume = True,
    discard: Discard = False,
    accelerator: Accelerator = "auto",
    devices: Devices = 1,
    workers: Workers = None,
    ray: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Such processes on Ray: a cluster's address, or `local`."),
    ] = None,
    seeds: Annotated[
        str | None, typer.Option(metavar="0..4|0,3,7", help="Several seeds instead of one, a row for each.")
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N", help="Only the I-th of N parts of the seeds, for one machine of several."
        ),
    ] = None,
    stages: Annotated[
        list[str],
        typer.Option("--stage", help="Only this stage of the spec; `search` is its search. May be repeated."),
    ] = [],  # noqa: B006 - as above
    start: Start = [],  # noqa: B006 - as above
    json_output: Json = False,
) -> None:
    """Search, derive, retrain, evaluate: one leaderboard row; or all stages of a spec that has some.

    Example: `skelbench run sgcn-ucla --data nw-ucla --seed 1`
    """
    from skelbench.engine.finished import finished_record
    from skelbench.engine.job import RunOptions
    from skelbench.engine.show import show_record, show_records

    given = RunOptions(
        data,
        profile,
        tuple(sets),
        seed,
        runs,
        resume,
        accelerator,
        devices,
        tuple(start),
        workers=workers,
        ray=ray,
        discard=discard,
    )
    whole = not stages and seeds is None and shard is None
    made: Record | list[Record] | None = finished_record(spec, given) if whole else None
    if made is None:
        from skelbench.engine.study import run_study  # imports torch

        made = run_study(spec, given, stages, seeds, shard)
    if isinstance(made, list):
        show_records(made, runs, json_output)
    else:
        show_record(made, runs, json_output)


@app.command()
def train(
    spec: Spec,
    arch: Arch,
    data: Data = None,
    profile: Profile = None,
    sets: Sets = [],  # noqa: B006 - see run
    seed: Seed = 0,
    runs: Runs = Path("runs"),
    resume: Resume = True,
    discard: Discard = False,
    accelerator: Accelerator = "auto",
    devices: Devices = 1,
    cuda_graph: Graph = False,
    keep_epochs: Epochs = False,
    start: Start = [],  # noqa: B006 - see run
    json_output: Json = False,
) -> None:
    """Train and evaluate one fixed architecture by the spec's recipe.

    Example: `skelbench train sgcn-ucla --arch 2s-agcn --data nw-ucla`
    """
    from skelbench.engine.finished import finished_record
    from skelbench.engine.job import RunOptions
    from skelbench.engine.show import show_record

    given = RunOptions(
        data,
        profile,
        tuple(sets),
        seed,
        runs,
        resume,
        accelerator,
        devices,
        tuple(start),
        discard=discard,
        cuda_graph=cuda_graph,
        keep_epochs=keep_epochs,
    )
    record = finished_record(spec, given, arch)
    if record is None:
        from skelbench.engine.run import run_spec  # imports torch

        record = run_spec(spec, given, architecture=arch)
    show_record(record, runs, json_output)


@app.command()
def evaluate(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run's folder.")],
    data: Data = None,
    views: Annotated[int | None, typer.Option(help="Clips per recording.", min=1)] = None,
    force: Annotated[
        str | None, typer.Option(metavar="CHOICE", help="Of an adaptive network: the model for all frames.")
    ] = None,
    epochs: Annotated[
        bool, typer.Option("--epochs", help="Instead, the network of every epoch that `train` kept.")
    ] = False,
    json_output: Json = False,
) -> None:
    """Score a run's trained network again; with other views or a forced choice, under a record of its own.

    Example: `skelbench evaluate runs/sgcn-1a2b3c4d-0 --views 5`
    """
    if epochs:
        return _print_epochs(run_folder, data, json_output)
    from skelbench.engine.rescore import rescore
    from skelbench.engine.show import show_record

    show_record(rescore(run_folder, data, views, force), run_folder.parent, json_output)


def _print_epochs(run_folder: Path, data: Path | None, json_output: bool) -> None:
    from skelbench.engine.epochs import curve_text, score_epochs

    found = score_epochs(run_folder, data)
    print(json.dumps(found, indent=2) if json_output else curve_text(found))


@app.command()
def describe(
    spec: Spec,
    arch: Annotated[str | None, typer.Option(help="An architecture's name or file.")] = None,
    profile: Profile = None,
    sets: Sets = [],  # noqa: B006 - see run
    departures: Annotated[
        bool,
        typer.Option("--departures", help="Instead, where it departs from its publication, in Markdown."),
    ] = False,
    json_output: Json = False,
) -> None:
    """Size of the space, and parameters, MACs and FLOPs of the supernet or of an architecture.

    Example: `skelbench describe sgcn --arch 2s-agcn`
    """
    if departures:
        return _print_departures(spec, profile, sets, json_output)
    from skelbench.engine.describe import describe_spec
    from skelbench.engine.show import show_description

    show_description(describe_spec(spec, arch, profile=profile, sets=tuple(sets)), json_output)


def _print_departures(spec: str, profile: str | None, sets: list[str], json_output: bool) -> None:
    from skelbench.spec.published import departures_table
    from skelbench.spec.resolve import load_spec

    loaded = load_spec(spec, profile=profile, sets=sets).spec
    rows = [one.model_dump() for one in loaded.departures]
    print(json.dumps(rows, indent=2) if json_output else departures_table(loaded.departures))


app.command()(check)
app.command()(schema)
app.command()(sample)
app.command("list")(list_components)
app.command("plugins")(show_plugins)
app.command("new-plugin")(new_plugin)
app.command()(doctor)
app.command()(show)
app.command()(leaderboard)
app.command()(compare)
app.command()(diagnose)
app.command()(reproduce)
app.command()(publish)
app.command("verify-paper")(verify_paper)
app.command()(fuse)
app.command()(predict)
app.command()(export)
app.command()(bench)
app.command()(plot)
app.command()(frames)
app.add_typer(runs_app, name="runs")
app.add_typer(data_app, name="data")
app.add_typer(table_app, name="table")


def main() -> None:
    """Run the command line; whatever ends it becomes one paragraph and an exit code."""
    ending.run(app, lambda: _debug)
