"""The whole way from a spec to a record, on synthetic recordings and networks of four channels."""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from skelbench_plugins.datasets.ucla.reader import UclaReader

from skelbench import hookimpl
from skelbench.data.loader import ClipLoader
from skelbench.engine import nas, training
from skelbench.engine import run as main_path
from skelbench.engine.data import LoadedData
from skelbench.engine.rescore import rescore
from skelbench.errors import DataError, RunFolderError, SkelbenchError, SpecError
from skelbench.host.registry import load_registry
from skelbench.results.collection import load_records
from skelbench.results.record import Record
from skelbench.results.store import ARCHITECTURE, SPEC, RunFolder
from skelbench.space.arch import Architecture
from skelbench.spec.resolve import load_spec
from skelbench.training.fit import Epochs

from . import tiny


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, raw: Path) -> tuple[Path, Record]:
    """A folder with a finished run in it, and its record. Tests leave the run as it is."""
    folder = tmp_path_factory.mktemp("finished")
    return folder, tiny.run(folder, raw)


def content(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file but the lock, with its time and content."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "lock")
    return {str(f.relative_to(folder)): (f.stat().st_mtime_ns, f.read_bytes()) for f in files}


# --- what a run leaves --------------------------------------------------------------------------


def test_a_record_says_what_was_done(finished: tuple[Path, Record]):
    folder, record = finished
    resolved = load_spec(folder / "tiny.yaml")
    assert (record.spec, record.space, record.spec_hash) == ("tiny", "tiny", resolved.hash)
    assert (record.model, record.status, record.source) == ("searched", "ok", "measured")
    assert (record.dataset, record.layout, record.protocol) == ("ucla", "ucla20", "xview")
    assert (record.stream, record.selection, record.views, record.seed) == ("joint", "last", 1, 0)
    assert record.synthetic is True, "the recordings are made up, wherever they came from"
    assert record.clip["frames"] == 8
    assert set(record.metrics) == {"top1", "top5"}
    assert 0 <= record.metrics["top1"] <= record.metrics["top5"] <= 100
    assert record.strategy is not None
    assert record.strategy.name == "ceim"
    assert record.strategy.params["population"] == 4
    assert record.strategy.params["weights"] == "shared"
    assert record.search is not None
    assert (record.search.samples, record.search.trials) == (8, 8)
    assert record.search.seconds > 0
    assert record.training is not None
    assert (record.training.epochs, record.training.batch_size, record.training.precision) == (2, 16, "32")
    assert record.flops == 2 * (record.macs or 0) > 0
    assert record.latency is not None
    assert record.latency.ms > 0
    assert record.environment.nni == "3.0"
    assert record.plugins["strategies"].startswith("skelbench ")
    assert record.failures == ()


def test_a_run_folder_holds_everything(finished: tuple[Path, Record]):
    folder, record = finished
    run = tiny.only_run(folder / "runs")
    names = {str(p.relative_to(run.path)) for p in run.path.rglob("*") if p.is_file()}
    assert names == {
        "run.json",
        "recordings.json",
        "classes.json",
        "lock",
        "spec.resolved.yaml",
        "trials.jsonl",
        "answers.jsonl",
        "architecture.yaml",
        "scores.npz",
        "record.json",
        "checkpoints/search/last.ckpt",
        "checkpoints/train/last.ckpt",
        "checkpoints/network.pt",
    }
    assert run.record() == record
    assert run.name == f"tiny-{run.spec_hash[:8]}-0"
    assert run.spec_hash != record.spec_hash, "a run on synthetic recordings is another run"
    assert load_spec(run.path / SPEC).hash == record.spec_hash
    kinds = [line["kind"] for line in run.trials()]
    assert (kinds.count("epoch"), kinds.count("trial"), kinds.count("generation")) == (3, 8, 2)


def test_the_metrics_are_those_of_the_stored_scores(finished: tuple[Path, Record]):
    scores = tiny.only_run(finished[0] / "runs").load_scores()
    assert len(scores.ids) == finished[1].clips.test
    assert scores.scores.sum(1) == pytest.approx(np.ones(len(scores.ids)), abs=1e-5)
    top1 = 100 * (scores.scores.argmax(1) == scores.labels).mean()
    assert finished[1].metrics["top1"] == pytest.approx(top1, abs=1e-3)
    assert all(name.endswith("_v03") for name in scores.ids), "the test split is the third view"


# --- repetition --------------------------------------------------------------------------------


def test_one_seed_gives_one_record_and_another_seed_another(
    finished: tuple[Path, Record], raw: Path, tmp_path: Path
):
    again = tiny.run(tmp_path, raw)
    assert again.comparable() == finished[1].comparable()
    other = tiny.run(tmp_path, raw, seed=1)
    assert other.run != again.run
    assert other.split_fingerprint == again.split_fingerprint
    assert other.clips == again.clips
    folders = [RunFolder(tmp_path / "runs" / record.run) for record in (again, other)]
    first, second = (folder.load_scores().scores for folder in folders)
    assert not np.array_equal(first, second)


def test_a_finished_run_is_not_run_again(
    finished: tuple[Path, Record],
    raw: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    folder, record = finished
    run = tiny.only_run(folder / "runs").path
    before = content(run)

    def never(*arguments: Any, **options: Any) -> None:
        raise AssertionError("work was done")

    monkeypatch.setattr(main_path, "search_architecture", never)
    assert tiny.run(folder, raw) == record
    assert content(run) == before
    assert "is finished; --no-resume runs it again" in capsys.readouterr().err


def test_a_run_belongs_to_its_recordings(finished: tuple[Path, Record], tmp_path: Path):
    folder, record = finished
    run = tiny.only_run(folder / "runs")
    before = content(run.path)
    UclaReader().synthesise(tmp_path / "other", clips=60, seed=1, classes=3)
    with pytest.raises(RunFolderError, match=r"on other recordings.*--no-resume"):
        tiny.run(folder, tmp_path / "other")
    assert content(run.path) == before
    assert run.record() == record


def test_no_resume_starts_afresh(raw: Path, tmp_path: Path):
    first = tiny.run(tmp_path, raw, arch="plain")
    run = RunFolder(tmp_path / "runs" / first.run)
    run.write_text("stale.txt", "of the first run")
    written = (run.path / "record.json").stat().st_mtime_ns
    again = tiny.run(tmp_path, raw, arch="plain", resume=False)
    assert not (run.path / "stale.txt").exists()
    assert (run.path / "record.json").stat().st_mtime_ns > written
    assert again.comparable() == first.comparable()
    kept = RunFolder(tmp_path / "runs" / ".previous-1" / first.run)
    assert kept.record() == first
    assert kept.read_text("stale.txt") == "of the first run"
    assert [record.run for record in load_records(tmp_path / "runs")] == [first.run]
    tiny.run(tmp_path, raw, arch="plain", resume=False, discard=True)
    assert kept.record() == first
    assert not (tmp_path / "runs" / ".previous-2" / first.run).exists()


@pytest.mark.parametrize("resume", [True, False])
def test_a_run_refused_before_any_work_leaves_what_was_finished(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resume: bool
):
    first = tiny.run(tmp_path, raw, arch="plain")
    run = RunFolder(tmp_path / "runs" / first.run)
    (run.path / "trials.jsonl").unlink(missing_ok=True)
    for weights in run.path.glob("checkpoints/**/*.*"):
        weights.unlink()  # to save space
    before = content(run.path)

    def refuse(*arguments: Any, **options: Any) -> None:
        raise DataError("other data")

    monkeypatch.setattr(LoadedData, "confirm", refuse)
    with pytest.raises(DataError, match="other data"):
        tiny.run(tmp_path, raw, arch="plain", resume=resume)
    assert content(run.path) == before


def test_wrong_data_does_not_cost_a_finished_run(raw: Path, tmp_path: Path):
    first = tiny.run(tmp_path, raw, arch="plain")
    with pytest.raises(DataError, match="no such file or folder"):
        tiny.run(tmp_path, tmp_path / "nowhere", arch="plain", resume=False)
    assert RunFolder(tmp_path / "runs" / first.run).record() == first


@pytest.mark.parametrize("step", ["train_epoch", "store_network", "evaluate_network", "make_record"])
@pytest.mark.parametrize("selection", ["last", "best_val"])
def test_a_run_interrupted_in_its_training_goes_on_to_the_same_record(
    step: str, selection: str, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    spec = tiny.spec(evaluate={"selection": selection})
    whole = tiny.run(tmp_path, raw, spec, arch="plain", runs="whole")

    def interrupt(*arguments: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    where, name = {
        "train_epoch": (Epochs, "on_train_epoch_start"),
        "store_network": (training, "store_network"),
    }.get(step, (main_path, step))
    if step == "train_epoch":
        begin = Epochs.on_train_epoch_start

        def second(self: Epochs, trainer: Any, module: Any) -> None:
            if trainer.current_epoch == 1:
                raise KeyboardInterrupt
            begin(self, trainer, module)

        interrupt = second
    with monkeypatch.context() as patch:
        patch.setattr(where, name, interrupt)
        with pytest.raises(KeyboardInterrupt):
            tiny.run(tmp_path, raw, spec, arch="plain")
    assert tiny.only_run(tmp_path / "runs").record() is None
    assert tiny.run(tmp_path, raw, spec, arch="plain").comparable() == whole.comparable()


def move(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Move the runs to another place."""
    return (folder / "runs").rename(folder / "moved")


def set_the_clock_back(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let everything written so far be a year ahead, and the clock another year behind."""
    year, clock = 365 * 24 * 3600, time.time
    for path in [folder / "runs", *(folder / "runs").rglob("*")]:
        os.utime(path, (clock() + year, clock() + year))
    monkeypatch.setattr(time, "time", lambda: clock() - year)
    return folder / "runs"


@pytest.mark.parametrize("change", [move, set_the_clock_back])
@pytest.mark.parametrize("done", ["half", "all"])
def test_a_run_goes_on_in_a_moved_folder_and_with_the_clock_set_back(
    change: Callable[[Path, pytest.MonkeyPatch], Path],
    done: str,
    raw: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    whole = tiny.run(tmp_path, raw, arch="plain", runs="whole")
    if done == "all":
        tiny.run(tmp_path, raw, arch="plain")
    else:
        with monkeypatch.context() as patch:
            patch.setattr(main_path, "evaluate_network", Mock(side_effect=KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                tiny.run(tmp_path, raw, arch="plain")
    runs = change(tmp_path, monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(Epochs, "on_train_epoch_start", Mock(side_effect=AssertionError("trained again")))
        assert tiny.run(tmp_path, raw, arch="plain", runs=runs.name).comparable() == whole.comparable()
    assert [path.name for path in runs.iterdir() if not path.name.startswith(".")] == [whole.run]


def test_a_run_interrupted_after_its_search_does_not_search_again(
    finished: tuple[Path, Record], raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def interrupt(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(main_path, "train_network", interrupt)
        with pytest.raises(KeyboardInterrupt):
            tiny.run(tmp_path, raw)
    monkeypatch.setattr(nas, "search_on_supernet", interrupt)
    assert tiny.run(tmp_path, raw).comparable() == finished[1].comparable()


# --- identity of runs ---------------------------------------------------------------------------


def test_another_spec_is_another_run_and_a_folder_of_another_is_refused(
    finished: tuple[Path, Record], raw: Path, tmp_path: Path
):
    record = finished[1]
    taken = tmp_path / "runs" / record.run
    identity = RunFolder(finished[0] / "runs" / record.run).spec_hash
    RunFolder.create(tmp_path / "runs", "tiny", identity[:8] + "f" * 56, 0)
    before = content(taken)
    with pytest.raises(RunFolderError, match=r"the folder holds another run.*Choose another folder"):
        tiny.run(tmp_path, raw)
    with pytest.raises(RunFolderError, match="the folder holds another run"):
        tiny.run(tmp_path, raw, resume=False)
    assert content(taken) == before


def test_a_given_architecture_has_a_run_of_its_own_and_no_search(raw: Path, tmp_path: Path):
    named = tiny.run(tmp_path, raw, arch="plain")
    assert (named.model, named.strategy, named.search) == ("plain", None, None)
    assert named.run.startswith("tiny.plain-")
    other = tiny.spec(architectures={"plain": {"choices": {"graph_1": ["cheb.l2"], "graph_2": ["cheb.l"]}}})
    changed = tiny.run(tmp_path, raw, other, arch="plain")
    assert changed.spec_hash == named.spec_hash, "architectures are no part of a search's identity"
    assert changed.run != named.run, "but of the run of one of them"


def test_the_run_of_a_given_architecture_outlives_changes_of_the_search(raw: Path, tmp_path: Path):
    named = tiny.run(tmp_path, raw, arch="plain")
    other = tiny.spec(search={**tiny.spec()["search"], "epochs": 7})
    found = tiny.run(tmp_path, raw, other, arch="plain")
    assert (found.run, found.date) == (named.run, named.date)
    recipe = tiny.spec(train={**tiny.spec()["train"], "batch_size": 9})
    assert tiny.run(tmp_path, raw, recipe, arch="plain").run != named.run


def test_the_found_architecture_trains_again_from_its_file(
    finished: tuple[Path, Record], raw: Path, tmp_path: Path
):
    folder, record = finished
    file = tiny.only_run(folder / "runs").path / ARCHITECTURE
    again = tiny.run(tmp_path, raw, arch=str(file))
    assert (again.model, again.architecture) == ("searched", record.architecture)
    assert again.choices == record.choices != {}
    assert again.metrics == record.metrics
    assert again.params == record.params
    assert rescore(tmp_path / "runs" / again.run) == again


# --- honest splits ------------------------------------------------------------------------------


class Seen:
    """What loaders gave in each phase of a run: cameras and subjects of the recordings."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.phase, self.rows = "search", defaultdict[str, set[int]](set)
        batch = ClipLoader._batch

        def spy(loader: ClipLoader, chosen: Any, rng: Any) -> Any:
            self.clips = loader.clips
            self.rows[f"{self.phase} {'train' if loader.training else 'score'}"] |= set(
                loader._rows[chosen].tolist()
            )
            return batch(loader, chosen, rng)

        monkeypatch.setattr(ClipLoader, "_batch", spy)
        for step, phase in (("derive", "final"), ("evaluate_network", "test")):
            self._begins(monkeypatch, step, phase)

    def _begins(self, monkeypatch: pytest.MonkeyPatch, step: str, phase: str) -> None:
        original = getattr(main_path, step)

        def begun(*arguments: Any) -> Any:
            self.phase = phase
            return original(*arguments)

        monkeypatch.setattr(main_path, step, begun)

    def cameras(self, phase: str) -> set[int]:
        return set(self.clips.cameras[sorted(self.rows[phase])].tolist())

    def subjects(self, phase: str) -> set[int]:
        return set(self.clips.subjects[sorted(self.rows[phase])].tolist())


@pytest.mark.parametrize("weights", ["shared", "own"])
@pytest.mark.parametrize("selection", ["last", "best_val"])
def test_the_test_split_is_seen_by_the_last_step_only(
    weights: str, selection: str, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    seen = Seen(monkeypatch)
    search = tiny.SHARED if weights == "shared" else tiny.own("random", evaluations=2)
    train = {**tiny.spec()["train"], "batch_size": 6}  # divides 36 and 42: every clip is seen
    spec = tiny.spec(search=search, evaluate={"selection": selection}, train=train)
    record = tiny.run(tmp_path, raw, spec)
    rows = seen.rows
    final_scores = {"final score"} if selection == "best_val" else set()
    assert set(rows) == {"search train", "search score", "final train", "test score"} | final_scores
    assert seen.cameras("test score") == {3}
    for phase in set(rows) - {"test score"}:
        assert seen.cameras(phase) == {1, 2}, phase
    assert not rows["search train"] & rows["search score"], "validation is not trained on"
    assert not seen.subjects("search train") & seen.subjects("search score"), "whole performers are held out"
    everything = rows["search train"] | rows["search score"]
    if selection == "last":
        assert rows["final train"] == everything
        expected = (len(everything), 0, len(rows["test score"]))
    else:
        assert rows["final train"] == rows["search train"]
        assert rows["final score"] == rows["search score"]
        expected = (len(rows["search train"]), len(rows["search score"]), len(rows["test score"]))
    assert (record.clips.train, record.clips.validation, record.clips.test) == expected


def test_best_val_takes_the_weights_of_the_best_epoch(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    values: Iterator[float] = iter([50.0, 70.0, 60.0])
    monkeypatch.setattr("skelbench.training.fit.top1", lambda model, loader: next(values))
    train = {**tiny.spec()["train"], "epochs": 3}
    best = tiny.run(tmp_path, raw, tiny.spec(train=train, evaluate={"selection": "best_val"}), arch="plain")
    folder = RunFolder(tmp_path / "runs" / best.run)
    state = torch.load(folder.checkpoints / "network.pt", weights_only=True)
    kept = torch.load(folder.checkpoints / "train" / "best.ckpt", weights_only=True)
    last = torch.load(folder.checkpoints / "train" / "last.ckpt", weights_only=True)["state_dict"]
    assert all(torch.equal(state[name], kept[name]) for name in kept)
    assert not all(torch.equal(state[name], last[f"network.{name}"]) for name in kept)


# --- hooks --------------------------------------------------------------------------------------


class Listener:
    """Writes down what it is told, then spoils it."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any, dict[str, Any]]] = []

    def _keep(self, hook: str, value: Any, context: dict[str, Any]) -> None:
        plain = value if isinstance(value, Record) else json.loads(json.dumps(value))
        self.told.append((hook, plain, dict(context)))
        context.clear()
        if isinstance(value, dict):
            value.clear()

    @hookimpl
    def before_run(self, spec: dict[str, Any], context: dict[str, Any]) -> None:
        assert not (context["folder"] / "record.json").exists()
        self._keep("before_run", spec, context)

    @hookimpl
    def after_trial(self, trial: dict[str, Any], context: dict[str, Any]) -> None:
        (context["folder"] / "trials.jsonl").read_text().index(json.dumps(trial))
        self._keep("after_trial", trial, context)

    @hookimpl
    def after_run(self, record: Record, context: dict[str, Any]) -> None:
        assert Record.read(context["folder"] / "record.json") == record
        self._keep("after_run", record, context)


@pytest.mark.parametrize("search", [tiny.SHARED, tiny.own("random", evaluations=3)])
def test_hooks_are_told_what_they_are_promised_and_can_spoil_nothing(
    search: dict[str, Any], raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    spec = tiny.spec(search=search)
    quiet = tiny.run(tmp_path, raw, spec, runs="quiet")
    listener, second = Listener(), Listener()
    extra = [("listener", listener), ("second", second)]
    monkeypatch.setattr(main_path, "load_registry", lambda: load_registry(extra=extra))
    record = tiny.run(tmp_path, raw, spec)
    folder = tiny.only_run(tmp_path / "runs")
    trials = [line for line in folder.trials() if line["kind"] == "trial"]
    assert [hook for hook, _, _ in listener.told] == [
        "before_run",
        *["after_trial"] * len(trials),
        "after_run",
    ]
    assert [value for hook, value, _ in listener.told if hook == "after_trial"] == trials
    assert listener.told[0][1] == load_spec(tmp_path / "tiny.yaml").data
    assert listener.told[-1][1] == record
    expected = {"folder": folder.path, "seed": 0, "device": "cpu"}
    assert all(context == expected for _, _, context in listener.told)
    assert not {"listener", "second"} & set(quiet.plugins)
    assert {"listener", "second"} <= set(record.plugins)
    spoilt, plain = record.comparable(), quiet.comparable()
    del spoilt["plugins"], plain["plugins"]
    assert spoilt == plain


# --- wrong input that only the work can find ----------------------------------------------------


WIDER = {"choice": {"label": "c", "from": [tiny.BLOCK, {**tiny.BLOCK, "channels": 5}]}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"search": {**tiny.SHARED, "epochs": 1}}, "a warm-up of 1 epochs"),
        ({"search": tiny.own("grid", limit=10)}, "more than the grid's limit of 10"),
        ({"network": tiny.network(WIDER)}, "in a supernet all options give the same shape"),
    ],
)
def test_input_found_wrong_before_any_work_leaves_no_run_folder(
    changes: dict[str, Any], message: str, raw: Path, tmp_path: Path
):
    with pytest.raises(SpecError, match=message) as raised:
        tiny.run(tmp_path, raw, tiny.spec(architectures={}, **changes))
    assert raised.value.exit_code == 2
    assert not (tmp_path / "runs").exists()


def test_work_that_fails_keeps_its_folder(raw: Path, tmp_path: Path):
    train = {**tiny.spec()["train"], "optimizer": {"lr": 1e30}}
    with pytest.raises(SkelbenchError, match="the loss is") as raised:
        tiny.run(tmp_path, raw, tiny.spec(train=train), arch="plain")
    assert raised.value.exit_code == 1
    assert tiny.only_run(tmp_path / "runs").record() is None


# --- scoring again ------------------------------------------------------------------------------


def test_scoring_again_gives_the_same_metrics(finished: tuple[Path, Record]):
    folder = tiny.only_run(finished[0] / "runs")
    scores = folder.load_scores()
    assert rescore(folder.path) == finished[1]
    assert np.array_equal(folder.load_scores().scores, scores.scores)


def test_other_views_are_scored_into_a_folder_of_their_own(raw: Path, tmp_path: Path):
    spec = tiny.spec(data={**tiny.spec()["data"], "clip": {"frames": 8, "fill": "segments", "persons": 1}})
    record = tiny.run(tmp_path, raw, spec, arch="plain")
    path = tmp_path / "runs" / record.run
    before = content(path)
    other = rescore(path, views=4)
    assert other.run != record.run
    assert other.views == 4
    assert other.spec_hash != record.spec_hash
    assert RunFolder(tmp_path / "runs" / other.run).record() == other
    fresh = tiny.run(tmp_path, raw, {**spec, "evaluate": {"views": 4}}, arch="plain", runs="fresh")
    assert other.metrics == fresh.metrics
    assert other.run == fresh.run, "the same run as with those views from the beginning"
    assert rescore(tmp_path / "runs" / other.run) == other, "it can be scored again itself"
    assert content(path) == before


def test_a_network_that_scores_otherwise_is_told_and_the_scores_stay(raw: Path, tmp_path: Path):
    record = tiny.run(tmp_path, raw, arch="plain")
    run = RunFolder(tmp_path / "runs" / record.run)
    run.write_record(record.model_copy(update={"metrics": {"top1": 99.9, "top5": 99.9}}))
    scores = (run.path / "scores.npz").stat().st_mtime_ns
    with pytest.raises(RunFolderError, match="the record says"):
        rescore(run.path)
    assert (run.path / "scores.npz").stat().st_mtime_ns == scores


def test_scoring_refuses_what_is_not_finished_or_not_its_data(
    finished: tuple[Path, Record], raw: Path, tmp_path: Path
):
    path = tiny.only_run(finished[0] / "runs").path
    UclaReader().synthesise(tmp_path / "other", clips=60, seed=1, classes=3)
    with pytest.raises(RunFolderError, match="these are not the recordings of the run"):
        rescore(path, data=tmp_path / "other", views=3)
    assert tiny.only_run(finished[0] / "runs").path == path, "no second folder is left"
    begun = RunFolder.create(tmp_path / "runs", "tiny", "b" * 64, 0)
    with pytest.raises(RunFolderError, match="the run is not finished"):
        rescore(begun.path)
    with pytest.raises(RunFolderError, match="cannot open the run"):
        rescore(tmp_path / "nothing")


def test_scoring_without_the_trained_network_is_refused(raw: Path, tmp_path: Path):
    record = tiny.run(tmp_path, raw, arch="plain")
    path = tmp_path / "runs" / record.run
    weights = path / "checkpoints" / "network.pt"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(RunFolderError, match=r"network\.pt: the file is not what it was when the run ended"):
        rescore(path)
    weights.unlink()
    with pytest.raises(RunFolderError, match="the run has no trained network"):
        rescore(path)


def test_an_architecture_file_says_where_it_comes_from(finished: tuple[Path, Record]):
    architecture = Architecture.read(tiny.only_run(finished[0] / "runs").path / ARCHITECTURE)
    assert (architecture.name, architecture.space) == ("searched", "tiny")
    assert architecture.spec_hash == finished[1].spec_hash
    assert set(architecture.choices) == {"graph_1", "graph_2"}
