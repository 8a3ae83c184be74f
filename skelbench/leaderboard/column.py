"""What is known of a table's columns: how readers call them, which way is better, how values compare."""

from __future__ import annotations

from skelbench.leaderboard.table import AS_REPORTED, BESIDE, COLUMNS, Cell, Table

SPLIT = "split"
LABELS = {
    "name": "model",
    "model": "model in its spec",
    "top1": "top-1",
    "top5": "top-5",
    "top1_interval": "95 % interval",
    "top1_std": "std",
    "n_seeds": "seeds",
    "params_m": "params (M)",
    "gmacs": "GMACs",
    "gflops": "GFLOPs",
    "pareto": "Pareto",
    "latency_ms": "latency (ms)",
    "search_cost_h": "search (h)",
    "as_reported": "complexity as reported",
}
TEXTS = (
    *("name", "model", "space", "strategy", "dataset", "protocol", "stream", "pareto", "device", "selection"),
    *("source", "date", "run", AS_REPORTED, "reported_counts", "url"),
)
_FEWER_IS_BETTER = {
    *("rank", "top1_std", "params_m", "gmacs", "gflops", "latency_ms", "search_cost_h", "views"),
}
_FIRST_OF = {"rank", "top1_interval"}


def names_of(table: Table) -> tuple[str, ...]:
    """Every column of a table, in the order of CSV files but for the split."""
    return (*COLUMNS, *table.extra, *BESIDE)


def label(name: str) -> str:
    """What a column is called for readers."""
    return LABELS.get(name, name.replace("_", " ") if name in (*COLUMNS, *BESIDE) else name)


def is_number(name: str) -> bool:
    """Whether a column is set to the right, as numbers are."""
    return name not in TEXTS


def better_low(name: str) -> bool:
    """Whether less is better, as of costs; text goes from A to Z."""
    return name in _FEWER_IS_BETTER or name in TEXTS


def value(name: str, cell: Cell) -> float | str | None:
    """A cell to compare by: of a range its first number."""
    if isinstance(cell, str) and (name in _FIRST_OF or name.endswith("_interval")):
        return float(cell.partition(" to ")[0])
    return cell
