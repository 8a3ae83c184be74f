"""Sizes that no machine has: refused by an estimate, before anything of that size is built."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import prod
from typing import Any

from skelbench.check.checked import Checked
from skelbench.errors import Problem
from skelbench.spec.resolve import Resolved
from skelbench.spec.yaml import Path

LARGEST = 1_000_000
"""No width, length, batch or number of candidates is larger."""
MOST_BYTES = 2**40
"""No network and no batch in it takes more memory, by the least that either can take."""
_SECTIONS = ("data", "network", "search", "train", "evaluate", "architectures")
_COUNTED = re.compile(r"mac|flop|param|seed|byte|timeout|seconds", re.IGNORECASE)
"""Keys of figures that are counted and not built."""
_WIDTH = re.compile(r"channels|width|hidden|features", re.IGNORECASE)


def number_problems(resolved: Resolved) -> list[Problem]:
    """Every whole number of a spec that is too large to be the size of anything.

    Args:
        resolved: The spec.
    """
    return [
        Problem(
            f"{_shown(value)} is too large: at most {LARGEST:,}", resolved.marks.at(path), "Make it smaller"
        )
        for section in _SECTIONS
        for path, value in _numbers(resolved.data.get(section), (section,))
        if abs(value) > LARGEST and not _COUNTED.search(str(path[-1]))
    ]


def memory_problems(checked: Checked) -> list[Problem]:
    """What a network, and a batch of clips in it, would take at least, where that is too much.

    Counted are the weights of one dense layer between features of the largest width, and the values that it
    gives for a batch, in single precision.

    Args:
        checked: The spec, whose components are known to fit.
    """
    data, marks = checked.resolved.data, checked.resolved.marks
    widths = [(value, path) for path, value in _numbers(data.get("network"), ("network",)) if _is_width(path)]
    width, place = max(widths, default=(1, ("network",)), key=lambda found: found[0])
    found = []
    if 4 * width**2 > MOST_BYTES:
        what = f"a network of width {width:,} takes {_tebibytes(4 * width**2)} at least"
        found.append(Problem(what, marks.at(place), "Make it narrower"))
    _, channels, *rest = checked.clip_shape()
    batch = checked.spec.train.batch_size
    values = 4 * batch * prod(rest) * max(width, channels)
    if values > MOST_BYTES and not found:
        what = (
            f"a batch of {batch:,} clips of {' x '.join(map(str, rest))} takes {_tebibytes(values)} at least"
        )
        found.append(Problem(what, marks.at(("train", "batch_size")), "Take fewer or shorter clips"))
    return found


def _numbers(data: Any, path: Path) -> Iterator[tuple[Path, int]]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _numbers(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _numbers(value, (*path, index))
    elif isinstance(data, int) and not isinstance(data, bool):
        yield path, data


def _is_width(path: Path) -> bool:
    """Whether the nearest key above a number, which may stand in a list of options, is one of widths."""
    keys = [step for step in path if isinstance(step, str) and step not in ("from", "choice", "range")]
    return bool(keys) and _WIDTH.search(keys[-1]) is not None


def _shown(value: int) -> str:
    return f"{value:,}" if abs(value) < 10**15 else f"a number of {len(str(abs(value)))} digits"


def _tebibytes(size: int) -> str:
    return f"{size / 2**40:,.0f} TiB of memory"
