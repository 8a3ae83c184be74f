"""``skelbench bench``: strategies side by side on a table, in seconds."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from skelbench.cli.options import Json
from skelbench.errors import PluginError, SkelbenchError, SpecError, is_name

if TYPE_CHECKING:
    from skelbench.host.registry import Registry
    from skelbench.tables.bench import Entry


def bench(
    table: Annotated[str, typer.Argument(help="A table's name (`skelbench table list`), or a file.")],
    strategies: Annotated[
        str,
        typer.Option(
            help="Names, with commas; LABEL=NAME where one takes part twice. Random search always takes part."
        ),
    ] = "random,local,evolution",
    evaluations: Annotated[int, typer.Option(help="Architectures that a search may train.")] = 200,
    repetitions: Annotated[int, typer.Option(help="Searches of each strategy, paired.")] = 200,
    objective: Annotated[
        Literal["top1", "cross_entropy"], typer.Option(help="What searches see of the validation clips.")
    ] = "cross_entropy",
    max_gmacs: Annotated[float | None, typer.Option(help="Leave out architectures with more.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Number of the first repetition.")] = 0,
    param: Annotated[
        list[str], typer.Option("--param", metavar="STRATEGY.NAME=VALUE", help="A strategy's parameter.")
    ] = [],  # noqa: B006 - typer reads the default, nothing changes it
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A folder for strategies.csv, .md and .svg.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Replay searches on a table: regret after so many trainings, with intervals and verdicts.

    A search sees validation figures of one training seed, the same for all strategies in a repetition. Its
    regret is by how many points of test accuracy, averaged over seeds, its incumbent is below the best.

    Example: skelbench bench ucla-slots --strategies random,local,evolution --evaluations 100

    Example: skelbench bench ucla-slots --strategies ceim,few=ceim --param few.population=20
    """
    from skelbench.host.registry import load_registry
    from skelbench.tables import report
    from skelbench.tables.bench import BenchOptions, run_bench
    from skelbench.tables.catalog import open_table

    registry = load_registry()
    opened = open_table(table, registry)
    options = BenchOptions(evaluations, repetitions, objective, max_gmacs, seed)
    holes = int((~opened.complete).sum())
    if holes:
        left = f"{len(opened.complete) - holes} of {len(opened.complete)} architectures"
        print(f"{opened.name} is incomplete: the space is its {left} that are measured", file=sys.stderr)
    results = run_bench(opened, _entries(strategies, param, registry), options)
    found = report.rows(results, options)
    if output is not None:
        _write(output, report, results, found, options, opened.name)
    if json_output:
        print(json.dumps({"table": opened.name, "rows": found}, indent=2))
        return
    _show(found, report, evaluations, opened.name)
    for line in report.sentences(results, options):
        print(line)


def _entries(strategies: str, given: list[str], registry: Registry) -> list[Entry]:
    """Who takes part, random search first, each once."""
    from skelbench.tables.bench import Entry

    named = {"random": "random"}
    for text in filter(None, map(str.strip, strategies.split(","))):
        label, _, name = map(str.strip, text.partition("="))
        if not is_name(label):
            what, remedy = f"'{label}' cannot be a label", "Take letters, digits and '-'"
            raise SpecError(what, where="--strategies", remedy=remedy)
        named[label] = name or label
    params = _params(given, named)
    return [Entry(registry.get("strategy", name), params[label], label) for label, name in named.items()]


def _params(given: list[str], labels: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Parameters by label."""
    from skelbench.spec.yaml import load_yaml

    params: dict[str, dict[str, Any]] = {label: {} for label in labels}
    for text in given:
        key, equals, value = text.partition("=")
        strategy, dot, name = key.partition(".")
        if not equals or not dot:
            raise SpecError(f"'{text}' is not of the form STRATEGY.NAME=VALUE", where="--param")
        if strategy not in params:
            raise PluginError(
                f"'{strategy}' takes no part", where="--param", remedy=f"Take one of {', '.join(params)}"
            )
        params[strategy][name] = load_yaml(value, "--param")[0]
    return params


def _write(
    folder: Path, report: Any, results: Any, found: list[dict[str, Any]], options: Any, name: str
) -> None:
    from skelbench.results.files import write_atomic

    write_atomic(folder / "strategies.csv", report.csv_text(found))
    drawn = True
    try:
        report.draw_curves(results, folder / "strategies.svg", name)
    except SkelbenchError as error:  # the figures are worth as much without
        drawn = False
        print(f"no picture of the curves: {error}", file=sys.stderr)
    write_atomic(folder / "strategies.md", report.board(results, found, options, name, drawn=drawn))
    print(f"wrote {folder / 'strategies.md'}, .csv{' and .svg' if drawn else ''}", file=sys.stderr)


def _show(found: list[dict[str, Any]], report: Any, evaluations: int, title: str) -> None:
    from skelbench.cli.table import print_table

    if not sys.stdout.isatty():
        print_table(found, list(found[0]))
        return
    budgets = report.budgets(evaluations)
    shown = [
        row | {f"regret@{n}": report.bracketed(row, report.REGRET, n, 2) for n in budgets} for row in found
    ]
    columns = ["strategy", *(f"regret@{n}" for n in budgets), "group", "vs_random", "train_s", "own_s"]
    print_table(shown, columns, title=title)
