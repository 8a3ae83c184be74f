"""From records to ranked tables; pure, and the same whatever the order of the records.

Only runs that can be compared share a table: one data set, one protocol, one split of the same
recordings, all synthetic or none. Figures from publications have a table of their own, unranked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import Any, Literal, NamedTuple

from skelbench.errors import PluginError
from skelbench.leaderboard.reported import Reported
from skelbench.leaderboard.uncertainty import Interval, accuracy_interval, rank_ranges
from skelbench.results.health import LEAST_RELIABILITY, MOST_TIES
from skelbench.results.record import Record

Cell = str | int | float | None
Row = dict[str, Cell]
ColumnFunction = Callable[[Record], str | float | None]
_Placed = tuple[Row, Interval | None]

COLUMNS = (
    "rank",
    "model",
    "space",
    "strategy",
    "dataset",
    "protocol",
    "stream",
    "top1",
    "top1_interval",
    "top1_std",
    "n_seeds",
    "top5",
    "params_m",
    "gmacs",
    "gflops",
    "latency_ms",
    "device",
    "search_cost_h",
    "selection",
    "views",
    "source",
    "date",
    "run",
)
AS_REPORTED = "as_reported"
NO_SIGNAL = "no signal"
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
        extra: Names of further columns, from plugins.
    """

    key: TableKey
    rows: tuple[Row, ...]
    extra: tuple[str, ...] = field(default=())

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
) -> list[Table]:
    """Every table that the records give.

    Runs that differ only in their seed become one row: mean, 95 % interval, sample standard deviation and
    number of seeds. Of several runs with one seed the latest counts. Failed runs are left out. The rank of a
    measured row is text: the range of places that its interval leaves open, as in ``2 to 5``.

    Args:
        records: Records of runs, in any order.
        reported: Figures of publications.
        columns: Further columns by name, each a function of a record.

    Raises:
        PluginError: A further column fails on a record.
    """
    columns = columns or {}
    placed: dict[TableKey, list[_Placed]] = defaultdict(list)
    for group in group_seeds(records):
        interval = accuracy_interval(_top1(group), group[0].clips.test)
        placed[_key(group[0])].append((_row(group, interval, columns), interval))
    for figure in reported:
        key = TableKey(figure.dataset, False, figure.protocol, "reported", "")
        placed[key].append((_reported_row(figure, columns), None))
    return [Table(key, _ranked(placed[key]), tuple(columns)) for key in sorted(placed)]


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
    )


def _model(record: Record) -> str:
    """The model, and which other data sets it has learned from."""
    return f"{record.model} ({record.pretrained_on} pre-trained)" if record.pretrained_on else record.model


def _stream(record: Record) -> str:
    """The streams, and in what proportion they were fused if not in equal parts."""
    weights = list(record.fusion.values())
    if len(set(weights)) <= 1:
        return record.stream
    least = min(weight for weight in weights if weight > 0)
    return f"{record.stream} ({':'.join(f'{weight / least:.3g}' for weight in weights)})"


def _key(record: Record) -> TableKey:
    split = "" if record.source == "reported" else record.split_fingerprint
    return TableKey(record.dataset, record.synthetic, record.protocol, record.source, split)


def _top1(group: Sequence[Record]) -> list[float]:
    return [record.metrics["top1"] for record in group if "top1" in record.metrics]


def _row(group: Sequence[Record], interval: Interval | None, columns: Mapping[str, ColumnFunction]) -> Row:
    first, top1 = group[0], _top1(group)
    latency_ms, device = _latency(group)
    row: Row = {
        "rank": None,
        "model": _model(first),
        "space": f"{first.space} ({first.profile})" if first.profile else first.space,
        "strategy": _strategy(group),
        "dataset": _key(first).label,
        "protocol": first.protocol,
        "stream": _stream(first),
        "top1": _mean(top1, 2),
        "top1_interval": str(interval) if interval and first.source == "measured" else None,
        "top1_std": round(stdev(top1), 2) if len(top1) > 1 else None,
        "n_seeds": len(group),
        "top5": _mean([r.metrics.get("top5") for r in group], 2),
        "params_m": _mean([r.params for r in group], 4, unit=1e6),
        "gmacs": _mean([r.macs for r in group], 4, unit=1e9),
        "gflops": _mean([r.flops for r in group], 4, unit=1e9),
        "latency_ms": latency_ms,
        "device": device,
        "search_cost_h": _mean([r.search.seconds if r.search else None for r in group], 3, unit=3600),
        "selection": first.selection,
        "views": first.views,
        "source": first.source,
        "date": max(r.date for r in group).isoformat(),
        "run": " ".join(r.run for r in group),
        AS_REPORTED: None,
    }
    return row | {name: _further(name, function, group) for name, function in columns.items()}


def _strategy(group: Sequence[Record]) -> str | None:
    """The strategy, marked where searches of the row had no signal."""
    first = group[0].strategy
    if first is None:
        return None
    silent = sum(record.health is not None and bool(record.health.problem) for record in group)
    if not silent:
        return first.name
    share = "" if silent == len(group) else f" in {silent} of {len(group)}"
    return f"{first.name} ({NO_SIGNAL}{share})"


def _latency(group: Sequence[Record]) -> tuple[float | None, str | None]:
    """Mean latency, blank where it was not measured in one way throughout; and the device or devices."""
    found = [r.latency for r in group if r.latency]
    alike = len({(f.device, f.threads, f.batch) for f in found}) == 1
    devices = ", ".join(sorted({f.device for f in found}))
    return _mean([f.ms for f in found], 2) if alike else None, devices or None


def _mean(values: Iterable[float | None], digits: int, *, unit: float = 1) -> float | None:
    known = [value for value in values if value is not None]
    return round(fmean(known) / unit, digits) if known else None


def _further(name: str, function: ColumnFunction, group: Sequence[Record]) -> Cell:
    """A plugin's cell: the mean of numbers, else the different values side by side."""
    values: list[str | float] = []
    for record in group:
        try:
            value = function(record)
        except Exception as error:  # a stranger's function may raise anything
            told = f"column '{name}' failed: {type(error).__name__}: {error}"
            raise PluginError(told, where=record.run, remedy="Mend the plugin, or leave it out") from error
        if value is not None:
            values.append(value)
    numbers = [value for value in values if not isinstance(value, str)]
    if len(numbers) == len(values):
        return _mean(numbers, 4)
    return ", ".join(sorted({str(value) for value in values}))


def _reported_row(figure: Reported, columns: Mapping[str, ColumnFunction]) -> Row:
    given: Row = dict.fromkeys((*COLUMNS, AS_REPORTED, *columns))
    stated = figure.model_dump(exclude={"source"})
    return given | {k: v or None for k, v in stated.items()} | {"source": f"reported: {figure.source}"}


def _ranked(placed: Iterable[_Placed]) -> tuple[Row, ...]:
    """Rows from best to worst; measured ones have the range of places that their intervals leave open."""
    listed = sorted(placed, key=lambda pair: _place(pair[0]))
    ranked = [(row, interval) for row, interval in listed if _has_rank(row)]
    ranges = rank_ranges([interval for _, interval in ranked])
    for (row, _), (first, last) in zip(ranked, ranges, strict=True):
        row["rank"] = str(first) if first == last else f"{first} to {last}"
    return tuple(row for row, _ in listed)


def _has_rank(row: Row) -> bool:
    return row["source"] == "measured" and row["top1"] is not None


def _place(row: Row) -> tuple[float, list[str]]:
    top1 = row["top1"]
    return (-top1 if isinstance(top1, int | float) else 1.0), [str(value) for value in row.values()]
