"""Differences between two networks, against scipy and worked examples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from skelbench.leaderboard.paired import holm, over_counts, over_recordings, over_seeds


def right(*counts):
    """Both right, only the first, only the second, neither: one seed each."""
    first = np.repeat([True, True, False, False], counts)[None]
    second = np.repeat([True, False, True, False], counts)[None]
    return first, second


def test_mcnemar_is_a_binomial_test_of_the_answers_that_differ():
    found = over_recordings(*right(400, 30, 10, 24))
    assert found.test == "McNemar, exact"
    assert found.p == pytest.approx(stats.binomtest(30, 40).pvalue)
    assert found.details == {"only_first_right": 30, "only_second_right": 10}
    assert 0 < found.interval.low < 100 * 20 / 464 < found.interval.high
    assert found.decides


def test_the_bootstrap_interval_is_that_of_a_mean_of_many():
    low, high = over_recordings(*right(4000, 300, 100, 240)).interval
    n, d = 4640, 200 / 4640
    half = 1.96 * np.sqrt((400 / n - d * d) / n)
    assert (low, high) == pytest.approx((100 * (d - half), 100 * (d + half)), abs=0.05)


def test_networks_that_answer_alike_do_not_differ():
    found = over_recordings(*right(10, 0, 0, 5))
    assert (found.p, found.interval, found.decides) == (1.0, (0.0, 0.0), False)


def test_with_several_seeds_answers_are_exchanged_by_recording():
    first, second = right(400, 30, 10, 24)
    found = over_recordings(np.repeat(first, 3, axis=0), np.repeat(second, 3, axis=0))
    assert found.test == "permutation"
    assert found.p == pytest.approx(stats.binomtest(30, 40).pvalue, abs=0.003)


@given(st.lists(st.integers(0, 20), min_size=4, max_size=4).filter(any))
def test_the_other_way_round_it_is_the_other_way_round(counts):
    first, second = right(*counts)
    one, other = over_recordings(first, second), over_recordings(second, first)
    assert one.p == pytest.approx(other.p)
    assert one.interval.low == pytest.approx(-other.interval.high, abs=100 / sum(counts) + 1)


def test_seeds_are_paired_by_their_number():
    one, other = {0: 90.0, 1: 92.0, 2: 91.0, 7: 10.0}, {2: 88.0, 1: 90.5, 0: 88.0}
    found = over_seeds(one, other)
    expected = stats.ttest_rel([90, 92, 91], [88, 90.5, 88])
    assert found.p == pytest.approx(expected.pvalue)
    assert found.interval == pytest.approx(expected.confidence_interval())
    assert (found.details["seeds"], found.details["wilcoxon_p"]) == (3, 0.25)


@pytest.mark.parametrize("other", [{0: 88.0}, {3: 88.0, 4: 89.0}, {0: 88.0, 1: 90.0}])
def test_without_two_seeds_in_common_or_any_spread_seeds_say_nothing(other):
    assert over_seeds({0: 90.0, 1: 92.0}, other) is None


def test_without_scores_newcombe_s_interval_follows_from_wilson_s():
    found = over_counts(80.0, 60.0, 100)
    one, other = (stats.binomtest(n, 100).proportion_ci(method="wilson") for n in (80, 60))
    low = 20 - 100 * np.hypot(0.8 - one.low, other.high - 0.6)
    high = 20 + 100 * np.hypot(one.high - 0.8, 0.6 - other.low)
    assert found.interval == pytest.approx((low, high))
    assert found.p == pytest.approx(stats.fisher_exact([[80, 20], [60, 40]]).pvalue)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=6))
def test_holm_lies_between_no_adjustment_and_bonferroni(ps):
    for p, adjusted in zip(ps, holm(ps), strict=True):
        assert p <= adjusted <= min(1.0, len(ps) * p) + 1e-12
