"""NTU RGB+D as other projects prepare it: ST-GCN's arrays, CTR-GCN's npz and pyskl's pickle.

Coordinates are taken as they stand in the file, with what the other project did to them.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from skelbench.data import Clip
from skelbench.errors import DataError

from .arrays import PARTS, ArrayRows, array_clips, array_rows
from .names import Edition
from .npz import NpzPart, npz_clips, protocol_of
from .pyskl import PysklFile, pyskl_clips

Prepared = ArrayRows | NpzPart | PysklFile


def prepared_sources(root: Path, edition: Edition) -> list[Prepared]:
    """What a folder or file holds in a prepared form; nothing where it holds none.

    Raises:
        DataError: Several forms stand side by side, a part is missing, or a file does not fit.
    """
    files = [root] if root.is_file() else sorted(path for path in root.iterdir() if path.is_file())
    arrays = [path for path in files if re.fullmatch(r"(train|val)_data(_joint)?\.npy", path.name)]
    singles = [
        path for path in files if path.suffix in (".npz", ".pkl") and not path.name.endswith("_label.pkl")
    ]
    if len(singles) + bool(arrays) > 1:
        shown = ", ".join(path.name for path in (*arrays[:1], *singles[:3]))
        raise DataError(f"several prepared files ({shown})", where=root, remedy="Give the one file to read")
    if arrays:
        return [rows for part in PARTS for rows in array_rows(root, part, edition)]
    if singles and singles[0].suffix == ".npz":
        protocol = protocol_of(singles[0], edition)
        return [NpzPart(singles[0], part, protocol) for part in ("train", "test")]
    return [PysklFile(path) for path in singles]


def read_prepared(source: Prepared, edition: Edition) -> list[Clip]:
    """The recordings of a prepared file, without those that the owners list as unusable.

    Raises:
        DataError: The file is damaged, or its shapes, names or labels do not fit the data set.
    """
    if isinstance(source, ArrayRows):
        return list(array_clips(source, edition))
    if isinstance(source, NpzPart):
        return list(npz_clips(source, edition))
    return list(pyskl_clips(source.path, edition))


def fixed_split(ids: np.ndarray, protocol: str, where: str) -> np.ndarray | None:
    """(n,) bool: the training recordings where a prepared file fixes the split; None where none does.

    Raises:
        DataError: The file was made for another protocol.
    """
    found = re.fullmatch(r"(\w+)-(train|test)-\d+", str(ids[0])) if len(ids) else None
    if found is None:
        return None
    if not np.char.startswith(ids, f"{protocol}-").all():
        raise DataError(
            f"the prepared file fixes the split of protocol '{found[1]}', not '{protocol}'",
            where=where,
            remedy=f"Use protocol '{found[1]}', or give the file of '{protocol}' or the raw recordings",
        )
    return np.char.startswith(ids, f"{protocol}-train-")
