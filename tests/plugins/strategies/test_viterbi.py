"""Paths through a trellis: their expected cost, their decoding, and what a search learns of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skelbench_plugins.strategies.paths import Trellis, trellises
from skelbench_plugins.strategies.viterbi import Viterbi

from skelbench.errors import RunFolderError, SpecError
from skelbench.search import Point, Proposal, weight_shape
from skelbench.testing.bilevel import ToyBilevel, optimise
from skelbench.testing.replay import TabulatedSpace
from skelbench.trellis import expected_cost

OPERATORS = ("d1", "d2", "skip")
POINTS = (
    Point("a.width", "trellis", (4, 8)),
    Point("a.layer1", "trellis", OPERATORS, under="a.width"),
    Point("b.width", "trellis", (6, 8, 10), under="a.width"),
    Point("c.width", "trellis", (12, 16), under="b.width", out="c.width.out"),
    Point("c.layer1", "trellis", OPERATORS, under="c.width"),
    Point("c.layer2", "trellis", OPERATORS, under="c.width"),
)
LABELS = [point.label for point in POINTS]
VARNAS_WIDTHS = (3, 3, 4, 3, 4, 3)


def shapes(points: Sequence[Point]) -> dict[str, tuple[int, ...]]:
    """The shape of the weights by label, those of the ends included."""
    ends = {point.out: (len(point.options),) for point in points if point.out}
    return {point.label: weight_shape(points, point) for point in points} | ends


def random_shares(seed: int, points: Sequence[Point] = POINTS) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        label: rng.dirichlet(np.ones(shape[-1]), shape[:-1] or None)
        for label, shape in shapes(points).items()
    }


def random_costs(seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {point.label: rng.uniform(0, 9e6, weight_shape(POINTS, point)) for point in POINTS}


def tensors(arrays: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
    return {label: torch.tensor(array) for label, array in arrays.items()}


def search(problem: ToyBilevel | None = None, **params: Any) -> Viterbi:
    space = problem.space if problem else TabulatedSpace(POINTS)
    options: dict[str, Any] = {"seed": 0, "epochs": 10} | params
    return Viterbi(space, **({"warmup_epochs": 0} | options))


# --- structure -----------------------------------------------------------------------------------


def test_decisions_are_gathered_stage_by_stage():
    (trellis,) = trellises(POINTS)
    assert [(s.width.label, [p.label for p in s.layers]) for s in trellis.stages] == [
        ("a.width", ["a.layer1"]),
        ("b.width", []),
        ("c.width", ["c.layer1", "c.layer2"]),
    ]
    assert trellis.out == "c.width.out"


def test_several_trellises_are_searched_side_by_side():
    single = (
        Point("s.width", "trellis", (1, 2), out="s.out"),
        Point("s.l", "trellis", OPERATORS, under="s.width"),
    )
    assert [len(one.stages) for one in trellises((*POINTS, *single))] == [3, 1]
    answer = Viterbi(TabulatedSpace((*POINTS, *single)), seed=0, epochs=30).best().sample
    assert answer is not None
    assert list(answer) == [*LABELS, "s.width", "s.l"]


# --- expected cost -------------------------------------------------------------------------------


def enumerated_mmacs(shares: Mapping[str, np.ndarray], costs: Mapping[str, np.ndarray]) -> float:
    """The mean over all paths and all operators on them, one by one."""
    mean = 0.0
    for a, b, c in itertools.product(range(2), range(3), range(2)):
        steps = (("a.width", a), ("b.width", (a, b)), ("c.width", (b, c)))
        for ops in itertools.product(range(3), repeat=3):
            taken = (*steps, ("a.layer1", (a, ops[0])), ("c.layer1", (c, ops[1])), ("c.layer2", (c, ops[2])))
            probability = math.prod(shares[label][place] for label, place in taken)
            mean += probability * sum(costs[label][place] for label, place in taken)
    return mean / 1e6


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6))
def test_the_expected_cost_is_the_mean_over_all_paths_and_operators(seed: int):
    (trellis,) = trellises(POINTS)
    shares, costs = random_shares(seed), random_costs(seed)
    found = float(trellis.expected_mmacs(tensors(shares), costs))
    assert found == pytest.approx(enumerated_mmacs(shares, costs), rel=1e-9)


def test_the_expected_cost_is_that_of_the_public_recursion():
    (trellis,) = trellises(POINTS)
    shares, costs = random_shares(7), random_costs(7)
    layers = {p.label: (shares[p.label] * costs[p.label]).sum(1) for p in POINTS if "layer" in p.label}
    of = [layers["a.layer1"] + costs["a.width"], np.zeros(3), layers["c.layer1"] + layers["c.layer2"]]
    steps = [shares["b.width"], shares["c.width"]], [costs["b.width"], costs["c.width"]]
    expected = expected_cost(*steps, of, first=shares["a.width"]) / 1e6
    assert float(trellis.expected_mmacs(tensors(shares), costs)) == pytest.approx(expected, rel=1e-12)


def test_the_cost_is_differentiable_in_every_share():
    (trellis,) = trellises(POINTS)
    shares = {label: share.requires_grad_() for label, share in tensors(random_shares(3)).items()}
    trellis.expected_mmacs(shares, random_costs(3)).backward()
    for label in LABELS:
        assert bool((shares[label].grad != 0).any()), label


# --- decoding ------------------------------------------------------------------------------------


def varnas_trellis() -> Trellis:
    widths = [tuple(range(8, 8 + count)) for count in VARNAS_WIDTHS]
    names = [f"s{i}.width" for i in range(len(widths))]
    points = [
        Point(name, "trellis", options, under=under, out=f"{name}.out" if name == names[-1] else "")
        for name, under, options in zip(names, ["", *names[:-1]], widths, strict=True)
    ]
    (trellis,) = trellises(points)
    return trellis


@pytest.mark.parametrize("mode", ["product", "sum"])
@pytest.mark.parametrize("seed", range(5))
def test_the_best_paths_are_those_of_all_1296(mode: Any, seed: int):
    trellis = varnas_trellis()
    shares = random_shares(seed, [stage.width for stage in trellis.stages])
    first, *steps = (shares[stage.width.label] for stage in trellis.stages)

    def worth(path: tuple[int, ...]) -> float:
        taken = [first[path[0]], *(s[i, j] for s, i, j in zip(steps, path, path[1:], strict=False))]
        taken.append(shares[trellis.out][path[-1]])
        return sum(map(math.log, taken)) if mode == "product" else sum(taken)

    everything = sorted(itertools.product(*map(range, VARNAS_WIDTHS)), key=worth, reverse=True)
    assert len(everything) == 1296
    found = trellis.paths(shares, mode, top=5)
    assert [path.states for path in found] == everything[:5]
    assert [path.score for path in found] == pytest.approx([worth(path) for path in everything[:5]])


def test_layers_are_decoded_on_the_widths_of_the_path():
    (trellis,) = trellises(POINTS)
    shares = random_shares(1)
    shares["a.width"] = np.array([0.1, 0.9])
    shares["a.layer1"] = np.array([[0.8, 0.1, 0.1], [0.2, 0.3, 0.5]])
    (path,) = trellis.paths(shares, "product", top=1)
    sample = trellis.decoded(path, shares)
    assert (sample["a.width"], sample["a.layer1"]) == (8, "skip")


def test_sum_and_product_can_differ():
    points = (Point("a", "trellis", (1, 2, 3)), Point("b", "trellis", (1, 2), under="a", out="b.out"))
    (trellis,) = trellises(points)
    shares = {
        "a": np.array([0.02, 0.49, 0.49]),
        "b": np.array([[0.98, 0.02], [0.5, 0.5], [0.5, 0.5]]),
        "b.out": np.array([0.5, 0.5]),
    }
    assert trellis.paths(shares, "product", 1)[0].states == (1, 0)  # 0.49 * 0.5 against 0.02 * 0.98
    assert trellis.paths(shares, "sum", 1)[0].states == (0, 0)  # 0.49 + 0.5 against 0.02 + 0.98


# --- learning ------------------------------------------------------------------------------------


def test_the_warm_up_leaves_the_architecture_weights_alone():
    problem = ToyBilevel(POINTS)
    found = search(problem, warmup_epochs=2)
    before = found.state()
    optimise(found, problem, range(2), 3)
    assert found.state() == before
    optimise(found, problem, range(2, 3), 1)
    assert found.state() != before


def test_all_epochs_of_warm_up_are_refused():
    with pytest.raises(SpecError, match="leaves none of 10 to search in"):
        search(warmup_epochs=10)


def test_an_empty_space_is_refused():
    with pytest.raises(SpecError, match="nothing to search"):
        Viterbi(TabulatedSpace(()), seed=0, epochs=30)


class Priced(ToyBilevel):
    """A problem in which validation does not care, so that cost alone decides."""

    def validation_loss(self, weights):
        return 0.0 * super().validation_loss(weights)


def test_without_other_reasons_the_cheapest_path_wins():
    problem = Priced(POINTS)
    problem.costs = random_costs(5)
    found = search(problem, cost_weight=1.0, lr=0.05, weight_decay=0.0)
    optimise(found, problem, range(10), 60)
    figures, answer = found.figures(), found.best().sample
    assert answer is not None

    def mmacs(sample: dict[str, Any]) -> float:
        at = {p.label: p.options.index(sample[p.label]) for p in POINTS}
        shaped = {p.label: (at[p.under], at[p.label]) if p.under else at[p.label] for p in POINTS}
        return sum(problem.costs[label][place] for label, place in shaped.items()) / 1e6

    cheapest = min(map(mmacs, problem.space.enumerate()))
    assert mmacs(answer) == pytest.approx(cheapest)
    assert figures["expected_mmacs"] == pytest.approx(cheapest, rel=0.1)


def test_the_price_is_lambda_times_the_logarithm_of_the_expected_cost():
    found, costs = search(cost_weight=0.3, cost_base=100.0), random_costs(2)
    shares = {label: share.detach() for label, share in found._shares().items()}
    (trellis,) = trellises(POINTS)
    mmacs = float(trellis.expected_mmacs(shares, costs))
    assert found._price(shares, costs).item() == pytest.approx(
        0.3 * math.log(mmacs) / math.log(100.0), rel=1e-5
    )
    assert search(cost_weight=0.0)._price(shares, costs) == 0.0


def test_a_trellis_that_costs_nothing_has_no_price():
    free = {point.label: np.zeros(weight_shape(POINTS, point)) for point in POINTS}
    found = search()
    assert found._price(found._shares(), free) == 0.0


# --- sampled operators ---------------------------------------------------------------------------


def rows(weights: Mapping[str, torch.Tensor]) -> torch.Tensor:
    return torch.cat([weights[label] for label in LABELS if "layer" in label])


def test_the_supernet_learns_on_one_drawn_operator_of_each_layer():
    found = search(sampled=True)
    drawn = [rows(found.training_weights(0)) for _ in range(20)]
    for weights in drawn:
        assert ((weights == 0) | (weights == 1)).all()
        assert (weights.sum(1) == 1).all()
    assert len({tuple(weights.argmax(1).tolist()) for weights in drawn}) > 5, "draws differ"


def test_the_search_learns_on_two_drawn_operators_of_each_layer():
    seen = []

    class Watched(ToyBilevel):
        def validation_loss(self, weights):
            seen.append(rows(weights).detach())
            return super().validation_loss(weights)

    problem = Watched(POINTS)
    found = search(problem, sampled=True)
    for _ in range(5):
        found.step(0, problem)
    for weights in seen:
        assert ((weights > 0).sum(1) == 2).all()
        assert torch.allclose(weights.sum(1), torch.ones(len(weights)))


def test_without_sampling_all_operators_have_weight():
    assert (rows(search().training_weights(0)) > 0).all()


# --- evaluation ----------------------------------------------------------------------------------


def test_it_asks_in_the_last_epochs_for_the_path_it_would_answer_with():
    found = search(epochs=6, evaluate_epochs=2)
    assert [len(found.ask(epoch)) for epoch in range(6)] == [0, 0, 0, 0, 1, 1]
    assert list(found.ask(5)) == [found.best()]


def test_the_best_evaluated_path_is_the_answer_if_asked_for():
    first, second = search(final="best"), search(final="last")
    samples = list(itertools.islice(TabulatedSpace(POINTS).enumerate(), 3))
    for one in (first, second):
        one.tell([Proposal(samples[0]), Proposal(samples[1])], [50.0, 70.0])
        one.tell([Proposal(samples[2])], [None])
    assert first.best().sample == samples[1]
    assert second.best() == second.ask(9)[0]
    first.tell([Proposal(samples[2])], [70.0])
    assert first.best().sample == samples[2], "of equal ones the later"


def test_figures_show_the_best_paths():
    figures = search(paths=3).figures()
    (paths,) = figures["best_paths"]
    assert len(paths) == 3
    scores = [path["score"] for path in paths]
    assert scores == sorted(scores, reverse=True)
    assert paths[0]["widths"] == [figures["path"][f"{stage}.width"] for stage in "abc"]
    assert figures["width_entropy"] == pytest.approx((math.log(2) * 3 + math.log(3)) / 4, abs=0.01)


def test_a_state_of_another_space_is_refused():
    other = Viterbi(TabulatedSpace(POINTS[:3] + POINTS[3:4]), seed=0, epochs=30)
    with pytest.raises(RunFolderError, match="of another space"):
        search().restore(other.state())
