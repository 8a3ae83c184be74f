"""Comparing measured rows with each other: which is better, by how much, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from skelbench.errors import RunFolderError, SkelbenchError
from skelbench.leaderboard.find import places_of, scores_file
from skelbench.leaderboard.hits import Hits, read_hits, side_by_side
from skelbench.leaderboard.paired import Evidence, holm, over_counts, over_recordings, over_seeds
from skelbench.leaderboard.table import group_seeds
from skelbench.leaderboard.uncertainty import CONFIDENCE
from skelbench.results.collection import placed_records
from skelbench.results.record import Record

Verdict = Literal["better", "worse", "undecided"]
_ALIKE = ("dataset", "protocol", "split_fingerprint", "synthetic")


@dataclass(frozen=True)
class Row:
    """The runs of one row that differ only in their seed.

    Attributes:
        name: What it was called.
        records: Their records, one a seed.
        hits: What each got right, or None where not all of these are there.
    """

    name: str
    records: tuple[Record, ...]
    hits: tuple[Hits, ...] | None

    @property
    def top1(self) -> dict[int, float]:
        """Seed -> accuracy in percent."""
        return {record.seed: record.metrics["top1"] for record in self.records}


@dataclass(frozen=True)
class Comparison:
    """One row against another.

    Attributes:
        first: The row that the verdict is about.
        second: What it is compared with.
        evidence: Over test recordings, and over seeds where both have several.
        p: The largest p-value of the evidence: all of it has to agree.
        p_holm: That value, adjusted for all comparisons made.
    """

    first: Row
    second: Row
    evidence: tuple[Evidence, ...]
    p: float
    p_holm: float

    @property
    def difference(self) -> float:
        """Mean accuracy of the first minus that of the second, points."""
        return fmean(self.first.top1.values()) - fmean(self.second.top1.values())

    @property
    def verdict(self) -> Verdict:
        """``undecided`` unless every interval excludes no difference and the adjusted p-value is small."""
        if self.p_holm >= 1 - CONFIDENCE or not all(found.decides for found in self.evidence):
            return "undecided"
        if len({found.interval.low > 0 for found in self.evidence}) > 1:
            return "undecided"
        return "better" if self.difference > 0 else "worse"

    def as_data(self) -> dict[str, Any]:
        """All of it as plain data."""
        rows = {"first": self.first, "second": self.second}
        said: dict[str, Any] = {name: row.name for name, row in rows.items()}
        said |= {f"{name}_top1": {str(k): v for k, v in row.top1.items()} for name, row in rows.items()}
        said |= {"difference": self.difference, "verdict": self.verdict, "p": self.p, "p_holm": self.p_holm}
        said["evidence"] = [
            {"over": e.over, "test": e.test, "interval": list(e.interval), "p": e.p, **e.details}
            for e in self.evidence
        ]
        return said


def compare_rows(rows: Sequence[Row]) -> list[Comparison]:
    """Compare the first row with each of the others; p-values are adjusted for their number (Holm).

    Raises:
        SkelbenchError: There are fewer than two rows, or one is given twice.
        RunFolderError: They were not measured on the same split of the same recordings.
        DataError: Their scores are of different recordings.
    """
    if len(rows) < 2:
        raise SkelbenchError("there is nothing to compare with one row", remedy="Name two or more")
    first, *others = rows
    for number, row in enumerate(rows):
        if any(set(_runs(row)) & set(_runs(earlier)) for earlier in rows[:number]):
            raise SkelbenchError(f"'{row.name}' shares runs with another row", remedy="Name each row once")
    for other in others:
        _refuse_different(first, other)
    found = [_evidence(first, other) for other in others]
    largest = [max(evidence.p for evidence in each) for each in found]
    return [
        Comparison(first, other, each, p, adjusted)
        for other, each, p, adjusted in zip(others, found, largest, holm(largest), strict=True)
    ]


def find_row(name: str, published: Path) -> Row:
    """The runs that a name stands for.

    Args:
        name: A run's folder, a record's file, or either without the seed at its end, which stands for all
            its seeds; what is no such place is the name of a published run.
        published: The folder of published records.

    Raises:
        RunFolderError: There is none, one is unfinished or damaged, or they are of several rows.
    """
    places = places_of(name, published)
    placed = [pair for place in places for pair in placed_records(place)]
    groups = group_seeds(record for _, record in placed)
    if len(groups) != 1:
        some = ", ".join(group[0].run for group in groups[:4]) or "none that was completed"
        raise RunFolderError(f"this is not one row but {len(groups)}: {some}", where=name, remedy="Name one")
    if any("top1" not in record.metrics for record in groups[0]):
        raise RunFolderError("the run has no top1", where=name, remedy="Evaluate it with the metric top1")
    return _row(groups[0], {record.run: place for place, record in placed}, name.rstrip("/"))


def rows_beside(first: Row, published: Path) -> list[Row]:
    """The other rows of the published table in which a row stands, or would.

    Args:
        first: The row.
        published: The folder of published records.
    """
    groups = group_seeds(record for _, record in placed_records(published))
    here = [
        group
        for group in groups
        if all(getattr(group[0], name) == getattr(first.records[0], name) for name in _ALIKE)
        and not {record.run for record in group} & set(_runs(first))
        and all("top1" in record.metrics for record in group)
    ]
    return [_row(group, {record.run: published / f"{record.run}.json" for record in group}) for group in here]


def _row(group: Sequence[Record], at: Mapping[str, Path], name: str = "") -> Row:
    """A row with what it got right, where all are there; without a name, its first run's but for the seed."""
    files = [scores_file(at[record.run]) for record in group]
    hits = tuple(map(read_hits, files)) if all(file.is_file() for file in files) else None
    return Row(name or group[0].run.rpartition("-")[0], tuple(group), hits)


def _runs(row: Row) -> list[str]:
    return [record.run for record in row.records]


def _refuse_different(first: Row, other: Row) -> None:
    for name in _ALIKE:
        found, wanted = getattr(other.records[0], name), getattr(first.records[0], name)
        if found != wanted:
            what = f"{name.replace('_', ' ')} is {found} but {wanted} in {first.name}"
            remedy = "Compare rows of one data set, protocol and split"
            raise RunFolderError(what, where=other.name, remedy=remedy)


def _evidence(first: Row, second: Row) -> tuple[Evidence, ...]:
    seeds = over_seeds(first.top1, second.top1)
    return (_over_recordings(first, second), *([seeds] if seeds is not None else []))


def _over_recordings(first: Row, second: Row) -> Evidence:
    if first.hits is None or second.hits is None:
        one, other = (fmean(row.top1.values()) for row in (first, second))
        return over_counts(one, other, first.records[0].clips.test)
    right = side_by_side([*first.hits, *second.hits])
    return over_recordings(right[: len(first.hits)], right[len(first.hits) :])
