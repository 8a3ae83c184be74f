"""Verdicts about strategies: right on average, corrected for their number, and undecided where nothing is."""

import numpy as np
import pytest

from skelbench.tables.compare import bootstrap, bootstrap_curve, groups, holm, verdicts


def test_an_interval_holds_the_mean_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    inside = [
        (found := bootstrap(rng.exponential(1.0, 60), seed=i, draws=400)).low <= 1 <= found.high
        for i in range(200)
    ]
    assert 0.88 <= np.mean(inside) <= 0.99


def test_a_curves_interval_is_that_of_its_points():
    curves = np.random.default_rng(0).normal(size=(80, 5)).cumsum(1)
    mean, low, high = bootstrap_curve(curves, draws=2000)
    one = bootstrap(curves[:, 3])
    assert mean[3] == pytest.approx(one.mean)
    assert (low[3], high[3]) == pytest.approx((one.low, one.high), abs=0.08)


def test_holm_corrects_as_in_his_paper():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]


def test_what_differs_is_told_apart_and_what_does_not_is_not():
    rng = np.random.default_rng(0)
    common = rng.normal(size=100)
    regrets = {"a": common, "b": common + 0.02 * rng.normal(size=100), "c": common + 1 + rng.normal(size=100)}
    told = {(v.one, v.other): v for v in verdicts(regrets)}
    assert not told["a", "b"].decided
    assert told["a", "c"].decided
    assert told["a", "c"].difference < 0
    assert groups(regrets, list(told.values())) == {"a": "a", "b": "a", "c": "b"}


def test_equal_strategies_are_undecided():
    regret = np.ones(20)
    (only,) = verdicts({"a": regret, "b": regret.copy()})
    assert (only.p, only.difference) == (1.0, 0.0)


def test_nothing_is_decided_by_chance_alone():
    """Of many comparisons of equals, few are decided: the level holds."""
    rng = np.random.default_rng(1)
    decided = sum(
        any(v.decided for v in verdicts({name: rng.normal(size=40) for name in "abc"})) for _ in range(60)
    )
    assert decided <= 8
