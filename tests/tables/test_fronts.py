"""Fronts of accuracy against MACs: what counts as one, and how much of it a search found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelbench.tables.fronts import Fronts, hypervolume, not_dominated

POINTS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=12)


def columns(points: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([one[0] for one in points], float), np.array([one[1] for one in points], float)


@given(POINTS, st.integers(0, 9), st.integers(0, 9))
def test_the_hypervolume_is_the_number_of_unit_squares_below(points, low, high):
    squares = {
        (x, y) for top1, macs in points for x in range(macs, high) for y in range(low, top1) if macs < high
    }
    assert hypervolume(*columns(points), low, high) == pytest.approx(len(squares))


def test_nothing_has_no_hypervolume():
    assert hypervolume(np.empty(0), np.empty(0), 0, 1) == 0


@given(POINTS)
def test_a_front_is_what_no_other_point_beats(points):
    figures, macs = columns(points)
    kept = set(not_dominated(figures, macs))
    for i, (figure, cost) in enumerate(points):
        beaten = any(
            (other >= figure and price <= cost) and (other > figure or price < cost)
            for other, price in points
        )
        assert (i in kept) <= (not beaten)
        if not beaten:
            assert any(points[j] == (figure, cost) for j in kept)


@given(POINTS)
def test_a_front_has_the_hypervolume_of_all_its_points(points):
    figures, macs = columns(points)
    kept = not_dominated(figures, macs)
    whole = hypervolume(figures, macs, 0, 10)
    assert hypervolume(figures[kept], macs[kept], 0, 10) == pytest.approx(whole)


def test_everything_is_the_whole_front_and_nothing_none_of_it(table):
    fronts, rows = Fronts(table, np.array(table.trained)), np.flatnonzero(table.trained)
    assert fronts.share(rows, table.truth[rows]) == pytest.approx(100)
    assert fronts.share(rows[:0], table.truth[:0]) == 0
    part = fronts.share(rows[:2], table.truth[rows[:2]])
    assert 0 <= part <= 100
