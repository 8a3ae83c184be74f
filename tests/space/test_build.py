"""A space in NNI's form: the light one for trials, the real one for supernets, and its decisions."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from skelbench.errors import SpecError
from skelbench.search import Point, Sample, as_weights
from skelbench.space.build import Mix, SupernetSpace, TrialSpace, supernet_hook
from skelbench.space.decisions import Decision, InputDecision, ModuleDecision, weighted_sum
from skelbench.space.network import build_network
from skelbench.space.nodes import (
    CellsNode,
    ChoiceNode,
    DepthNode,
    InputsNode,
    MixNode,
    Node,
    OpNode,
    SumNode,
    ValueNode,
)
from skelbench.space.size import SearchSpace
from skelbench.space.trials import Asked

from .toys import CONTEXT, TIMES, Times, nodes, ones, times, widen

OPTIONS = (("v1.two", times(2)), ("three", times(3)), ("five", times(5)))
positive = st.floats(0.05, 1.0)


def supernet(*body: Node) -> SupernetSpace:
    """The space with a `Decision` in every open place, as a one-shot strategy makes it."""
    space = SupernetSpace(nodes(*body), CONTEXT)
    _replace(space)
    return space


def _replace(module: nn.Module) -> None:
    for name, child in list(module.named_children()):
        made = supernet_hook(child, name, {}, {})
        if isinstance(made, nn.Module):
            setattr(module, name, made)
        _replace(made if isinstance(made, nn.Module) else child)


def decisions(space: nn.Module) -> list[Decision]:
    return [module for module in space.modules() if isinstance(module, Decision)]


def weigh(space: nn.Module, weights: dict[str, Any]) -> None:
    for decision in decisions(space):
        decision.weights, decision.active = list(weights[decision.label]), None


def score(space: nn.Module) -> float:
    return float(space(ones())[0, 0].detach())


def calls(space: nn.Module) -> list[int]:
    """Calls of every multiplication since they were counted last."""
    counted = [module for module in space.modules() if isinstance(module, Times)]
    found = [module.calls for module in counted]
    for module in counted:
        module.calls = 0
    return found


# --- spaces ------------------------------------------------------------------------------------


def test_a_trial_space_has_every_point_by_its_label_and_freezes_to_the_sample():
    points = (
        Point("a", "mix", ("x", "y"), None),
        Point("b", "depth", (1, 2)),
        Point("c", "inputs", (0, 1), 2),
        Point("d", "cell", ("x(0)", "y(0)", "x(1)"), 2, (0, 0, 1), True),
    )
    space = TrialSpace(points)
    assert list(space.simplify()) == ["a", "b", "c", "d"]
    asked = Asked({"a": ["x"]}, epochs=3)
    frozen = space.freeze(asked)
    assert frozen.asked == asked
    assert not list(frozen.parameters())


def test_what_nni_sees_of_a_supernet_space_are_its_decisions():
    inputs = InputsNode("in", (0, 1), 2)
    space = SupernetSpace(nodes(ChoiceNode("pick", OPTIONS), MixNode("mix", OPTIONS), inputs), CONTEXT)
    assert set(space.simplify()) == {"pick", "mix", "in"}
    assert any(isinstance(module, Mix) for module in space.body.children())


@pytest.mark.parametrize(
    "node",
    [
        DepthNode("deep", (1, 2), (times(1), times(2))),
        OpNode(TIMES, {"by": ValueNode("by", (1, 2))}),
        CellsNode(ValueNode("cells", (3, 4)), 8, None, (), (), ()),
    ],
)
def test_what_no_supernet_can_hold_is_refused_with_a_remedy(node: Node):
    with pytest.raises(SpecError, match=r"has no supernet\. Use weights: own"):
        SupernetSpace(nodes(node), CONTEXT)


def test_every_open_place_gets_a_decision_those_inside_others_too():
    inner = MixNode("inner", OPTIONS)
    space = supernet(ChoiceNode("outer", (("plain", times(1)), ("open", SumNode((inner, times(2)))))))
    assert [d.label for d in decisions(space)] == ["outer", "inner"]


def test_candidates_stand_in_the_order_of_the_points():
    for form in (ChoiceNode, MixNode):
        space = supernet(form("a", OPTIONS))
        points = SearchSpace(nodes(form("a", OPTIONS))).points
        assert points[0].options == ("v1.two", "three", "five")
        for index, by in enumerate((2, 3, 5)):
            decisions(space)[0].active = (index,)
            assert score(space) == by


def test_names_that_differ_in_punctuation_only_stay_apart():
    space = supernet(ChoiceNode("a", (("v.2", times(2)), ("v:2", times(3)))))
    candidates = decisions(space)[0].candidates
    assert [c.by.item() for c in candidates if isinstance(c, Times)] == [2, 3]


# --- one decision ------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.just(0.0) | positive, st.floats(-3, 3)), min_size=1, max_size=6))
def test_combining_is_the_plain_weighted_sum(pairs: list[tuple[float, float]]):
    weights, values = zip(*pairs, strict=True)
    if not any(weights):
        return
    decision = ModuleDecision("a", [Times(CONTEXT, value) for value in values])
    decision.weights = list(weights)
    expected = float(np.dot(weights, values))
    assert decision(torch.ones(2)).tolist() == pytest.approx([expected] * 2, abs=1e-5)
    assert calls(decision) == [int(weight > 0) for weight in weights], "weight zero is not computed"


def test_terms_of_different_rank_are_added_as_tensors_of_a_batch():
    terms = [torch.full((2, 3, 4, 4), 2.0), torch.full((3, 4, 4), 1.0), torch.full((2, 3, 4, 4), 3.0)]
    total = weighted_sum([0.5, 2.0, 1.0], terms.__getitem__)
    assert torch.equal(total, torch.full((2, 3, 4, 4), 6.0))
    assert torch.equal(terms[1], torch.full((3, 4, 4), 1.0)), "what is added is left as it is"


def test_active_candidates_alone_are_computed_unweighted_and_get_gradients():
    decision = ModuleDecision("a", [Times(CONTEXT, by) for by in (2, 3, 5)])
    decision.weights, decision.active = [0.1, 0.2, 0.7], (1,)
    out = decision(torch.ones(2))
    out.sum().backward()
    assert out.tolist() == [3, 3]
    assert calls(decision) == [0, 1, 0]
    assert [candidate.by.grad is None for candidate in decision.candidates] == [True, False, True]


def test_draws_follow_the_weights():
    decision = ModuleDecision("a", [nn.Identity() for _ in range(4)])
    decision.weights = [0.5, 0.3, 0.2, 0.0]
    generator = torch.Generator().manual_seed(1)
    counts: Counter[Any] = Counter()
    for _ in range(4000):
        decision.draw(generator)
        counts[decision.active] += 1
    assert set(counts) == {(0,), (1,), (2,)}
    for index, weight in enumerate(decision.weights[:3]):
        # Four standard deviations of a share of 4,000 draws are below 0.032.
        assert counts[(index,)] / 4000 == pytest.approx(weight, abs=0.032)


@given(st.lists(st.just(0.0) | positive, min_size=3, max_size=6), st.integers(1, 3), st.integers(0, 99))
def test_as_many_different_inputs_are_drawn_as_are_chosen(weights: list[float], choose: int, seed: int):
    if not any(weights):
        return
    decision = InputDecision("a", len(weights), choose, "sum")
    decision.weights = weights
    decision.draw(torch.Generator().manual_seed(seed))
    assert decision.active is not None
    assert len(set(decision.active)) == choose
    assert list(decision.active) == sorted(decision.active)
    likely = sum(weight > 0 for weight in weights)
    assert sum(weights[i] > 0 for i in decision.active) == min(choose, likely), "weight zero comes last"


def test_one_seed_draws_the_same():
    def drawn(seed: int) -> list[Any]:
        decision = InputDecision("a", 6, 2, "sum")
        generator = torch.Generator().manual_seed(seed)
        out = []
        for _ in range(8):
            decision.draw(generator)
            out.append(decision.active)
        return out

    assert drawn(3) == drawn(3)
    assert drawn(3) != drawn(4)


@pytest.mark.parametrize("combine", ["sum", "mean"])
def test_inputs_in_a_supernet_have_the_scale_of_a_derived_network(combine: str):
    body = (times(2), times(3), InputsNode("a", (0, 1, 2), 2, combine))  # type: ignore[arg-type]
    space, points = supernet(*body), SearchSpace(nodes(*body)).points
    for chosen in ([0, 1], [0, 2], [1, 2]):
        sample: Sample = {"a": chosen}
        derived = score(build_network(nodes(*body), sample, CONTEXT))
        decisions(space)[0].active = tuple(chosen)
        assert score(space) == pytest.approx(derived)
        weigh(space, as_weights(points, sample))
        assert score(space) == pytest.approx(derived)


def test_a_supernet_weighted_for_an_architecture_computes_that_architecture():
    """For choices and inputs to the last bit of the sum; nested and shared labels included."""
    inner = ChoiceNode("inner", OPTIONS)
    body = (
        ChoiceNode("outer", (("plain", times(7)), ("open", inner))),
        ChoiceNode("inner", OPTIONS),
        InputsNode("in", (0, 1, 2), 2),
    )
    space, search_space = supernet(*body), SearchSpace(nodes(*body))
    rng = np.random.default_rng(0)
    for _ in range(20):
        sample = search_space.sample(rng)
        weigh(space, as_weights(search_space.points, sample))
        assert score(space) == pytest.approx(score(build_network(nodes(*body), sample, CONTEXT)))


def test_a_mix_weighted_for_an_architecture_is_its_sum_over_the_number_of_terms():
    """Weights sum to 1 (Peng et al. 2020, eq. 8) while a derived network adds what is left."""
    space, points = supernet(MixNode("a", OPTIONS)), SearchSpace(nodes(MixNode("a", OPTIONS))).points
    weigh(space, as_weights(points, {"a": ["v1.two", "five"]}))
    assert score(space) == pytest.approx((2 + 5) / 2)


@pytest.mark.parametrize("form", [ChoiceNode, MixNode])
def test_options_of_different_shapes_are_refused_before_anything_is_trained(form: type[ChoiceNode | MixNode]):
    with pytest.raises(SpecError, match=r"'a': .* same shape; here: narrow 4 x 2 x 2, wide 8 x 2 x 2\. Make"):
        SupernetSpace(nodes(form("a", (("narrow", widen(4)), ("wide", widen(8))))), CONTEXT)
