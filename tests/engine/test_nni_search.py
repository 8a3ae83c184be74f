"""Evolution and TPE over tabulated fitness: what they find, and that the engine can carry them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from skelbench_plugins.strategies.params import EvolutionParams, TpeParams

from skelbench.engine import nas
from skelbench.engine import trial as trial_step
from skelbench.engine.candidates import Comparison
from skelbench.engine.journal import STATE, Journal
from skelbench.engine.nas import nni_search
from skelbench.errors import RunFolderError, SpecError
from skelbench.host.registry import load_registry
from skelbench.results.store import RunFolder
from skelbench.search import Point, Proposal, Sample
from skelbench.space.nodes import ChoiceNode, DepthNode, MixNode, SequenceNode
from skelbench.space.size import SearchSpace
from skelbench.space.trials import Asked
from skelbench.testing.params import checked_params
from skelbench.testing.replay import Replay, TabulatedSpace, replay

from ..space.toys import nodes, times
from . import tiny
from .test_supernet import lines_without_times

BOTH = pytest.mark.parametrize("name", ["evolution", "tpe"])
SMALL = {"evolution": {"population": 5, "tournament": 3}, "tpe": {"startup": 5}}
SEEDS = range(6)


def make(name: str, space: Any, seed: int = 0, **params: Any) -> Any:
    strategy = load_registry().get("strategy", name)
    return strategy.load()(space, seed=seed, weights="own", epochs=1, **checked_params(strategy, params))


def run(name: str, space: TabulatedSpace, seed: int = 0, **params: Any) -> Replay:
    return replay(make(name, space, seed, **params), space.evaluate, 10_000)


def proposed(done: Replay) -> list[Sample]:
    return [proposal.sample or {} for step in done.steps for proposal in step.proposals]


def nested() -> SearchSpace:
    """A choice of nothing, of a mix and a depth, or of a depth alone: 1 + 7 * 3 + 3 architectures."""
    mix = MixNode("mix", (("a", times(1.0)), ("b", times(2.0)), ("c", times(3.0))))
    deep = DepthNode("deep", (1, 2, 3), (times(1.0),) * 3)
    both = SequenceNode((mix, deep))
    return SearchSpace(nodes(ChoiceNode("kind", (("none", times(1.0)), ("both", both), ("deep", deep)))))


# --- what they find ----------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("seed", SEEDS)
def test_the_best_of_a_small_space_is_found_with_half_of_its_evaluations(name: str, seed: int):
    space = TabulatedSpace.of_choices(3, 5, seed=seed)
    done = run(name, space, seed, evaluations=60)
    assert done.best.fitness == space.table.max()
    assert done.evaluations == 60 < space.size() / 2


@BOTH
def test_the_answers_are_far_better_than_those_of_random_search(name: str):
    def beaten(name: str) -> float:
        """The logarithm of the share of all architectures that are better than the answer."""
        shares = []
        for seed in SEEDS:
            space = TabulatedSpace.of_choices(6, 6, seed=seed)
            best = run(name, space, seed, evaluations=120).best.fitness
            shares.append(np.mean(space.table >= best))
        return float(np.mean(np.log10(shares)))

    assert beaten(name) < beaten("random") - 0.5


# --- budget, seed and state --------------------------------------------------------------------


@BOTH
def test_as_many_different_architectures_are_evaluated_as_asked_for(name: str):
    done = run(name, TabulatedSpace.of_choices(4, 4), **SMALL[name], evaluations=33)
    samples = {json.dumps(sample) for sample in proposed(done)}
    assert len(samples) == len(proposed(done)) == done.evaluations == 33


@BOTH
def test_a_space_smaller_than_the_budget_ends_the_search(name: str):
    space = TabulatedSpace.of_choices(2, 3)
    search = make(name, space, **SMALL[name], evaluations=30)
    done = replay(search, space.evaluate, 10_000)
    assert done.evaluations == space.size() == 9
    assert done.best.fitness == space.table.max()
    assert search.ask(99) == []
    assert search.figures()["evaluated"] == 9


@BOTH
def test_another_seed_is_another_search(name: str):
    space = TabulatedSpace.of_choices(4, 4)
    first, again, other = (run(name, space, seed, **SMALL[name], evaluations=20) for seed in (1, 1, 2))
    assert proposed(first) == proposed(again)
    assert proposed(first) != proposed(other)


@BOTH
@pytest.mark.parametrize("done", [0, 1, 7, 20])
def test_a_search_restored_from_json_proposes_the_same_to_its_end(name: str, done: int):
    """With failures, and with samples that differ in inactive decisions only."""
    space, params = nested(), {**SMALL[name], "evaluations": 24}

    def evaluate(proposal: Proposal) -> float | None:
        text = json.dumps(proposal.sample)
        return None if text.count("a") % 3 == 0 else float(len(text))

    whole = make(name, space, **params)
    replay(whole, evaluate, done)
    state = json.dumps(whole.state(), allow_nan=False)
    other = make(name, space, seed=5, **params)
    other.restore(json.loads(state))
    assert json.dumps(other.state()) == state
    rest, same = replay(whole, evaluate, 10_000), replay(other, evaluate, 10_000)
    assert proposed(rest)
    assert rest == same
    assert whole.state() == other.state()
    assert whole.figures() == other.figures()


@BOTH
def test_a_state_of_another_search_is_refused(name: str):
    space = TabulatedSpace.of_choices(4, 4)
    search = make(name, space, **SMALL[name], evaluations=20)
    replay(search, space.evaluate, 8)
    state = search.state()
    drawn = next(event[1] for event in state["events"][6:] if event[0] == "draw")
    drawn[0] = (drawn[0] + 1) % 4
    with pytest.raises(RunFolderError, match="--no-resume"):
        make(name, space, **SMALL[name], evaluations=20).restore(state)


@BOTH
def test_tell_takes_what_was_asked(name: str):
    space = TabulatedSpace.of_choices(2, 2)
    search = make(name, space, **SMALL[name], evaluations=10)
    with pytest.raises(ValueError, match="that were asked for"):
        search.tell([Proposal(next(iter(space.enumerate())))], [1.0])
    asked = search.ask(0)
    search.tell(asked, [1.0])
    with pytest.raises(ValueError, match="that were asked for"):
        search.tell(asked, [1.0])


@BOTH
def test_what_it_asks_for_ahead_is_never_the_same_twice(name: str):
    space = TabulatedSpace.of_choices(3, 3)
    search = make(name, space, **SMALL[name], evaluations=27)
    asked = [proposal for generation in range(40) for proposal in search.ask(generation)]
    assert 0 < len(asked) <= 27
    assert len({json.dumps(one.sample) for one in asked}) == len(asked)
    search.tell(asked[::-1], [space.evaluate(one) for one in asked[::-1]])
    assert search.figures()["evaluated"] == len(asked)
    assert search.best().fitness == max(space.evaluate(one) for one in asked)


# --- failures ----------------------------------------------------------------------------------


@BOTH
def test_failed_trials_cost_an_evaluation_and_are_not_proposed_again(name: str):
    space = TabulatedSpace.of_choices(3, 3)

    def evaluate(proposal: Proposal) -> float | None:
        if (proposal.sample or {})["point0"] == "option1":
            return None
        return float("nan") if (proposal.sample or {})["point1"] == "option1" else space.evaluate(proposal)

    search = make(name, space, **SMALL[name], evaluations=20)
    done = replay(search, evaluate, 10_000)
    samples = [json.dumps(sample) for sample in proposed(done)]
    assert len(set(samples)) == len(samples) == 20
    failed = sum("option1" in json.dumps([s["point0"], s["point1"]]) for s in proposed(done))
    assert search.figures()["failed"] == failed > 0
    found = [space.fitness(s) for s in proposed(done) if "option1" not in (s["point0"], s["point1"])]
    assert done.best.fitness == search.figures()["best"] == max(found)


def test_only_successful_trials_enter_the_population():
    space = TabulatedSpace.of_choices(4, 4)
    search = make("evolution", space, population=5, tournament=3, evaluations=40)
    told: list[float] = []
    for number in range(30):
        (proposal,) = search.ask(number)
        fitness = None if number % 3 == 0 else space.evaluate(proposal)
        search.tell([proposal], [fitness])
        told += [] if fitness is None else [fitness]
        expected = pytest.approx(np.mean(told[-5:])) if told else None
        assert search.figures()["mean_fitness"] == expected, "the last five that succeeded"


# --- spaces ------------------------------------------------------------------------------------


@BOTH
def test_architectures_that_differ_in_inactive_decisions_only_are_evaluated_once(name: str):
    space = nested()
    search = make(name, space, **SMALL[name], evaluations=1000)
    done = replay(search, lambda proposal: float(len(json.dumps(proposal.sample))), 10_000)
    samples = [json.dumps(sample) for sample in proposed(done)]
    assert len(samples) == len(set(samples)) == space.size() == 25
    assert all(space.canonical(sample) == sample for sample in proposed(done))
    assert len([event for event in search.state()["events"] if event[0] == "tell"]) > 25, (
        "the algorithm was told of the others too"
    )


class FirstCounts(TabulatedSpace):
    """A space in which all decisions but the first play no part."""

    def canonical(self, sample: Sample) -> Sample:
        return {"point0": sample["point0"]}


@BOTH
def test_a_search_ends_where_all_new_samples_are_known_architectures(
    name: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(nni_search, "PATIENCE", 100)
    space = FirstCounts.of_choices(5, 6)
    search = make(name, space, **SMALL[name], evaluations=50)
    done = replay(search, lambda proposal: float((proposal.sample or {})["point0"][-1]), 10_000)
    assert done.evaluations == 6
    assert done.best == Proposal({"point0": "option5"}, None, 5.0)


@BOTH
def test_a_decision_with_too_many_outcomes_is_refused(name: str):
    many = Point("graph", "mix", tuple(map(str, range(14))), choose=None)  # 2^14 - 1 sets
    space = TabulatedSpace([Point("graph", "choice", ("a", "b"))])
    space.points = (many,)
    with pytest.raises(SpecError, match=r"^search\.strategy: the mix .graph. has more than 10,000.*'random'"):
        make(name, space)


def test_parameters_that_do_not_fit_together_are_refused():
    with pytest.raises(ValidationError, match=r"tournament \(10\) exceeds the population \(5\)"):
        EvolutionParams(population=5)
    with pytest.raises(ValidationError, match=r"population \(20\) is not below evaluations \(20\)"):
        EvolutionParams(evaluations=20)
    with pytest.raises(ValidationError, match="candidates"):
        TpeParams(candidates=0)


@BOTH
def test_nothing_is_printed_or_written(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    for variable in ("HOME", "NNI_CONFIG_DIR", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    run(name, TabulatedSpace.of_choices(2, 3), **SMALL[name], evaluations=30)
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []


# --- carried by the engine ---------------------------------------------------------------------


@BOTH
def test_the_engine_evaluates_each_architecture_once_and_answers_with_the_best(name: str, tmp_path: Path):
    space, samples = TabulatedSpace.of_choices(4, 4), list[Sample]()

    def evaluate(asked: Asked) -> float:
        samples.append(asked.sample)
        return space.fitness(asked.sample)

    folder = RunFolder.create(tmp_path, "toy", "a" * 64, 0)
    search = make(name, space, **SMALL[name], evaluations=40)
    journal = Journal(folder)
    best = nas.search_by_trials(search, space.points, evaluate, journal, nas.sequential_engine())
    assert samples == proposed(run(name, space, **SMALL[name], evaluations=40))
    assert best.fitness == max(map(space.fitness, samples))
    assert journal.cost().trials == journal.cost().samples == 40


def test_an_interrupted_search_goes_on_between_two_stored_states(
    tmp_path: Path, raw: Path, monkeypatch: pytest.MonkeyPatch
):
    """The whole way; the state after the sixteenth trial is not stored, that of an earlier one is."""
    calls, stop = 0, 0

    def fit(network: Any, *arguments: Any, **options: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == stop:
            raise KeyboardInterrupt

    def fitness(how: Any, network: Any, loader: Any) -> float:
        return float(sum(p.numel() for p in network.parameters()) % 97)

    monkeypatch.setattr(trial_step, "fit", fit)
    monkeypatch.setattr(Comparison, "by_itself", fitness)
    spec = tiny.spec(search=tiny.own("evolution", **SMALL["evolution"], evaluations=18))
    whole = tiny.run(tmp_path, raw, spec, runs="whole")
    calls, stop = 0, 17
    with pytest.raises(KeyboardInterrupt):
        tiny.run(tmp_path, raw, spec)
    folder = tiny.only_run(tmp_path / "runs")
    assert json.loads(folder.read_text(STATE))["generation"] == 14
    resumed = tiny.run(tmp_path, raw, spec)
    assert calls == 17 + 2, "no finished trial was run again"
    assert lines_without_times(folder) == lines_without_times(tiny.only_run(tmp_path / "whole"))
    assert resumed.comparable() == whole.comparable()
    assert resumed.strategy is not None
    assert resumed.strategy.name == "evolution"
