"""The command ``skelbench compare``."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from skelbench.cli.options import Json
from skelbench.cli.table import print_table


def compare(
    rows: Annotated[
        list[str],
        typer.Argument(
            metavar="ROW...",
            help="Folders of runs, records or names of published runs; without the seed at its end, a name "
            "stands for all its seeds.",
        ),
    ],
    table: Annotated[
        bool, typer.Option("--table", help="Compare with every row of its published table, too.")
    ] = False,
    json_output: Json = False,
) -> None:
    """Is the first network better than each of the others? Paired over test recordings and over seeds.

    The verdict is `better` or `worse` only where all evidence agrees: 95 % intervals of the difference in
    top-1 exclude 0, and p-values, adjusted for the number of comparisons (Holm), lie under 0.05. One run on
    a side says nothing about other seeds.

    Example: `skelbench compare sgn-ucla.sgn-feb242f8 esan-ucla.esan-85c07718`
    """
    from skelbench.leaderboard.compare import compare_rows, find_row, rows_beside
    from skelbench.leaderboard.publish import published_folder

    records = published_folder() / "records"
    named = [find_row(row, records) for row in rows]
    known = {record.run for row in named for record in row.records}
    beside = rows_beside(named[0], records) if table else []
    others = [row for row in beside if not known & {record.run for record in row.records}]
    found = [comparison.as_data() for comparison in compare_rows([*named, *others])]
    if json_output:
        typer.echo(json.dumps(found, indent=2))
        return
    lines = [line for comparison in found for line in _lines(comparison)]
    print_table(lines, list(lines[0]))


def _lines(said: dict[str, Any]) -> list[dict[str, str]]:
    """A line for each evidence, and the verdict on all of it in each."""
    return [
        {
            "first": said["first"],
            "second": said["second"],
            "seeds": f"{len(said['first_top1'])}, {len(said['second_top1'])}",
            "difference": f"{said['difference']:+.2f}",
            "over": evidence["over"],
            "interval": "{:+.2f} to {:+.2f}".format(*evidence["interval"]),
            "test": evidence["test"],
            "p": f"{evidence['p']:.2g}",
            "p_holm": f"{said['p_holm']:.2g}",
            "verdict": said["verdict"],
        }
        for evidence in said["evidence"]
    ]
