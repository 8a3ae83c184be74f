"""The arithmetic of a search's health: laws that hold whatever the numbers are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelbench.engine import health

ONE = np.zeros


def candidates(signal: float, *, n: int = 40, clips: int = 100, seed: int = 0) -> np.ndarray:
    """Scores with a true mean for each candidate and noise of 1 on each clip."""
    rng = np.random.default_rng(seed)
    return signal * rng.standard_normal((n, 1)) + rng.standard_normal((n, clips))


@given(st.lists(st.sampled_from([17.5, 30.0, 42.5]), min_size=2, max_size=12))
def test_the_share_of_tied_pairs_is_that_of_counting_them(values: list[float]):
    array = np.array(values)
    pairs = [a == b for i, a in enumerate(values) for b in values[i + 1 :]]
    assert health.tied_pairs(array, ONE(len(array))) == pytest.approx(np.mean(pairs))


def test_candidates_of_different_generations_are_no_pairs():
    assert health.tied_pairs(np.array([1.0, 1.0, 2.0, 3.0]), np.array([0, 1, 0, 1])) == 0.0
    assert health.tied_pairs(np.array([1.0, 1.0]), np.array([0, 1])) is None


@given(st.integers(0, 1000), st.floats(-5, 5), st.floats(0.1, 10))
def test_reliability_does_not_depend_on_scale_and_place(seed: int, place: float, scale: float):
    scores = candidates(0.1, n=8, clips=20, seed=seed)
    plain = health.reliability(scores, ONE(8))
    assert health.reliability(place + scale * scores, ONE(8)) == pytest.approx(plain, abs=1e-6)
    assert -1 <= plain <= 1


@pytest.mark.parametrize("signal", [0.05, 0.1, 0.3])
def test_reliability_is_the_true_share_of_variance(signal: float):
    found = np.mean([health.reliability(candidates(signal, n=200, seed=s), ONE(200)) for s in range(5)])
    assert found == pytest.approx(signal**2 / (signal**2 + 1 / 100), abs=0.06)


def test_candidates_that_differ_by_noise_alone_have_none_and_equal_ones_neither():
    found = [health.reliability(candidates(0.0, seed=s), ONE(40)) for s in range(20)]
    assert abs(np.mean(found)) < 0.15
    assert health.reliability(np.ones((6, 40)), ONE(6)) == 0.0


def test_the_progress_of_a_supernet_is_no_signal():
    scores = candidates(0.0, n=60)
    groups = np.repeat(np.arange(3), 20)
    grown = scores + 5.0 * groups[:, None]
    assert health.reliability(grown, ONE(60)) > 0.95, "taken together, later ones are better"
    assert health.reliability(grown, groups) == pytest.approx(health.reliability(scores, groups))
    assert abs(health.reliability(grown, groups)) < 0.4


def test_a_sample_of_the_clips_is_corrected_to_all_of_them():
    scores = candidates(0.1, n=300, clips=400, seed=3)
    whole = health.reliability(scores, ONE(300))
    assert health.reliability(scores[:, :100], ONE(300), clips=400) == pytest.approx(whole, abs=0.08)


@pytest.mark.parametrize("shape", [(2, 10), (10, 1)])
def test_too_few_to_say_anything(shape: tuple[int, int]):
    assert health.reliability(np.random.default_rng(0).random(shape), ONE(shape[0])) is None


def test_disagreement_is_that_of_all_pairs():
    predicted = np.array([[0, 0, 1, 2], [0, 1, 1, 2], [0, 0, 0, 0]])
    pairs = [(predicted[a] != predicted[b]).mean() for a, b in ((0, 1), (0, 2), (1, 2))]
    assert health.disagreement(predicted, ONE(3)) == pytest.approx(np.mean(pairs))
    assert health.disagreement(predicted, np.arange(3)) is None


def test_spread_is_pooled_over_generations_and_slope_that_of_a_line():
    values = np.array([1.0, 3.0, 11.0, 13.0])
    assert health.spread(values, np.array([0, 0, 1, 1])) == pytest.approx(np.sqrt(2))
    assert health.spread(values[:2], np.array([0, 1])) is None
    assert health.slope([2.0, 1.5, 1.0]) == pytest.approx(-0.5)
    assert health.slope([2.0]) is None
