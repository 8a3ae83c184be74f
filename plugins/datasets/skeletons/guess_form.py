"""What the content of files says of recordings: joints, channels, persons; guessed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.components import Layout
from skelbench.errors import DataError

from ...layouts import LAYOUTS
from .params import SCORE, SkeletonsParams
from .people import frames_of
from .shape import Form
from .tables import load_json, read_table, wanted_columns

Values = dict[str, Any]
_CHANNELS = (("x", "y", "z"), ("x", "y"), ("x", "y", "z", SCORE))
_HEADERS = (
    *("{channel}{joint}", "{channel}_{joint}", "{joint}_{channel}", "{joint}{channel}"),
    *("{name}_{channel}", "{name}{channel}", "{name}.{channel}", "{channel}_{name}"),
)
_MOST_SKIPPED = 3
_SIZES = sorted({len(layout.joints) for layout in LAYOUTS})


@dataclass
class FormGuess:
    """What was guessed of the form.

    Attributes:
        values: Parameters of the data set.
        doubts: What could not be decided, in lines for people.
        layouts: The built-in layouts with as many joints, the likeliest first.
    """

    values: Values = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)
    layouts: list[Layout] = field(default_factory=list)

    def nearest_layout(self, recordings: Sequence[np.ndarray]) -> None:
        """Of the layouts with as many joints take the one whose bones are shortest.

        Args:
            recordings: Coordinates (T, M, V, C), the axes before a score.
        """
        axes = 2 if SCORE in self.values.get("channels", ()) and recordings[0].shape[3] == 3 else 3
        points = np.concatenate([one.reshape(-1, *one.shape[2:])[..., :axes] for one in recordings])
        lengths = {one.name: _length(points, one) for one in self.layouts}
        best = min(self.layouts, key=lambda one: lengths[one.name])
        same = [
            name for name, length in lengths.items() if length == lengths[best.name] and name != best.name
        ]
        others = [name for name, length in lengths.items() if length > lengths[best.name]]
        self.values["layout"] = best.name
        said = f"layout: {len(best.joints)} joints, taken for {best.name} ({best.summary})"
        said += f"; the same as {', '.join(same)}" if same else ""
        said += f"; its bones are shorter than those of {', '.join(others)}" if others else ""
        self.doubts.append(said)

    def layout(self, joints: int, flat: bool) -> None:
        """Choose a layout of so many joints; ``flat`` prefers those of the image."""
        fit = [layout for layout in LAYOUTS if len(layout.joints) == joints]
        fit.sort(key=lambda layout: ("image" in layout.summary) != flat)
        if fit:
            self.values["layout"], self.layouts = fit[0].name, fit
            return
        self.values["layout"] = {
            "joints": joints,
            "bones": [[joint, joint - 1] for joint in range(1, joints)],
        }
        said = f"layout: no built-in one has {joints} joints, and the bones here are a mere chain"
        self.doubts.append(f"{said}: write which joints are connected")

    def channels(self, names: Iterable[str]) -> None:
        """Say the channels where they are not the usual ones."""
        if tuple(names) != ("x", "y", "z"):
            self.values["channels"] = list(names)


def _length(points: np.ndarray, layout: Layout) -> float:
    """The mean length of a layout's bones over points (n, V, axes)."""
    children, parents = np.array(layout.inward).T
    return float(np.linalg.norm(points[:, children] - points[:, parents], axis=-1).mean())


def guess_files(paths: Sequence[Path]) -> FormGuess:
    """What some of the files of single recordings have in common.

    Raises:
        DataError: One cannot be read.
    """
    ending = paths[0].suffix.lower()
    if ending == ".json":
        return _of_json(paths[0], load_json(paths[0]))
    if ending == ".npy":
        return of_shape(np.load(paths[0], allow_pickle=False, mmap_mode="r").shape)
    return _of_tables([read_table(path) for path in paths])


# --- tables --------------------------------------------------------------------------------------


def _of_tables(tables: Sequence[tuple[list[str], np.ndarray]]) -> FormGuess:
    guess, (header, rows) = FormGuess(), tables[0]
    if header and (named := _by_header(header)):
        guess.values |= named
        return guess
    width = rows.shape[1]
    if any(not np.isfinite(table).all() for _, table in tables):
        guess.values["missing"] = "zero"
        guess.doubts.append("missing: some values are missing; their joints count as not seen")
    if width <= 4:
        _joint_rows(guess, [table for _, table in tables], width)
        return guess
    found = list(_frame_rows(width))
    if not found:
        said = f"layout: a row of {width} values is no frame of a built-in layout"
        guess.doubts.append(f"{said}: write joints, bones and channels")
        return guess
    skip, persons, joints, channels = found[0]
    guess.values |= {"skip": skip} if skip else {}
    guess.values |= {"persons": persons} if persons > 1 else {}
    guess.layout(joints, len(channels) == 2)
    guess.channels(channels)
    for other in found[1:3]:
        shown = f"skip {other[0]}, {other[1]} persons of {other[2]} joints with {', '.join(other[3])}"
        guess.doubts.append(f"a row of {width} values could be {shown} as well")
    return guess


def _by_header(header: Sequence[str]) -> Values:
    """The pattern of a header's names that has a column for every joint of a layout; the largest wins."""
    for layout in sorted(LAYOUTS, key=lambda one: -len(one.joints)):
        for pattern in _HEADERS:
            for channels in sorted(_CHANNELS, key=len, reverse=True):
                names = _columns(layout, pattern, channels)
                if set(names) <= set(header) and not _beyond(layout, pattern, channels, header):
                    own = {} if channels == ("x", "y", "z") else {"channels": list(channels)}
                    return {"layout": layout.name, **own, "header": pattern}
    return {}


def _columns(layout: Layout, pattern: str, channels: Sequence[str]) -> list[str]:
    params = SkeletonsParams(layout=layout.name, channels=tuple(channels), header=pattern)
    return wanted_columns(Form(params, layout.joints))


def _beyond(layout: Layout, pattern: str, channels: Sequence[str], header: Sequence[str]) -> bool:
    """Whether the header has a joint more than the layout."""
    if "{joint}" not in pattern:
        return False
    return pattern.format(channel=channels[0], joint=len(layout.joints), name="", person=0) in header


def _joint_rows(guess: FormGuess, tables: Sequence[np.ndarray], width: int) -> None:
    """Rows of one joint each: the joints divide the rows of every file."""
    common = math.gcd(*(len(table) for table in tables))
    fit = [size for size in _SIZES if common % size == 0]
    names = [*"xyz"][: max(width, 2)] if width < 4 else [*"xyz", SCORE]
    if width == 4 and all(len(np.unique(table[:, 3])) == 1 for table in tables):
        names[3] = "-"
        guess.doubts.append("channels: the fourth value is always the same and is not read")
    elif width == 4:
        guess.doubts.append("channels: the fourth value is taken for a score")
    if not fit:
        guess.doubts.append(
            f"layout: numbers of rows have {common} as their greatest divisor: write joints and bones"
        )
    else:
        joints = min(fit, key=lambda size: _shortest(tables, size))
        guess.layout(joints, width == 2)
        if common % (2 * joints) == 0:
            guess.doubts.append("persons: could be 2, each with rows of its own")
    guess.channels(names)


def _shortest(tables: Sequence[np.ndarray], joints: int) -> float:
    """The mean length of the bones that the best layout of so many joints has."""
    points = np.concatenate([table[:, :3].reshape(-1, joints, min(3, table.shape[1])) for table in tables])
    return min(_length(points, layout) for layout in LAYOUTS if len(layout.joints) == joints)


def _frame_rows(width: int) -> Iterator[tuple[int, int, int, tuple[str, ...]]]:
    """Ways to read a row as a frame: (skipped, persons, joints, channels), the likeliest first."""
    for skip in range(_MOST_SKIPPED + 1):
        found = [
            (skip, persons, joints, channels)
            for persons in (1, 2)
            for channels in _CHANNELS
            for joints in _SIZES
            if persons * joints * len(channels) == width - skip
        ]
        if found:
            yield from found
            return


# --- arrays and JSON -----------------------------------------------------------------------------


def of_shape(shape: tuple[int, ...]) -> FormGuess:
    """An array of one recording: the joints are the axis of a built-in layout's size."""
    guess = FormGuess()
    if len(shape) == 2:
        found = next(_frame_rows(shape[1]), None)
        if found is None:
            guess.doubts.append(f"layout: rows of {shape[1]} values are no frames of a built-in layout")
            return guess
        guess.values |= {"persons": found[1]} if found[1] > 1 else {}
        guess.layout(found[2], len(found[3]) == 2)
        guess.channels(found[3])
        return guess
    ends = [(axis, size) for axis, size in enumerate(shape) if size in (2, 3, 4)]
    channel = ends[-1][0] if ends else len(shape) - 1
    others = [(axis, size) for axis, size in enumerate(shape) if axis != channel]
    joints = next((size for _, size in reversed(others) if size in _SIZES), others[-1][1])
    guess.layout(joints, shape[channel] == 2)
    guess.channels((*"xyz", SCORE)[: shape[channel]])
    persons = [size for _, size in others if size != joints]
    if len(persons) == 2:
        guess.values |= {"persons": min(persons)} if min(persons) > 1 else {}
        guess.doubts.append(f"axes: of the shape {list(shape)} {min(persons)} is taken for the persons")
    return guess


def _of_json(path: Path, content: Any) -> FormGuess:
    guess = FormGuess()
    people = frames_of(content, path)
    if people is not None:
        frames, names = people
        seen = [one for frame in frames for one in frame]
        if not seen:
            guess.doubts.append(f"layout and persons: no person is in {path.name}")
            return guess
        guess.layout(len(seen[0]), "z" not in names)
        guess.channels(names)
        if (most := max(map(len, frames))) > 1:
            guess.values["persons"] = most
        return guess
    if isinstance(content, Mapping):
        lists = {key: value for key, value in content.items() if isinstance(value, list) and value}
        if not lists:
            raise DataError("holds no list of coordinates", where=path, remedy="Write arrays (T, V, C)")
        name = max(lists, key=lambda key: np.size(lists[key]) if not _uneven(lists[key]) else 0)
        guess = of_shape(np.shape(lists[name]))
        guess.values |= {"x": name} if len(lists) > 1 else {}
        return guess
    return of_shape(np.shape(content))


def _uneven(value: Any) -> bool:
    try:
        return np.asarray(value).dtype.kind not in "fiu"
    except ValueError:
        return True
