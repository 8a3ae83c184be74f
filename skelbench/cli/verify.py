"""The command ``skelbench verify-paper``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from skelbench.cli.options import Json
from skelbench.cli.table import print_table
from skelbench.errors import WorkFailed


def verify_paper(
    systems: Annotated[
        list[str] | None, typer.Argument(metavar="[SYSTEM]...", help="`sgcn`, ...; without one, all.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Compare numbers of the papers that need no training with what we compute; exit 1 where one differs.

    A number agrees if it is ours to its last printed digit. It is `explained` where it is known to differ, by
    how much and why. Nothing is trained and no recordings are needed.

    Example: `skelbench verify-paper varnas`
    """
    from skelbench.leaderboard.publish import published_folder
    from skelbench.papers.verify import verify

    found = list(verify(published_folder(), systems or ()))
    if json_output:
        typer.echo(json.dumps([finding.as_data() for finding in found], indent=2))
    else:
        rows = [
            {
                "system": finding.system,
                "claim": finding.claim.what,
                "place": finding.claim.place,
                "paper": f"{finding.claim.says} {finding.claim.unit}".strip(),
                "ours": finding.shown,
                "difference": finding.shown_difference,
                "verdict": finding.verdict,
                "because": finding.claim.because,
            }
            for finding in found
        ]
        print_table(rows, list(rows[0]))
    differing = [f"{one.system}: {one.claim.what}" for one in found if one.verdict == "differs"]
    if differing:
        raise WorkFailed(f"{len(differing)} of {len(found)} numbers differ: {'; '.join(differing)}")
