"""Many recordings in one file: an npz, or a pickle of plain data, pyskl's among them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from skelbench.errors import DataError

from ..common.unpickle import load_pickle
from .arrays import Arrays
from .npz import Npz
from .pyskl import Pyskl, pyskl_annotations
from .shape import Form

ENDINGS = (".npz", ".pkl", ".pickle")


def open_bundle(path: Path, form: Form, labelled: bool = True) -> Arrays | Pyskl:
    """The recordings of a file.

    Args:
        path: The file.
        form: What a recording looks like.
        labelled: Whether there must be classes; else they are not looked at.

    Raises:
        DataError: It is damaged or hostile, or an array is missing.
    """
    if path.suffix.lower() == ".npz":
        return Arrays(Npz(path), path, form, labelled)
    content = load_pickle(path)
    if pyskl_annotations(content) is not None:
        return Pyskl(content, path, form, labelled)
    if isinstance(content, Mapping):
        return Arrays(content, path, form, labelled)
    remedy = "Give a pyskl pickle, or one of named lists: coordinates and classes"
    raise DataError(f"holds a {type(content).__name__}", where=path, remedy=remedy)
