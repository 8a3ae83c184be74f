"""Viterbi's algorithm on a trellis: time, and how it grows with stages and states."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from skelbench.trellis import best_paths
from tests.benchmarks.clock import fastest


def trellis(stages: int, width: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.dirichlet(np.ones(width), width) for _ in range(stages - 1)]


@pytest.mark.parametrize("top", [1, 5])
@pytest.mark.parametrize(("stages", "width"), [(7, 4), (1000, 64)])
def test_the_best_paths(stages: int, width: int, top: int, benchmark: Any) -> None:
    weights = trellis(stages, width)
    found = benchmark.pedantic(lambda: best_paths(weights, top=top), rounds=20 if stages < 100 else 1)
    assert len(found) == top


def growth(smaller: list[np.ndarray], larger: list[np.ndarray], benchmark: Any) -> float:
    """Time for the larger trellis by that for the smaller, measured in turns."""
    runs = [lambda: best_paths(smaller), lambda: best_paths(larger)]
    times = benchmark.pedantic(lambda: fastest(runs, rounds=5), rounds=1)
    benchmark.extra_info.update(ms=[1e3 * taken for taken in times], ratio=times[1] / times[0])
    return times[1] / times[0]


def test_twice_the_stages_take_about_twice_the_time(benchmark: Any) -> None:
    assert 1.2 < growth(trellis(300, 32), trellis(600, 32), benchmark) < 4


def test_twice_the_states_take_about_four_times_the_time(benchmark: Any) -> None:
    """Of many states, for which numpy's cost per call does not show."""
    assert 1.2 < growth(trellis(30, 128), trellis(30, 256), benchmark) < 8


@pytest.mark.parametrize("widths", [[3, 3, 4, 3, 4, 3], [4] * 8], ids=["1296", "65536"])
def test_viterbi_against_all_paths(widths: list[int], benchmark: Any) -> None:
    """The widths of VAR-NAS and a few more, all their paths scored at once with numpy."""
    rng = np.random.default_rng(0)
    weights = [rng.dirichlet(np.ones(m), n) for n, m in pairwise(widths)]

    def by_all_paths() -> tuple[int, ...]:
        states = np.indices(widths).reshape(len(widths), -1)
        steps = zip(weights, pairwise(states), strict=True)
        scores = sum(np.log(weight[before, after]) for weight, (before, after) in steps)
        return tuple(states[:, np.argmax(scores)].tolist())

    assert best_paths(weights)[0].states == by_all_paths()
    runs = [lambda: [best_paths(weights) for _ in range(10)], lambda: [by_all_paths() for _ in range(10)]]
    times = benchmark.pedantic(lambda: fastest(runs), rounds=1)
    benchmark.extra_info.update(ms=[1e2 * taken for taken in times], ratio=times[1] / times[0])
