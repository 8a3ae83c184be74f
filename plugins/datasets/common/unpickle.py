"""Reading pickles of plain data without running what they may contain."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.errors import DataError


def _text_to_bytes(text: str, encoding: str = "latin1") -> bytes:
    """What protocol 2 uses to store bytes; any other codec would be an import of its own choosing."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes in encoding {encoding}")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    """What protocols below 3 use to store empty bytes, which are called for without arguments."""
    return b""


def _rebuilder(value: Any, protocol: int) -> Any:
    """NumPy's own function that rebuilds a value, taken from what it pickles: its place is private."""
    return value.__reduce_ex__(protocol)[0]


_ADMITTED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _text_to_bytes,
}
for _core in ("numpy.core", "numpy._core"):
    _ADMITTED[f"{_core}.multiarray", "_reconstruct"] = _rebuilder(np.zeros(1), 2)
    _ADMITTED[f"{_core}.multiarray", "scalar"] = _rebuilder(np.float32(0), 2)
    _ADMITTED[f"{_core}.numeric", "_frombuffer"] = _rebuilder(np.zeros(1), 5)
for _kind in (list, dict, tuple, set, frozenset, bytearray, complex):
    _ADMITTED["builtins", _kind.__name__] = _ADMITTED["__builtin__", _kind.__name__] = _kind
_ADMITTED["builtins", "bytes"] = _ADMITTED["__builtin__", "bytes"] = _no_bytes


class _PlainUnpickler(pickle.Unpickler):
    """Admits containers, numbers, text and NumPy arrays; knows no other class or function."""

    refused: str | None = None

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            self.refused = f"{module}.{name}"
            raise pickle.UnpicklingError(f"{self.refused} is not admitted")
        return _ADMITTED[module, name]


def load_pickle(path: Path) -> Any:
    """The plain data in a pickle: containers, numbers, text, NumPy arrays and scalars.

    Args:
        path: The file.

    Raises:
        DataError: It names any other class or function (said by name, and never called), it is
            damaged, or it cannot be read.
    """
    try:
        with path.open("rb") as file:
            unpickler = _PlainUnpickler(file, encoding="latin1")
            return unpickler.load()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=path) from error
    except Exception as error:  # a damaged pickle can fail in any way
        if unpickler.refused is not None:
            raise DataError(
                f"the pickle asks for '{unpickler.refused}', which is no plain data",
                where=path,
                remedy="Do not trust this file; only containers, numbers, text and NumPy arrays are read",
            ) from error
        raise DataError(
            f"the pickle is damaged ({type(error).__name__}: {error})", where=path, remedy="Fetch it again"
        ) from error
