"""The supernet under a search: what is computed, what is trained, and going on after an interruption."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from skelbench.engine import nas
from skelbench.engine.journal import Journal
from skelbench.errors import WorkFailed
from skelbench.recipe import OptimizerOptions, ScheduleOptions, TrainOptions
from skelbench.results.store import ARCHITECTURE, RunFolder
from skelbench.search import Point, Proposal, Weights
from skelbench.space.build import SupernetSpace
from skelbench.space.decisions import Decision
from skelbench.space.nodes import ChoiceNode, MixNode
from skelbench.space.size import SearchSpace
from skelbench.training.fit import Epochs
from skelbench.training.trainer import quiet, trainer_arguments

from ..space.toys import CONTEXT, Times, nodes, times
from . import tiny

OPTIONS = (("one", times(1.0)), ("two", times(2.0)), ("three", times(3.0)))
BODY = nodes(ChoiceNode("a", OPTIONS), MixNode("b", OPTIONS), ChoiceNode("a", OPTIONS))
POINTS = SearchSpace(BODY).points
STEPS, BATCH = 8, 4


class Scripted:
    """A search that says what it was made to say."""

    def __init__(self, weights: Weights, proposals: Mapping[int, Sequence[Proposal]] | None = None) -> None:
        self.weights, self.proposals = weights, proposals or {}
        self.told: list[list[float | None]] = []

    def training_weights(self, epoch: int) -> Weights:
        return self.weights

    def ask(self, generation: int) -> Sequence[Proposal]:
        return self.proposals.get(generation, ())

    def tell(self, proposals: Sequence[Proposal], fitness: Sequence[float | None]) -> None:
        self.told.append(list(fitness))

    def best(self) -> Proposal:
        return Proposal(weights=self.weights)

    def figures(self) -> dict[str, Any]:
        return {"told": len(self.told)}

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        pass


def even(points: Sequence[Point]) -> Weights:
    return {p.label: np.full(len(p.options), 1 / len(p.options)) for p in points}


class Clips:
    """Random batches of the toys' shape."""

    def __len__(self) -> int:
        return STEPS

    def __iter__(self) -> Any:
        generator = torch.Generator().manual_seed(0)
        for _ in range(STEPS):
            x = torch.randn(BATCH, 3, 4, 2, 1, generator=generator)
            yield x, torch.randint(0, 3, (BATCH,), generator=generator), torch.arange(BATCH)


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., tuple[SupernetSpace, Journal]]:
    def _train(
        search: Any,
        *,
        active: str = "single",
        lr: float = 0.01,
        epochs: int = 1,
    ) -> tuple[SupernetSpace, Journal]:
        optimizer = OptimizerOptions(lr=lr, weight_decay=0.1)
        options = TrainOptions(
            epochs=epochs, optimizer=optimizer, schedule=ScheduleOptions(name="constant"), precision="32"
        )
        space = SupernetSpace(BODY, CONTEXT)
        journal = Journal(RunFolder.create(tmp_path, "toy", "a" * 64, 0))
        epoch_callback = Epochs(tmp_path, None, journal.epoch)
        job = nas.SupernetJob(
            points=POINTS,
            options=options,
            trainer={**trainer_arguments(options, "cpu"), "callbacks": [epoch_callback]},
            loader=Clips(),
            validation=list(Clips()),
            active=active,  # type: ignore[arg-type]
            seed=0,
        )
        with quiet():
            nas.search_on_supernet(search, space, job, journal, nas.sequential_engine())
        return space, journal

    return _train


def candidates(space: SupernetSpace) -> list[list[Times]]:
    """The candidates of every decision, in the order of the network."""
    decisions = [m for m in space.modules() if isinstance(m, Decision)]
    return [list(decision.candidates) for decision in decisions]


# --- steps -------------------------------------------------------------------------------------


def test_one_candidate_per_decision_and_step_is_computed_and_one_label_draws_one(
    train: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    drawn: list[list[tuple[int, ...] | None]] = []
    draw = nas.SupernetModule.draw

    def spy(self: nas.SupernetModule) -> None:
        for module in self.modules():
            if not drawn and isinstance(module, Times):
                module.calls = 0  # shapes were followed when the space was built
        draw(self)
        drawn.append([decision.active for decision in self.decisions()])

    monkeypatch.setattr(nas.SupernetModule, "draw", spy)
    space, _ = train(Scripted(even(POINTS)))
    assert len(drawn) == STEPS
    assert all(first == last for first, _, last in drawn), "both places of 'a' take the same candidate"
    assert len(set(map(tuple, drawn))) > 1, "another step draws anew"
    for place, modules in enumerate(candidates(space)):
        expected = Counter(index for active in drawn for index in active[place] or ())
        assert [module.calls for module in modules] == [expected[i] for i in range(3)]


@pytest.mark.parametrize("active", ["single", "all"])
def test_candidates_of_weight_zero_are_left_exactly_as_they_are(train: Callable[..., Any], active: str):
    weights = {"a": np.array([0.0, 0.5, 0.5]), "b": np.array([1.0, 0.0, 0.0])}
    space, _ = train(Scripted(weights), active=active)
    first, mix, _ = candidates(space)
    assert [m.by.item() == by for m, by in zip(first, (1, 2, 3), strict=True)] == [True, False, False]
    assert [m.by.item() == by for m, by in zip(mix, (1, 2, 3), strict=True)] == [False, True, True]
    assert first[0].by.grad is None, "weight decay passes it by as well"


def test_with_all_active_every_candidate_is_trained_as_a_weighted_sum(train: Callable[..., Any]):
    space, _ = train(Scripted(even(POINTS)), active="all")
    for modules in candidates(space):
        assert all(m.by.item() != by for m, by in zip(modules, (1, 2, 3), strict=True))


def test_the_same_seed_trains_the_same_supernet(train: Callable[..., Any]):
    first, second = (train(Scripted(even(POINTS)))[0].state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


# --- generations -------------------------------------------------------------------------------


def test_proposals_are_scored_by_validation_without_touching_the_supernet(train: Callable[..., Any]):
    one = {label: np.array([1.0, 0.0, 0.0]) for label in ("a", "b")}
    asked = [
        Proposal(weights=one),
        Proposal(sample={"a": "one", "b": ["one"]}),
        Proposal(weights=even(POINTS)),
    ]
    plain, _ = train(Scripted(even(POINTS)), epochs=2)
    search = Scripted(even(POINTS), {0: asked, 1: asked})
    scored, journal = train(search, epochs=2)
    state = plain.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in scored.state_dict().items())
    assert [len(told) for told in search.told] == [3, 3]
    assert search.told[0][0] == search.told[0][1], "an architecture stands for its weights"
    assert all(isinstance(f, float) and 0 <= f <= 100 for told in search.told for f in told)
    assert [line["fitness"] for line in journal.trials] == [f for told in search.told for f in told]


def test_the_fitness_is_the_share_of_right_validation_clips(train: Callable[..., Any]):
    one = {label: np.array([1.0, 0.0, 0.0]) for label in ("a", "b")}
    search = Scripted(even(POINTS), {0: [Proposal(weights=one)]})
    train(search)
    # Whatever positive number the clip is multiplied by, the largest mean stays the largest.
    right = sum(int((x.mean((2, 3, 4)).argmax(1) == y).sum()) for x, y, _ in Clips())
    ((told,),) = search.told
    clip = 100.0 / (STEPS * BATCH)
    assert 0 < told - right * clip < 0.01 * clip, "what cross-entropy adds breaks ties and nothing else"


def test_a_fitness_that_is_known_is_not_taken_again(
    train: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    def never(self: Any, proposal: Proposal) -> float:
        raise AssertionError("evaluated again")

    monkeypatch.setattr(nas.SupernetModule, "judged", never)
    search = Scripted(even(POINTS), {0: [Proposal(weights=even(POINTS), fitness=12.5, kept=True)]})
    _, journal = train(search)
    assert search.told == [[12.5]]
    assert [(line["known"], line["kept"]) for line in journal.trials] == [(True, True)]
    assert journal.cost().trials == 0
    assert journal.cost().kept == 1


def test_lines_are_numbered_alike_for_epochs_trials_and_generations(
    train: Callable[..., Any], tmp_path: Path
):
    _, journal = train(Scripted(even(POINTS), {1: [Proposal(weights=even(POINTS))]}), epochs=2)
    lines = RunFolder(next(tmp_path.glob("toy-*"))).trials()
    assert [(line["kind"], line["generation"]) for line in lines] == [
        ("epoch", 0),
        ("trial", 1),
        ("generation", 1),
        ("epoch", 1),
    ]
    assert journal.cost().seconds == sum(line["seconds"] for line in lines if line["kind"] == "epoch")


# --- failures and interruptions ----------------------------------------------------------------


def test_a_supernet_that_diverges_fails_the_search(train: Callable[..., Any]):
    with pytest.raises(WorkFailed, match=r"the loss is (nan|inf) in epoch 1.*Lower train\.optimizer\.lr"):
        train(Scripted(even(POINTS)), lr=1e30)


def test_a_fault_of_the_search_comes_through(train: Callable[..., Any]):
    class Faulty(Scripted):
        def ask(self, generation: int) -> Sequence[Proposal]:
            raise ZeroDivisionError("a fault of the strategy")

    with pytest.raises(ZeroDivisionError, match="a fault of the strategy"):
        train(Faulty(even(POINTS)))


def lines_without_times(folder: RunFolder) -> list[dict[str, Any]]:
    return [{k: v for k, v in line.items() if k != "seconds"} for line in folder.trials()]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, raw: Path) -> tuple[RunFolder, dict[str, Any]]:
    """A run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    record = tiny.run(folder, raw)
    return tiny.only_run(folder / "runs"), record.comparable()


@pytest.mark.parametrize(
    ("method", "calls"),
    [
        ("training_step", 1),  # in the first epoch: there is no checkpoint yet
        ("training_step", 3),
        ("judged", 3),  # in the middle of the first generation
        ("judged", 7),
        ("on_save_checkpoint", 2),
    ],
)
def test_an_interrupted_search_goes_on_to_the_same_journal_and_answer(
    method: str,
    calls: int,
    whole: tuple[RunFolder, dict[str, Any]],
    raw: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    original, counted = getattr(nas.SupernetModule, method), Counter[str]()

    def interrupted(self: nas.SupernetModule, *arguments: Any) -> Any:
        counted[method] += 1
        if counted[method] == calls:
            raise KeyboardInterrupt
        return original(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(nas.SupernetModule, method, interrupted)
        with pytest.raises(KeyboardInterrupt):
            tiny.run(tmp_path, raw)
    folder = tiny.only_run(tmp_path / "runs")
    assert not (folder.path / ARCHITECTURE).exists()
    assert folder.record() is None
    record = tiny.run(tmp_path, raw)
    uninterrupted, expected = whole
    assert lines_without_times(folder) == lines_without_times(uninterrupted)
    assert folder.read_text(ARCHITECTURE) == uninterrupted.read_text(ARCHITECTURE)
    assert record.comparable() == expected


def test_the_checkpoint_holds_plain_data_only(whole: tuple[RunFolder, dict[str, Any]]):
    path = whole[0].checkpoints / "search" / "last.ckpt"
    state = json.loads(torch.load(path, weights_only=True)[nas.SEARCH_STATE])
    assert state["updates"] == 2
