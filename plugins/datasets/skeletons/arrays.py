"""Many recordings as named arrays: coordinates, classes and what else is known of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.errors import DataError, did_you_mean

from .npz import Npz, Rows
from .shape import Form

X = ("x", "X", "data", "keypoint", "keypoints", "skeletons", "skeleton", "poses", "pose", "joints")
Y = ("y", "Y", "label", "labels", "target", "targets")
CTR_GCN = {"x_train", "x_test", "y_train", "y_test"}
"""The arrays of CTR-GCN's form."""
PART = ("split", "train", "is_train")
WHO = ("subject", "subjects", "performer", "performers")
_AT_ONCE = 1 << 18  # bytes of recordings that are handed on together


@dataclass(frozen=True)
class Item:
    """A recording in a file of many.

    Attributes:
        id: Its id.
        label: Its class as the file has it; None where it does not say.
        frames: Its coordinates, (T, M, V, C).
        train: Whether it is trained on; None where the file does not say.
        subject: Its performer as the file has it; None where it does not say.
    """

    id: str
    label: Any
    frames: np.ndarray
    train: bool | None = None
    subject: Any = None


@dataclass(frozen=True)
class _Table:
    """Recordings along one array.

    Attributes:
        names: The arrays by what they hold: ``x``, ``y``, ``part``, ``who``, ``ids``, ``lengths``.
        start: What the ids of its recordings begin with.
        train: Whether all of them are trained on; None where that differs.
    """

    names: Mapping[str, str]
    start: str
    train: bool | None = None


class Arrays:
    """The recordings of a file of named arrays.

    Args:
        content: The arrays: an `Npz`, or lists and arrays in memory.
        path: The file.
        form: What a recording looks like.
        labelled: Whether there must be classes.

    Raises:
        DataError: An array is missing.
    """

    def __init__(self, content: Mapping[str, Any], path: Path, form: Form, labelled: bool = True) -> None:
        self.content, self.path, self.form = content, path, form
        self._tables = [self._of_part(part) for part in ("train", "test")] if self._in_parts else []
        self._tables = self._tables or [self._named(labelled)]

    @property
    def _in_parts(self) -> bool:
        return self.form.params.x is None and set(self.content) >= CTR_GCN

    def _of_part(self, part: str) -> _Table:
        names = {"x": f"x_{part}", "y": f"y_{part}"}
        return _Table(names, f"{self.path.stem}/{part}/", part == "train")

    def _named(self, labelled: bool) -> _Table:
        params, names = self.form.params, list(self.content)
        wanted = {
            "x": self._name(params.x, X, "coordinates"),
            "y": self._name(params.y, Y, "classes") if labelled else None,
            "part": params.part or next((n for n in PART if n in names), None),
            "who": params.who or next((n for n in WHO if n in names), None),
            "ids": params.ids,
            "lengths": params.lengths,
        }
        for name in wanted.values():
            if name is not None and name not in names:
                remedy = did_you_mean(name, names)
                raise DataError(f"has no array '{name}'", where=self.path, remedy=remedy)
        return _Table({key: name for key, name in wanted.items() if name is not None}, f"{self.path.stem}/")

    def _name(self, given: str | None, usual: Sequence[str], what: str) -> str:
        names = list(self.content)
        found = given or next((name for name in usual if name in names), None)
        if found is None or found not in names:
            said = f"has no array '{found}'" if found else f"has no array of {what} under a usual name"
            key = "x" if usual is X else "y"
            near = did_you_mean(found or usual[0], names)
            raise DataError(said, where=self.path, remedy=f"Set '{key}' of the data set. {near}")
        return found

    # --- what is in it -----------------------------------------------------------------------

    @cached_property
    def _found(self) -> list[dict[str, Any]]:
        """The arrays of each table, as many values in each as there are recordings."""
        return [self._checked(table) for table in self._tables]

    def _checked(self, table: _Table) -> dict[str, Any]:
        arrays = {key: self.content[name] for key, name in table.names.items() if key != "x"}
        arrays["x"] = self._recordings(table.names["x"])
        count = len(arrays["x"])
        if not count:
            what = f"the array '{table.names['x']}' holds no recording"
            raise DataError(what, where=self.path, remedy="Name another array in 'x'")
        for key, array in arrays.items():
            if _count(array) != count:
                found = "no" if _count(array) is None else _count(array)
                what = f"there are {count} recordings and {found} values of '{table.names[key]}'"
                raise DataError(what, where=self.path, remedy="Give one value for each recording")
        if "part" in arrays:
            arrays["part"] = _parts(arrays["part"], self.path)
        if "y" in arrays:
            arrays["y"] = _labels(np.asarray(arrays["y"]), count)
        return arrays

    def _recordings(self, name: str) -> Any:
        """The coordinates, recordings along the first axis."""
        axes = self.form.params.axes or ""
        found = self.content.rows(name) if isinstance(self.content, Npz) else self.content[name]
        if "N" in axes[1:] and isinstance(found, np.ndarray | Rows) and found.ndim == len(axes):
            whole = found.whole() if isinstance(found, Rows) else found
            return np.moveaxis(whole, axes.index("N"), 0)
        if _count(found) is None:
            what = f"'{name}' is a single {type(found).__name__}"
            raise DataError(what, where=self.path, remedy="Name the array of coordinates in 'x'")
        return found

    def labels(self) -> list[Any]:
        """The class of every recording."""
        return [label for arrays in self._found for label in arrays["y"].tolist()]

    def unlisted(self) -> int:
        """How many recordings are in no part of the file's split: none."""
        return 0

    def pieces(self) -> list[range]:
        """Recordings that are handed on together, a few of a large file."""
        out, start = [], 0
        for arrays in self._found:
            x, count = arrays["x"], len(arrays["x"])
            step = max(1, _AT_ONCE // max(1, x.row_bytes)) if isinstance(x, Rows) else max(1, count)
            numbers = range(start, start + count)
            out += [numbers[at : at + step] for at in range(0, count, step)]
            start += count
        return out

    def items(self, piece: range | None = None) -> Iterator[Item]:
        """Recordings, all of them or those of a piece.

        Raises:
            DataError: One does not fit.
        """
        start = 0
        for table, arrays in zip(self._tables, self._found, strict=True):
            own = range(start, start + len(arrays["x"]))
            start = own.stop
            for number in own if piece is None else piece:
                if number in own:
                    yield self._item(table, arrays, number - own.start, len(own))

    def close(self) -> None:
        """Let go of the file."""
        for arrays in self.__dict__.get("_found", ()):
            if isinstance(arrays["x"], Rows):
                arrays["x"].close()

    def _item(self, table: _Table, arrays: Mapping[str, Any], number: int, count: int) -> Item:
        where, width = f"{self.path}, recording {number}", len(str(count))
        frames = self.form.of_array(np.asarray(arrays["x"][number]), where)
        named, train = arrays.get("ids"), table.train
        return Item(
            id=f"{table.start}{number:0{width}d}" if named is None else str(named[number]),
            label=arrays["y"][number].item() if "y" in arrays else None,
            frames=_cut(frames, arrays["lengths"][number] if "lengths" in arrays else None, where),
            train=bool(arrays["part"][number]) if "part" in arrays else train,
            subject=plain(arrays["who"][number]) if "who" in arrays else None,
        )


def _count(values: Any) -> int | None:
    """How many recordings there are values of; None of what is no list and no array of them."""
    listed = isinstance(values, list | tuple) or (isinstance(values, np.ndarray | Rows) and values.ndim)
    return len(values) if listed else None


def plain(value: Any) -> Any:
    """A number of NumPy as Python's."""
    return value.item() if isinstance(value, np.generic) else value


def _labels(labels: np.ndarray, count: int) -> np.ndarray:
    if labels.ndim == 2 and labels.shape[1] > 1:  # one-hot
        return labels.argmax(1)
    return labels.reshape(count, -1)[:, 0]


def _cut(frames: np.ndarray, length: Any, where: str) -> np.ndarray:
    """The frames that a recording has, without those that fill up the array."""
    if length is None:
        shown = np.flatnonzero(frames.any(axis=(1, 2, 3)))
        return frames[: shown[-1] + 1] if len(shown) else frames[:1]
    if not isinstance(length, int | np.integer) or not 0 < length <= len(frames):
        what = f"its length is {length}, and there is room for {len(frames)} frames"
        raise DataError(what, where=where, remedy="Give lengths in frames, at least 1")
    return frames[:length]


def _parts(part: Any, path: Path) -> np.ndarray:
    array = np.asarray(part)
    if array.dtype == bool:
        return array
    if array.dtype.kind in "iu" and np.isin(array, (0, 1)).all():
        return array == 1
    if array.dtype.kind == "U" and np.isin(array, ("train", "test", "val")).all():
        return array == "train"
    what = "the split holds other things than true and false, or 'train' and 'test'"
    raise DataError(what, where=path, remedy="Set 'part' to the name of another array")
