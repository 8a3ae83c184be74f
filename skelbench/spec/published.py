"""What a spec says of the publication that it reproduces: its figures, and where the spec departs from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from skelbench.recipe import Options, Positive

Percent = Annotated[float, Field(ge=0, le=100)]


class ReportedSpec(Options):
    """A figure from a publication, for the leaderboards.

    Attributes:
        dataset: Data set.
        protocol: Protocol.
        stream: Stream, fused ones joined with ``+``.
        model: The model; None is the spec's name.
        top1: Top-1 in percent.
        top5: Top-5 in percent.
        params_m: Millions of parameters.
        as_reported: Complexity in the publication's own words.
        source: The publication and the place in it.
    """

    dataset: str
    protocol: str
    stream: str = "joint"
    model: str | None = None
    space: str | None = None
    strategy: str | None = None
    top1: Percent
    top5: Percent | None = None
    params_m: float | None = None
    as_reported: str | None = None
    views: Positive | None = None
    source: str


class DepartureSpec(Options):
    """Where a spec differs from the publication that it reproduces, or has to choose.

    Attributes:
        what: What differs, in a few words.
        paper: What the publication says, empty where it says nothing.
        release: What its authors' code does, empty where none is known or it agrees with the paper.
        ours: What is done here.
        why: The reason.
    """

    what: Annotated[str, Field(min_length=1)]
    paper: str = ""
    release: str = ""
    ours: Annotated[str, Field(min_length=1)]
    why: Annotated[str, Field(min_length=1)]


COLUMNS = ("what", "paper", "release", "ours", "why")
NONE = "No departures are noted."


def departures_table(departures: Sequence[DepartureSpec]) -> str:
    """A table in Markdown with a row for each departure, or one line that says that there are none."""
    if not departures:
        return NONE
    rows = [[getattr(one, column) or "silent" for column in COLUMNS] for one in departures]
    heads = [f"| {' | '.join(COLUMNS)} |", f"|{'---|' * len(COLUMNS)}"]
    return "\n".join([*heads, *(f"| {' | '.join(map(_cell, row))} |" for row in rows)])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
