"""The best paths of a trellis and their mean cost, against going through every path."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelbench.trellis import Path, best_paths, expected_cost

INF, NAN = math.inf, math.nan
WIDTHS = st.lists(st.integers(1, 4), min_size=1, max_size=5)
VARNAS = [3, 3, 4, 3, 4, 3]
# Of different multisets of primes the products differ, so that logarithms tie where the products do.
FACTORS = st.sampled_from([0, 1, 2, 3, 5, 7])
SUMMANDS = st.one_of(
    st.sampled_from([-INF, 0.0, 0.1, 0.2, 0.3, -0.3, 0.6]),
    st.floats(-1000, 1000).filter(lambda w: w == 0 or abs(w) > 1e-6),
)


def matrices(draw, widths, weights):
    """One matrix between each two stages."""
    return [
        np.array(draw(st.lists(weights, min_size=n * m, max_size=n * m)), dtype=float).reshape(n, m)
        for n, m in itertools.pairwise(widths)
    ]


@st.composite
def trellises(draw, weights):
    """Transitions, first and last; of the last two the second may be left out unless there is one stage."""
    widths = draw(WIDTHS)
    (first,), (last,) = (matrices(draw, [1, n], weights)[0] for n in (widths[0], widths[-1]))
    told = draw(st.booleans()) or len(widths) == 1
    return matrices(draw, widths, weights), first if told else None, last if draw(st.booleans()) else None


def all_paths(transitions, first, last):
    """The states of each path in lexicographic order, and its weights as exact fractions or -inf."""
    widths = [len(transitions[0]) if transitions else len(first if first is not None else last)]
    widths += [matrix.shape[1] for matrix in transitions]
    for states in itertools.product(*map(range, widths)):
        steps = zip(transitions, itertools.pairwise(states), strict=True)
        weights = [matrix[step] for matrix, step in steps]
        weights += [] if first is None else [first[states[0]]]
        weights += [] if last is None else [last[states[-1]]]
        yield states, [w if w == -INF else Fraction(float(w)) for w in weights]


def by_brute_force(trellis, combine, forbidden, top):
    """States and exact value of the best paths; sorting keeps the order of those that tie."""
    paths = [(states, combine(w)) for states, w in all_paths(*trellis) if forbidden not in w]
    return sorted(paths, key=lambda path: -path[1])[:top]


class TestBestPaths:
    @given(trellis=trellises(FACTORS), top=st.integers(1, 40))
    def test_products_are_those_of_all_paths_in_order(self, trellis, top):
        expected = by_brute_force(trellis, math.prod, 0, top)
        if not expected:
            with pytest.raises(ValueError, match="no path is allowed"):
                best_paths(*trellis, top=top)
            return
        found = best_paths(*trellis, top=top)
        assert [path.states for path in found] == [states for states, _ in expected]
        assert [path.score for path in found] == pytest.approx([math.log(p) for _, p in expected], abs=1e-12)

    @given(trellis=trellises(SUMMANDS), top=st.integers(1, 40))
    def test_sums_are_those_of_all_paths_in_order_and_exact(self, trellis, top):
        expected = by_brute_force(trellis, sum, -INF, top)
        if not expected:
            with pytest.raises(ValueError, match="no path is allowed"):
                best_paths(*trellis, mode="sum", top=top)
            return
        found = best_paths(*trellis, mode="sum", top=top)
        assert found == [Path(states, float(total)) for states, total in expected]
        assert best_paths(*trellis, mode="sum") == found[:1]

    @pytest.mark.parametrize("mode", ["product", "sum"])
    @pytest.mark.parametrize("seed", [0, 1])
    def test_the_1296_paths_of_varnas(self, mode, seed):
        rng = np.random.default_rng(seed)
        trellis = [rng.dirichlet(np.ones(m), n) for n, m in itertools.pairwise(VARNAS)]
        first, last = rng.dirichlet(np.ones(3)), rng.dirichlet(np.ones(3))
        combine, value = (math.prod, math.exp) if mode == "product" else (sum, float)
        expected = by_brute_force((trellis, first, last), combine, None, 2000)
        found = best_paths(trellis, first, last, mode=mode, top=2000)
        assert len(found) == 1296
        assert [path.states for path in found] == [states for states, _ in expected]
        assert [value(path.score) for path in found] == pytest.approx([float(v) for _, v in expected])
        assert best_paths(trellis, first, last, mode=mode) == found[:1]

    def test_the_largest_product_need_not_be_the_largest_sum(self):
        """Products .09, .18, .20, .15; sums 1, 1.1, .9, .8."""
        trellis = [[[0.9, 0.5]], [[0.1, 0.2], [0.4, 0.3]]]
        assert best_paths(trellis)[0].states == (0, 1, 0)
        assert best_paths(trellis, mode="sum")[0].states == (0, 0, 1)

    def test_a_greedy_walk_would_miss_it(self):
        """It would go by 0.6 first, to .30; the best way is by 0.4, to .40."""
        assert best_paths([[[0.6, 0.4]], [[0.5, 0.5], [0.0, 1.0]]])[0].states == (0, 1, 1)

    def test_paths_alike_come_in_the_order_of_their_states(self):
        found = best_paths([np.full((2, 3), 1 / 3), np.full((3, 2), 1 / 2)], top=12)
        assert [path.states for path in found] == list(itertools.product(range(2), range(3), range(2)))

    @pytest.mark.parametrize("mode", ["product", "sum"])
    def test_the_same_weights_in_another_order_tie(self, mode):
        orders = list(itertools.permutations([0.1, 0.2, 0.3, 0.7]))
        forbidden = 0.0 if mode == "product" else -INF
        lanes = [np.where(np.eye(24, dtype=bool), [o[s] for o in orders], forbidden) for s in range(4)]
        found = best_paths(lanes, mode=mode, top=24)
        assert [path.states[0] for path in found] == list(range(24))
        assert len({path.score for path in found}) == 1

    def test_a_thousand_stages_do_not_vanish(self):
        (path,) = best_paths([np.full((2, 2), 0.5)] * 999)
        assert path.states == (0,) * 1000
        assert path.score == pytest.approx(999 * math.log(0.5))

    def test_a_very_low_weight_does_not_blur_the_others(self):
        trellis = [[[0.0, 1e-9, -1e30]], [[0.0], [0.0], [1.0]]]
        assert [path.states for path in best_paths(trellis, mode="sum", top=2)] == [(0, 1, 0), (0, 0, 0)]

    @pytest.mark.parametrize("top", [1, 2])
    def test_a_difference_that_a_float_does_not_hold_decides(self, top):
        found = best_paths([[[1.0, 1.0]], [[0.0], [1e-20]]], mode="sum", top=top)
        assert [path.states for path in found] == [(0, 1, 0), (0, 0, 0)][:top]

    def test_arguments_are_left_as_they_are(self):
        weights, first = np.array([[0.0, 0.5], [0.25, 0.25]]), np.array([0.5, 0.5])
        copies = weights.copy(), first.copy()
        best_paths([weights], first, top=2)
        assert (weights == copies[0]).all()
        assert (first == copies[1]).all()

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"transitions": []}, "there is no stage"),
            ({"transitions": [[[1, 2]], np.ones((2, 0))]}, "stage 2 has no states"),
            ({"transitions": [np.ones((0, 2))]}, "stage 0 has no states"),
            ({"transitions": [], "first": []}, "stage 0 has no states"),
            (
                {"transitions": [[[1, 2]], [[1], [1], [1]]]},
                r"stage 1 has 2 states in transitions\[0\] .* and 3 in transitions\[1\]",
            ),
            ({"transitions": [[[1, 2]]], "first": [1, 1]}, r"stage 0 has 2 states in first .* and 1 in"),
            ({"transitions": [[[1, 2]]], "last": [1]}, r"stage 1 has 2 states in .* and 1 in last"),
            ({"transitions": [], "first": [1], "last": [1, 2]}, "stage 0 has 1 states in first"),
            ({"transitions": [[[1]], [1, 2]]}, r"transitions\[1\] \(stage 1 to 2\) must be a matrix"),
            ({"transitions": [[[1]]], "first": [[1]]}, r"first \(stage 0\) must be one number per state"),
            ({"transitions": [[[1, 2], [3]]]}, r"transitions\[0\] \(stage 0 to 1\) is no array of numbers"),
            ({"transitions": [[["a"]]]}, "is no array of numbers"),
            ({"transitions": [[[1]], [[NAN]]]}, r"transitions\[1\] \(stage 1 to 2\) has the weight nan"),
            ({"transitions": [[[NAN]]], "mode": "sum"}, "has the weight nan"),
            ({"transitions": [[[INF]]]}, "has the weight inf"),
            ({"transitions": [[[INF]]], "mode": "sum"}, "has the weight inf"),
            ({"transitions": [[[1]]], "last": [-0.5]}, r"last \(stage 1\) has the weight -0.5"),
            ({"transitions": [[[-INF]]]}, "has the weight -inf"),
            ({"transitions": [[[1e308]]] * 2, "mode": "sum"}, "too large"),
            ({"transitions": [[[-1e308]]] * 2, "mode": "sum"}, "too large"),
            ({"transitions": [[[1]]], "top": 0}, "top must be at least 1, not 0"),
            ({"transitions": [[[1]]], "mode": "mean"}, "unknown mode 'mean'; the modes are product and sum"),
            (
                {"transitions": [[[1, 0]], [[0], [1]]]},
                r"no path is allowed: transitions\[0\] \(stage 0 to 1\) leaves no way",
            ),
            ({"transitions": [[[1, 0]]], "last": [0, 0]}, r"no path is allowed: last \(stage 1\)"),
            ({"transitions": [[[-INF]]], "mode": "sum"}, "no path is allowed"),
        ],
    )
    def test_what_cannot_be_decoded_is_told_with_its_stage(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            best_paths(**arguments)


@st.composite
def costed(draw):
    """Probabilities, costs between and of states, and first or None."""
    widths = draw(WIDTHS)
    parts, costs = st.floats(0.01, 1), st.floats(-1000, 1000)
    probabilities = [m / m.sum(axis=1, keepdims=True) for m in matrices(draw, widths, parts)]
    first = matrices(draw, [1, widths[0]], parts)[0][0]
    of = [matrices(draw, [1, n], costs)[0][0] for n in widths]
    return (
        probabilities,
        matrices(draw, widths, costs),
        of,
        draw(st.sampled_from([first / first.sum(), None])),
    )


def mean_over_all_paths(probabilities, between, of, first):
    total = 0.0
    even = np.full(len(of[0]), 1 / len(of[0]))
    for states in itertools.product(*[range(len(costs)) for costs in of]):
        steps = list(enumerate(itertools.pairwise(states)))
        chance = (even if first is None else first)[states[0]]
        chance *= math.prod(probabilities[s][step] for s, step in steps)
        cost = sum(between[s][step] for s, step in steps) + sum(of[s][i] for s, i in enumerate(states))
        total += chance * cost
    return total


class TestExpectedCost:
    @given(trellis=costed())
    def test_is_the_mean_over_all_paths(self, trellis):
        assert expected_cost(*trellis) == pytest.approx(mean_over_all_paths(*trellis), rel=1e-9, abs=1e-9)

    def test_is_the_mean_over_the_1296_paths_of_varnas(self):
        rng = np.random.default_rng(0)
        pairs = list(itertools.pairwise(VARNAS))
        probabilities = [rng.dirichlet(np.ones(m), n) for n, m in pairs]
        between = [rng.uniform(0, 9, pair) for pair in pairs]
        trellis = probabilities, between, [rng.uniform(0, 9, n) for n in VARNAS], rng.dirichlet(np.ones(3))
        assert expected_cost(*trellis) == pytest.approx(mean_over_all_paths(*trellis))

    def test_of_a_certain_path_is_the_cost_of_that_path(self):
        probabilities = [[[0.0, 1.0]], [[0.5, 0.5], [1.0, 0.0]]]
        assert expected_cost(probabilities, [[[1, 2]], [[4, 8], [16, 32]]], [[64], [0, 128], [256, 0]]) == 466

    def test_single_precision_sums_to_1_well_enough(self):
        rows = np.full((1, 3), 1 / 3, dtype=np.float32)
        assert expected_cost([rows], [np.zeros((1, 3))], [[0], [3, 3, 3]]) == pytest.approx(3)

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"costs_of": []}, "there is no stage"),
            ({"costs_of": [[1], [1, 1], [1]]}, "probabilities holds 1 matrices; costs_of 3 stages, so 2"),
            ({"costs_between": []}, "costs_between holds 0 matrices; costs_of 2 stages, so 1"),
            ({"costs_of": [[1], []]}, r"costs_of\[1\] \(stage 1\) has no states"),
            (
                {"costs_of": [[1], [1]]},
                r"costs_between\[0\] \(stage 0 to 1\) has the shape \(1, 2\); .*\(1, 1\)",
            ),
            ({"probabilities": [[[1.0]]]}, r"probabilities\[0\] \(stage 0 to 1\) has the shape \(1, 1\)"),
            ({"first": [0.5, 0.5]}, r"first \(stage 0\) has the shape \(2,\)"),
            ({"first": [[1.0]]}, r"first \(stage 0\) must be one number per state"),
            ({"costs_of": [[1], [1, NAN]]}, r"costs_of\[1\] \(stage 1\) has the cost nan"),
            ({"costs_between": [[[1, INF]]]}, r"costs_between\[0\] \(stage 0 to 1\) has the cost inf"),
            ({"probabilities": [[[1.5, -0.5]]]}, r"probabilities\[0\] .* has the probability -0.5"),
            ({"probabilities": [[[NAN, 1]]]}, "has the probability nan"),
            ({"probabilities": [[[0.5, 0.4]]]}, r"probabilities\[0\] .* sum to 0.9; they must sum to 1"),
            ({"probabilities": [[[0.5, INF]]]}, "sum to inf"),
            ({"first": [0.5]}, r"first \(stage 0\) has probabilities that sum to 0.5"),
        ],
    )
    def test_what_does_not_fit_is_told_with_its_stage(self, changed, message):
        fitting = {"probabilities": [[[0.5, 0.5]]], "costs_between": [[[1, 1]]], "costs_of": [[1], [1, 1]]}
        with pytest.raises(ValueError, match=message):
            expected_cost(**{**fitting, **changed})


def test_needs_neither_torch_nor_nni():
    code = "import sys, skelbench.trellis; print({'torch', 'nni', 'scipy'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
