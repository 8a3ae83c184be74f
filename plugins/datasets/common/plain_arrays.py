"""NumPy's arrays and scalars in pickles, made anew from their parts by constructors of our own."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any

import numpy as np

_NUMERIC = re.compile(r"[<>=|]?([iu][1248]|f[248]|b1)")
_ORDERS = ("<", ">", "=", "|")


class DtypeText:
    """A dtype that a pickle describes; only that of a number or truth value is known.

    Args:
        text: Its string, such as ``f4``.

    Raises:
        UnpicklingError: It is none of them.
    """

    def __init__(self, text: Any, _align: Any = False, _copy: Any = True) -> None:
        found = _NUMERIC.fullmatch(text) if type(text) is str else None
        if not found:
            raise UnpicklingError("an array of a kind other than plain numbers")
        self.dtype = np.dtype(text)
        self.done = False

    def finish(self, state: Any) -> None:
        """Take its byte order from what NumPy stores of a dtype, which is plain but for that."""
        plain = type(state) is tuple and len(state) == 8 and state[2:5] == (None, None, None)
        if self.done or not plain or state[1] not in _ORDERS:
            raise UnpicklingError("a dtype with fields, parts or metadata")
        self.dtype, self.done = self.dtype.newbyteorder(state[1]), True


class BlankArray:
    """An array that a pickle has begun and not yet filled.

    Attributes:
        keys: Where the memo holds it.
    """

    def __init__(self, *_: Any) -> None:
        self.keys: list[int] = []


def array_from_state(state: Any, spend: Callable[[int], None]) -> np.ndarray:
    """The array in what NumPy stores of one: version, shape, dtype, order and content.

    Args:
        state: What is stored.
        spend: Told the bytes that are copied; raises when they exceed what the file can hold.

    Raises:
        UnpicklingError: It is none of plain numbers, or shape and content do not fit.
    """
    if type(state) is not tuple or len(state) != 5:
        raise UnpicklingError("no state of an array")
    _, shape, dtype, fortran, raw = state
    return filled(raw, dtype, shape, "F" if fortran else "C", spend)


def filled(raw: Any, described: Any, shape: Any, order: Any, spend: Callable[[int], None]) -> np.ndarray:
    """An array of its own memory with the given content.

    Args:
        raw: Its bytes, or those of Python 2 as text.
        described: A `DtypeText`.
        shape: A tuple of whole numbers.
        order: ``C`` or ``F``.
        spend: As in `array_from_state`.

    Raises:
        UnpicklingError: Shape and content do not fit, or one is of another kind.
    """
    if type(raw) is str:
        raw = raw.encode("latin1")
    if type(described) is not DtypeText or type(raw) not in (bytes, bytearray) or order not in ("C", "F"):
        raise UnpicklingError("an array whose content is not given as bytes")
    if type(shape) is not tuple or len(shape) > 32 or not all(type(n) is int and n >= 0 for n in shape):
        raise UnpicklingError("an array without a shape")
    if math.prod(shape) * described.dtype.itemsize != len(raw):
        raise UnpicklingError(f"an array whose shape does not fit its {len(raw)} bytes")
    spend(len(raw))
    if described.dtype.kind == "b":  # a truth value of another bit pattern is none
        return np.ndarray(shape, np.uint8, raw, order=order) != 0
    return np.ndarray(shape, described.dtype, raw, order=order).copy(order="K")


def from_buffer(
    raw: Any, described: Any, shape: Any, order: Any, axes: Any, spend: Callable[[int], None]
) -> np.ndarray:
    """An array as protocol 5 stores it: that of order ``K`` has its axes moved afterwards.

    Raises:
        UnpicklingError: As `filled`, or the axes are not those of the shape.
    """
    if order != "K":
        return filled(raw, described, shape, order, spend)
    array = filled(raw, described, shape, "C", spend)
    if type(axes) is not tuple or sorted(axes) != list(range(array.ndim)):
        raise UnpicklingError("an array whose axes are not those of its shape")
    return array.transpose(axes)


def scalar(described: Any, raw: Any, spend: Callable[[int], None]) -> Any:
    """A NumPy scalar.

    Raises:
        UnpicklingError: It is of another kind than a number or truth value.
    """
    return filled(raw, described, (), "C", spend)[()]
