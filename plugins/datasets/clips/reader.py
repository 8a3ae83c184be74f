"""Small videos in one npz file: the generic data set ``clips``, and what other such files share."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.data import Video, VideoArray
from skelbench.data.video.synthetic import moving_shape
from skelbench.errors import DataError, did_you_mean

from ..common.video_synthetic import spread, write_arrays, write_marker
from .params import ClipsParams

_FRAMES, _SIZE = 20, (32, 32)


class ClipsReader:
    """Reads an npz file, or a folder that holds one; `ClipsParams` says what is in it.

    Args:
        params: The fields of `ClipsParams`.
    """

    def __init__(self, **params: Any) -> None:
        self.params = ClipsParams(**params)
        self.class_names: tuple[str, ...] = tuple(f"class {n}" for n in range(1, self.params.classes + 1))

    def videos(self, root: Path, protocol: str) -> Sequence[Video]:
        """Every video of the file, in memory.

        Raises:
            DataError: There is no file, it is damaged, or an array of it is missing or does not fit.
        """
        path = _file(root)
        arrays = read_arrays(path, [self.params.x, self.params.labels, self.params.split, *self.columns()])
        x = self.pixels(arrays.pop(self.params.x), path)
        for name, array in arrays.items():
            if array.shape != (len(x),):
                raise DataError(f"'{name}' has the shape {array.shape}, not ({len(x)},)", where=path)
        labels = self._labels(arrays[self.params.labels], path)
        train = _is_train(arrays[self.params.split], self.params.split, path)
        ids, subjects = self.ids(arrays, len(x)), self._subjects(arrays, len(x), path)
        sources = [VideoArray(f"{path}: {name}", frames) for name, frames in zip(ids, x, strict=True)]
        rows = zip(ids, labels.tolist(), sources, train.tolist(), subjects.tolist(), strict=True)
        return [Video(*row) for row in rows]

    def columns(self) -> Sequence[str]:
        """Arrays that are needed besides pixels, labels and split, (N,) each."""
        return [name for name in (self.params.subjects, self.params.ids) if name is not None]

    def ids(self, columns: Mapping[str, np.ndarray], count: int) -> list[str]:
        """The sample id of every video."""
        if self.params.ids is not None:
            return [str(name) for name in columns[self.params.ids]]
        return [f"{number:0{len(str(count))}d}" for number in range(count)]

    def pixels(self, x: np.ndarray, path: Path) -> np.ndarray:
        """The array of videos as (N, T, H, W, C).

        Raises:
            DataError: It is of another type or shape.
        """
        x = x[..., None] if x.ndim == 4 else x
        if x.dtype != np.uint8 or x.ndim != 5 or 0 in x.shape:
            what = f"'{self.params.x}' is of {x.dtype}, shape {x.shape}"
            raise DataError(what, where=path, remedy="Store bytes (N, T, H, W) or (N, T, H, W, C)")
        if x.shape[4] != self.params.channels:
            what = f"pixels have {x.shape[4]} channels, and the data set says {self.params.channels}"
            raise DataError(what, where=path, remedy="Set 'channels' of the data set")
        return x

    def expected(self, protocol: str) -> tuple[int, int] | None:
        """Unknown."""
        return None

    def synthesise(self, root: Path, *, clips: int, seed: int, classes: int | None = None) -> None:
        """Write small videos to ``clips.npz``; of each class one in three is for test.

        Raises:
            DataError: The classes do not exist, or writing fails.
        """
        made, size = list(spread(clips, self.params.classes, classes)), self.params.frame_size or _SIZE
        labels, turns = np.array([own[1] for own in made]), np.array([own[2] for own in made])
        x = [
            moving_shape(label, np.random.default_rng([seed, number]), _FRAMES, size, self.params.channels)
            for number, label, _ in made
        ]
        arrays = {
            self.params.x: np.stack(x),
            self.params.labels: labels + self.params.first_label,
            self.params.split: (turns + labels) % 3 != 1,
        }
        if self.params.subjects is not None:
            arrays[self.params.subjects] = turns
        if self.params.ids is not None:
            arrays[self.params.ids] = np.array([f"{number:06d}" for number, _, _ in made])
        write_marker(root)
        write_arrays(root / "clips.npz", **arrays)

    def _labels(self, labels: np.ndarray, path: Path) -> np.ndarray:
        first, last = self.params.first_label, self.params.first_label + self.params.classes - 1
        if labels.dtype.kind not in "iu" or labels.min() < first or labels.max() > last:
            what = f"'{self.params.labels}' holds other things than classes {first} to {last}"
            raise DataError(what, where=path, remedy="Set 'classes' and 'first_label' of the data set")
        return labels.astype(np.int64) - first

    def _subjects(self, columns: Mapping[str, np.ndarray], count: int, path: Path) -> np.ndarray:
        if self.params.subjects is None:
            return np.full(count, -1)
        subjects = columns[self.params.subjects]
        if subjects.dtype.kind not in "iu":
            raise DataError(f"'{self.params.subjects}' holds other things than numbers", where=path)
        return subjects


def read_arrays(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Arrays of an npz file; nothing in it is run.

    Raises:
        DataError: The file is missing or damaged, or an array is missing or holds objects.
    """
    try:
        with path.open("rb") as opened:  # numpy leaves it open where it cannot read it
            file = np.load(opened, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise DataError("is not an npz file", where=path, remedy="Write it with numpy.savez")
            missing = [name for name in names if name not in file.files]
            if missing:
                remedy = did_you_mean(missing[0], file.files)
                raise DataError(f"has no array '{missing[0]}'", where=path, remedy=remedy)
            return {name: file[name] for name in names}
    except (OSError, ValueError, KeyError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        what = f"cannot be read ({error})"
        raise DataError(what, where=path, remedy="Make or fetch the file again") from error


def _file(root: Path) -> Path:
    found = [root] if root.is_file() else sorted(root.glob("*.npz"))
    if len(found) != 1:
        what = f"{len(found)} npz files" if found else "no npz file"
        raise DataError(what, where=root, remedy="Give the one file to read")
    return found[0]


def _is_train(split: np.ndarray, name: str, path: Path) -> np.ndarray:
    if split.dtype == bool:
        return split
    if split.dtype.kind == "U" and np.isin(split, ("train", "test")).all():
        return split == "train"
    what = f"'{name}' holds other things than true and false, or 'train' and 'test'"
    raise DataError(what, where=path, remedy="Set 'split' to the name of another array")
