"""Architectures that start from the trained weights of others."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from skelbench.cli.app import app
from skelbench.engine import run as main_path
from skelbench.engine.identity import Identity, defining_hash, run_hash
from skelbench.engine.rescore import rescore
from skelbench.engine.start import START
from skelbench.errors import RunFolderError, SkelbenchError, SpecError, WorkFailed
from skelbench.leaderboard.table import make_tables
from skelbench.results.record import Record
from skelbench.results.store import RunFolder
from skelbench.training.fit import LAST, Epochs

from . import tiny

PARTS = {"input": "input", "body.0": "body.0"}
ADAM = {**tiny.spec()["train"], "optimizer": {"name": "adam", "lr": 0.05, "weight_decay": 0.1}}
PLAIN = tiny.spec()["architectures"]["plain"]


def spec(freeze: float = 0.0, parts: dict[str, str] = PARTS, **changes: Any) -> dict[str, Any]:
    """The tiny spec with an architecture ``again`` that starts from ``plain``."""
    again = {**PLAIN, "start": {"freeze": freeze, "weights": {"plain": parts}}}
    return tiny.spec(train=ADAM, architectures={"plain": PLAIN, "again": again}) | changes


def weights(run: Path) -> dict[str, Any]:
    return torch.load(run / "checkpoints" / "network.pt", weights_only=True)


def begun(runs: Path) -> list[str]:
    """What stands under ``runs``, stores apart."""
    return sorted(p.name for p in runs.glob("*") if not p.name.startswith(".")) if runs.exists() else []


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, raw: Path) -> tuple[Path, Record]:
    """A folder with runs of both architectures, and the record of ``again``. Tests leave it as it is."""
    folder = tmp_path_factory.mktemp("finished")
    return folder, tiny.run(folder, raw, spec(0.5), arch="again")


# --- running ------------------------------------------------------------------------------------


def test_what_an_architecture_starts_from_is_trained_first_and_once(
    finished: tuple[Path, Record], raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder, record = finished
    plain = tiny.run(tmp_path, raw, spec(0.5), arch="plain")
    assert record.started_from == {"plain": plain.run}
    assert RunFolder(folder / "runs" / plain.run).record().comparable() == plain.comparable()
    assert (plain.started_from, record.architecture) == ({}, plain.architecture)
    capsys.readouterr()
    again = tiny.run(tmp_path, raw, spec(0.5), arch="again")
    assert again.comparable() == record.comparable()
    told = capsys.readouterr().err
    assert plain.run not in told
    assert "training that first" not in told, "what is finished is not trained"
    tiny.run(tmp_path, raw, spec(0.5), arch="again", runs="fresh")
    assert "again starts from plain: training that first" in capsys.readouterr().err


def test_its_training_begins_with_the_named_parts_and_fresh_others(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    train, begin = main_path.train_network, []

    def spy(job: Any, network: Any) -> Any:
        begin.append({name: value.clone() for name, value in network.state_dict().items()})
        return train(job, network)

    monkeypatch.setattr(main_path, "train_network", spy)
    record = tiny.run(tmp_path, raw, spec(), arch="again")
    fresh, started = begin
    source = weights(tmp_path / "runs" / record.started_from["plain"])
    assert started.keys() == fresh.keys() == weights(tmp_path / "runs" / record.run).keys()
    loaded = {name for name in started if name.startswith(("input.", "body.0."))}
    assert all(torch.equal(started[name], source[name]) for name in loaded)
    assert all(torch.equal(started[name], fresh[name]) for name in started.keys() - loaded)
    assert any(not torch.equal(source[name], fresh[name]) for name in loaded)


def test_frozen_parts_stay_until_thawed_also_where_the_run_is_interrupted(
    finished: tuple[Path, Record], raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    begin = Epochs.on_train_epoch_start

    def second(self: Epochs, trainer: Any, module: Any) -> None:
        if trainer.current_epoch == 1 and "again" in str(self.folder):
            raise KeyboardInterrupt
        begin(self, trainer, module)

    with monkeypatch.context() as patch:
        patch.setattr(Epochs, "on_train_epoch_start", second)
        with pytest.raises(KeyboardInterrupt):
            tiny.run(tmp_path, raw, spec(0.5), arch="again")
    whole, runs = finished[1], tmp_path / "runs"
    source = weights(runs / whole.started_from["plain"])
    last = torch.load(runs / whole.run / "checkpoints" / "train" / LAST, weights_only=True)["state_dict"]
    learnt = [name for name in source if name.endswith((".weight", ".bias"))]
    held = {n for n in learnt if n.startswith("body.0.")}
    assert all(torch.equal(last[f"network.{name}"], source[name]) for name in held)
    assert not torch.equal(last["network.head.linear.weight"], source["head.linear.weight"])
    again = tiny.run(tmp_path, raw, spec(0.5), arch="again")
    assert again.comparable() == whole.comparable()
    thawed = weights(runs / again.run)
    assert all(not torch.equal(thawed[name], source[name]) for name in held)


def test_sources_may_start_from_others(raw: Path, tmp_path: Path):
    third = {**PLAIN, "start": {"weights": {"again": {"body": "body"}, "plain": {"input": "input"}}}}
    given = spec()
    given["architectures"]["third"] = third
    record = tiny.run(tmp_path, raw, given, arch="third")
    assert sorted(record.started_from) == ["again", "plain"]
    assert len(begun(tmp_path / "runs")) == 3
    checked = tiny.checked(tmp_path, given)
    given["architectures"]["again"]["start"]["freeze"] = 0.25
    other = tiny.checked(tmp_path, given)
    hashes = [run_hash(c, c.architectures["third"], True) for c in (checked, other)]
    assert hashes[0] != hashes[1], "what it starts from starts otherwise"


def test_a_finished_run_needs_its_sources_no_longer(finished: tuple[Path, Record], raw: Path, tmp_path: Path):
    folder, record = finished
    shutil.copytree(folder / "runs" / record.run, tmp_path / "runs" / record.run)
    assert tiny.run(tmp_path, raw, spec(0.5), arch="again") == record
    assert begun(tmp_path / "runs") == [record.run]


def test_running_it_afresh_leaves_its_sources_as_they_are(
    finished: tuple[Path, Record], raw: Path, tmp_path: Path
):
    shutil.copytree(finished[0] / "runs", tmp_path / "runs")
    network = tmp_path / "runs" / finished[1].started_from["plain"] / "checkpoints" / "network.pt"
    before = network.stat().st_mtime_ns
    own = (tmp_path / "runs" / finished[1].run / "checkpoints" / "network.pt").stat().st_mtime_ns
    tiny.run(tmp_path, raw, spec(0.5), arch="again", resume=False)
    assert network.stat().st_mtime_ns == before
    assert (tmp_path / "runs" / finished[1].run / "checkpoints" / "network.pt").stat().st_mtime_ns != own


def test_a_source_that_fails_ends_it(raw: Path, tmp_path: Path):
    failing = {**tiny.spec()["train"], "optimizer": {"lr": 1e30}}
    with pytest.raises(WorkFailed, match="the loss is"):
        tiny.run(tmp_path, raw, spec(train=failing), arch="again")


def test_it_is_scored_again_from_its_network_alone(finished: tuple[Path, Record], raw: Path, tmp_path: Path):
    folder, record = finished
    path = tmp_path / "runs" / record.run
    shutil.copytree(folder / "runs" / record.run, path)
    assert rescore(path) == record
    other = rescore(path, views=2)
    assert (other.views, other.started_from) == (2, record.started_from)
    fresh = tiny.run(tmp_path, raw, spec(0.5, evaluate={"views": 2}), arch="again", runs="fresh")
    assert (other.run, other.spec_hash, other.metrics) == (fresh.run, fresh.spec_hash, fresh.metrics)


# --- weights of another run ---------------------------------------------------------------------


def test_weights_of_another_specs_run_take_the_place_of_training(
    finished: tuple[Path, Record], raw: Path, tmp_path: Path
):
    source = finished[0] / "runs" / finished[1].started_from["plain"]
    given = spec(name="other", train={**ADAM, "batch_size": 12})
    record = tiny.run(tmp_path, raw, given, arch="again", start=(f"plain={source}",))
    assert record.started_from == {"plain": source.name}
    assert begun(tmp_path / "runs") == [record.run], "nothing else is trained"
    assert tiny.run(tmp_path, raw, given, arch="again", start=(f"plain={source}",)) == record
    path = tmp_path / "runs" / record.run
    assert rescore(path) == record
    other = rescore(path, views=2)
    viewed = {**given, "evaluate": {"views": 2}}
    fresh = tiny.run(tmp_path, raw, viewed, runs="fresh", arch="again", start=(f"plain={source}",))
    assert (other.run, other.spec_hash) == (fresh.run, fresh.spec_hash)
    (tmp_path / "runs" / other.run / START).write_text("[]")
    with pytest.raises(RunFolderError, match=rf"{START}: the file is damaged\. Run it again"):
        rescore(tmp_path / "runs" / other.run, views=3)


def emptied(run: Path) -> None:
    (run / "record.json").unlink()


def damaged(run: Path) -> None:
    network = run / "checkpoints" / "network.pt"
    network.write_bytes(network.read_bytes()[:200])


def without_network(run: Path) -> None:
    (run / "checkpoints" / "network.pt").unlink()


def store(state: dict[str, Any], run: Path) -> None:
    """As if the run had ended with these weights."""
    torch.save(state, run / "checkpoints" / "network.pt")
    folder = RunFolder(run)
    folder.write_record(folder.finished())


def no_weights(run: Path) -> None:
    store({"input": 3}, run)


def of_other_parts(run: Path) -> None:
    state = {name.replace("body.0", "body.7"): value for name, value in weights(run).items()}
    store(state, run)


def of_another_shape(run: Path) -> None:
    state = weights(run)
    state["input.bn.weight"] = torch.ones(7)
    store(state, run)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (emptied, r"the run is not finished\. Finish it first"),
        (damaged, r"network\.pt: the file is not what it was when the run ended"),
        (without_network, r"network\.pt: the run has no trained network"),
        (no_weights, r"network\.pt: the trained network cannot be read"),
        (of_other_parts, r"the weights in \S+ are of another network: it has no part 'body.0'"),
        (of_another_shape, r"are of another network: bn.weight is 7 there and 60 here"),
        (shutil.rmtree, "cannot open the run"),
    ],
)
def test_a_wrong_run_leaves_nothing_behind(
    change: Callable[[Path], None], told: str, finished: tuple[Path, Record], raw: Path, tmp_path: Path
):
    source = tmp_path / "source"
    shutil.copytree(finished[0] / "runs" / finished[1].started_from["plain"], source)
    change(source)
    with pytest.raises(RunFolderError, match=told) as raised:
        tiny.run(tmp_path, raw, spec(), arch="again", start=(f"plain={source}",))
    assert raised.value.exit_code == 2
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("arch", "starts", "told"),
    [
        ("again", ("plan=x",), r"--start: 'again' does not start from 'plan'\. Did you mean 'plain'\?"),
        ("plain", ("again=x",), r"--start: 'plain' does not start from 'again'\. Leave out --start"),
        (None, ("plain=x",), r"--start: a search does not start from 'plain'\. Leave out --start"),
        ("again", ("plain",), r"--start: 'plain' is not of the form NAME=RUN"),
        ("again", ("plain={run}", "plain={run}"), r"--start: 'plain' is given twice"),
    ],
)
def test_a_run_that_nothing_starts_from_is_refused(
    arch: str | None,
    starts: tuple[str, ...],
    told: str,
    finished: tuple[Path, Record],
    raw: Path,
    tmp_path: Path,
):
    run = finished[0] / "runs" / finished[1].started_from["plain"]
    given = tuple(text.format(run=run) for text in starts)
    with pytest.raises(SpecError, match=told):
        tiny.run(tmp_path, raw, spec(), arch=arch, start=given)
    assert not (tmp_path / "runs").exists()


def test_the_command_takes_runs(finished: tuple[Path, Record], raw: Path, tmp_path: Path):
    source = finished[0] / "runs" / finished[1].started_from["plain"]
    path = tiny.write(tmp_path, spec())
    given = ["train", path, "--arch", "again", "--data", raw, "--runs", tmp_path / "runs", "--json"]
    result = CliRunner().invoke(
        app, [*map(str, given), "--start", f"plain={source}", "--accelerator", "cpu"], catch_exceptions=False
    )
    assert Record.model_validate_json(result.stdout).started_from == {"plain": source.name}


# --- parts that do not fit ----------------------------------------------------------------------

WIDE = {
    "network": tiny.network(
        {**tiny.BLOCK, "graph": "cheb.l"}, {**tiny.BLOCK, "channels": 6, "graph": "cheb.l"}
    )
}


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"body.3": "body.0"}, "architecture 'plain' has no part 'body.3'. Did you mean 'body.1'?"),
        ({"body.0": "boddy"}, "architecture 'again' has no part 'boddy'. Did you mean 'body'?"),
        ({"body.0.conv": "body.0"}, "'body.0.conv'"),
        (
            {"head": "body.1"},
            "'head' of 'plain' does not fit 'body.1' of 'again': linear.weight is there alone. "
            "Take a part with the same weights",
        ),
    ],
)
def test_parts_that_do_not_fit_are_told_before_anything_begins(
    parts: dict[str, str], told: str, raw: Path, tmp_path: Path
):
    with pytest.raises(SpecError) as raised:
        tiny.run(tmp_path, raw, spec(parts=parts), arch="again")
    assert told in str(raised.value)
    assert all(problem.where.startswith(str(tmp_path / "tiny.yaml:")) for problem in raised.value.problems)
    assert not (tmp_path / "runs").exists()


def test_a_part_of_another_shape_is_told_with_both(raw: Path, tmp_path: Path):
    again = {**WIDE, "start": {"weights": {"plain": {"head": "head"}}}}
    given = spec(architectures={"plain": PLAIN, "again": again})
    with pytest.raises(SpecError, match=r"linear\.weight is 10 x 4 there and 10 x 6 here"):
        tiny.run(tmp_path, raw, given, arch="again")
    given["architectures"]["again-too"] = {**PLAIN, "start": {"weights": {"plain": {"head": "heads"}}}}
    again["start"]["weights"] = {"again-too": {"input": "input"}}
    with pytest.raises(SpecError, match="'again-too' has no part 'heads'"):
        tiny.run(tmp_path, raw, given, arch="again")
    assert not (tmp_path / "runs").exists()


def test_what_is_frozen_leaves_something_to_learn(raw: Path, tmp_path: Path):
    whole = {part: part for part in ("input", "body", "head")}
    with pytest.raises(SpecError, match="'again' has nothing to learn while all of it is frozen"):
        tiny.run(tmp_path, raw, spec(0.5, whole), arch="again")
    assert tiny.run(tmp_path, raw, spec(0, whole), arch="again").status == "ok"


# --- identity -----------------------------------------------------------------------------------


def test_runs_of_architectures_without_start_are_the_runs_that_they_were(tmp_path: Path):
    """Pinned: another hash would disown every run that is finished or in progress."""
    checked = tiny.checked(tmp_path, tiny.spec(stages=[{"name": "all", "train": ["plain"]}]))
    plain = checked.architectures["plain"]
    assert run_hash(checked, plain, True)[:16] == "03e6526fad34055a"
    assert run_hash(checked, None, False)[:16] == "43638dfc75dbda4b"
    assert defining_hash(checked, plain)[:16] == "e6faf7db1907aba4"


def test_what_an_architecture_starts_from_is_part_of_the_runs_identity(tmp_path: Path):
    def hashes(
        freeze: float = 0.0, parts: dict[str, str] = PARTS, source: Any = PLAIN, **given: Identity
    ) -> Any:
        data = spec(freeze, parts)
        data["architectures"]["plain"] = source
        checked = tiny.checked(tmp_path, data)
        again = checked.architectures["again"]
        return run_hash(checked, again, True, given), defining_hash(checked, again, given)

    other = {"choices": {"graph_1": ["cheb.l2"], "graph_2": ["cheb.l", "dynamic.s"]}}
    found = [
        hashes(),
        hashes(freeze=0.5),
        hashes(parts={"input": "input"}),
        hashes(source=other),
        hashes(plain=Identity("a" * 64, 0)),
        hashes(plain=Identity("b" * 64, 0)),
    ]
    assert len({run for run, _ in found}) == len({said for _, said in found}) == len(found)
    run, said = hashes(plain=Identity("a" * 64, 1))
    assert run not in {run for run, _ in found}
    assert said == found[4][1], "runs that differ in seeds alone are one row"
    again = spec()["architectures"]["again"]
    del again["start"]
    checked = tiny.checked(tmp_path, spec(architectures={"plain": PLAIN, "again": again}))
    assert defining_hash(checked, checked.architectures["again"]) not in {said for _, said in found}


def test_faults_of_a_start_are_refused_before_anything_is_read(tmp_path: Path):
    with pytest.raises(SkelbenchError, match="'again' starts from an unknown architecture 'plan'"):
        tiny.checked(
            tmp_path,
            spec(architectures={"plain": PLAIN, "again": {**PLAIN, "start": {"weights": {"plan": PARTS}}}}),
        )


# --- from a run of itself ------------------------------------------------------------------------

HANDS: dict[str, Any] = {"dataset": "shrec17-14", "clip": {"frames": 8, "fill": "resize", "persons": 1}}
NEAR = {"input": "data_bn", "body": [{"op": "image_stem", "channels": 4}], "head": "mean_pool_linear"}


@pytest.fixture(scope="module")
def hands(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Recordings of the same hands with 14 and with 28 classes."""
    folder = tmp_path_factory.mktemp("hands")
    for name in ("shrec17-14", "shrec17-28"):
        made = CliRunner().invoke(app, ["data", "synth", name, str(folder / name), "--clips", "90"])
        assert made.exit_code == 0, made.output
    return {name: folder / name for name in ("shrec17-14", "shrec17-28")}


def of_hands(dataset: str) -> dict[str, Any]:
    return tiny.spec(
        data=HANDS | {"dataset": dataset},
        network=NEAR,
        train=ADAM | {"validation": {"by": "random"}},
        architectures={"near": {"choices": {}}},
    )


def test_an_architecture_starts_from_a_run_of_itself_on_other_data_but_for_its_head(
    hands: dict[str, Path], tmp_path: Path
):
    source = tiny.run(tmp_path, hands["shrec17-14"], of_hands("shrec17-14"), arch="near")
    path = tmp_path / "runs" / source.run
    options: dict[str, Any] = {"arch": "near", "start": (f"near={path}",)}
    record = tiny.run(tmp_path, hands["shrec17-28"], of_hands("shrec17-28"), **options)
    assert (record.started_from, record.pretrained_on) == ({"near": source.run}, "shrec17-14")
    assert (record.model, source.pretrained_on) == ("near", "")
    afresh = tiny.run(tmp_path, hands["shrec17-28"], of_hands("shrec17-28"), arch="near")
    assert afresh.run != record.run
    (row,) = (row for table in make_tables([record]) for row in table.rows)
    assert row["model"] == "near (shrec17-14 pre-trained)"


def test_what_it_starts_from_is_its_own_weights(
    hands: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    source = tiny.run(tmp_path, hands["shrec17-14"], of_hands("shrec17-14"), arch="near")
    path, begun_with = tmp_path / "runs" / source.run, {}

    def look(job: Any, network: Any) -> Any:
        begun_with.update({name: weight.clone() for name, weight in network.state_dict().items()})
        raise WorkFailed("enough")

    monkeypatch.setattr(main_path, "train_network", look)
    with pytest.raises(WorkFailed):
        tiny.run(tmp_path, hands["shrec17-28"], of_hands("shrec17-28"), arch="near", start=(f"near={path}",))
    taken = weights(path)
    for name, weight in begun_with.items():
        assert torch.equal(weight, taken[name]) != name.startswith("head."), name


def test_a_run_of_another_network_is_refused_before_anything_is_trained(
    hands: dict[str, Path], tmp_path: Path
):
    source = tiny.run(tmp_path, hands["shrec17-14"], of_hands("shrec17-14"), arch="near")
    other = of_hands("shrec17-28")
    other["network"] = NEAR | {"body": [{"op": "image_stem", "channels": 8}]}
    before = begun(tmp_path / "runs")
    with pytest.raises(RunFolderError, match="are of another network"):
        tiny.run(
            tmp_path,
            hands["shrec17-28"],
            other,
            arch="near",
            start=(f"near={tmp_path / 'runs' / source.run}",),
        )
    assert begun(tmp_path / "runs") == before
