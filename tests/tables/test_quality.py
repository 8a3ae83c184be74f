"""Signal and noise: found where they were put."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from skelbench.errors import DataError
from skelbench.tables.catalog import open_table
from skelbench.tables.quality import components, measure_quality, shortcomings, spearman
from tests.tables import made


@pytest.mark.parametrize(("signal", "noise"), [(5.0, 1.0), (2.0, 4.0), (0.0, 3.0)])
def test_the_variance_is_split_as_it_was_made(signal, noise):
    rng = np.random.default_rng(0)
    figures = signal * rng.standard_normal((4000, 1)) + noise * rng.standard_normal((4000, 3))
    figures += np.array([0.0, 7.0, -3.0])  # what is common to a seed is no noise between architectures
    found = components(figures)
    assert found.between == pytest.approx(signal, abs=0.4)
    assert found.seed == pytest.approx(noise, rel=0.05)
    assert found.reliability == pytest.approx(signal**2 / (signal**2 + noise**2), abs=0.05)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=20))
def test_the_rank_correlation_is_that_of_scipy(pairs):
    a, b = np.array(pairs, dtype=float).T
    if len(set(a)) > 1 and len(set(b)) > 1:
        assert spearman(a, b) == pytest.approx(spearmanr(a, b).statistic)
    else:
        assert spearman(a, b) == 0


def test_a_good_table_passes_its_gates_and_a_noisy_one_does_not(table, tmp_path):
    quality = measure_quality(table)
    assert all(passed for *_, passed in quality.gates())
    assert shortcomings(table) == []
    assert quality.shrunken_best < quality.highest
    noisy = open_table(made.write(tmp_path / "noisy.npz", signal=1.0, noise=6.0))
    assert any("reliability" in line for line in shortcomings(noisy))


def test_holes_are_a_shortcoming(holed):
    assert shortcomings(holed)[0] == "has holes (61 of 64 architectures complete)"


def test_too_few_networks_say_nothing(tmp_path):
    few = open_table(made.write(tmp_path / "few.npz", places=1, options=3))
    with pytest.raises(DataError, match="3 networks with 3 seeds say nothing"):
        measure_quality(few)
