"""The course of a CEIM search."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from skelbench_plugins.strategies.ceim import Ceim
from skelbench_plugins.strategies.params import CeimParams

from skelbench.errors import SpecError
from skelbench.recipe import DeriveOptions
from skelbench.search import Point, decode
from skelbench.testing.replay import TabulatedSpace, replay

SPACE = TabulatedSpace.of_choices(3, 4)
TEN_MIXES = tuple(Point(f"mix{i}", "mix", tuple(map(str, range(8))), choose=None) for i in range(10))


def make(weights="own", space=SPACE, epochs=30, seed=0, **params):
    return Ceim(space, seed=seed, weights=weights, epochs=epochs, **{"population": 6, **params})


def generation(search, number, evaluate=SPACE.evaluate):
    proposals = search.ask(number)
    search.tell(proposals, [evaluate(p) if p.fitness is None else p.fitness for p in proposals])
    return proposals


def test_the_supernet_trains_evenly_in_the_warm_up_and_nothing_is_evaluated():
    search = make("shared", warmup_epochs=5)
    for epoch in range(5):
        assert all(np.allclose(w, 0.25) for w in search.training_weights(epoch).values())
        assert search.ask(epoch) == []
    assert len(search.ask(5)) == 6


def test_after_a_generation_the_supernet_trains_under_the_weighted_mean_of_the_ranked_samples():
    search = make("shared", warmup_epochs=0)
    asked = search.ask(0)
    alphas = np.array(search.state()["asked"]["samples"])
    fitness = [3.0, 1.0, 6.0, 2.0, 5.0, 4.0]
    search.tell(asked, fitness)
    ranks = np.argsort(np.argsort(-np.array(fitness), kind="stable"), kind="stable")
    share = 1 / (1 + ranks)
    mean = (share / share.sum()) @ alphas
    for i, weights in enumerate(search.training_weights(1).values()):
        part = mean[4 * i : 4 * i + 4].clip(0)
        np.testing.assert_allclose(weights, part / part.sum())


def test_every_counts_back_from_the_last_epoch():
    search = make("shared", warmup_epochs=3, epochs=10, every=3)
    assert [epoch for epoch in range(12) if search.ask(epoch)] == [3, 6, 9]


def test_own_weights_end_after_the_generations_asked_for():
    done = replay(make(generations=3), SPACE.evaluate, 100)
    assert [len(step.proposals) for step in done.steps] == [6, 6, 6]


def test_a_warm_up_that_leaves_no_epoch_is_refused():
    with pytest.raises(SpecError, match=r"warm-up of 20 epochs leaves none of 20.*Lower warmup_epochs"):
        make("shared", epochs=20)
    make("own", epochs=20)


def test_a_space_without_decisions_is_refused():
    with pytest.raises(SpecError, match="nothing to search"):
        make(space=TabulatedSpace([]))


def test_more_new_samples_than_the_population_are_refused():
    with pytest.raises(ValidationError, match=r"min_new \(7\) exceeds the population \(6\)"):
        CeimParams(population=6, min_new=7)
    with pytest.raises(ValidationError, match="noise_floor"):
        CeimParams(noise=1e-6)


def test_kept_samples_are_evaluated_again_only_where_fitness_moves():
    for weights, known in (("own", True), ("shared", False)):
        search = make(weights, population=20, warmup_epochs=0)
        generation(search, 0)
        kept = [p for p in search.ask(1) if p.kept]
        assert kept
        assert all((p.fitness is not None) == known for p in kept)
        if known:
            assert all(SPACE.evaluate(p) == p.fitness for p in kept)
    search = make("own", population=20, re_evaluate=True)
    generation(search, 0)
    assert all(p.fitness is None for p in search.ask(1))


def test_samples_are_mixed_with_the_very_last_population():
    search = make("shared", population=20, warmup_epochs=0)
    last = generation(search, 0)
    for number in range(1, 8):
        proposals = generation(search, number)
        known = [tuple(np.concatenate(list(p.weights.values()))) for p in last]
        for proposal in proposals:
            is_old = tuple(np.concatenate(list(proposal.weights.values()))) in known
            assert is_old == proposal.kept
        last = proposals


def test_without_importance_mixing_nothing_is_kept():
    search = make(population=20, importance_mixing=False)
    assert not any(p.kept for number in range(4) for p in generation(search, number))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 12), st.data())
def test_the_population_is_always_of_its_size(seed, population, data):
    min_new = data.draw(st.integers(0, population))
    search = make(seed=seed, population=population, min_new=min_new)
    for number in range(4):
        proposals = generation(
            search, number, lambda p: None if data.draw(st.booleans()) else SPACE.evaluate(p)
        )
        assert len(proposals) == population
        assert sum(not p.kept for p in proposals) >= min_new
    sigma = np.concatenate(list(search.figures()["sigma"].values()))
    assert np.all(sigma >= 1e-3)


def test_failed_trials_are_left_out_of_the_update():
    half = make(population=8)
    asked = half.ask(0)
    half.tell(asked, [1.0, None, 0.5, float("nan"), None, None, None, float("-inf")])
    state = half.state()
    assert state["old"]["fitness"] == [1.0, 0.5]
    samples = np.array(state["old"]["samples"])
    np.testing.assert_allclose(state["now"]["mean"], samples[0] * 2 / 3 + samples[1] / 3)
    assert half.figures()["failed"] == 6


def test_a_generation_that_fails_as_a_whole_changes_no_distribution():
    search = make()
    generation(search, 0)
    before, answer = search.state(), search.best()
    asked = search.ask(1)
    search.tell(asked, [None] * len(asked))
    assert search.state()["now"] == before["now"]
    assert search.best() == answer
    assert search.figures()["best"] is None
    assert not any(p.kept for p in search.ask(2))


def test_tell_takes_what_was_asked():
    search = make()
    with pytest.raises(ValueError, match="last ask"):
        search.tell([], [])
    asked = search.ask(0)
    with pytest.raises(ValueError, match="last ask"):
        search.tell(asked[:2], [1.0, 2.0])


def test_the_answer_is_the_best_of_the_last_population_where_fitness_moves():
    search = make("shared", warmup_epochs=0)
    generation(search, 0, lambda p: 100.0)
    generation(search, 1, lambda p: 1.0)
    assert search.best().fitness == 1.0


def test_the_answer_is_the_best_of_all_where_fitness_stays():
    search = make("own", population=4)
    seen = [SPACE.evaluate(p) for number in range(6) for p in generation(search, number)]
    assert search.best().fitness == max(seen) == SPACE.evaluate(search.best())


def test_the_mean_is_the_answer_where_it_is_wanted_and_before_the_first_generation():
    search = make("shared", final="mean", warmup_epochs=0)
    assert np.allclose(search.best().weights["point0"], 0.25)
    generation(search, 0)
    for label, weight in search.training_weights(1).items():
        np.testing.assert_array_equal(search.best().weights[label], weight)
    assert search.best().fitness is None


def test_weights_are_normalised_as_asked_for():
    by_sum = make("shared", warmup_epochs=0, variance=1.0).ask(0)[0].weights["point0"]
    softmax = make("shared", warmup_epochs=0, variance=1.0, normalise="softmax").ask(0)[0].weights["point0"]
    alpha = np.array(_alphas(variance=1.0)[0][:4])
    np.testing.assert_allclose(by_sum, alpha.clip(0) / alpha.clip(0).sum())
    np.testing.assert_allclose(softmax, np.exp(alpha) / np.exp(alpha).sum())


def _alphas(**params):
    search = make("shared", warmup_epochs=0, **params)
    search.ask(0)
    return search.state()["asked"]["samples"]


def test_weights_are_even_where_no_component_is_positive():
    search = make("shared", warmup_epochs=0, mean=0.0)
    assert np.allclose(search.training_weights(0)["point0"], 0.25)


def test_the_noise_falls_towards_its_floor():
    settings = {"noise": 1.0, "noise_floor": 0.1, "noise_decay": 0.5, "mean": 1.0, "variance": 1e-12}
    search = make(population=2, importance_mixing=False, **settings)
    asked = search.ask(0)
    search.tell(asked, [1.0, 0.0])
    np.testing.assert_allclose(search.state()["now"]["variance"], 1.0, rtol=1e-6)
    state = search.state()
    state["now"]["variance"] = [1e-12] * 12
    search.restore(state)
    search.tell(search.ask(1), [1.0, 0.0])
    np.testing.assert_allclose(search.state()["now"]["variance"], 0.55, rtol=1e-6)


def test_own_weights_propose_what_derivation_makes_of_alpha():
    space = TabulatedSpace([Point("graph", "mix", ("a", "b", "c"), choose=None)])
    for derive in (DeriveOptions(by="argmax"), DeriveOptions(threshold=0.3)):
        params = {"population": 6, "variance": 0.01}
        own = Ceim(space, seed=1, weights="own", epochs=0, derive=derive, **params).ask(0)
        shared = Ceim(space, seed=1, weights="shared", epochs=1, warmup_epochs=0, **params).ask(0)
        assert [p.sample for p in own] == [decode(space.points, p.weights, derive) for p in shared]
    assert any(len(p.sample["graph"]) > 1 for p in own)


class HalfDead(TabulatedSpace):
    """A space in which the second decision counts only where the first is option0."""

    def canonical(self, sample):
        return {k: v for k, v in sample.items() if k == "point0" or sample["point0"] == "option0"}


def test_own_weights_propose_canonical_samples():
    space = HalfDead.of_choices(2, 2)
    samples = [p.sample for p in make(space=space, population=30).ask(0)]
    assert {tuple(s) for s in samples} == {("point0",), ("point0", "point1")}
    assert all(("point1" in s) == (s["point0"] == "option0") for s in samples)


def test_figures_tell_the_generation():
    search = make("own", population=20)
    generation(search, 0)
    proposals = generation(search, 1)
    figures = search.figures()
    kept = sum(p.kept for p in proposals)
    assert figures["generation"] == 2
    assert (figures["kept"], figures["new"], figures["evaluated"]) == (kept, 20 - kept, 20 - kept)
    fitness = [SPACE.evaluate(p) for p in proposals]
    assert figures["best"] == max(fitness)
    assert figures["mean_fitness"] == pytest.approx(np.mean(fitness))
    assert set(figures["mean"]) == set(figures["sigma"]) == {"point0", "point1", "point2"}
    assert make().figures()["entropy"] == pytest.approx(np.log(4), abs=1e-6)
    assert figures["entropy"] < np.log(4)


def test_equal_candidates_have_equal_weights_so_that_constant_fitness_decides_nothing():
    """Else kept samples, which stand first, take a quarter of the weight, and entropy falls to 1.95."""
    space = SimpleNamespace(points=TEN_MIXES)
    entropies = []
    for seed in range(2):
        search = make("shared", space=space, seed=seed, population=16, warmup_epochs=0, epochs=16)
        for number in range(16):
            generation(search, number, lambda _: 30.0)
        entropies.append(search.figures()["entropy"])
    assert np.mean(entropies) == pytest.approx(np.log(8), abs=1e-6)


def mean_truth(variance: float, seeds: int = 8, noise: float = 1.0) -> float:
    """Additive truth over 10 mixes of 8, found by 16 generations of 16, in sd of random subsets."""
    found = []
    for seed in range(seeds):
        rng = np.random.default_rng([5, seed])
        worth = {p.label: rng.standard_normal(8) for p in TEN_MIXES}

        def truth(sample, worth=worth):
            return sum(worth[label][int(o)] for label, chosen in sample.items() for o in chosen) / np.sqrt(20)

        space = SimpleNamespace(points=TEN_MIXES, canonical=lambda sample: sample)
        search = make(
            "own", space=space, seed=seed, population=16, generations=16, variance=variance, final="mean"
        )
        for number in range(16):
            generation(search, number, lambda p, t=truth, r=rng: t(p.sample) + noise * r.standard_normal())
        centre = sum(w.sum() / 2 for w in worth.values()) / np.sqrt(20)
        found.append(truth(search.best().sample) - centre)
    return float(np.mean(found))


def test_a_small_budget_needs_a_wide_start():
    narrow, wide = mean_truth(0.001), mean_truth(0.03)
    assert wide > narrow + 0.5
    assert wide > 2.2, "what the best of 256 random ones is worth with noise of one sd"
