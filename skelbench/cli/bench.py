"""``skelbench bench``: strategies side by side on a table, in seconds."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from skelbench.errors import PluginError, SpecError, is_name


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
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")] = False,
) -> None:
    """Replay searches on a table: regret after so many trainings, with intervals and verdicts.

    A search sees validation figures of one training seed, the same for all strategies in a repetition. Its
    regret is by how many points of test accuracy, averaged over seeds, its incumbent is below the best.

    Example: skelbench bench ucla-slots --strategies random,local,evolution --evaluations 100

    Example: skelbench bench ucla-slots --strategies ceim,few=ceim --param few.population=20
    """
    from skelbench.host.registry import load_registry
    from skelbench.tables import report
    from skelbench.tables.bench import BenchOptions, Entry, run_bench
    from skelbench.tables.catalog import open_table

    registry = load_registry()
    opened = open_table(table, registry)
    options = BenchOptions(evaluations, repetitions, objective, max_gmacs, seed)
    chosen = [
        Entry(registry.get("strategy", name), given, label)
        for (label, name), given in _entries(strategies, param).items()
    ]
    holes = int((~opened.complete).sum())
    if holes:
        left = f"{len(opened.complete) - holes} of {len(opened.complete)} architectures"
        print(f"{opened.name} is incomplete: the space is its {left} that are measured", file=sys.stderr)
    results = run_bench(opened, chosen, options)
    found = report.rows(results, options)
    if output is not None:
        _write(output, report, results, found, options, opened.name)
    if json_output:
        print(json.dumps({"table": opened.name, "rows": found}, indent=2))
        return
    _show(found, report.budgets(evaluations), opened.name)
    for line in report.sentences(results, options):
        print(line)


def _entries(strategies: str, given: list[str]) -> dict[tuple[str, str], dict[str, Any]]:
    """Parameters by label and strategy, random search among them."""
    from skelbench.spec.yaml import load_yaml

    names = [name.strip() for name in strategies.split(",") if name.strip()]
    pairs = [
        (label.strip(), name.strip() or label.strip()) for label, _, name in (n.partition("=") for n in names)
    ]
    for label, _ in pairs:
        if not is_name(label):
            raise SpecError(
                f"'{label}' cannot be a label", where="--strategies", remedy="Take letters, digits and '-'"
            )
    params: dict[str, dict[str, Any]] = {label: {} for label, _ in [("random", "random"), *pairs]}
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
    taken = {"random": "random", **dict(pairs)}
    return {(label, taken[label]): own for label, own in params.items()}


def _write(
    folder: Path, report: Any, results: Any, found: list[dict[str, Any]], options: Any, name: str
) -> None:
    from skelbench.results.files import write_atomic

    write_atomic(folder / "strategies.csv", report.csv_text(found))
    write_atomic(folder / "strategies.md", report.board(results, found, options, name))
    report.draw_curves(results, folder / "strategies.svg", name)
    print(f"wrote {folder / 'strategies.md'}, .csv and .svg", file=sys.stderr)


def _show(found: list[dict[str, Any]], budgets: list[int], title: str) -> None:
    from skelbench.cli.table import print_table

    if not sys.stdout.isatty():
        print_table(found, list(found[0]))
        return
    shown = []
    for row in found:
        cells = {
            f"regret@{n}": f"{row[f'regret@{n}']:.2f} [{row[f'low@{n}']:.2f}, {row[f'high@{n}']:.2f}]"
            for n in budgets
        }
        shown.append({**row, **cells})
    columns = ["strategy", *(f"regret@{n}" for n in budgets), "group", "vs_random", "train_s", "own_s"]
    print_table(shown, columns, title=title)
