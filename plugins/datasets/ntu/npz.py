"""CTR-GCN's prepared npz, such as ``NTU60_CS.npz``: the split is fixed, names are not kept."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skelbench.data import Clip
from skelbench.errors import DataError

from .clips import damaged, trimmed
from .names import JOINTS, PERSONS, Edition

_PROTOCOLS = {
    **{"cs": "xsub", "csub": "xsub", "xsub": "xsub"},
    **{"cv": "xview", "cview": "xview", "xview": "xview"},
    **{"cset": "xset", "xset": "xset"},
}


@dataclass(frozen=True)
class NpzPart:
    """One part, ``train`` or ``test``, of CTR-GCN's npz: x (N, T, M*V*3) and one-hot y (N, classes).

    Attributes:
        path: The file.
        part: ``train`` or ``test``.
        protocol: The protocol that the file's name tells; it fixes the split.
    """

    path: Path
    part: str
    protocol: str


def protocol_of(path: Path, edition: Edition) -> str:
    """The protocol that a file's name tells, as ``CS`` in ``NTU60_CS.npz``.

    Raises:
        DataError: It tells none, or none of this data set.
    """
    words = re.split(r"[^a-z0-9]+", path.stem.lower())
    found = {_PROTOCOLS[word] for word in words if word in _PROTOCOLS}
    if len(found) != 1 or not found <= set(edition.protocols):
        raise DataError(
            f"the name does not tell which protocol of {edition.name} the split is of",
            where=path,
            remedy="Name it like NTU60_CS.npz, NTU60_CV.npz, NTU120_CSub.npz or NTU120_CSet.npz",
        )
    return found.pop()


def npz_clips(source: NpzPart, edition: Edition) -> Iterator[Clip]:
    """The clips of a part; their ids are ``xsub-train-000001`` and so on, in the order of the file.

    Raises:
        DataError: The file is damaged, or shapes or classes do not fit the data set.
    """
    labels = _one_hot(source, edition)
    for number, row in enumerate(_npz_rows(source, len(labels))):
        frames = trimmed(row.reshape(len(row), PERSONS, JOINTS, 3), source.path)
        if len(frames):
            name = f"{source.protocol}-{source.part}-{number + 1:06}"
            yield Clip(name, int(labels[number]), frames)


def _one_hot(source: NpzPart, edition: Edition) -> np.ndarray:
    """The classes of a part, (N,)."""
    key = f"y_{source.part}"
    try:
        with zipfile.ZipFile(source.path) as archive, archive.open(f"{key}.npy") as file:
            one_hot = np.lib.format.read_array(file, allow_pickle=False)
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise damaged(source.path, error) from error
    if one_hot.ndim != 2 or one_hot.shape[1] != edition.actions:
        raise DataError(
            f"{key} has shape {one_hot.shape}, not (N, {edition.actions})",
            where=source.path,
            remedy=f"Give a file made from {edition.name}",
        )
    if not ((one_hot != 0).sum(axis=1) == 1).all():
        raise DataError(f"{key} does not name one class for every recording", where=source.path)
    return one_hot.argmax(axis=1)


def _npz_rows(source: NpzPart, count: int) -> Iterator[np.ndarray]:
    """The recordings of a part, (T, M*V*3) each, without ever holding the whole array."""
    key = f"x_{source.part}"
    try:
        with zipfile.ZipFile(source.path) as archive, archive.open(f"{key}.npy") as file:
            version = np.lib.format.read_magic(file)
            read_header = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }[version]
            shape, fortran, dtype = read_header(file)
            if fortran or dtype.kind != "f" or len(shape) != 3 or shape[::2] != (count, PERSONS * JOINTS * 3):
                raise DataError(
                    f"{key} holds {dtype} of shape {shape}, not floats ({count}, T, {PERSONS * JOINTS * 3})",
                    where=source.path,
                )
            for _ in range(count):
                row = file.read(shape[1] * shape[2] * dtype.itemsize)
                yield np.frombuffer(row, dtype=dtype).reshape(shape[1:])
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise damaged(source.path, error) from error
