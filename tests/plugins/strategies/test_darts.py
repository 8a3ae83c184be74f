"""The course of a DARTS search."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from skelbench_plugins.strategies.alphas import Alphas, even_weights, relative_cost
from skelbench_plugins.strategies.darts import Darts
from skelbench_plugins.strategies.params import DartsParams

from skelbench.errors import SpecError, WorkFailed
from skelbench.recipe import DeriveOptions
from skelbench.search import Point
from skelbench.testing.bilevel import ToyBilevel, optimise
from skelbench.testing.replay import TabulatedSpace

OPERATORS = ("conv3", "sep3", "dil3", "max3", "avg3", "skip", "se")


def node(label, inputs, operators=OPERATORS, choose=2, none=True):
    options = tuple(f"{operator}({i})" for i in range(inputs) for operator in operators)
    groups = tuple(i for i in range(inputs) for _ in operators)
    return Point(label, "cell", options, choose, groups, none)


CHOICE = Point("block", "choice", ("a", "b", "c"))
MIX = Point("branches", "mix", ("s", "t", "st"), None)
INPUTS = Point("sources", "inputs", (0, 1, 2), 2)
NODE = node("cell.2", 3, ("sep3", "skip"))
POINTS = (CHOICE, MIX, INPUTS, NODE)
CELLS = tuple(node(f"{kind}.{n}", n) for kind in ("normal", "reduce") for n in (2, 3, 4, 5))


class Untabulated:
    """A space too large for a table."""

    def __init__(self, points):
        self.points = points

    def canonical(self, sample):
        return {point.label: sample[point.label] for point in self.points}


def make(space=None, points=POINTS, seed=0, epochs=4, derive=DeriveOptions(), **params):
    space = space or TabulatedSpace(points)
    return Darts(space, seed=seed, epochs=epochs, derive=derive, **{"lr": 0.05, **params})


def given_alphas(search, vectors):
    """Put a search's alphas where a test wants them."""
    search.restore(search.state() | {"alphas": vectors})
    return search


def test_two_kinds_of_cells_have_224_alphas():
    search = make(Untabulated(CELLS))
    assert sum(map(len, search.state()["alphas"])) == 224
    assert len(search.state()["alphas"]) == 28
    weights = search.training_weights(0)
    assert [len(weights[point.label]) for point in CELLS] == [14, 21, 28, 35] * 2
    assert list(search.best().sample) == [point.label for point in CELLS]


def test_weights_are_softmaxes_without_what_goes_to_nothing():
    search = given_alphas(
        make(), [[0, 0, np.log(2)], [0, 0, 0], [0, 0, 0], [0, np.log(6), 0], *[[0, 0, 0]] * 2]
    )
    weights = {label: weight.tolist() for label, weight in search.training_weights(0).items()}
    assert weights["block"] == pytest.approx([1 / 4, 1 / 4, 1 / 2])
    assert weights["branches"] == pytest.approx([1 / 3] * 3)
    assert weights["sources"] == pytest.approx([2 / 3] * 3)
    assert weights["cell.2"] == pytest.approx([1 / 8, 6 / 8, *[1 / 3] * 4])


def test_options_of_an_input_may_stand_anywhere():
    scattered = Point("n", "cell", ("p(1)", "p(0)", "q(1)", "q(0)", "r(0)"), 2, (1, 0, 1, 0, 0), True)
    search = given_alphas(make(points=[scattered]), [[0, 1, 2, 3], [4, 5, 6]])
    first, second = (torch.tensor(row).softmax(0) for row in ([0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0]))
    expected = torch.stack([second[0], first[0], second[1], first[1], first[2]])
    torch.testing.assert_close(search.training_weights(0)["n"], expected)


ALPHA = st.floats(-30, 30, width=32)


@given(st.data(), st.booleans(), st.integers(1, 3))
def test_rows_sum_to_at_most_one_and_the_answer_has_distinct_inputs(data, none, choose):
    groups = tuple(data.draw(st.permutations([0, 0, 0, 1, 1, 2])))
    point = Point("n", "cell", tuple(f"op{i}({g})" for i, g in enumerate(groups)), choose, groups, none)
    search = make(points=[point])
    rows = [
        data.draw(st.lists(ALPHA, min_size=len(row), max_size=len(row))) for row in search.state()["alphas"]
    ]
    weights = given_alphas(search, rows).training_weights(0)["n"].numpy()
    for group in range(3):
        total = weights[np.array(groups) == group].sum()
        assert 0 <= total <= 1 + 1e-6
        assert none or total == pytest.approx(1)
    chosen = search.best().sample["n"]
    inputs = [groups[point.options.index(edge)] for edge in chosen]
    assert len(set(inputs)) == len(inputs) == choose
    strongest = sorted((weights[np.array(groups) == group].max() for group in range(3)), reverse=True)
    assert sorted((weights[point.options.index(e)] for e in chosen), reverse=True) == strongest[:choose]


def test_nothing_takes_weight_but_never_a_place_in_the_answer():
    # Of input 0 nearly everything goes to nothing, of input 1 half, of input 2 none.
    alphas = [[0] * 3, [0] * 3, [0] * 3, [9, 8, 20], [3, 0, 3], [0, 3, -9]]
    search = given_alphas(make(), alphas)
    assert search.best().sample["cell.2"] == ["sep3(1)", "skip(2)"]
    everything_lost = given_alphas(make(), [*alphas[:3], [1, 0, 20], [0, 2, 20], [3, 0, 20]])
    assert everything_lost.best().sample["cell.2"] == ["skip(1)", "sep3(2)"]


@pytest.mark.parametrize(("by", "expected"), [("threshold", ["s", "t"]), ("argmax", ["s"])])
def test_a_mix_is_derived_as_asked(by, expected):
    search = make(points=[MIX], derive=DeriveOptions(by=by, threshold=0.2))
    assert given_alphas(search, [[1, 0.5, -3]]).best().sample == {"branches": expected}


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("seed", range(3))
def test_it_finds_what_helps_in_validation(order, seed):
    problem = ToyBilevel([CHOICE, NODE], seed=seed)
    search = make(problem.space, seed=seed, order=order)
    optimise(search, problem, range(4), 25)
    assert search.best().sample == problem.best
    assert search.figures()["entropy"] < 0.8 * make(problem.space).figures()["entropy"]


def test_where_everything_harms_nothing_dominates_and_edges_are_kept_all_the_same():
    problem = ToyBilevel([NODE])
    problem.wanted["cell.2"] = -torch.tensor([1.0, 0.2, 0.5, 1.0, 1.0, 1.0])
    search = make(problem.space)
    optimise(search, problem, range(4), 40)
    assert all(row[-1] > 0.7 for row in search.figures()["alphas"]["cell.2"])
    chosen = search.best().sample["cell.2"]
    assert len(chosen) == 2
    assert set(chosen) <= set(NODE.options)


def test_the_supernet_trains_alone_in_the_warm_up():
    problem = ToyBilevel(POINTS)
    search = make(problem.space, warmup_epochs=2)
    before, w = search.state(), problem.shared[0].detach().clone()
    optimise(search, problem, range(2), 3)
    assert search.state() == before
    assert not torch.equal(problem.shared[0], w)
    optimise(search, problem, range(2, 3), 1)
    assert search.state() != before


def test_a_warm_up_that_leaves_no_epoch_is_refused():
    with pytest.raises(SpecError, match=r"warm-up of 4 epochs leaves none of 4.*Lower warmup_epochs"):
        make(epochs=4, warmup_epochs=4)


def test_a_space_without_decisions_is_refused():
    with pytest.raises(SpecError, match="nothing to search"):
        make(TabulatedSpace([]))


@pytest.mark.parametrize("wrong", [{"order": 3}, {"lr": 0}, {"betas": (0.5, 1.0)}, {"most_skips": 1.5}])
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        DartsParams(**wrong)


def test_the_first_alphas_are_those_of_the_seed_and_of_their_size():
    first = np.concatenate(make(Untabulated(CELLS), seed=1).state()["alphas"])
    assert np.array_equal(first, np.concatenate(make(Untabulated(CELLS), seed=1).state()["alphas"]))
    assert not np.array_equal(first, np.concatenate(make(Untabulated(CELLS), seed=2).state()["alphas"]))
    assert first.std() == pytest.approx(1e-3, rel=0.2)
    assert not np.any(make(Untabulated(CELLS), start=0.0).state()["alphas"][0])


def test_one_step_is_one_of_adam():
    problem = ToyBilevel([CHOICE])
    search = make(problem.space, order=1, weight_decay=0.1)
    before = np.array(search.state()["alphas"][0])
    alpha = torch.tensor(before, dtype=torch.float32, requires_grad=True)
    (slope,) = torch.autograd.grad(problem.validation_loss({"block": alpha.softmax(0)}), [alpha])
    search.step(0, problem)
    # In the first step Adam's moments have the very size of the gradient.
    moved = np.array(search.state()["alphas"][0]) - before
    np.testing.assert_allclose(moved, -0.05 * np.sign(slope.numpy() + 0.1 * before), rtol=1e-4)


def test_a_gradient_that_is_not_finite_is_told():
    problem = ToyBilevel([CHOICE])
    problem.wanted["block"][1] = float("nan")
    search = make(problem.space)
    before = search.state()
    with pytest.raises(WorkFailed, match="not finite in epoch 3"):
        search.step(2, problem)
    assert search.state() == before


def cost(points, vectors, costs):
    """The relative cost in double precision, of alphas in the order of the vectors."""
    alphas = Alphas(points, 0.0, 0)
    for tensor, vector in zip(alphas.tensors, vectors, strict=True):
        tensor.data = vector.detach()
    return relative_cost(points, alphas.weights(), costs), alphas.tensors


@settings(max_examples=25)
@given(st.integers(0, 1000))
def test_the_gradient_of_the_cost_is_that_of_its_differences(seed):
    rng = np.random.default_rng(seed)
    costs = {point.label: rng.uniform(0, 1e9, len(point.options)) for point in POINTS}
    vectors = [torch.tensor(rng.normal(size=3)) for _ in range(6)]
    value, tensors = cost(POINTS, vectors, costs)
    slopes = torch.autograd.grad(value, tensors)
    for i in range(len(vectors)):
        for place in range(3):
            shifted = [[v.clone() for v in vectors] for _ in range(2)]
            shifted[0][i][place] += 1e-5
            shifted[1][i][place] -= 1e-5
            above, below = (cost(POINTS, one, costs)[0].item() for one in shifted)
            assert slopes[i][place].item() == pytest.approx((above - below) / 2e-5, rel=1e-5, abs=1e-9)
    assert max(float(slope.abs().max()) for slope in slopes) > 1e-3


def test_the_cost_is_one_under_even_weights_and_zero_where_nothing_costs():
    problem = ToyBilevel(POINTS)
    even, _ = cost(POINTS, [torch.zeros(3)] * 6, problem.costs)
    assert even.item() == pytest.approx(1)
    free, _ = cost(POINTS, [torch.zeros(3)] * 6, {label: 0 * c for label, c in problem.costs.items()})
    assert free.item() == 0


def test_even_weights_leave_nothing_its_share():
    assert even_weights(CHOICE) == pytest.approx([1 / 3] * 3)
    assert even_weights(INPUTS) == pytest.approx([2 / 3] * 3)
    assert even_weights(NODE) == pytest.approx([1 / 3] * 6)


@pytest.mark.parametrize("order", [1, 2])
def test_a_cost_moves_the_answer_to_a_cheap_option(order):
    found = {}
    for weight in (0.0, 20.0):
        problem = ToyBilevel([CHOICE], seed=1)
        search = make(problem.space, order=order, cost_weight=weight)
        optimise(search, problem, range(4), 25)
        found[weight] = search.best().sample["block"]
    assert found[0.0] == problem.best["block"]
    costs = dict(zip(CHOICE.options, problem.costs["block"], strict=True))
    assert costs[found[20.0]] < costs[found[0.0]]


def test_figures_say_how_decided_the_alphas_are():
    rows = [[0, 0, 0], [99, 0, 0], [0, 0, 0], [0, 0, 0], [99, 0, 0], [0, 0, 99]]
    figures = given_alphas(make(), rows).figures()
    third = np.log(3)
    assert figures["entropies"] == pytest.approx(
        {"block": third, "branches": 0, "sources": third, "cell.2": third / 3}, abs=1e-5
    )
    assert figures["entropy"] == pytest.approx(3 * third / 6, abs=1e-5)
    assert figures["alphas"]["branches"] == [1, 0, 0]
    assert figures["alphas"]["cell.2"] == [[0.3333] * 3, [1, 0, 0], [0, 0, 1]]
    assert figures["genotype"]["cell.2"] == ["sep3(0)", "sep3(1)"]
    assert json.loads(json.dumps(figures)) == figures


def skipping(nodes):
    """A search of nodes with two inputs that keeps so many skip connections in each."""
    points = [node(label, 2, ("sep3", "skip"), none=False) for label in nodes]
    rows = [[0, 1] if place < skips else [1, 0] for skips in nodes.values() for place in range(2)]
    return given_alphas(make(Untabulated(points)), rows)


def test_a_collapse_to_skip_connections_is_told_of_each_cell():
    figures = skipping({"normal.2": 2, "normal.3": 1, "reduce.2": 1, "reduce.3": 1}).figures()
    assert figures["skips"] == {"normal": 0.75, "reduce": 0.5}
    assert figures["warning"] == "the search has collapsed to skip connections in normal (75% of its edges)"
    both = skipping({"normal.2": 2, "reduce.2": 2, "plain": 0}).figures()
    assert "in normal (100% of its edges) and reduce (100% of its edges)" in both["warning"]
    assert both["skips"]["plain"] == 0


def test_without_a_collapse_there_is_no_warning():
    assert "warning" not in skipping({"normal.2": 1}).figures()
    assert make(points=[CHOICE]).figures()["skips"] == {}


def test_a_restored_search_goes_on_bit_by_bit():
    problem, again = ToyBilevel(POINTS), ToyBilevel(POINTS)
    whole = make(problem.space)
    optimise(whole, problem, range(2), 5)
    other = make(again.space, seed=7)
    other.restore(json.loads(json.dumps(whole.state())))
    again.shared = [w.detach().clone().requires_grad_() for w in problem.shared]
    other.to(torch.device("cpu"))
    for search, its in ((whole, problem), (other, again)):
        optimise(search, its, range(2, 4), 5)
    assert whole.state() == other.state()
    assert whole.state()["steps"] == 20


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_it_learns_on_the_device_of_the_supernet():
    problem = ToyBilevel(POINTS)
    search = make(problem.space)
    search.step(0, problem)
    search.to(torch.device("cuda"))
    problem.shared = [w.detach().cuda().requires_grad_() for w in problem.shared]
    problem.wanted = {label: wanted.cuda() for label, wanted in problem.wanted.items()}
    optimise(search, problem, range(4), 25)
    assert all(weight.is_cuda for weight in search.training_weights(0).values())
    assert search.best().sample["cell.2"] == problem.best["cell.2"]
    kept = json.loads(json.dumps(search.state()))
    search.restore(kept)
    assert search.state() == kept
