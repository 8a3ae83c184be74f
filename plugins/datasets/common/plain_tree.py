"""What a pickle may hold: a tree of plain data that hashes, compares and shows in the time its file takes."""

from __future__ import annotations

from collections.abc import Iterable
from pickle import UnpicklingError
from typing import Any

import numpy as np

SLACK = 1000  # what a file of no size may still ask for
LONG_TEXT = 1000
_WIDEST_INT = 64  # bits: wider numbers can be made to share a hash, and of very wide ones no text is made
_KEY_PARTS = 64
_DEEPEST = 100
_LEAVES = (type(None), bool, int, float, complex, str, bytes, bytearray)
_NESTS = (list, tuple, dict, set, frozenset)


def check_keys(keys: Iterable[Any]) -> None:
    """Only what hashes and compares at once: a few numbers and texts, not nests of nests."""
    for key in keys:
        parts, seen = [key], 0
        while parts:
            part = parts.pop()
            seen += 1
            if type(part) in (tuple, frozenset) and seen + len(part) <= _KEY_PARTS:
                parts.extend(part)
            elif type(part) in (tuple, frozenset) or not (
                isinstance(part, np.generic) or type(part) in _LEAVES[:-1]
            ):
                raise UnpicklingError(f"a {type(part).__name__} as a key")
            elif type(part) is int:
                _check_int(part)


def _check_int(value: int) -> None:
    if value.bit_length() > _WIDEST_INT:
        raise UnpicklingError(f"a whole number of {value.bit_length()} bits")


def check_tree(value: Any) -> None:
    """Refuse what is no plain data, holds itself, is too deep, or unfolds to much more than it is.

    Raises:
        UnpicklingError: It does.
    """
    walk = _Walk()
    unfolded, _ = walk.measure(value, 0)
    if unfolded > SLACK + 4 * walk.stored:
        raise UnpicklingError("data that unfold to far more than is stored")


class _Walk:
    """Measures nested data, each container once however often it is referred to."""

    def __init__(self) -> None:
        self.stored = 1
        self._known: dict[int, tuple[int, int] | None] = {}

    def measure(self, value: Any, depth: int) -> tuple[int, int]:
        """Size when unfolded, and height, of a value that stands ``depth`` deep."""
        kind = type(value)
        if kind not in _NESTS:
            return _leaf_size(value), 0
        found = self._known.setdefault(id(value), (0, -1))
        if found is None or depth + max(found[1], 0) > _DEEPEST:
            raise UnpicklingError(f"data that hold themselves or are nested deeper than {_DEEPEST}")
        if found[1] >= 0:
            return found
        self._known[id(value)] = None
        size, height = 1, 0
        for item in [*value, *value.values()] if kind is dict else value:
            item_size, item_height = self.measure(item, depth + 1)
            size, height = size + item_size, max(height, item_height)
        self.stored += len(value)
        self._known[id(value)] = size, height + 1
        return size, height + 1


def _leaf_size(value: Any) -> int:
    kind = type(value)
    if kind in (str, bytes, bytearray):
        return 1 + len(value) // LONG_TEXT
    if kind is int:
        _check_int(value)
    elif kind not in _LEAVES and kind is not np.ndarray and not isinstance(value, np.generic):
        raise UnpicklingError("an array or constructor that is never finished")
    return 1
