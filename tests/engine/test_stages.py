"""A spec's stages: what is run in which order, what is fused, and going on where it stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from skelbench.cli.app import app
from skelbench.engine import run as main_path
from skelbench.engine.fusion import fuse_runs, store_fusion
from skelbench.engine.job import RunOptions
from skelbench.engine.stages import run_stages
from skelbench.errors import SpecError, WorkFailed
from skelbench.results.record import Record
from skelbench.results.store import RunFolder
from skelbench.spec.resolve import load_spec

from . import tiny

PLAIN = tiny.spec()["architectures"]["plain"]
AGAIN = {**PLAIN, "start": {"weights": {"plain": {"input": "input"}}}}
STAGES = [
    {"name": "pretrain", "train": ["plain"]},
    {"name": "streams", "train": ["again", "plain"], "streams": ["joint", "bone"], "fuse": [[1, 1], [3, 1]]},
]


def spec(**changes: Any) -> dict[str, Any]:
    architectures = {"plain": PLAIN, "again": AGAIN}
    search = tiny.own("random", evaluations=1)
    return tiny.spec(architectures=architectures, stages=STAGES, search=search, **changes)


def run(
    folder: Path,
    raw: Path,
    data: dict[str, Any] | None = None,
    stages: tuple[str, ...] = (),
    *,
    runs: str = "runs",
    **options: Any,
) -> Any:
    path = tiny.write(folder, data or spec())
    given = RunOptions(data=raw, runs=folder / runs, accelerator="cpu", **options)
    return run_stages(str(path), given, stages)


def rows(records: list[Record]) -> list[tuple[str, str, set[float]]]:
    return [(record.stream, record.model, set(record.fusion.values())) for record in records]


def comparable(records: list[Record]) -> list[dict[str, Any]]:
    return [record.comparable() for record in records]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, raw: Path) -> tuple[Path, list[Record]]:
    """A folder with a finished pipeline, and its records. Tests leave it as it is."""
    folder = tmp_path_factory.mktemp("finished")
    return folder, run(folder, raw)


# --- what is run --------------------------------------------------------------------------------


def test_every_run_of_every_stage_in_order_and_each_once(finished: tuple[Path, list[Record]]):
    folder, records = finished
    assert rows(records) == [
        ("joint", "plain", set()),
        ("joint", "again", set()),
        ("bone", "again", set()),
        ("joint+bone", "again", {0.5}),
        ("joint+bone", "again", {0.75, 0.25}),
        ("bone", "plain", set()),
        ("joint+bone", "plain", {0.5}),
        ("joint+bone", "plain", {0.75, 0.25}),
    ]
    stored = {p.name for p in (folder / "runs").iterdir() if not p.name.startswith(".")}
    assert stored == {record.run for record in records}, "no two are one run, and there is no other"
    assert all(RunFolder(folder / "runs" / record.run).record() == record for record in records)


def test_runs_are_those_that_train_makes_stream_by_stream(finished: tuple[Path, list[Record]], raw: Path):
    folder, (plain, again, bone, _, _, plain_bone, *_) = finished
    assert tiny.run(folder, raw, spec(), arch="plain") == plain
    assert tiny.run(folder, raw, spec(), arch="again", sets=("data.stream=bone",)) == bone
    assert again.started_from == {"plain": plain.run}
    assert bone.started_from == {"plain": plain_bone.run}, "that of the same stream"


def test_fused_rows_are_those_of_the_command_and_fusing_again_is_the_same_run(
    finished: tuple[Path, list[Record]], tmp_path: Path
):
    folder, records = finished
    _, joint, bone, equal, weighed, *_ = records
    paths = [folder / "runs" / record.run for record in (joint, bone)]
    assert store_fusion(fuse_runs(paths, [1, 1]), folder / "runs") == equal
    assert store_fusion(fuse_runs(paths, [6, 2]), folder / "runs") == weighed
    assert equal.started_from == {}
    assert (equal.params, equal.metrics.keys()) == (2 * (joint.params or 0), joint.metrics.keys())
    elsewhere = store_fusion(fuse_runs(paths), tmp_path)
    assert (elsewhere.run, elsewhere.metrics) == (equal.run, equal.metrics)


def test_a_fusion_of_runs_that_are_others_now_is_written_anew(
    finished: tuple[Path, list[Record]], tmp_path: Path
):
    folder, (_, joint, bone, *_) = finished
    paths = [folder / "runs" / record.run for record in (joint, bone)]
    first = store_fusion(fuse_runs(paths), tmp_path)
    path = tmp_path / first.run / "record.json"
    first.model_copy(update={"metrics": {"top1": 1.0, "top5": 2.0}}).write(path)
    assert store_fusion(fuse_runs(paths), tmp_path).metrics == first.metrics == Record.read(path).metrics


def test_some_stages_alone_and_the_search(raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (plain,) = run(tmp_path, raw, stages=("pretrain",))
    assert "stage pretrain (1 of 1): plain (1 of 1)" in capsys.readouterr().err
    searched = run(tmp_path, raw, stages=("search",))
    assert isinstance(searched, Record)
    assert (searched.model, searched.search is None) == ("searched", False)
    both = run(tmp_path, raw, stages=("search", "pretrain"))
    assert both == [plain, searched]
    without = {key: value for key, value in spec().items() if key != "stages"}
    assert run(tmp_path, raw, without) == searched == run(tmp_path, raw, {**spec(), "stages": []})


def test_the_screen_says_where_it_is(
    finished: tuple[Path, list[Record]], raw: Path, capsys: pytest.CaptureFixture[str]
):
    folder, records = finished
    assert run(folder, raw) == records
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("stage ")]
    assert told == [
        "stage pretrain (1 of 2): plain (1 of 1)",
        "stage streams (2 of 2): again, joint (1 of 2)",
        "stage streams (2 of 2): again, bone (1 of 2)",
        "stage streams (2 of 2): again, joint + bone fused by 1 : 1",
        "stage streams (2 of 2): again, joint + bone fused by 3 : 1",
        "stage streams (2 of 2): plain, joint (2 of 2)",
        "stage streams (2 of 2): plain, bone (2 of 2)",
        "stage streams (2 of 2): plain, joint + bone fused by 1 : 1",
        "stage streams (2 of 2): plain, joint + bone fused by 3 : 1",
    ]


def test_the_command_shows_all_rows_together(finished: tuple[Path, list[Record]], raw: Path):
    folder, records = finished
    given = ["run", str(tiny.write(folder, spec())), "--data", str(raw), "--runs", str(folder / "runs")]
    shown = CliRunner().invoke(app, [*given, "--json"], catch_exceptions=False)
    assert json.loads(shown.stdout) == [record.model_dump(mode="json") for record in records]
    table = CliRunner().invoke(app, given, catch_exceptions=False)
    rows = [line.split(" | ")[1:3] for line in table.stdout.splitlines() if line.startswith("| 1")]
    streams = ("joint", "bone", "joint + bone", "joint + bone (3:1)")
    assert sorted(rows) == sorted([model, stream] for model in ("again", "plain") for stream in streams)
    assert [f"record: {folder / 'runs' / r.run / 'record.json'}" for r in records] == [
        line for line in table.stderr.splitlines() if line.startswith("record: ")
    ]
    (one,) = json.loads(
        CliRunner().invoke(app, [*given, "--stage", "pretrain", "--json"], catch_exceptions=False).stdout
    )
    assert one["run"] == records[0].run


# --- going on, and failing ----------------------------------------------------------------------


def nth(number: int, error: BaseException, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Let the ``number``-th training end in ``error``. Gives the runs whose training has begun."""
    train, begun = main_path.train_network, []

    def counted(job: Any, network: Any) -> Any:
        begun.append(job.folder.name)
        if len(begun) == number:
            raise error
        return train(job, network)

    monkeypatch.setattr(main_path, "train_network", counted)
    return begun


def test_an_interrupted_pipeline_goes_on_to_the_same_records(
    finished: tuple[Path, list[Record]], raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch:
        nth(2, KeyboardInterrupt(), patch)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, raw)
    begun = nth(0, KeyboardInterrupt(), monkeypatch)
    assert comparable(run(tmp_path, raw)) == comparable(finished[1])
    assert finished[1][0].run not in begun, "what was finished is not run again"
    assert len(begun) == 3


def test_a_run_that_fails_ends_the_pipeline_and_what_is_done_stays(
    finished: tuple[Path, list[Record]], raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    begun = nth(2, WorkFailed("the loss is nan"), monkeypatch)
    with pytest.raises(WorkFailed, match="the loss is nan"):
        run(tmp_path, raw)
    plain, again = (RunFolder(tmp_path / "runs" / name) for name in begun)
    assert plain.record().comparable() == finished[1][0].comparable()
    assert again.record() is None


def test_beginning_anew_makes_each_run_once(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    given = {**spec(), "stages": [{"name": "all", "train": ["again", "plain"]}]}
    again, plain = run(tmp_path, raw, given)
    begun = nth(0, KeyboardInterrupt(), monkeypatch)
    assert comparable(run(tmp_path, raw, given, resume=False)) == comparable([again, plain])
    assert begun == [plain.run, again.run], "what a run starts from comes before it"


# --- what is refused ----------------------------------------------------------------------------


def test_an_unknown_stage_is_refused(raw: Path, tmp_path: Path):
    with pytest.raises(SpecError, match=r"the spec has no stage 'pretran'\. Did you mean 'pretrain'\?"):
        run(tmp_path, raw, stages=("pretran",))
    with pytest.raises(SpecError, match=r"the spec has no stage 'all'\. Valid names: search"):
        run(tmp_path, raw, tiny.spec(), stages=("all",))
    assert not (tmp_path / "runs").exists()


def test_weights_that_do_not_fit_the_last_stage_are_told_before_the_first(raw: Path, tmp_path: Path):
    wrong = {**PLAIN, "start": {"weights": {"plain": {"input": "body"}}}}
    with pytest.raises(SpecError, match="'input' of 'plain' does not fit 'body' of 'again'"):
        run(tmp_path, raw, {**spec(), "architectures": {"plain": PLAIN, "again": wrong}})
    assert not (tmp_path / "runs").exists()


def test_given_weights_go_to_the_runs_that_start_from_them(
    finished: tuple[Path, list[Record]], raw: Path, tmp_path: Path
):
    source = finished[0] / "runs" / finished[1][0].run
    stages = [{"name": "transfer", "train": ["again"]}]
    (again,) = run(tmp_path, raw, {**spec(), "stages": stages}, start=(f"plain={source}",))
    assert again.started_from == {"plain": source.name}
    with pytest.raises(SpecError, match=r"--start: no stage starts from 'plan'\. Did you mean 'plain'\?"):
        run(tmp_path, raw, start=(f"plan={source}",))
    with pytest.raises(SpecError, match="a search does not start from 'plain'"):
        run(tmp_path, raw, stages=("search",), start=(f"plain={source}",))


# --- the language -------------------------------------------------------------------------------


def test_stages_are_no_part_of_a_runs_identity_and_profiles_replace_them(tmp_path: Path):
    path = tiny.write(tmp_path, spec(profiles={"brief": {"stages": STAGES[:1]}, "none": {"stages": []}}))
    whole, brief, none = (load_spec(path, profile=profile) for profile in (None, "brief", "none"))
    assert [len(loaded.spec.stages) for loaded in (whole, brief, none)] == [2, 1, 0]
    assert (
        whole.hash == brief.hash == none.hash == load_spec(tiny.write(tmp_path, spec() | {"stages": []})).hash
    )
    assert whole.recipe_hash == none.recipe_hash
