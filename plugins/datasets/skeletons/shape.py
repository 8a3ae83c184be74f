"""From arrays and rows of numbers to frames of persons, (T, M, V, C)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.errors import DataError

from .params import IGNORED, SCORE, SkeletonsParams

_ROW = "MVC"
_MOST_PERSONS = 100
_USUAL = ("TVC", "TMVC", "MTVC", "CTVM", "CTV", "TV", "VTC")
"""Orders of axes that are tried where none is said, the likeliest first."""


@dataclass(frozen=True)
class Form:
    """What a recording looks like.

    Attributes:
        params: The parameters of the data set.
        joints: Names of the joints.
    """

    params: SkeletonsParams
    joints: tuple[str, ...]

    @property
    def values(self) -> int:
        """Values of a joint as they stand in a file."""
        return len(self.params.channels)

    def of_array(self, x: np.ndarray, where: Path | str) -> np.ndarray:
        """An array of one recording.

        Raises:
            DataError: It does not fit.
        """
        x = numbers(x, where)
        if x.ndim == 2 and (self.params.axes is None or set(self.params.axes) <= set(_ROW)):
            return self.of_rows(x, where)
        axes = self._axes(x.shape)
        if axes is None and (persons := self._persons(x.shape)):
            what = f"{persons} persons, and {self.params.persons} are declared"
            raise DataError(what, where=where, remedy=f"Set persons: {persons}")
        if axes is None:
            what = f"an array of shape {x.shape} does not fit {self._wanted()}"
            raise DataError(what, where=where, remedy="Set 'layout', 'channels', 'persons' or 'axes'")
        return self._ordered(x, axes, where)

    def of_rows(self, rows: np.ndarray, where: Path | str) -> np.ndarray:
        """Rows of numbers: a joint a row, or a frame a row.

        Raises:
            DataError: They fit neither.
        """
        rows = rows[:, self.params.skip :]
        width, joints, persons = rows.shape[1], len(self.joints), self.params.persons
        if width == self.values and joints * persons > 1:
            if len(rows) % (joints * persons):
                what = f"{len(rows)} rows of a joint each are no whole frames of {persons} x {joints}"
                raise DataError(what, where=where, remedy="Set 'layout' or 'persons', or mend the file")
            return self._ordered(rows.reshape(-1, persons, joints, width), "TMVC", where)
        sizes = {"M": width // (joints * self.values), "V": joints, "C": self.values}
        if not sizes["M"] or width % (joints * self.values) or sizes["M"] > persons:
            raise self._misfit(width, where)
        order = "".join(a for a in self.params.axes or _ROW if a in _ROW)
        order = order if set(order) == set(_ROW) else "M" + "".join(a for a in order if a != "M")
        return self._ordered(rows.reshape(len(rows), *(sizes[a] for a in order)), "T" + order, where)

    def of_people(self, frames: list[list[np.ndarray]], names: tuple[str, ...], where: Path) -> np.ndarray:
        """Detections of each frame, each (V, values) with the values that ``names`` names.

        Where a frame has more persons than are kept, those of the highest mean score are.

        Raises:
            DataError: There is another number of joints, or a channel is not there.
        """
        missing = [name for name in self.params.kept if name not in names]
        if missing:
            what, remedy = f"the file has no '{missing[0]}' of a joint", f"Set channels: [{', '.join(names)}]"
            raise DataError(what, where=where, remedy=remedy)
        kept = [names.index(name) for name in self.params.kept]
        out = np.zeros((len(frames), self.params.persons, len(self.joints), len(kept)), dtype=np.float32)
        for number, people in enumerate(frames):
            for one in people:
                if one.shape != (len(self.joints), len(names)):
                    what = (
                        f"a person of frame {number} has {len(one)} joints and the layout {len(self.joints)}"
                    )
                    raise DataError(what, where=where, remedy="Set 'layout' to the one of the estimator")
            if len(people) > self.params.persons and SCORE in names:
                people = sorted(people, key=lambda one: -one[:, names.index(SCORE)].mean())
                people = people[: self.params.persons]
            elif len(people) > self.params.persons:
                what = f"frame {number} has {len(people)} persons, and {self.params.persons} are declared"
                raise DataError(what, where=where, remedy="Set 'persons'")
            for person, one in enumerate(people):
                out[number, person] = one[:, kept]
        return self.filled(out, where)

    # --- inner -------------------------------------------------------------------------------

    def _persons(self, shape: tuple[int, ...]) -> int:
        """How many persons an array has that would fit with more of them; 0 where it would not."""
        orders = [self.params.axes.replace("N", "")] if self.params.axes else [o for o in _USUAL if "M" in o]
        for axes in orders:
            sizes = dict(zip(axes, shape, strict=False))
            wanted = {"V": len(self.joints), "C": self.values}
            if len(axes) == len(shape) and wanted.items() <= sizes.items():
                return min(sizes.get("M", 0), _MOST_PERSONS)
        return 0

    def _axes(self, shape: tuple[int, ...]) -> str | None:
        given = (self.params.axes or "").replace("N", "")
        usual = [axes for axes in _USUAL if len(axes) == len(shape)]
        for axes in [given] if given else [*usual, *map("".join, permutations("TMVC", len(shape)))]:
            sizes = dict(zip(axes, shape, strict=False))
            if len(axes) == len(shape) and sizes.get("V") == len(self.joints) and self._fit(sizes):
                return axes
        return None

    def _fit(self, sizes: dict[str, int]) -> bool:
        return sizes.get("C", 1) == self.values and sizes.get("M", 1) <= self.params.persons

    def _ordered(self, x: np.ndarray, axes: str, where: Path | str) -> np.ndarray:
        for axis in "TMVC":
            if axis not in axes:
                x, axes = x[..., None], axes + axis
        x = x.transpose([axes.index(axis) for axis in "TMVC"])
        kept = [i for i, name in enumerate(self.params.channels) if name != IGNORED]
        out = np.zeros((len(x), self.params.persons, len(self.joints), len(kept)), dtype=np.float32)
        with np.errstate(over="ignore"):
            out[:, : x.shape[1]] = x[..., kept]
        return self.filled(out, where)

    def filled(self, x: np.ndarray, where: Path | str) -> np.ndarray:
        """Frames (T, M, V, C), where joints with a missing value are refused or zero.

        Raises:
            DataError: They are refused.
        """
        wrong = ~np.isfinite(x)
        if not wrong.any():
            return x
        if self.params.missing == "refuse":
            frame, person, joint, _ = np.argwhere(wrong)[0]
            what = (
                f"{int(wrong.sum())} values are missing or no numbers, the first of {self.joints[joint]} "
                f"in frame {frame}, person {person}"
            )
            raise DataError(
                what, where=where, remedy="Set missing: zero, which takes such joints for not seen"
            )
        return np.where(wrong.any(axis=-1, keepdims=True), np.float32(0), x)

    def _wanted(self) -> str:
        one = f"{len(self.joints)} joints of {self.values} values"
        return one if self.params.persons == 1 else f"{self.params.persons} persons of {one}"

    def _misfit(self, width: int, where: Path | str) -> DataError:
        frame = len(self.joints) * self.values * self.params.persons
        what = f"a row has {width} values, which is neither a joint ({self.values}) nor a frame ({frame})"
        over = width - frame
        remedy = f"Set skip: {self.params.skip + over}, or " if 0 < over < self.values + 3 else "Set "
        return DataError(what, where=where, remedy=f"{remedy}'layout', 'channels' or 'persons'")


def numbers(x: Any, where: Path | str) -> np.ndarray:
    """Nested lists or an array as an array of numbers.

    Raises:
        DataError: They are none, or lists of unequal lengths.
    """
    try:
        found = np.asarray(x)
        found = found.astype(np.float64) if found.dtype.kind == "O" else found
    except (ValueError, TypeError) as error:
        what = f"the coordinates are no numbers, or of unequal lengths ({str(error)[:80]})"
        raise DataError(what, where=where, remedy="Give arrays (T, M, V, C) of numbers") from error
    if found.dtype.kind not in "fiu":
        raise DataError(
            f"the coordinates are {found.dtype}, no numbers", where=where, remedy="Name another 'x'"
        )
    return found
