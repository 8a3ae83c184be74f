"""The cells of a row: of runs that differ only in their seed, or of a figure that others reported."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean, stdev

from skelbench.errors import PluginError
from skelbench.leaderboard.costs import Cost
from skelbench.leaderboard.names import Names
from skelbench.leaderboard.reported import Reported
from skelbench.leaderboard.uncertainty import Interval, accuracy_interval, mean_interval
from skelbench.results.record import Record

Cell = str | int | float | None
Row = dict[str, Cell]
ColumnFunction = Callable[[Record], str | float | None]

COLUMNS = (
    "rank",
    "name",
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
    "pareto",
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
BESIDE = (AS_REPORTED, "reported_params_m", "reported_cost", "reported_counts", "url")
"""Columns of what publications say, behind all others."""
UNKNOWN = "unknown"
NO_SIGNAL = "no signal"
SHARES = ("top1", "top5")
"""Metrics that are shares of test recordings, and so have an interval of their own from one run."""


def measured_row(
    group: Sequence[Record], dataset: str, metric: str, columns: Mapping[str, ColumnFunction], names: Names
) -> tuple[Row, Interval | None]:
    """The row of some runs, and the interval of the metric that ranks it, None where it is not known.

    Args:
        group: Records that differ only in their seed.
        dataset: What the data set is called.
        metric: The metric that ranks the table.
        columns: Further columns.
        names: What models are called.
    """
    first, latency = group[0], _latency(group)
    row: Row = {
        "rank": None,
        "name": _pretrained(names.of(first), first),
        "model": _pretrained(first.model, first),
        "space": f"{first.space} ({first.profile})" if first.profile else first.space,
        "strategy": _strategy(group),
        "dataset": dataset,
        "protocol": first.protocol,
        "stream": _stream(first),
        **_metric("top1", group),
        "n_seeds": len(group),
        "top5": _mean([r.metrics.get("top5") for r in group], 2),
        "params_m": _mean([r.params for r in group], 4, unit=1e6),
        "gmacs": _mean([r.macs for r in group], 4, unit=1e9),
        "pareto": None,
        "gflops": _mean([r.flops for r in group], 4, unit=1e9),
        "latency_ms": latency[0],
        "device": latency[1],
        "search_cost_h": _mean([r.search.seconds if r.search else None for r in group], 3, unit=3600),
        "selection": first.selection,
        "views": first.views,
        "source": first.source,
        "date": max(r.date for r in group).isoformat(),
        "run": " ".join(r.run for r in group),
        **dict.fromkeys(BESIDE),
    }
    row |= {name: _mean([r.metrics.get(name) for r in group], 2) for name in further_metrics(group)}
    row |= _metric(metric, group)
    return row | {name: _further(name, function, group) for name, function in columns.items()}, _interval(
        metric, group
    )


def reported_row(figure: Reported, columns: Iterable[str], names: Names, cost: Cost | None = None) -> Row:
    """The row of a publication's figure; what it does not state is blank.

    Args:
        figure: The figure.
        columns: Further columns.
        names: What models are called.
        cost: What the network of ours that it names costs, for each of its streams.
    """
    spec = figure.network.partition("#")[0]
    times = figure.stream.count("+") + 1
    stated = ("dataset", "protocol", "stream", "model", "space", "strategy", "top1", "top5", AS_REPORTED)
    given: Row = dict.fromkeys((*COLUMNS, *BESIDE, *columns))
    given |= {name: getattr(figure, name) or None for name in (*stated, "url")}
    if cost:
        given["params_m"] = round(times * cost.params / 1e6, 4)
        if cost.macs:
            given |= {
                "gmacs": round(times * cost.macs / 1e9, 4),
                "gflops": round(2 * times * cost.macs / 1e9, 4),
            }
    return given | {
        "name": names.of_model(figure.model, figure.space or spec),
        "views": figure.views or UNKNOWN,
        "reported_params_m": figure.params_m,
        "reported_cost": figure.cost,
        "reported_counts": figure.counts or None,
        "source": f"reported: {figure.source}",
    }


def further_metrics(records: Iterable[Record]) -> list[str]:
    """Names of the metrics that have no fixed column, in alphabetical order."""
    return sorted({name for record in records for name in record.metrics} - set(SHARES))


def metric_columns(metric: str) -> tuple[str, str, str]:
    """The columns of a metric that ranks: its mean, its interval, its standard deviation."""
    return metric, f"{metric}_interval", f"{metric}_std"


def _metric(metric: str, group: Sequence[Record]) -> Row:
    found = _values(metric, group)
    interval = _interval(metric, group)
    shown = str(interval) if interval and group[0].source == "measured" else None
    spread = round(stdev(found), 2) if len(found) > 1 else None
    return dict(zip(metric_columns(metric), (_mean(found, 2), shown, spread), strict=True))


def _values(metric: str, group: Sequence[Record]) -> list[float]:
    return [record.metrics[metric] for record in group if metric in record.metrics]


def _interval(metric: str, group: Sequence[Record]) -> Interval | None:
    found = _values(metric, group)
    return accuracy_interval(found, group[0].clips.test) if metric in SHARES else mean_interval(found)


def _pretrained(name: str, record: Record) -> str:
    """A name, and which other data sets the network has learned from."""
    return f"{name} ({record.pretrained_on} pre-trained)" if record.pretrained_on else name


def _stream(record: Record) -> str:
    """The streams, in what proportion they were fused if not in equal parts, and what of them."""
    weights, told = list(record.fusion.values()), []
    if len(set(weights)) > 1:
        least = min(weight for weight in weights if weight > 0)
        told.append(":".join(f"{weight / least:.3g}" for weight in weights))
    if record.fused_of != "probabilities":
        told.append(record.fused_of)
    return f"{record.stream} ({', '.join(told)})" if told else record.stream


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
