"""Intervals and ranges of ranks, against scipy and by their laws."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from skelbench.leaderboard.uncertainty import (
    Interval,
    accuracy_interval,
    rank_ranges,
    student_quantile,
    wilson,
)

INTERVALS = st.tuples(st.integers(0, 100), st.integers(0, 100)).map(lambda ends: Interval(*sorted(ends)))


@given(st.integers(1, 20_000), st.data())
def test_wilson_is_scipy_s(clips, data):
    right = data.draw(st.integers(0, clips))
    expected = stats.binomtest(right, clips).proportion_ci(0.95, method="wilson")
    assert wilson(right / clips, clips) == pytest.approx((100 * expected.low, 100 * expected.high), abs=1e-9)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 9, 10, 49, 50, 499])
def test_the_quantile_is_scipy_s(freedom):
    assert student_quantile(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-9)


def test_one_or_two_seeds_have_the_test_set_s_interval_at_their_mean():
    assert accuracy_interval([90.0], 464) == Interval(86.93, 92.41)
    assert accuracy_interval([88.0, 92.0], 464) == Interval(86.93, 92.41)


def test_three_seeds_that_differ_much_widen_it_by_student():
    mean, half = 90.0, stats.t.ppf(0.975, 2) * 2 / 3**0.5
    assert accuracy_interval([88.0, 90.0, 92.0], 464) == Interval(
        round(mean - half, 2), round(mean + half, 2)
    )


def test_three_seeds_that_agree_are_not_exact():
    assert accuracy_interval([90.0] * 3, 464) == accuracy_interval([90.0], 464)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=6), st.integers(1, 1000))
def test_the_interval_holds_the_mean_and_stays_within_percent(percents, clips):
    low, high = accuracy_interval(percents, clips)
    assert 0 <= low <= sum(percents) / len(percents) + 0.01
    assert sum(percents) / len(percents) - 0.01 <= high <= 100


def test_nothing_measured_has_no_interval():
    assert accuracy_interval([], 464) is None
    assert accuracy_interval([90.0], 0) is None


@given(st.lists(st.none() | INTERVALS, max_size=8))
def test_ranges_count_the_rows_that_lie_wholly_above_and_below(intervals):
    known = [interval or Interval(0, 100) for interval in intervals]
    assert rank_ranges(intervals) == [
        (1 + sum(o.low > own.high for o in known), len(known) - sum(o.high < own.low for o in known))
        for own in known
    ]


@given(st.lists(INTERVALS, min_size=2, max_size=8))
def test_rows_whose_intervals_overlap_could_stand_in_either_order(intervals):
    ranges = rank_ranges(intervals)
    for (one, first), (other, second) in itertools.combinations(zip(intervals, ranges, strict=True), 2):
        if one.low <= other.high and other.low <= one.high:
            assert max(first[0], second[0]) <= min(first[1], second[1])
