"""``skelbench table``: measure, pack and look at tables of architectures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelbench.cli.options import Json

if TYPE_CHECKING:
    from skelbench.tables.table import Table

app = typer.Typer(
    help="Tables of every architecture of a space, trained on real data. Example: skelbench table list",
    no_args_is_help=True,
)
Sets = Annotated[list[str], typer.Option("--set", help="Change one key: `--set train.epochs=3`.")]


@app.command(epilog="Example: skelbench table make ucla-slots --data DATA/nw-ucla --seeds 3 --pilot 40")
def make(
    spec: Annotated[str, typer.Argument(help="A spec file, or the name of a shipped one.")],
    data: Annotated[Path, typer.Option(help="Raw data or a store.")],
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each architecture.")] = 3,
    pilot: Annotated[
        int | None, typer.Option(min=1, help="Train only the first so many architectures, drawn at random.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where the journal goes; tables/NAME by default.")
    ] = None,
    profile: Annotated[str | None, typer.Option(help="A profile of the spec.")] = None,
    sets: Sets = [],  # noqa: B006 - typer reads the default, nothing changes it
    accelerator: Annotated[str, typer.Option(help="`cpu` (one thread) or `gpu`.")] = "cpu",
    packed: Annotated[
        list[Path], typer.Option("--from", help="A file of the same table: its trainings are taken over.")
    ] = [],  # noqa: B006 - see sets
    workers: Annotated[
        str | None, typer.Option(metavar="N|auto", help="Processes that train; `auto`: one a core or GPU.")
    ] = None,
    ray: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Such processes on Ray: an address, or `local`.")
    ] = None,
) -> None:
    """Train every architecture from scratch with several seeds; the same command goes on where it stopped."""
    from skelbench.engine.tabulate import TableOptions, make_table

    basics = (data, seeds, pilot, folder, profile, tuple(sets), accelerator)
    given = TableOptions(*basics, packed=tuple(packed), workers=workers, ray=ray)
    typer.echo(make_table(spec, given))


@app.command(epilog="Example: skelbench table pack tables/ucla-slots --out ucla-slots.npz")
def pack(
    folder: Annotated[Path, typer.Argument(help="The folder of `table make`.")],
    out: Annotated[Path, typer.Option(help="The file to write, ending in .npz.")],
    licence: Annotated[str, typer.Option(help="Under which terms the figures may be used.")] = "Apache-2.0",
    citation: Annotated[str, typer.Option(help="How the table is cited.")] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Also write one that is incomplete or too noisy; it says so.")
    ] = False,
    json_output: Json = False,
) -> None:
    """Write what was measured as one file, with its signal and noise; refuse what is not worth a table."""
    from skelbench.engine.packing import pack_table

    _say(pack_table(folder, out, {"licence": licence, "citation": citation}, force=force), json_output)


@app.command(epilog="Example: skelbench table merge seeds-0-2.npz seeds-3-4.npz --out five-seeds.npz")
def merge(
    files: Annotated[list[Path], typer.Argument(help="Files of the same table.")],
    out: Annotated[Path, typer.Option(help="The file to write, ending in .npz.")],
    force: Annotated[
        bool, typer.Option("--force", help="Also write one that is incomplete or too noisy; it says so.")
    ] = False,
    json_output: Json = False,
) -> None:
    """Put files of one table together, such as of other seeds or of other machines."""
    from skelbench.tables.merge import merge_tables

    _say(merge_tables(files, out, force=force), json_output)


def _say(table: Table, json_output: bool) -> None:
    from skelbench.tables.show import described, summary

    typer.echo(json.dumps(described(table), indent=2) if json_output else summary(table))


@app.command("list", epilog="Example: skelbench table list --json")
def list_tables(json_output: Json = False) -> None:
    """The tables that are installed."""
    from skelbench.cli.table import print_table
    from skelbench.host.registry import load_registry
    from skelbench.tables.show import listed

    rows = listed(load_registry())
    if json_output:
        typer.echo(json.dumps(rows, indent=2))
    else:
        print_table(rows, ["name", "architectures", "complete", "seeds", "epochs", "dataset", "origin"])


@app.command(epilog="Example: skelbench table show ucla-slots --top 5")
def show(
    name: Annotated[str, typer.Argument(help="A table's name or file.")],
    top: Annotated[int, typer.Option(min=0, help="So many of the best architectures.")] = 10,
    json_output: Json = False,
) -> None:
    """What a table holds, its signal and noise, and its best architectures."""
    from skelbench.cli.table import print_table
    from skelbench.tables.catalog import open_table
    from skelbench.tables.show import best, described, summary

    table = open_table(name)
    if json_output:
        typer.echo(json.dumps({**described(table), "top": best(table, top)}, indent=2))
        return
    typer.echo(summary(table))
    if rows := best(table, top):
        print_table(rows, list(rows[0]))


@app.command(epilog="Example: skelbench table score ucla-slots runs/ucla-slots-1a2b3c4d-0/architecture.yaml")
def score(
    name: Annotated[str, typer.Argument(help="A table's name or file.")],
    architecture: Annotated[Path, typer.Argument(help="An architecture file of the table's space.")],
    json_output: Json = False,
) -> None:
    """Where an architecture stands in a table, such as the answer of a supernet: its rank and its regret."""
    from skelbench.space.arch import Architecture
    from skelbench.tables.catalog import open_table
    from skelbench.tables.show import placed

    found = placed(open_table(name), Architecture.read(architecture).choices)
    typer.echo(
        json.dumps(found, indent=2) if json_output else "\n".join(f"{k}: {v}" for k, v in found.items())
    )


@app.command(epilog="Example: skelbench table proxies ucla-slots --data DATA/nw-ucla")
def proxies(
    name: Annotated[str, typer.Argument(help="A table's name or file.")],
    data: Annotated[Path, typer.Option(help="Its recordings, of which one batch is looked at.")],
    by: Annotated[str, typer.Option(help="Which, with commas.")] = "params,macs,grad_norm,synflow,naswot",
    seed: Annotated[int, typer.Option(min=0, help="First weights and batch are those of this seed.")] = 0,
    json_output: Json = False,
) -> None:
    """How zero-cost proxies, which rate networks without training them, rank a table: Kendall's tau."""
    from skelbench.cli.table import print_table
    from skelbench.engine.proxies import judge_proxies, named
    from skelbench.tables.catalog import open_table

    found = judge_proxies(open_table(name), data, named(by), seed)
    if json_output:
        typer.echo(json.dumps([one.plain() for one in found], indent=2))
        return
    rows = [
        {
            "proxy": one.fitness,
            "tau": round(one.tau, 3),
            "low": round(low, 3),
            "high": round(high, 3),
            "verdict": one.verdict(),
            "networks": one.rated,
        }
        for one in found
        for low, high in [one.interval()]
    ]
    print_table(rows, list(rows[0]))


@app.command(epilog="Example: skelbench table check ucla-slots --data DATA/nw-ucla --entries 5")
def check(
    name: Annotated[str, typer.Argument(help="A table's name or file.")],
    data: Annotated[Path | None, typer.Option(help="Its recordings, to train entries again.")] = None,
    entries: Annotated[int, typer.Option(min=1, help="Architectures to train again.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Which ones are drawn.")] = 0,
    json_output: Json = False,
) -> None:
    """See that a table is whole; with data, train entries again and see that they lie within the noise."""
    from skelbench.tables.catalog import open_table
    from skelbench.tables.show import described

    table = open_table(name)
    if not json_output:
        _say(table, json_output)
    trained = []
    if data is not None:
        from skelbench.engine.retrain import check_entries

        for line in check_entries(table, data, entries, seed):
            trained.append(line)
            typer.echo(line, err=json_output)
    if json_output:
        typer.echo(json.dumps({**described(table), "trained": trained}, indent=2))
