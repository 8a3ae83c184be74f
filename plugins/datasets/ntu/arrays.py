"""ST-GCN's prepared arrays: ``train_data*.npy`` and ``val_data*.npy`` with pickled names and labels.

2s-AGCN's preparation writes the same form, and has then centred, rotated and repeated the recordings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from skelbench.data import Clip
from skelbench.errors import DataError

from ..common.unpickle import load_pickle, text_of
from .clips import damaged, named_clips, whole
from .names import JOINTS, PERSONS, Edition, NtuName

PARTS = {"train": "train", "val": "test"}
_ROWS = 256  # recordings of an array that are read at a time


@dataclass(frozen=True)
class ArrayRows:
    """Some recordings of ST-GCN's ``train_data*.npy`` or ``val_data*.npy``, (N, 3, T, V, M).

    Attributes:
        path: The array.
        start: The first row.
        names: The recordings' names, from the label file.
        labels: Their classes.
    """

    path: Path
    start: int
    names: tuple[str, ...]
    labels: tuple[int, ...]


def array_rows(root: Path, part: str, edition: Edition) -> Iterator[ArrayRows]:
    """A part of the data set in portions.

    Args:
        root: The folder of the four files, or one of its arrays.
        part: ``train`` or ``val``.
        edition: The data set.

    Raises:
        DataError: A file is missing or damaged, or the two do not fit each other or the data set.
    """
    folder = root.parent if root.is_file() else root
    candidates = [folder / f"{part}_data_joint.npy", folder / f"{part}_data.npy"]
    data = next((path for path in candidates if path.is_file()), None)
    labels = folder / f"{part}_label.pkl"
    if data is None or not labels.is_file():
        wanted = labels if data else candidates[1]
        raise DataError(f"{wanted.name} is missing", where=folder, remedy="Put all four prepared files here")
    names, classes = _names_and_labels(labels)
    _check_split(names, PARTS[part], edition, labels)
    if _mapped(data).shape[0] != len(names):
        raise DataError(f"holds {_mapped(data).shape[0]} recordings, {labels.name} {len(names)}", where=data)
    for start in range(0, len(names), _ROWS):
        rows = slice(start, start + _ROWS)
        yield ArrayRows(data, start, names[rows], classes[rows])


def _names_and_labels(path: Path) -> tuple[tuple[str, ...], tuple[int, ...]]:
    content = load_pickle(path)
    names, labels = content if isinstance(content, tuple | list) and len(content) == 2 else (None, None)
    if not _listed(names) or not _listed(labels) or len(names) != len(labels) or not all(map(whole, labels)):
        raise DataError(
            "holds no (names, labels) of equal length",
            where=path,
            remedy="Make it anew with ST-GCN's data preparation",
        )
    return tuple(text_of(name, "a recording", path) for name in names), tuple(map(int, labels))


def _listed(value: Any) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, tuple | list) or (isinstance(value, np.ndarray) and value.ndim == 1)


def _check_split(names: Sequence[str], part: str, edition: Edition, where: Path) -> None:
    """A file's split must be that of one of the protocols."""
    numbers = [NtuName.parse(name, where) for name in names]
    for protocol in edition.protocols:
        if (edition.trains_names(numbers, protocol) == (part == "train")).all():
            return
    raise DataError(
        f"the {part} recordings are those of no protocol of {edition.name}",
        where=where,
        remedy=f"Give files prepared for {' or '.join(edition.protocols)}",
    )


def _mapped(path: Path) -> np.ndarray:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # of a damaged header numpy's parser raises what it likes
        raise damaged(path, error) from error
    if array.ndim != 5 or array.shape[1] != 3 or array.shape[3:] != (JOINTS, PERSONS):
        raise DataError(f"has shape {array.shape}, not (N, 3, T, {JOINTS}, {PERSONS})", where=path)
    return array


def array_clips(source: ArrayRows, edition: Edition) -> Iterator[Clip]:
    """The clips of a portion.

    Raises:
        DataError: The array is damaged, or a label is not its name's.
    """
    rows = _mapped(source.path)[source.start : source.start + len(source.names)]
    for row, name, label in zip(rows, source.names, source.labels, strict=True):
        yield from named_clips(edition, name, label, row.transpose(1, 3, 2, 0), source.path)
