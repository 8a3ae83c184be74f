"""Files of scores, a run's own and published ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import numpy as np

from skelbench.errors import RunFolderError
from skelbench.results.files import disk

_T = TypeVar("_T")


def of_scores(path: Path, take: Callable[[Mapping[str, np.ndarray]], _T]) -> _T:
    """What is taken of a file of scores.

    Args:
        path: The file.
        take: Gets its arrays by name; what it raises is damage.

    Raises:
        RunFolderError: The file is missing or damaged.
    """
    with disk(path, "read the scores"):
        content = path.read_bytes()
    try:
        with np.load(BytesIO(content), allow_pickle=False) as stored:
            return take(stored)
    except Exception as error:  # zipfile, zlib and numpy each have errors of their own for damage
        raise RunFolderError(
            f"the scores are damaged: {error}", where=path, remedy="Evaluate the run again"
        ) from error
