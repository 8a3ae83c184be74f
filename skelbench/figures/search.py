"""How a search went, from the lines of its journal: what pictures and pages draw of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Line = Mapping[str, Any]
_HEADS = ("kind", "generation", "number")
_MEASURED = ("reliability", "ties", "spread", "disagreement")


@dataclass(frozen=True)
class SearchCurves:
    """A search over its generations or epochs.

    Attributes:
        curves: Name of a figure -> points (generation, value). The best fitness of each generation and each
            trial's are ``best`` and ``fitness``; those of its health begin with ``health.``.
        heat: For each decision the shares of its options at the end: mean weights, or softmaxes of them.
        best_paths: Where a path was sought, the best ones: widths and score.
    """

    curves: dict[str, list[tuple[int, float]]]
    heat: dict[str, list[float]]
    best_paths: list[list[dict[str, Any]]]

    def as_data(self) -> dict[str, Any]:
        """As plain data."""
        return {"curves": self.curves, "heat": self.heat, "best_paths": self.best_paths}


def curves_of(lines: Sequence[Line]) -> SearchCurves:
    """The curves of a journal; lines of other forms than a search writes are passed over."""
    curves: dict[str, list[tuple[int, float]]] = {}
    generations = [line for line in lines if line.get("kind") == "generation"]
    for line in lines:
        at = line.get("generation")
        if not isinstance(at, int):
            continue
        if line.get("kind") == "trial":
            _add(curves, "fitness", at, line.get("fitness"))
        elif line.get("kind") == "epoch":
            _add(curves, "supernet loss", at, line.get("loss"))
        elif line.get("kind") == "generation":
            for name, value in line.items():
                if name not in _HEADS:
                    _add(curves, name, at, value)
            _add(curves, "sigma", at, _mean(line.get("sigma")))
            health = line.get("health")
            if isinstance(health, Mapping):
                for name in _MEASURED:
                    _add(curves, f"health.{name}", at, health.get(name))
    last = generations[-1] if generations else {}
    paths = last.get("best_paths")
    return SearchCurves(curves, _heat(last), paths if isinstance(paths, list) else [])


def _add(curves: dict[str, list[tuple[int, float]]], name: str, at: int, value: Any) -> None:
    if isinstance(value, int | float) and not isinstance(value, bool) and value == value:
        curves.setdefault(name, []).append((at, round(float(value), 6)))


def _mean(value: Any) -> float | None:
    numbers = list(_numbers(value.values() if isinstance(value, Mapping) else value))
    return sum(numbers) / len(numbers) if numbers else None


def _numbers(value: Any) -> Iterable[float]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)
    elif isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
        for one in value:
            yield from _numbers(one)


def _heat(last: Line) -> dict[str, list[float]]:
    """One row a decision; where there is one for each option before it, a row for each."""
    found = [last[name] for name in ("mean", "shares") if isinstance(last.get(name), Mapping)]
    weights: Mapping[str, Any] = found[0] if found else {}
    rows: dict[str, list[float]] = {}
    for label, value in weights.items():
        if isinstance(value, list) and value and all(isinstance(one, list) for one in value):
            rows |= {f"{label} after {n}": list(_numbers(one)) for n, one in enumerate(value)}
        elif isinstance(value, list):
            rows[str(label)] = list(_numbers(value))
    return rows
