"""Pictures of one run: how its search went, which classes were taken for which, what it found."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from skelbench.errors import RunFolderError, SkelbenchError
from skelbench.figures.architecture import Part, parts_of
from skelbench.figures.page import COLOURS, check_page, page
from skelbench.figures.search import SearchCurves, curves_of
from skelbench.results.confusion import Confusion
from skelbench.results.store import RunFolder

if TYPE_CHECKING:
    from matplotlib.axes import Axes

What = Literal["search", "confusion", "architecture"]
_ACROSS = 3


def draw_run(places: Sequence[Path], what: What, output: Path | None) -> None:
    """Draw one run; see the help of ``skelbench plot``.

    Raises:
        SkelbenchError: Not one run is named, or no file to draw to.
        RunFolderError: The run has nothing of the kind.
    """
    if output is None:
        raise SkelbenchError(f"--show {what} is a picture", remedy="Name its file: --output picture.svg")
    if len(places) != 1:
        raise SkelbenchError(
            f"--show {what} draws one run, not {len(places)}", remedy="Name one run's folder"
        )
    check_page(output)
    run = RunFolder(places[0])
    if what == "search":
        search_picture(curves_of(run.trials()), output, run.name)
    elif what == "confusion":
        confusion_picture(Confusion.of(run.load_scores()), output, run.name)
    else:
        record = run.finished()
        architecture_picture(parts_of(record.choices), output, run.name)
    print(f"wrote {output}", file=sys.stderr)


def search_picture(search: SearchCurves, path: Path, title: str) -> None:
    """A panel for each figure of a search over its generations, and its weights at the end as a heat map.

    Raises:
        RunFolderError: There is none.
    """
    curves = {name: points for name, points in search.curves.items() if len(points) > 1}
    panels = len(curves) + bool(search.heat)
    if not panels:
        raise RunFolderError("its search has left no curve", where=title, remedy="Draw a run that searched")
    rows = math.ceil(panels / _ACROSS)
    with page(path, 3 * min(panels, _ACROSS), 2.3 * rows + 0.4) as figure:
        figure.suptitle(title)
        for number, (name, points) in enumerate(curves.items(), start=1):
            axes = figure.add_subplot(rows, min(panels, _ACROSS), number)
            xs, ys = zip(*points, strict=True)
            alone = len(set(xs)) == len(xs)
            axes.plot(xs, ys, "-" if alone else ".", color=COLOURS[0], markersize=3)
            axes.set_title(name.replace("_", " "), fontsize=8)
            axes.tick_params(labelsize=7)
        if search.heat:
            _heat(figure.add_subplot(rows, min(panels, _ACROSS), panels), search.heat)


def _heat(axes: Axes, heat: dict[str, list[float]]) -> None:
    import numpy as np

    width = max(map(len, heat.values()))
    grid = np.full((len(heat), width), np.nan)
    for row, shares in zip(grid, heat.values(), strict=True):
        row[: len(shares)] = shares
    axes.imshow(grid, cmap="Blues", aspect="auto", interpolation="nearest")
    axes.set_yticks(range(len(heat)), list(heat), fontsize=6)
    axes.set_xticks(range(width))
    axes.tick_params(labelsize=6)
    axes.set_title("weights at the end", fontsize=8)


def confusion_picture(found: Confusion, path: Path, title: str) -> None:
    """Shares of each class by the class that it was taken for."""
    totals = found.counts.sum(axis=1, keepdims=True)
    shares = found.counts / totals.clip(min=1)
    size = min(9.0, max(3.5, 0.22 * len(shares)))
    with page(path, size + 0.8, size) as figure:
        axes = figure.add_subplot()
        figure.colorbar(axes.imshow(shares, cmap="Blues", vmin=0, vmax=1), ax=axes, shrink=0.8)
        axes.set(title=title, xlabel="taken for", ylabel="class")


def architecture_picture(parts: Sequence[Part], path: Path, title: str) -> None:
    """Cells as graphs, everything else as tables.

    Raises:
        RunFolderError: The record holds no choices.
    """
    if not parts:
        raise RunFolderError("its record holds no choices", where=title, remedy="Draw a run that searched")
    heights = [2.6 if part.kind == "cell" else 0.6 + 0.22 * len(part.rows) for part in parts]
    with page(path, 7, sum(heights) + 0.4) as figure:
        figure.suptitle(title)
        grid = figure.add_gridspec(len(parts), 1, height_ratios=heights)
        for number, part in enumerate(parts):
            axes = figure.add_subplot(grid[number, 0])
            axes.set_axis_off()
            (_draw_cell if part.kind == "cell" else _draw_table)(axes, part)


def _draw_cell(axes: Axes, part: Part) -> None:
    axes.set_title(f"{part.name} cell", fontsize=9)
    for number, edge in enumerate(part.edges):
        bend = (0.12 + 0.2 * (edge.target - edge.source)) * (-1 if number % 2 else 1)
        arrow = {"arrowstyle": "->", "connectionstyle": f"arc3,rad={-bend:.2f}", "color": "#666666"}
        axes.annotate(
            "", (edge.target, 0), (edge.source, 0), arrowprops={**arrow, "shrinkA": 10, "shrinkB": 10}
        )
        middle = (edge.source + edge.target) / 2
        height = bend * (edge.target - edge.source) / 2
        axes.text(middle, height, edge.label, ha="center", va="center", fontsize=7, backgroundcolor="white")
    for state in range(len(part.rows)):
        name = ("a", "b")[state] if state < 2 else part.rows[state]
        axes.text(state, 0, name, ha="center", va="center", bbox={"boxstyle": "circle", "fc": "#eef2f7"})
    reach = max(
        [0.5, *((0.12 + 0.2 * (e.target - e.source)) * (e.target - e.source) / 2 for e in part.edges)]
    )
    axes.set(xlim=(-0.5, len(part.rows) - 0.5), ylim=(-reach - 0.2, reach + 0.2))


def _draw_table(axes: Axes, part: Part) -> None:
    if part.kind == "grid":
        cells = [["x" if name in chosen else "" for name in part.columns] for chosen in part.cells]
        heads = list(part.columns)
    else:
        width = max(map(len, part.cells))
        cells = [[*own, *[""] * (width - len(own))] for own in part.cells]
        heads = ["width", *(f"layer {n}" for n in range(1, width))] if part.kind == "path" else [""] * width
    table = axes.table(cells, rowLabels=list(part.rows), colLabels=heads, loc="center", cellLoc="center")
    table.auto_set_font_size(False)
    table.set_fontsize(7)
