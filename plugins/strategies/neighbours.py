"""Architectures that differ from one by as little as can be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from skelbench.search import Point


def others(point: Point, decision: Any) -> Iterator[Any]:
    """Decisions that differ from one by as little as can be."""
    if not point.several:
        yield from (option for option in point.options if option != decision)
        return
    inside = [option in decision for option in point.options]
    places = range(len(point.options))
    if point.choose is None:
        changed = [[(i == j) != inside[j] for j in places] for i in places]
    else:
        swaps = [(i, j) for i in places if inside[i] for j in places if not inside[j]]
        changed = [[(k == j) or (inside[k] and k != i) for k in places] for i, j in swaps]
    groups = point.groups or tuple(places)
    for kept in changed:
        taken = [groups[k] for k in places if kept[k]]
        if taken and len(set(taken)) == len(taken):
            yield [point.options[k] for k in places if kept[k]]
