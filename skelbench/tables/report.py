"""What a bench found: a ranked table of strategies, as text, as plain data and as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.tables.bench import BenchOptions, Result
from skelbench.tables.compare import (
    BASELINE,
    Verdict,
    bootstrap,
    bootstrap_curve,
    budgets,
    groups,
    verdicts,
)

Row = dict[str, Any]
REGRET, FRONT = ("regret", "low", "high"), ("front", "front_low", "front_high")
"""Columns of a mean and the ends of its interval, at each budget."""


def rows(results: Sequence[Result], options: BenchOptions) -> list[Row]:
    """One row a strategy, the lowest mean regret at the whole budget first.

    Each has ``strategy``, at each budget ``regret@N`` with ``low@N`` and ``high@N`` (bootstrap, 95 %),
    ``group`` (strategies that share a letter are not decided between at the whole budget), ``vs_random``,
    at each budget ``front@N`` with its interval (percent of the table's hypervolume of test top-1 against
    MACs), ``front_group`` and ``front_vs_random`` as above,
    ``shrunken`` (regret against the best with its luck taken out), ``train_s`` (training that a search pays
    for), ``own_s`` (the strategy itself), ``evaluations`` (mean) and ``holes``.
    """
    told, letters = _decided({result.strategy: result.regret[:, -1] for result in results})
    front_told, front_letters = _decided({r.strategy: 100 - r.fronts[:, -1] for r in results})
    out = []
    for result in sorted(results, key=lambda result: float(result.regret[:, -1].mean())):
        row: Row = {"strategy": result.strategy}
        for budget in budgets(options.evaluations):
            row |= _cells(REGRET, budget, result.regret[:, budget - 1], 3)
        for place, budget in enumerate(budgets(options.evaluations)):
            row |= _cells(FRONT, budget, result.fronts[:, place], 2)
        row |= {
            "group": letters[result.strategy],
            "vs_random": versus(result.strategy, told),
            "front_group": front_letters[result.strategy],
            "front_vs_random": versus(result.strategy, front_told),
            "shrunken": round(float(result.regret_shrunken[:, -1].mean()), 3),
            "train_s": round(float(result.seconds[:, -1].mean()), 1),
            "own_s": round(result.own_seconds, 4),
            "evaluations": round(float(result.evaluations.mean()), 1),
            "holes": result.holes,
        }
        out.append(row)
    return out


def _decided(figures: Mapping[str, np.ndarray]) -> tuple[list[Verdict], dict[str, str]]:
    """The verdicts on figures of which less is better, and each strategy's group."""
    told = verdicts(figures)
    return told, groups(figures, told)


def _cells(names: Sequence[str], budget: int, figures: np.ndarray, digits: int) -> Row:
    interval = bootstrap(figures)
    ends = zip(names, (interval.mean, interval.low, interval.high), strict=True)
    return {f"{name}@{budget}": round(value, digits) for name, value in ends}


def bracketed(row: Row, names: Sequence[str], budget: int, digits: int) -> str:
    """A mean with its interval in brackets, of the columns `REGRET` or `FRONT`."""
    mean, low, high = (f"{row[f'{name}@{budget}']:.{digits}f}" for name in names)
    return f"{mean} [{low}, {high}]"


def versus(strategy: str, told: Sequence[Verdict]) -> str:
    """How a strategy stands against random search: ``better``, ``worse`` or ``undecided``."""
    for verdict in told:
        if {verdict.one, verdict.other} == {strategy, BASELINE} and strategy != BASELINE:
            difference = verdict.difference if verdict.one == strategy else -verdict.difference
            if not verdict.decided:
                return "undecided"
            return "better" if difference < 0 else "worse"
    return ""


def sentences(results: Sequence[Result], options: BenchOptions) -> list[str]:
    """What follows for each strategy but random search, in a line with its p value."""
    if BASELINE not in {result.strategy for result in results}:
        return []
    told = verdicts({result.strategy: result.regret[:, -1] for result in results})
    lines = []
    for verdict in told:
        if BASELINE not in (verdict.one, verdict.other):
            continue
        name = verdict.other if verdict.one == BASELINE else verdict.one
        word = versus(name, told)
        said = {"better": "better than", "worse": "worse than", "undecided": "not better than"}[word]
        gap = verdict.difference if verdict.one == name else -verdict.difference
        lines.append(
            f"{name} is {said} random search within {options.evaluations} evaluations "
            f"({gap:+.2f} points of regret, {options.repetitions} paired repetitions, p = {verdict.p:.2g})"
        )
    return lines


def csv_text(found: Sequence[Row]) -> str:
    """All rows as CSV."""
    columns = list(found[0])
    lines = [columns, *([str(row[column]) for column in columns] for row in found)]
    return "".join(",".join(line) + "\n" for line in lines)


def board(
    results: Sequence[Result],
    found: Sequence[Row],
    options: BenchOptions,
    table: str,
    *,
    drawn: bool = True,
) -> str:
    """The page of a leaderboard of strategies: what was done, the rows, the verdicts and what they mean.

    Args:
        results: All searches.
        found: Their rows.
        options: How they were compared.
        table: The table's name with the digest of its content.
        drawn: Whether there is a picture beside the page.
    """
    given = f" --max-gmacs {options.most_gmacs:g}" if options.most_gmacs is not None else ""
    given += f" --seed {options.seed}" if options.seed else ""
    names = ",".join(result.strategy for result in results)
    said = "".join(f"- {line}\n" for line in sentences(results, options))
    picture = "![Regret over evaluations and over seconds of training](strategies.svg)\n\n" if drawn else ""
    return f"""# Strategies on {table}

    skelbench bench {table.partition("@")[0]} --strategies {names} --evaluations {options.evaluations} \\
        --repetitions {options.repetitions} --objective {options.objective}{given}

{picture}{markdown(found, options)}
{said}
## Accuracy against MACs

{front_markdown(found, options)}
Regret is by how many points of test top-1 (mean over the table's seeds) the incumbent is below the best
network; the incumbent is the architecture of the best validation figure so far. A search sees one seed's
validation figures alone, all strategies of a repetition the same. In brackets: bootstrap intervals of 95 %
over repetitions. Strategies that share a letter are not decided between at the whole budget (Wilcoxon's
signed-rank test over paired repetitions, corrected by Holm). `shrunken`: regret against the best with its
luck taken out. `training s`: what the search would have trained for; `own s`: what the strategy itself took
on the machine of the bench. Repetitions draw anew what chance a strategy has, and not the trainings, of which
a table has few seeds: a verdict is one about this table.

The second table is of what is found of the front of accuracy against MACs, in percent of the hypervolume of
all networks (test top-1 above the lowest of the table, MACs below the highest). A search hands over those of
the networks it trained to the end that no other of them beats on validation at no more MACs.
"""


def markdown(found: Sequence[Row], options: BenchOptions) -> str:
    """The rows for reading: regret in points, its interval in brackets."""
    shown = budgets(options.evaluations)
    head = ["strategy", *(f"regret at {budget}" for budget in shown)]
    head += ["shrunken", "group", "against random", "training s", "own s"]
    lines = [head, ["---"] * len(head)]
    for row in found:
        cells = [bracketed(row, REGRET, n, 2) for n in shown]
        told = [f"{row['shrunken']:.2f}", row["group"], row["vs_random"]]
        lines.append([row["strategy"], *cells, *told, f"{row['train_s']:.0f}", f"{row['own_s']:.3f}"])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def front_markdown(found: Sequence[Row], options: BenchOptions) -> str:
    """The share of the front that each strategy found, the highest first, its interval in brackets."""
    shown = budgets(options.evaluations)
    head = ["strategy", *(f"front at {budget} (%)" for budget in shown), "group", "against random"]
    lines = [head, ["---"] * len(head)]
    for row in sorted(found, key=lambda row: -float(row[f"front@{shown[-1]}"])):
        cells = [bracketed(row, FRONT, n, 1) for n in shown]
        lines.append([row["strategy"], *cells, row["front_group"], row["front_vs_random"]])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def draw_curves(results: Sequence[Result], path: Path, title: str) -> None:
    """Mean regret over evaluations and over seconds of training, with intervals of 95 %.

    Raises:
        SkelbenchError: Nothing can be drawn to ``path``.
    """
    from skelbench.figures.page import COLOURS, page

    with page(path, 8, 4) as figure:
        by_count, by_time = figure.subplots(1, 2, sharey=True)
        figure.suptitle(title)
        for result, colour in zip(results, cycle(COLOURS), strict=False):
            mean, low, high = bootstrap_curve(result.regret)
            for axes, x in ((by_count, np.arange(1, len(mean) + 1)), (by_time, result.seconds.mean(0))):
                axes.plot(x, mean, color=colour, linewidth=1.2, label=result.strategy)
                axes.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
        by_count.set_xlabel("evaluations")
        by_time.set_xlabel("seconds of training, mean")
        by_count.set_ylabel("regret (points of test top-1)")
        for axes in (by_count, by_time):
            axes.grid(True, color="#dddddd", linewidth=0.6)
            axes.set_axisbelow(True)
        by_time.legend(fontsize=8, frameon=False)
