"""An architecture as a drawing: nodes with places and edges between them, whatever draws it.

Cells are graphs from their two inputs, paths through a trellis a row of stages, graph modules a grid of
blocks by modules; choices of no known form are a list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Choices = Mapping[str, Any]
_EDGE = re.compile(r"([^()]+)\((\d+)\)")
_CELL_NODE = re.compile(r"(.+)\.(\d+)")
_STAGE = re.compile(r"(.+)\.(width|layer\d+)")
_NUMBER = re.compile(r"\d+")
_INPUTS = ("from the cell before the last", "from the last cell")


@dataclass(frozen=True)
class Edge:
    """An operator of a cell.

    Attributes:
        source: State that it takes.
        target: State that it goes to.
        label: The operator.
    """

    source: int
    target: int
    label: str


@dataclass(frozen=True)
class Part:
    """A part of a drawing.

    Attributes:
        kind: ``cell``: states 0 and 1 are inputs, edges lead on; ``path``: stages with a width and layers;
            ``grid``: rows that mark some of the columns; ``list``: names with values.
        name: What it is called; of a cell its type, else empty.
        rows: Names of states, stages, blocks or labels.
        columns: Of a grid, what may be chosen.
        cells: For each row what was chosen: of a path its width and layers, of a grid the columns marked.
        edges: Of a cell.
    """

    kind: Literal["cell", "path", "grid", "list"]
    name: str
    rows: tuple[str, ...]
    columns: tuple[str, ...] = ()
    cells: tuple[tuple[str, ...], ...] = ()
    edges: tuple[Edge, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """As plain data."""
        edges = [[edge.source, edge.target, edge.label] for edge in self.edges]
        plain = {"kind": self.kind, "name": self.name, "rows": self.rows, "columns": self.columns}
        return plain | {"cells": self.cells, "edges": edges}


def parts_of(choices: Choices) -> list[Part]:
    """The drawing of an architecture.

    Args:
        choices: The decision for each label of its space, as a record and ``architecture.yaml`` have them.
    """
    left = dict(choices)
    found = [*_cells(left), *_paths(left), *_grids(left)]
    if left:
        cells = tuple((_text(value),) for value in left.values())
        found.append(Part("list", "", tuple(left), cells=cells))
    return found


def text_of(part: Part) -> list[str]:
    """A part as lines of text."""
    if part.kind == "cell":
        return _cell_text(part)
    width = max(map(len, part.rows), default=0)
    if part.kind != "grid":
        return [f"{row:<{width}}  {'  '.join(own)}" for row, own in zip(part.rows, part.cells, strict=True)]
    head = f"{'':<{width}}  {'  '.join(part.columns)}"
    return [head, *(_grid_line(part, n, width) for n in range(len(part.rows)))]


def _cell_text(part: Part) -> list[str]:
    lines = [f"{part.name} cell"]
    for target in sorted({edge.target for edge in part.edges}):
        terms = [f"{edge.label}({edge.source})" for edge in part.edges if edge.target == target]
        lines.append(f"  {target} = {' + '.join(terms)}")
    return lines


def _grid_line(part: Part, number: int, width: int) -> str:
    marks = [
        ("\N{BLACK CIRCLE}" if name in part.cells[number] else "\N{MIDDLE DOT}").center(len(name))
        for name in part.columns
    ]
    return f"{part.rows[number]:<{width}}  {'  '.join(marks)}".rstrip()


def _cells(left: dict[str, Any]) -> list[Part]:
    edges: dict[str, list[Edge]] = {}
    for label, value in list(left.items()):
        node, kept = _CELL_NODE.fullmatch(label), _edges(value)
        if node and kept:
            edges.setdefault(node[1], []).extend(Edge(int(n), int(node[2]), op) for op, n in kept)
            del left[label]
    return [Part("cell", name, _states(own), edges=tuple(own)) for name, own in edges.items()]


def _edges(value: Any) -> list[tuple[str, str]]:
    if not isinstance(value, list | tuple):
        return []
    found = [_EDGE.fullmatch(str(item)) for item in value]
    return [(match[1], match[2]) for match in found if match] if all(found) else []


def _states(edges: Sequence[Edge]) -> tuple[str, ...]:
    last = max(max(edge.source, edge.target) for edge in edges)
    return (*_INPUTS, *map(str, range(2, last + 1)))


def _paths(left: dict[str, Any]) -> list[Part]:
    stages: dict[str, dict[str, str]] = {}
    for label, value in left.items():
        place = _STAGE.fullmatch(label)
        if place and not isinstance(value, list | tuple):
            stages.setdefault(place[1], {})[place[2]] = str(value)
    if not any("width" in stage for stage in stages.values()):
        return []
    for name, stage in stages.items():
        for part in stage:
            del left[f"{name}.{part}"]
    rows = [(stage.pop("width", ""), *stage.values()) for stage in stages.values()]
    return [Part("path", "", tuple(stages), cells=tuple(rows))]


def _grids(left: dict[str, Any]) -> list[Part]:
    """Labels that differ only in their number are one grid, where some of several options were chosen."""
    groups: dict[str, dict[str, tuple[str, ...]]] = {}
    for label, value in left.items():
        options = value if isinstance(value, list | tuple) else [value]
        if _NUMBER.search(label) and all(isinstance(one, str) for one in options):
            groups.setdefault(_NUMBER.sub("#", label), {})[label] = tuple(options)
    found = []
    for group in groups.values():
        columns = sorted({one for options in group.values() for one in options})
        if len(group) > 1:
            found.append(Part("grid", "", tuple(group), tuple(columns), tuple(group.values())))
            for label in group:
                del left[label]
    return found


def _text(value: Any) -> str:
    return " + ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
