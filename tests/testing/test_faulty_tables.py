"""The conformance suite of tables finds what it is for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from skelbench.tables.catalog import OpenTable
from skelbench.testing.tables import TableConformance
from tests.tables import made

SUITE = TableConformance()


def faulty(header: Mapping[str, Any] = {}, **changes: Any) -> OpenTable:
    """A made-up table with another header, or with arrays that a change was made to."""
    told, arrays = made.parts(places=2)
    for name, change in changes.items():
        arrays[name] = change(arrays[name])
    return OpenTable({**told, **header}, arrays, "0" * 12)


def test_a_table_without_a_fault() -> None:
    table = faulty()
    SUITE.test_every_architecture_is_of_the_space(table)
    SUITE.test_what_was_measured_can_be(table)
    SUITE.test_a_search_gives_the_same_twice(table)


def test_a_header_that_says_nothing() -> None:
    with pytest.raises(AssertionError, match="licence"):
        SUITE.test_it_says_where_it_comes_from(faulty())


def test_one_architecture_listed_twice() -> None:
    listed = faulty().architectures
    with pytest.raises(AssertionError):
        SUITE.test_every_architecture_is_of_the_space(faulty({"architectures": [*listed[1:], listed[1]]}))


@pytest.mark.parametrize(
    ("array", "change"),
    [
        ("test_hits", lambda bits: np.bitwise_xor(bits, 1 << 7)),
        ("test", lambda right: right + made.TEST),
        ("validation_loss", lambda loss: loss * np.nan),
        ("seconds", np.zeros_like),
        ("params", np.zeros_like),
        ("measured", np.zeros_like),
    ],
)
def test_figures_that_cannot_be(array: str, change: Any) -> None:
    with pytest.raises(AssertionError):
        SUITE.test_what_was_measured_can_be(faulty(**{array: change}))


def test_noise_alone() -> None:
    table = OpenTable(*made.parts(signal=0.0, noise=8.0), "0" * 12)
    with pytest.raises(AssertionError, match="reliability"):
        SUITE.test_it_is_worth_searching(table)
