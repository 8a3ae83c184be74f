"""NNI's one-shot strategies in whole runs: what they find, and what becomes of their failures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from skelbench_plugins.strategies import oneshot as shipped
from torch import Tensor, nn

from skelbench.components import BuildContext, Operator
from skelbench.engine import nas
from skelbench.engine import run as main_path
from skelbench.engine.candidates import Comparison
from skelbench.engine.data import LoadedData
from skelbench.engine.journal import Journal
from skelbench.engine.nas import oneshot
from skelbench.errors import RunFolderError, SpecError, WorkFailed
from skelbench.recipe import DeriveOptions, OptimizerOptions, ScheduleOptions, TrainOptions
from skelbench.results.record import Record
from skelbench.results.store import ARCHITECTURE, RunFolder
from skelbench.search import OneShot, Proposal, Sample, decode
from skelbench.space.build import SupernetSpace
from skelbench.space.nodes import CellsNode, ChoiceNode, EdgesNode, NetworkNodes, OpNode, SequenceNode
from skelbench.space.size import SearchSpace
from skelbench.training.batches import LazyLoader
from skelbench.training.fit import Epochs
from skelbench.training.trainer import quiet, trainer_arguments

from ..space.toys import CONTEXT, FOLD
from . import tiny

STRATEGIES = {
    "gumbel_darts": {"lr": 0.1},
    "proxyless": {"lr": 0.1},
    "random_oneshot": {"evaluations": 6},
}

# --- known answers -------------------------------------------------------------------------------


class Keep(nn.Module):
    """The input as it is, from which the classes can be told."""

    def __init__(self, context: BuildContext) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x


class Ones(Keep):
    """Nothing of the input."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.ones_like(x)


class Noise(Keep):
    """Something else every time, louder than the input."""

    def forward(self, x: Tensor) -> Tensor:
        return 4 * torch.randn_like(x)


class Zero(Keep):
    """Nothing at all."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x)


class Sum(nn.Module):
    """A classifier of channel means: (N, C, T, V) -> (N, classes)."""

    def __init__(self, context: BuildContext) -> None:
        super().__init__()
        self.linear = nn.Linear(context.channels, context.classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.mean((2, 3)))


HEAD = OpNode(Operator(name="sum", target=Sum, contract="head"), {})


def option(name: str, kind: type[nn.Module], contract: Any = "feature") -> tuple[str, OpNode]:
    return name, OpNode(Operator(name=name, target=kind, contract=contract), {})


CHOICE = NetworkNodes(
    OpNode(FOLD, {}),
    SequenceNode((ChoiceNode("a", (option("ones", Ones), option("noise", Noise), option("keep", Keep))),)),
    HEAD,
)
CELL = NetworkNodes(
    OpNode(FOLD, {}),
    SequenceNode(
        (
            CellsNode(
                layers=1,
                channels=4,
                reduce_at=(),
                operators=(
                    option("noise", Noise, "cell"),
                    option("keep", Keep, "cell"),
                    option("zero", Zero, "cell"),
                ),
                normal=(
                    EdgesNode(
                        "normal.2", ("noise(0)", "keep(0)", "noise(1)", "keep(1)"), (0, 0, 1, 1), 2, True
                    ),
                ),
                reduce=(),
            ),
        )
    ),
    HEAD,
)
ANSWERS: dict[str, tuple[NetworkNodes, Sample]] = {
    "choice": (CHOICE, {"a": "keep"}),
    "cell": (CELL, {"normal.2": ["keep(0)", "keep(1)"]}),
}


class Clips:
    """Clips whose class is the channel with the largest mean."""

    def __init__(self, steps: int, seed: int) -> None:
        self.steps, self.seed, self.epoch = steps, seed, 0

    def __len__(self) -> int:
        return self.steps

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Any:
        generator = torch.Generator().manual_seed(self.seed * 1000 + self.epoch % 997)
        for _ in range(self.steps):
            y = torch.randint(0, 3, (16,), generator=generator)
            x = 0.3 * torch.randn(16, 3, 4, 2, 1, generator=generator)
            x[torch.arange(16), y] += 1.0
            yield x, y, torch.arange(16)


@pytest.fixture
def search(tmp_path: Path) -> Callable[..., tuple[Proposal, Journal]]:
    """Searches a network of toys."""

    def _search(
        chosen: OneShot, nodes: NetworkNodes, *, seed: int = 0, lr: float = 0.1, runs: str = "toy"
    ) -> tuple[Proposal, Journal]:
        torch.manual_seed(seed)
        options = TrainOptions(
            epochs=3,
            optimizer=OptimizerOptions(lr=lr),
            schedule=ScheduleOptions(name="constant"),
            precision="32",
            clip_gradient=5.0,
        )
        journal = Journal(RunFolder.create(tmp_path, runs, "a" * 64, seed))
        epochs = Epochs(journal._folder.checkpoints, None, journal.epoch)
        last = journal._folder.checkpoints / "last.ckpt"
        job = nas.SupernetJob(
            points=SearchSpace(nodes).points,
            options=options,
            trainer={**trainer_arguments(options, "cpu"), "callbacks": [epochs]},
            loader=LazyLoader(Clips(10, seed=1)),
            validation=list(Clips(4, seed=2)),
            active="single",
            seed=seed,
            clip_shape=(1, 3, 4, 2, 1),
            alphas=LazyLoader(Clips(4, seed=3)),
            checkpoint=last if last.exists() else None,
        )
        space = SupernetSpace(nodes, CONTEXT)
        with quiet():
            answer = nas.search_by_oneshot(
                chosen, SearchSpace(nodes), space, job, journal, nas.sequential_engine()
            )
        return answer, journal

    return _search


def make(name: str, space: SearchSpace, seed: int = 0, **changes: Any) -> OneShot:
    chosen: OneShot = getattr(shipped, name)(space, seed=seed, **STRATEGIES[name] | changes)
    return chosen


def sample_of(answer: Proposal, space: SearchSpace) -> Sample:
    if answer.sample is not None:
        return space.canonical(answer.sample)
    assert answer.weights is not None
    return space.canonical(decode(space.points, answer.weights, DeriveOptions()))


@pytest.mark.parametrize("kind", ANSWERS)
@pytest.mark.parametrize("name", STRATEGIES)
def test_finds_the_only_option_that_can_tell_the_classes(
    name: str, kind: str, search: Callable[..., tuple[Proposal, Journal]]
):
    nodes, expected = ANSWERS[kind]
    space = SearchSpace(nodes)
    for seed in range(2):
        answer, _ = search(make(name, space, seed), nodes, seed=seed)
        assert sample_of(answer, space) == expected


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_same_seed_gives_the_same_answer(name: str, search: Callable[..., tuple[Proposal, Journal]]):
    def lines(runs: str, seed: int) -> list[dict[str, Any]]:
        chosen = make(name, SearchSpace(CELL), seed)
        _, journal = search(chosen, CELL, seed=seed, runs=runs)
        return [{k: v for k, v in x.items() if k != "seconds"} for x in journal._folder.trials()]

    first = lines("first", 3)
    assert lines("second", 3) == first
    assert lines("third", 4) != first


def test_weights_of_a_cell_leave_room_for_nothing(search: Callable[..., tuple[Proposal, Journal]]):
    answer, _ = search(make("gumbel_darts", SearchSpace(CELL)), CELL)
    assert answer.weights is not None
    first, second = np.split(answer.weights["normal.2"], 2)
    assert 0 < first.sum() < 1
    assert 0 < second.sum() < 1


def test_random_paths_are_architectures_of_the_space(
    search: Callable[..., tuple[Proposal, Journal]], monkeypatch: pytest.MonkeyPatch
):
    drawn: list[Sample] = []
    activate = oneshot.activate

    def spy(module: Any, memo: Sample) -> None:
        drawn.append(memo)
        activate(module, memo)

    monkeypatch.setattr(oneshot, "activate", spy)
    answer, journal = search(make("random_oneshot", SearchSpace(CELL), evaluations=2), CELL)
    assert len(drawn) == 3 * 10 + 2
    paths = {(memo["normal.2.0"], memo["normal.2.1"]) for memo in drawn}
    assert paths == {(0, 0), (0, 1), (1, 0), (1, 1)}, "two edges into the node, as in any answer"
    evaluated = [line for line in journal.trials if line["generation"] == 3]
    assert len(evaluated) == 2
    assert answer.fitness == max(line["fitness"] for line in evaluated)
    seconds = sum(line["seconds"] for line in journal._folder.trials() if "seconds" in line)
    assert journal.cost().seconds == pytest.approx(seconds), "evaluations after the training count as well"


def test_no_more_architectures_are_drawn_than_there_are(search: Callable[..., tuple[Proposal, Journal]]):
    _, journal = search(make("random_oneshot", SearchSpace(CHOICE), evaluations=50), CHOICE)
    assert sorted(line["choices"]["a"] for line in journal.trials) == ["keep", "noise", "ones"]


def test_the_temperature_falls(
    search: Callable[..., tuple[Proposal, Journal]], monkeypatch: pytest.MonkeyPatch
):
    seen: list[float] = []
    draw = torch.nn.functional.gumbel_softmax

    def spy(logits: Tensor, tau: float, **options: Any) -> Tensor:
        seen.append(tau)
        return draw(logits, tau=tau, **options)

    monkeypatch.setattr(torch.nn.functional, "gumbel_softmax", spy)
    search(make("gumbel_darts", SearchSpace(CHOICE), temperature=(4.0, 1.0)), CHOICE)
    assert sorted(set(seen), reverse=True) == pytest.approx([4.0, 3.0, 2.0])
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize("alphas", [4, 10, 30])
def test_an_epoch_has_as_many_steps_as_training_batches(alphas: int):
    batches = oneshot.AlphaBatches(Clips(alphas, seed=3), 10)
    batches.set_epoch(1)
    drawn = list(batches)
    assert len(drawn) == len(batches) == 10
    assert all(index is None for _, _, index in drawn)
    if alphas == 4:
        assert not torch.equal(drawn[0][0], drawn[4][0]), "a second round is in another order"


def test_a_supernet_that_diverges_fails_the_search(search: Callable[..., tuple[Proposal, Journal]]):
    for name in STRATEGIES:
        with pytest.raises(WorkFailed, match=r"the loss is (nan|inf) in epoch 1"):
            search(make(name, SearchSpace(CHOICE)), CHOICE, lr=1e38)


def test_a_strategy_that_nni_lacks_is_refused(search: Callable[..., tuple[Proposal, Journal]]):
    for name in ("NoSuchThing", "GridSearch", "Strategy"):
        with pytest.raises(SpecError, match=rf"search\.strategy: NNI has no one-shot strategy '{name}'"):
            search(OneShot(name), CHOICE)


# --- whole runs ----------------------------------------------------------------------------------


def spec(name: str, *operators: str, **changes: Any) -> dict[str, Any]:
    """A tiny spec over cells that is searched for two epochs."""
    from_ = list(operators or ("conv3", "skip", "zero"))
    cell = {"layers": 1, "channels": 4, "nodes": 2, "reduce_at": [], "from": from_}
    network = {
        "input": "skeleton_image",
        "body": [{"op": "image_stem", "channels": 4}, {"cell": cell}],
        "head": "mean_pool_linear",
    }
    strategy = {"name": name, **STRATEGIES[name]}
    data: dict[str, Any] = tiny.spec(network=network, search={"strategy": strategy, "epochs": 2}, **changes)
    del data["architectures"]
    return data


def lines_without_times(folder: RunFolder) -> list[dict[str, Any]]:
    return [{k: v for k, v in line.items() if k != "seconds"} for line in folder.trials()]


@pytest.fixture(scope="module", params=STRATEGIES)
def finished(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, raw: Path
) -> tuple[str, RunFolder, Record]:
    """A run of each strategy that nothing interrupted."""
    folder = tmp_path_factory.mktemp("finished")
    record = tiny.run(folder, raw, spec(request.param))
    return request.param, tiny.only_run(folder / "runs"), record


def test_a_search_ends_with_a_record(finished: tuple[str, RunFolder, Record], tmp_path: Path):
    name, folder, record = finished
    assert (record.model, record.status) == ("searched", "ok")
    assert record.strategy is not None
    assert record.strategy.name == name
    assert record.search is not None
    assert record.search.trials == (6 if name == "random_oneshot" else 0)
    lines = folder.trials()
    entropies = [line["entropy"] for line in lines if line["kind"] == "generation"]
    assert len(entropies) == (0 if name == "random_oneshot" else 2)
    assert all(0 < entropy <= np.log(3) + 1e-6 for entropy in entropies)


def interrupt(monkeypatch: pytest.MonkeyPatch, owner: Any, method: str, calls: int) -> None:
    original, count = getattr(owner, method), iter(range(1, 10**6))

    def interrupted(*arguments: Any, **options: Any) -> Any:
        if next(count) == calls:
            raise KeyboardInterrupt
        return original(*arguments, **options)

    monkeypatch.setattr(owner, method, interrupted)


@pytest.mark.parametrize("place", ["first epoch", "second epoch", "checkpoint", "evaluation"])
def test_an_interrupted_search_goes_on_to_the_same_record(
    place: str,
    finished: tuple[str, RunFolder, Record],
    raw: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    name, uninterrupted, expected = finished
    steps = 1 if name == "random_oneshot" else 2
    where: dict[str, tuple[Any, str, int]] = {
        "first epoch": (oneshot.Classifier, "training_step", 1),
        "second epoch": (oneshot.Classifier, "training_step", 2 * steps + 1),
        "checkpoint": (oneshot.Classifier, "on_train_epoch_start", 2),
        "evaluation": (Comparison, "on_supernet", 3),
    }
    if place == "evaluation" and name != "random_oneshot":
        pytest.skip("it evaluates nothing")
    with monkeypatch.context() as patch:
        interrupt(patch, *where[place])
        with pytest.raises(KeyboardInterrupt):
            tiny.run(tmp_path, raw, spec(name))
    folder = tiny.only_run(tmp_path / "runs")
    assert folder.record() is None
    record = tiny.run(tmp_path, raw, spec(name))
    assert record.comparable() == expected.comparable()
    assert folder.read_text(ARCHITECTURE) == uninterrupted.read_text(ARCHITECTURE)
    assert lines_without_times(folder) == lines_without_times(uninterrupted)


@pytest.mark.parametrize("name", STRATEGIES)
def test_training_figures_and_weights_are_of_training_clips_alone(
    name: str, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    trained: list[int] = []
    counted: list[int] = []
    alphas: list[LoadedData] = []
    step, figures, load = (
        oneshot.Classifier.training_step,
        oneshot.Classifier.figures,
        LoadedData.alpha_loader,
    )

    def spied(self: Any, batch: Any, batch_idx: int) -> Tensor:
        if batch[2] is not None:
            trained.extend(batch[2].tolist())
        return step(self, batch, batch_idx)

    def told(self: Any) -> dict[str, float]:
        counted.append(self.seen["count"])
        return figures(self)

    def loaded(self: LoadedData, options: Any) -> Any:
        alphas.append(self)
        return load(self, options)

    def enough(*arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(oneshot.Classifier, "training_step", spied)
    monkeypatch.setattr(oneshot.Classifier, "figures", told)
    monkeypatch.setattr(LoadedData, "alpha_loader", loaded)
    monkeypatch.setattr(main_path, "derive", enough)
    with pytest.raises(KeyboardInterrupt):
        tiny.run(tmp_path, raw, spec(name))
    assert counted == [32, 32], "two batches of sixteen clips in each epoch"
    assert len(trained) == 64
    split = alphas[0].split
    assert set(trained) <= set(split.train.tolist())


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_mix_is_refused_by_the_check(name: str, tmp_path: Path):
    data = tiny.spec(search={"strategy": {"name": name}})
    with pytest.raises(SpecError, match=rf"strategy '{name}' cannot search a mix \('graph_1'\)"):
        tiny.checked(tmp_path, data)


def test_random_paths_through_a_cell_need_zero(raw: Path, tmp_path: Path):
    with pytest.raises(SpecError, match=r"'normal\.2'.*Add zero to the operators of the cell") as refused:
        tiny.run(tmp_path, raw, spec("random_oneshot", "conv3", "skip"))
    assert refused.value.exit_code == 2
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("name", ["gumbel_darts", "random_oneshot"])
@pytest.mark.parametrize("fault", ["cut", "other weights", "no weights"])
def test_a_checkpoint_that_is_of_no_use_is_refused(
    name: str, fault: str, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch:
        interrupt(patch, oneshot.Classifier, "on_train_epoch_start", 2)
        with pytest.raises(KeyboardInterrupt):
            tiny.run(tmp_path, raw, spec(name))
    path = tiny.only_run(tmp_path / "runs").checkpoints / "search" / "last.ckpt"
    if fault == "cut":
        path.write_bytes(path.read_bytes()[:1000])
        assert not path.with_name("last.previous.ckpt").exists(), "there is one only after two epochs"
    else:
        content = torch.load(path, weights_only=True)
        kept = content.pop("state_dict")
        if fault == "other weights":
            content["state_dict"] = dict(list(kept.items())[1:])
        torch.save(content, path)
    told = {"cut": "is damaged", "other weights": "is of another network", "no weights": "holds no supernet"}
    with pytest.raises(RunFolderError, match=rf"last\.ckpt: the checkpoint {told[fault]}.*Remove it"):
        tiny.run(tmp_path, raw, spec(name))
