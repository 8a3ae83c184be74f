"""Searches of paths in whole runs: their three parts of the training split, their answer and its weights."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from skelbench_plugins.datasets.clips.reader import ClipsReader

from skelbench.engine import candidates
from skelbench.engine import run as main_path
from skelbench.engine.data import LoadedData
from skelbench.engine.inherit import WRAPPED
from skelbench.engine.nas import gradient
from skelbench.errors import RunFolderError, SpecError, WorkFailed
from skelbench.results.answers import ClipAnswers
from skelbench.results.record import Record
from skelbench.results.store import ARCHITECTURE, RunFolder
from skelbench.space.arch import Architecture
from skelbench.space.trellises import Path as TrellisPath
from skelbench.training.fit import LAST

from . import tiny

TRELLIS = {
    "head": "r2plus1d_block",
    "from": {"d1": "r2plus1d_block", "skip": "identity"},
    "stages": [{"widths": [2, 4]}, {"widths": [4, 6], "stride": 2, "layers": 2}],
}
NETWORK = {
    "input": "pixels",
    "body": [{"op": "video_stem", "channels": 2}, {"trellis": TRELLIS}],
    "head": "video_pool_linear",
}
STRATEGY = {"name": "viterbi", "warmup_epochs": 1, "lr": 0.05, "evaluate_epochs": 2}


def spec(**changes: Any) -> dict[str, Any]:
    """A tiny spec of videos, searched for three epochs."""
    data = {"dataset": {"name": "clips", "classes": 3}, "video": {"frames": 4, "resize": [12, 12], "crop": 8}}
    search = {"strategy": STRATEGY | changes.pop("strategy", {}), "epochs": 3, "inference": 0.25}
    train = {
        "epochs": 2,
        "batch_size": 8,
        "precision": "32",
        "optimizer": {"lr": 0.05},
        "validation": {"fraction": 0.25, "by": "random"},
    }
    return {
        "skelbench": 1,
        "name": "tiny",
        "data": data,
        "network": NETWORK,
        "search": search | changes.pop("search", {}),
        "train": train,
    } | changes


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 small videos of three classes."""
    root = tmp_path_factory.mktemp("videos")
    ClipsReader(classes=3).synthesise(root, clips=60, seed=0)
    return root


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, videos: Path) -> tuple[RunFolder, Record]:
    """A run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("finished")
    record = tiny.run(folder, videos, spec(search={"inherit": True}))
    return tiny.only_run(folder / "runs"), record


@pytest.fixture
def begun_with(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Any, RunFolder]]:
    """The network with which the training of a run would begin."""

    def _begun_with(data: dict[str, Any]) -> tuple[Any, RunFolder]:
        found = []

        def enough(job: Any, network: Any) -> Any:
            found.append(network)
            raise WorkFailed("enough")

        with monkeypatch.context() as patch:
            patch.setattr(main_path, "train_network", enough)
            with pytest.raises(WorkFailed, match="enough"):
                tiny.run(tmp_path, videos, data)
        return found[0], tiny.only_run(tmp_path / "runs")

    return _begun_with


def supernet(folder: RunFolder) -> dict[str, torch.Tensor]:
    stored = torch.load(folder.checkpoints / "search" / LAST, weights_only=True)["state_dict"]
    return {name.partition(WRAPPED)[2]: weight for name, weight in stored.items()}


def lines(folder: RunFolder, kind: str) -> list[dict[str, Any]]:
    return [line for line in folder.trials() if line["kind"] == kind]


def test_a_run_ends_with_the_path_that_was_decoded(finished: tuple[RunFolder, Record], tmp_path: Path):
    folder, record = finished
    assert (record.model, record.stream) == ("searched", "video")
    assert record.strategy is not None
    assert record.strategy.name == "viterbi"
    checked = tiny.checked(tmp_path, spec())
    found = Architecture.read(folder.path / ARCHITECTURE).sample_in(checked.space)
    last = lines(folder, "generation")[-1]
    assert found == last["path"] == record.choices
    widths = [found["stage1.width"], found["stage2.width"]]
    assert last["best_paths"][0][0]["widths"] == widths


def test_the_last_epochs_evaluate_the_path_of_the_time(finished: tuple[RunFolder, Record]):
    folder, record = finished
    trials = lines(folder, "trial")
    assert [trial["generation"] for trial in trials] == [1, 2]
    assert [trial["choices"] for trial in trials] == [
        line["path"] for line in lines(folder, "generation")[1:]
    ]
    assert all(0 <= trial["fitness"] <= 100 for trial in trials)
    assert record.search is not None
    assert record.search.samples == 2


def test_without_a_third_part_nothing_is_evaluated(videos: Path, tmp_path: Path):
    data = spec(search={"strategy": STRATEGY, "epochs": 3, "inference": None})
    tiny.run(tmp_path, videos, data)
    assert lines(tiny.only_run(tmp_path / "runs"), "trial") == []


def test_weights_alphas_and_evaluation_see_parts_of_the_training_split_that_share_nothing(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    seen: dict[str, set[int]] = {"weights": set(), "alphas": set(), "evaluation": set()}
    parts: list[Any] = []
    make, step, answers = LoadedData.train_loader, gradient.GradientModule.training_step, candidates.answers
    fetch = gradient.alpha_batch

    def watched_loader(self: LoadedData, *arguments: Any, **options: Any) -> Any:
        parts.append(self.split)
        return make(self, *arguments, **options)

    def watched_step(self: Any, batch: Any, batch_idx: int) -> Any:
        seen["weights"] |= set(batch[2].tolist())
        return step(self, batch, batch_idx)

    def watched_fetch(module: Any) -> Any:
        batch = fetch(module)
        seen["alphas"] |= set(batch[2].tolist())
        return batch

    def watched_answers(model: Any, batches: Any) -> ClipAnswers:
        batches = list(batches)
        seen["evaluation"] |= {index for batch in batches for index in batch[2].tolist()}
        return answers(model, batches)

    monkeypatch.setattr(LoadedData, "train_loader", watched_loader)
    monkeypatch.setattr(gradient.GradientModule, "training_step", watched_step)
    monkeypatch.setattr(gradient, "alpha_batch", watched_fetch)
    monkeypatch.setattr(candidates, "answers", watched_answers)
    monkeypatch.setattr(main_path, "train_network", lambda *_: (_ for _ in ()).throw(WorkFailed("enough")))
    with pytest.raises(WorkFailed, match="enough"):
        tiny.run(tmp_path, videos, spec())
    split = parts[0]
    assert seen["alphas"] == set(split.validation.tolist())
    assert seen["evaluation"] == set(split.inference.tolist())
    assert seen["weights"] <= set(split.train.tolist())
    everything = [split.train, split.validation, split.inference, split.test]
    assert len(np.unique(np.concatenate(everything))) == sum(map(len, everything)) == 60


@pytest.mark.parametrize(("alternate", "rounds"), [("epoch", 1), ("step", 3)])
def test_the_architecture_learns_once_over_its_clips_in_an_epoch_unless_told(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alternate: str, rounds: int
):
    """And fetches none of them in the warm-up."""
    seen: dict[int, list[int]] = {}
    order: list[str] = []
    fetch, train = gradient.alpha_batch, gradient.GradientModule.training_step

    def fetched(module: Any) -> Any:
        batch = fetch(module)
        seen.setdefault(module.current_epoch, []).extend(batch[2].tolist())
        order.append(f"alphas {module.current_epoch}")
        return batch

    def trained(self: Any, batch: Any, batch_idx: int) -> Any:
        order.append(f"weights {self.current_epoch}")
        return train(self, batch, batch_idx)

    monkeypatch.setattr(gradient, "alpha_batch", fetched)
    monkeypatch.setattr(gradient.GradientModule, "training_step", trained)
    monkeypatch.setattr(main_path, "train_network", lambda *_: (_ for _ in ()).throw(WorkFailed("enough")))
    with pytest.raises(WorkFailed, match="enough"):
        tiny.run(tmp_path, videos, spec(strategy={"alternate": alternate}))
    assert set(seen) == {1, 2}, "the first of three epochs is the warm-up"
    for recordings in seen.values():
        assert (len(recordings) == len(set(recordings))) == (rounds == 1)
    together = order.index("weights 1") < len(order) - 1 - order[::-1].index("alphas 1")
    assert together == (alternate == "step"), "one after the other, or step by step"


def test_evaluating_leaves_the_search_and_the_supernet_as_they_are(videos: Path, tmp_path: Path):
    runs = []
    for name, inference in (("with", {"evaluate_epochs": 3}), ("without", {"evaluate_epochs": 0})):
        data = spec(strategy=inference)
        tiny.run(tmp_path, videos, data, runs=name)
        runs.append(tiny.only_run(tmp_path / name))
    first, second = (supernet(folder) for folder in runs)
    assert all(torch.equal(first[name], second[name]) for name in first)
    figures = [[line["shares"] for line in lines(folder, "generation")] for folder in runs]
    assert figures[0] == figures[1]


def test_training_begins_with_the_weights_of_the_path(begun_with: Callable[..., tuple[Any, RunFolder]]):
    network, folder = begun_with(spec(search={"inherit": True}))
    there, state = supernet(folder), network.state_dict()
    (path,) = (module for module in network.modules() if isinstance(module, TrellisPath))
    convolutions = 0
    for own, origin in path.origins.items():
        own, origin = f"body.1.{own}.", f"body.1.{origin}."
        for name, weight in state.items():
            if name.startswith(own) and weight.dim() == 4:
                assert torch.equal(weight, there[origin + name.removeprefix(own)]), name
                convolutions += 1
    assert convolutions >= 8, "each head has four and more"
    assert torch.equal(state["body.0.conv.0.weight"], there["body.0.conv.0.weight"])
    width = state["head.linear.weight"].shape[1]
    assert torch.equal(state["head.linear.weight"], there["head.linear.weight"][:, :width])


def test_training_begins_afresh_unless_told(begun_with: Callable[..., tuple[Any, RunFolder]]):
    network, folder = begun_with(spec())
    stem = "body.0.conv.0.weight"
    assert not torch.equal(network.state_dict()[stem], supernet(folder)[stem])


def test_an_interrupted_search_goes_on_to_the_same_record(
    finished: tuple[RunFolder, Record], videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    on_end, count = gradient.GradientModule.on_train_epoch_end, iter(range(99))

    def interrupted(self: Any) -> None:
        if next(count) == 2:
            raise KeyboardInterrupt
        on_end(self)

    data = spec(search={"inherit": True})
    with monkeypatch.context() as patch:
        patch.setattr(gradient.GradientModule, "on_train_epoch_end", interrupted)
        with pytest.raises(KeyboardInterrupt):
            tiny.run(tmp_path, videos, data)
    record = tiny.run(tmp_path, videos, data)
    assert record.comparable() == finished[1].comparable()


def test_sampled_operators_resume_too(videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    data = spec(strategy={"sampled": True})
    whole = tiny.run(tmp_path, videos, data, runs="whole")
    on_end, count = gradient.GradientModule.on_train_epoch_end, iter(range(99))

    def interrupted(self: Any) -> None:
        if next(count) == 1:
            raise KeyboardInterrupt
        on_end(self)

    with monkeypatch.context() as patch:
        patch.setattr(gradient.GradientModule, "on_train_epoch_end", interrupted)
        with pytest.raises(KeyboardInterrupt):
            tiny.run(tmp_path, videos, data, runs="parts")
    assert tiny.run(tmp_path, videos, data, runs="parts").comparable() == whole.comparable()


def test_a_lost_supernet_is_told_where_its_weights_are_wanted(
    finished: tuple[RunFolder, Record], videos: Path, tmp_path: Path
):
    folder, _ = finished
    copied = tmp_path / "runs" / folder.path.name
    shutil.copytree(folder.path, copied)
    (copied / "record.json").unlink()
    (copied / "checkpoints" / "search" / LAST).write_bytes(b"")
    with pytest.raises(RunFolderError, match="the checkpoint is damaged"):
        tiny.run(tmp_path, videos, spec(search={"inherit": True}))


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"search": {"inherit": True, "network": {"head": "video_pool_linear"}}}, "has another network"),
        (
            {"search": {"inherit": True, "strategy": {"name": "random", "weights": "own"}}},
            "found with shared weights",
        ),
    ],
)
def test_weights_that_no_supernet_has_are_refused(changes: dict[str, Any], wanted: str, tmp_path: Path):
    with pytest.raises(SpecError, match=wanted):
        tiny.checked(tmp_path, spec(**changes))
