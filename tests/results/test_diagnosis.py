"""What a diagnosis says of a search's fitness."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau

from skelbench.results.diagnosis import Diagnosis, Judged, spread_out


def diagnosis(fitness: list[float], figures: list[tuple[float, ...]]) -> Diagnosis:
    judged = tuple(Judged({"n": i}, f, x) for i, (f, x) in enumerate(zip(fitness, figures, strict=True)))
    return Diagnosis("run", "accuracy on the supernet", "validation top-1", 60, judged)


def test_a_fitness_that_ranks_as_training_does_is_found_to() -> None:
    found = diagnosis([*range(10)], [(50.0 + n,) for n in range(10)])
    assert found.tau == pytest.approx(1)
    assert found.interval()[0] > 0.9
    assert found.verdict() == "yes"


def test_one_that_ranks_the_other_way_round_is_told() -> None:
    assert diagnosis([*range(10)], [(50.0 - n,) for n in range(10)]).verdict() == "no"


def test_noise_is_undecided() -> None:
    rng = np.random.default_rng(0)
    found = diagnosis(rng.random(12).tolist(), [(x,) for x in rng.random(12).tolist()])
    low, high = found.interval()
    assert low < 0 < high
    assert found.verdict() == "undecided"


def test_tau_is_that_of_scipy_with_ties_too() -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        x, y = rng.integers(0, 6, (2, 15)).astype(float)
        found = diagnosis(x.tolist(), [(value,) for value in y.tolist()])
        assert found.tau == pytest.approx(kendalltau(x, y).statistic)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Of fitness and figure with correlation .5, whose tau is 2/pi arcsin(.5) = 1/3."""
    rng, held = np.random.default_rng(1), 0
    for _ in range(60):
        x = rng.standard_normal(40)
        y = 0.5 * x + np.sqrt(0.75) * rng.standard_normal(40)
        low, high = diagnosis(x.tolist(), [(value,) for value in y.tolist()]).interval()
        held += low <= 1 / 3 <= high
    assert held >= 51  # 95 % of 60 are 57; fewer than 51 come by chance once in 200


def test_spread_between_architectures_is_told_from_that_between_seeds() -> None:
    rng = np.random.default_rng(2)
    truth = 70 + 8 * rng.standard_normal(300)
    found = diagnosis(truth.tolist(), [tuple(t + 2 * rng.standard_normal(3)) for t in truth])
    between, seeds = found.spread()
    assert between == pytest.approx(8, rel=0.1)
    assert seeds == pytest.approx(2, rel=0.1)
    assert diagnosis([1.0, 2.0], [(1.0,), (2.0,)]).spread()[1] is None


def test_a_constant_fitness_ranks_nothing() -> None:
    found = diagnosis([1.0] * 6, [(x,) for x in (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)])
    assert np.isnan(found.tau)
    assert found.verdict() == "undecided"
    assert "no correlation" in found.lines()[2]
    assert found.plain()["tau"] is None


def test_architectures_are_spread_over_the_ranks() -> None:
    fitness = np.random.default_rng(3).permutation(100).tolist()
    chosen = [fitness[at] for at in spread_out(fitness, 5)]
    assert chosen == [0, 25, 50, 74, 99] or chosen == [0, 25, 50, 75, 99]
    assert spread_out([3.0, 1.0], 5) == [1, 0]
