"""NSGA-II: fronts, crowding, and cheap architectures kept beside good ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skelbench_plugins.strategies.nsga2 import Nsga2, crowding_distances, fronts

from skelbench.search import Sample
from skelbench.testing.replay import TabulatedSpace

SPACE = TabulatedSpace.of_choices(3, 4)
POINTS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=15)


def macs(sample: Sample) -> float:
    return float(sum(SPACE.points[0].options.index(option) for option in sample.values()) + 1)


def searched(**params: Any) -> Nsga2:
    search = Nsga2(SPACE, seed=0, weights="own", epochs=1, **{"population": 8, "evaluations": 40, **params})
    search.use_macs(macs)
    for generation in range(1000):
        if not (proposals := search.ask(generation)):
            return search
        search.tell(proposals, [SPACE.fitness(one.sample or {}) for one in proposals])
    raise AssertionError("it does not end")


@given(POINTS)
def test_a_point_is_on_the_first_front_that_nobody_before_it_beats(points: list[tuple[int, int]]) -> None:
    ranks = fronts(np.array(points, dtype=float))
    for i, one in enumerate(points):
        beating = [
            ranks[j] for j, two in enumerate(points) if two != one and two[0] <= one[0] and two[1] <= one[1]
        ]
        assert ranks[i] == max(beating, default=-1) + 1


def test_the_ends_of_a_front_are_far_from_everybody_and_a_crowd_is_near() -> None:
    values = np.array([[0, 10], [1, 8], [1.5, 7.5], [2, 7], [10, 0]], dtype=float)
    found = crowding_distances(values, np.zeros(5, dtype=int))
    assert np.isinf(found[[0, 4]]).all()
    assert found[1] == pytest.approx(1.5 / 10 + 2.5 / 10)
    assert found[2] == pytest.approx(1 / 10 + 1 / 10)


def test_it_keeps_cheap_architectures_beside_good_ones() -> None:
    front = searched().figures()["front"]
    assert len(front) > 1
    costs, figures = zip(*front, strict=True)
    assert list(costs) == sorted(costs)
    assert list(figures) == sorted(figures), "what costs more is better"


def test_its_front_is_nearly_that_of_the_whole_space() -> None:
    values = np.array([[-SPACE.fitness(s), macs(s)] for s in SPACE.enumerate()])
    truth = {tuple(one) for one in values[fronts(values) == 0]}
    found = {(-figure, gmacs * 1e9) for gmacs, figure in searched(evaluations=50).figures()["front"]}
    hit = [one for one in truth if any(np.allclose(one, other) for other in found)]
    assert len(hit) >= 0.7 * len(truth)


def test_where_nobody_tells_macs_fitness_alone_counts() -> None:
    search = Nsga2(SPACE, seed=0, weights="own", epochs=1, population=4, evaluations=12)
    while proposals := search.ask(0):
        search.tell(proposals, [SPACE.fitness(one.sample or {}) for one in proposals])
    assert [figure for _, figure in search.figures()["front"]] == [search.best().fitness]
