"""From records to ranked tables; pure, and the same whatever the order of the records.

Only runs that can be compared share a table: one data set, one protocol, one split of the same
recordings, all synthetic or none. Figures from publications have a table of their own, unranked.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from skelbench.leaderboard.costs import Costs
from skelbench.leaderboard.costs import key as cost_key
from skelbench.leaderboard.names import Names
from skelbench.leaderboard.reported import Reported
from skelbench.leaderboard.row import (
    AS_REPORTED,
    BESIDE,
    COLUMNS,
    NO_SIGNAL,
    Cell,
    ColumnFunction,
    Row,
    further_metrics,
    measured_row,
    metric_columns,
    reported_row,
)
from skelbench.leaderboard.uncertainty import Interval, rank_ranges
from skelbench.results.health import LEAST_RELIABILITY, MOST_TIES
from skelbench.results.record import Record

__all__ = [
    "AS_REPORTED",
    "BESIDE",
    "COLUMNS",
    "Cell",
    "ColumnFunction",
    "Row",
    "Table",
    "TableKey",
    "make_tables",
]

_Placed = tuple[Row, Interval | None]

LEGEND = (
    f"{NO_SIGNAL}: the search could not tell its candidates apart (split-half reliability of their fitness "
    f"below {LEAST_RELIABILITY}, or more than {100 * MOST_TIES:.0f} % of pairs tied); "
    "what it found is a random draw."
)
SPLIT_DIGITS = 12


class TableKey(NamedTuple):
    """What all rows of a table have in common, in the order in which tables are sorted.

    Attributes:
        dataset: Name of the data set.
        synthetic: Whether its recordings are synthetic.
        protocol: Name of the evaluation protocol.
        source: ``measured`` or ``reported``.
        split: Fingerprint of the split, empty where reported.
    """

    dataset: str
    synthetic: bool
    protocol: str
    source: Literal["measured", "reported"]
    split: str

    @property
    def label(self) -> str:
        """The data set's name, marked where it is synthetic."""
        return f"{self.dataset} (synthetic)" if self.synthetic else self.dataset


@dataclass(frozen=True)
class Table:
    """Rows that may be compared with each other.

    Attributes:
        key: What they have in common.
        rows: Rows by column name: every name of `COLUMNS`, `AS_REPORTED` and ``extra``; None is blank.
        extra: Names of further columns: other metrics, then those of plugins.
        metric: The metric that ranks the rows.
    """

    key: TableKey
    rows: tuple[Row, ...]
    extra: tuple[str, ...] = field(default=())
    metric: str = "top1"

    @property
    def legend(self) -> str:
        """What marks in the rows mean; empty where there are none."""
        return LEGEND if any(f"({NO_SIGNAL}" in str(row["strategy"]) for row in self.rows) else ""

    @property
    def caption(self) -> str:
        """Data set, protocol, and the split measured on or that the figures were not measured here."""
        place = f"{self.key.label}, {self.key.protocol}"
        if self.key.source == "reported":
            return f"{place}: as reported elsewhere, not ranked"
        return f"{place}: measured on split {self.key.split[:SPLIT_DIGITS]}"


def make_tables(
    records: Iterable[Record],
    reported: Iterable[Reported] = (),
    columns: Mapping[str, ColumnFunction] | None = None,
    names: Names | None = None,
    costs: Costs | None = None,
) -> list[Table]:
    """Every table that the records give.

    Runs that differ only in their seed become one row: mean, 95 % interval, sample standard deviation and
    number of seeds. Of several runs with one seed the latest counts. Failed runs are left out. A table is
    ranked by the metric that most of its specs name first. The rank of a measured row is text: the range of
    places that its interval leaves open, as in ``2 to 5``.

    Args:
        records: Records of runs, in any order.
        reported: Figures of publications.
        columns: Further columns by name, each a function of a record.
        names: What models are called; None leaves them their names in specs.

    Raises:
        PluginError: A further column fails on a record.
    """
    columns, names = columns or {}, names or Names()
    groups: dict[TableKey, list[list[Record]]] = defaultdict(list)
    for group in group_seeds(records):
        groups[_key(group[0])].append(group)
    figures: dict[TableKey, list[Reported]] = defaultdict(list)
    for figure in reported:
        figures[TableKey(figure.dataset, False, figure.protocol, "reported", "")].append(figure)
    return [
        _table(key, groups.get(key, []), figures.get(key, []), columns, names, costs or {})
        for key in sorted({*groups, *figures})
    ]


def _table(
    key: TableKey,
    groups: Sequence[Sequence[Record]],
    figures: Iterable[Reported],
    columns: Mapping[str, ColumnFunction],
    names: Names,
    costs: Costs,
) -> Table:
    metric = _ranking_metric(groups)
    own = [record for group in groups for record in group]
    more = [name for name in metric_columns(metric) if name not in COLUMNS]
    extra = tuple(dict.fromkeys([*more, *further_metrics(own), *columns]))
    blank: Row = dict.fromkeys(extra)
    placed: list[_Placed] = []
    for group in groups:
        row, interval = measured_row(group, key.label, metric, columns, names)
        placed.append((_in_order(row, extra), interval))
    for figure in figures:
        row = reported_row(figure, columns, names, costs.get(cost_key(figure)))
        placed.append((_in_order(blank | row, extra), None))
    if key.source == "measured":
        _mark_pareto([row for row, _ in placed], metric)
    return Table(key, _ranked(placed, metric), extra, metric)


def _in_order(row: Row, extra: Sequence[str]) -> Row:
    return {name: row.get(name) for name in (*COLUMNS, *BESIDE, *extra)}


def _ranking_metric(groups: Iterable[Sequence[Record]]) -> str:
    """The metric that most specs name first, of equally many `top1`."""
    firsts = Counter(next(iter(group[0].metrics), "top1") for group in groups)
    return min(firsts, key=lambda name: (-firsts[name], name != "top1", name)) if firsts else "top1"


def group_seeds(records: Iterable[Record]) -> list[list[Record]]:
    """The runs of each row, by seed: those that differ in nothing else; failed ones are left out."""
    groups: dict[tuple[Any, ...], dict[int, Record]] = defaultdict(dict)
    for record in sorted(records, key=lambda r: (r.date, r.model_dump_json())):
        if record.status == "ok":
            groups[_but_for_the_seed(record)][record.seed] = record
    return [[seeds[seed] for seed in sorted(seeds)] for seeds in groups.values()]


def _but_for_the_seed(record: Record) -> tuple[Any, ...]:
    """What runs agree in that may be averaged; a search may find another architecture each time."""
    return (
        _key(record),
        record.model,
        record.space,
        record.spec_hash,
        record.strategy.name if record.strategy else record.architecture,
        record.stream,
        record.selection,
        record.views,
        record.profile,
        tuple(record.fusion.values()),
        record.fused_of,
    )


def _key(record: Record) -> TableKey:
    split = "" if record.source == "reported" else record.split_fingerprint
    return TableKey(record.dataset, record.synthetic, record.protocol, record.source, split)


def _mark_pareto(rows: Iterable[Row], metric: str) -> None:
    """Mark the rows that no other surpasses in the metric or in MACs without losing in the other."""
    known = [(row["gmacs"], row[metric], row) for row in rows]
    listed = [(g, m, row) for g, m, row in known if isinstance(g, int | float) and isinstance(m, int | float)]
    best = at = float("-inf")
    for gmacs, value, row in sorted(listed, key=lambda one: (one[0], -one[1])):
        if value > best or (value == best and gmacs == at):
            row["pareto"], best, at = "yes", value, gmacs


def _ranked(placed: Iterable[_Placed], metric: str) -> tuple[Row, ...]:
    """Rows from best to worst; measured ones have the range of places that their intervals leave open."""
    listed = sorted(placed, key=lambda pair: _place(pair[0], metric))
    ranked = [(row, interval) for row, interval in listed if _has_rank(row, metric)]
    ranges = rank_ranges([interval for _, interval in ranked])
    for (row, _), (first, last) in zip(ranked, ranges, strict=True):
        row["rank"] = str(first) if first == last else f"{first} to {last}"
    return tuple(row for row, _ in listed)


def _has_rank(row: Row, metric: str) -> bool:
    return row["source"] == "measured" and row[metric] is not None


def _place(row: Row, metric: str) -> tuple[float, list[str]]:
    value = row[metric]
    return (-value if isinstance(value, int | float) else 1.0), [str(cell) for cell in row.values()]
