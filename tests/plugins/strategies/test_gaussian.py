"""Laws of the arithmetic behind CEIM."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skelbench_plugins.strategies.gaussian import (
    Gaussian,
    importance_mix,
    rank_weights,
    shared_among_ties,
    updated,
)

SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def gaussians(draw, dimensions):
    mean = draw(arrays(float, dimensions, elements=st.floats(-2, 2)))
    variance = draw(arrays(float, dimensions, elements=st.floats(1e-6, 4)))
    return Gaussian(mean, variance)


@st.composite
def mixings(draw):
    dimensions = draw(st.integers(1, 5))
    old, new = draw(gaussians(dimensions)), draw(gaussians(dimensions))
    rng = np.random.default_rng(draw(SEEDS))
    population = old.draw(rng, draw(st.integers(0, 12)))
    size = draw(st.integers(1, 12))
    return rng, new, old, population, size, draw(st.integers(0, size))


@given(mixings())
def test_a_mixed_population_has_its_size_and_its_share_of_new_samples(mixing):
    _, _, _, population, size, min_new = mixing
    samples, kept = importance_mix(*mixing)
    assert samples.shape == (size, population.shape[1])
    assert len(kept) <= size - min_new
    assert len(set(kept)) == len(kept)
    np.testing.assert_array_equal(samples[: len(kept)], population[kept])


@given(gaussians(4), SEEDS, st.integers(1, 20))
def test_with_an_unmoved_distribution_all_are_kept(gaussian, seed, size):
    rng = np.random.default_rng(seed)
    population = gaussian.draw(rng, size)
    samples, kept = importance_mix(rng, gaussian, gaussian, population, size)
    np.testing.assert_array_equal(kept, np.arange(size))
    np.testing.assert_array_equal(samples, population)


@given(gaussians(4), SEEDS, st.integers(2, 20), st.data())
def test_with_an_unmoved_distribution_only_the_least_number_is_new(gaussian, seed, size, data):
    min_new = data.draw(st.integers(1, size))
    rng = np.random.default_rng(seed)
    population = gaussian.draw(rng, size)
    _, kept = importance_mix(rng, gaussian, gaussian, population, size, min_new)
    assert len(kept) == size - min_new


def test_nothing_is_kept_of_a_distribution_far_away():
    rng = np.random.default_rng(0)
    old = Gaussian(np.zeros(80), np.full(80, 1e-3))
    new = Gaussian(np.ones(80), np.full(80, 1e-3))
    samples, kept = importance_mix(rng, new, old, old.draw(rng, 50), 50)
    assert len(kept) == 0
    assert abs(samples.mean() - 1) < 0.01


def test_a_mixed_population_follows_the_new_distribution():
    rng = np.random.default_rng(1)
    old, new = Gaussian(np.zeros(2), np.ones(2)), Gaussian(np.full(2, 0.5), np.array([1.5, 0.8]))
    samples, kept = importance_mix(rng, new, old, old.draw(rng, 40_000), 40_000)
    assert 0.4 < len(kept) / 40_000 < 0.9
    # Standard errors are near 0.006 (mean) and 0.01 (variance).
    np.testing.assert_allclose(samples.mean(axis=0), new.mean, atol=0.03)
    np.testing.assert_allclose(samples.var(axis=0), new.variance, atol=0.05)


def test_the_share_kept_is_the_overlap_of_the_distributions():
    rng = np.random.default_rng(2)
    old, new = Gaussian(np.zeros(1), np.ones(1)), Gaussian(np.ones(1), np.ones(1))
    _, kept = importance_mix(rng, new, old, old.draw(rng, 50_000), 50_000)
    # Two unit normals one apart share 2 * Phi(-1/2) of their mass.
    assert len(kept) / 50_000 == pytest.approx(0.6171, abs=0.01)


def test_log_density_is_that_of_independent_normals():
    gaussian = Gaussian(np.array([1.0, -1.0]), np.array([4.0, 0.25]))
    points = np.array([[1.0, -1.0], [3.0, -1.5]])
    singles = [
        [
            np.exp(-((x - m) ** 2) / (2 * v)) / np.sqrt(2 * np.pi * v)
            for x, m, v in zip(row, *parts, strict=True)
        ]
        for row, parts in ((p, (gaussian.mean, gaussian.variance)) for p in points)
    ]
    np.testing.assert_allclose(gaussian.log_density(points), np.log(np.prod(singles, axis=1)))


@given(st.integers(1, 200), st.floats(0.01, 1))
def test_rank_weights_sum_to_one_and_fall(count, elite):
    weights = rank_weights(count, elite)
    heads = np.flatnonzero(weights)
    assert weights.shape == (count,)
    assert weights.sum() == pytest.approx(1)
    assert np.all(np.diff(weights[heads]) < 0)
    assert len(heads) == heads[-1] + 1 == max(1, int(np.ceil(elite * count)))


def test_rank_weights_are_those_of_equation_12():
    np.testing.assert_allclose(rank_weights(4), np.array([12, 6, 4, 3]) / 25)


@given(st.integers(1, 12), st.data())
def test_an_update_stays_within_its_samples_and_above_the_floor(count, data):
    old = data.draw(gaussians(3))
    ranked = data.draw(arrays(float, (count, 3), elements=st.floats(-2, 2)))
    floor = data.draw(st.floats(1e-4, 1))
    noise = data.draw(st.floats(0, 0.1))
    new = updated(old, ranked, rank_weights(count), noise, floor)
    slack = 1e-12
    assert np.all(new.mean >= ranked.min(axis=0) - slack)
    assert np.all(new.mean <= ranked.max(axis=0) + slack)
    assert np.all(np.sqrt(new.variance) >= floor * (1 - slack))
    assert np.all(new.variance >= noise)


def test_the_variance_is_taken_about_the_old_mean():
    old = Gaussian(np.array([1.0]), np.array([1.0]))
    new = updated(old, np.array([[4.0], [1.0]]), np.array([0.75, 0.25]), noise=0.5, floor=1e-3)
    assert new.mean == pytest.approx([3.25])
    assert new.variance == pytest.approx([0.75 * 9 + 0.5])


def test_the_released_weights_spread_over_more_samples():
    released = rank_weights(4, 0.5, "logarithmic")
    np.testing.assert_allclose(released, np.array([np.log(3), np.log(1.5), 0, 0]) / np.log(4.5))
    effective = [1 / (rank_weights(50, kind=kind) ** 2).sum() for kind in ("reciprocal", "logarithmic")]
    assert effective == pytest.approx([12.5, 27.2], abs=0.1)


def test_ties_share_their_weights():
    shared = shared_among_ties(np.array([0.5, 0.3, 0.2]), np.array([2.0, 1.0, 1.0]))
    np.testing.assert_allclose(shared, [0.5, 0.25, 0.25])
