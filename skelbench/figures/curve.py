"""Accuracy against the cost of a clip, a line for each series of networks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skelbench.errors import SkelbenchError
from skelbench.figures.page import COLOURS, page

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_WIDE = 10
# A label that covers a point or another label, or leaves the picture, is worse than one across a line.
_POINT_COUNTS, _OUTSIDE_COUNTS = 20, 100
# Where a label may stand about its point: points to the right and up, and the text's alignment.
_PLACES = (
    *((6, 0, "left", "center"), (-6, 0, "right", "center"), (0, 6, "center", "bottom")),
    *((0, -6, "center", "top"), (5, 5, "left", "bottom"), (5, -5, "left", "top")),
    *((-5, 5, "right", "bottom"), (-5, -5, "right", "top"), (0, 16, "center", "bottom")),
    *((0, -16, "center", "top"), (12, 14, "left", "bottom"), (12, -14, "left", "top")),
)


@dataclass(frozen=True)
class Point:
    """A network in the picture.

    Attributes:
        series: Points of one series are joined by a line.
        label: What is written beside it.
        gmacs: GMACs of a clip.
        accuracy: Percent, the mean over seeds.
        std: Standard deviation over seeds, None where there is one seed.
    """

    series: str
    label: str
    gmacs: float
    accuracy: float
    std: float | None = None


def curve(
    points: Sequence[Point], path: Path, *, title: str = "", accuracy: str = "top-1", joined: bool = True
) -> None:
    """Draw accuracy against GMACs, whose axis is logarithmic where they differ more than tenfold.

    Args:
        points: The networks; each series is joined from the cheapest to the dearest.
        path: An SVG, a PNG or a PDF.
        title: What all points have in common.
        accuracy: What the accuracy is called.
        joined: Whether a line leads through a series, as through one network in several sizes.

    Raises:
        SkelbenchError: There is no point, or no picture can be drawn to ``path``.
    """
    if not points:
        raise SkelbenchError("there is no point to draw", remedy="Give a run with accuracy and MACs")
    listed = in_order(points)
    with page(path, 7, 4.8) as figure:
        axes = figure.add_subplot()
        axes.set_title(title)
        axes.set_xlabel("GMACs of a clip")
        axes.set_ylabel(f"{accuracy} (%)")
        _lines(axes, listed, joined)
        _scale(axes, [point.gmacs for point in listed])
        axes.margins(0.12)
        axes.grid(True, color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
        _labels(axes, listed, joined)


def in_order(points: Iterable[Point]) -> list[Point]:
    """Points by series, those of a series from the cheapest to the dearest."""
    return sorted(points, key=lambda p: (p.series, p.gmacs, p.accuracy, p.label))


def _lines(axes: Axes, points: Sequence[Point], joined: bool) -> None:
    names = list(dict.fromkeys(point.series for point in points))
    for name, colour, marker in zip(names, cycle(COLOURS), cycle(MARKERS), strict=False):
        own = [point for point in points if point.series == name]
        xs, ys = [p.gmacs for p in own], [p.accuracy for p in own]
        style: dict[str, Any] = {"color": colour, "linewidth": 1.2}
        axes.plot(xs, ys, marker, linestyle="-" if joined else "", markersize=5, label=name, **style)
        for p in own:
            if p.std is not None:
                axes.errorbar(p.gmacs, p.accuracy, p.std, fmt="none", capsize=3, **style)
    if len(names) > 1:
        figure = axes.get_figure(root=True)
        if figure is not None:
            figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)


def _scale(axes: Axes, gmacs: Sequence[float]) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    if 0 < _WIDE * min(gmacs) < max(gmacs):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _labels(axes: Axes, points: Sequence[Point], joined: bool) -> None:
    """Each label at the place about its point where it covers the least, best nothing."""
    axes.figure.draw_without_rendering()  # type: ignore[union-attr]  # settles where the points lie
    places = axes.transData.transform([(point.gmacs, point.accuracy) for point in points])
    taken = [_square(place, 5) for place in places for _ in range(_POINT_COUNTS)]
    for one, other, place, following in zip(points, points[1:], places, places[1:], strict=False):
        if joined and one.series == other.series:
            along = np.linspace(place, following, 2 + int(np.hypot(*(following - place)) / 6))
            taken += [_square(between, 1) for between in along]
    for point in points:
        label = axes.annotate(point.label, (point.gmacs, point.accuracy), (0, 0), textcoords="offset points")
        label.set(fontsize=7.5, color="#333333", in_layout=False)
        taken += [_placed(label, taken, axes.bbox)] * _POINT_COUNTS


def _placed(label: Annotation, taken: Sequence[Bbox], inside: Bbox) -> Bbox:
    boxes = []
    for place in _PLACES:
        box = _moved(label, place)
        outside = box.x0 < inside.x0 or box.x1 > inside.x1 or box.y0 < inside.y0 or box.y1 > inside.y1
        boxes.append((sum(box.overlaps(other) for other in taken) + _OUTSIDE_COUNTS * outside, box, place))
        if not boxes[-1][0]:
            break
    _, box, place = min(boxes, key=lambda found: found[0])
    _moved(label, place)
    return box


def _moved(label: Annotation, place: tuple[int, int, str, str]) -> Bbox:
    right, up, horizontal, vertical = place
    label.set(position=(right, up), horizontalalignment=horizontal, verticalalignment=vertical)
    return label.get_window_extent()


def _square(middle: np.ndarray, half: float) -> Bbox:
    from matplotlib.transforms import Bbox

    return Bbox([middle - half, middle + half])
