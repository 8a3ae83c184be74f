"""Making a run again: the command that a record keeps, one more seed, and what is published of a run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from skelbench.cli.app import app
from skelbench.engine.origin import sources_commit
from skelbench.errors import RunFolderError, SkelbenchError
from skelbench.leaderboard.hits import compact, read_hits
from skelbench.leaderboard.publishing import publish_run
from skelbench.leaderboard.reproduce import Wanted, recipes
from skelbench.results.record import Record
from skelbench.results.store import Scores
from tests.engine import tiny
from tests.engine.conftest import raw  # noqa: F401 - a fixture
from tests.results.records import record


@pytest.fixture(scope="module")
def finished(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Record]:  # noqa: F811
    """A run of a fixed architecture with a changed key, its record, and the folder of both."""
    folder = tmp_path_factory.mktemp("finished")
    return folder, tiny.run(folder, raw, arch="plain", sets=("train.epochs=1",))


def call(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_a_record_keeps_what_makes_it_again(finished):
    folder, made = finished
    assert made.identity.scheme == 2
    assert made.run == f"tiny.plain-{made.identity.hash[:8]}-0"
    assert made.origin.command == (
        "train",
        "tiny.yaml",
        "--arch",
        "plain",
        "--set",
        "train.epochs=1",
        "--seed",
        "0",
    )
    assert (made.origin.commit, made.origin.dirty) == sources_commit()
    (recipe,) = recipes(str(folder / "runs" / made.run), Wanted(folder))
    (words,) = recipe.commands
    assert words[:5] == ("--threads", str(made.environment.threads), "train",
                         str(folder / "runs" / made.run / "spec.resolved.yaml"), "--arch")  # fmt: skip


def test_a_run_made_again_has_its_name_and_its_metrics(finished, tmp_path):
    folder, made = finished
    said = call("reproduce", folder / "runs" / made.run, "--runs", tmp_path, "--run")
    assert f"{made.run}: top1 {made.metrics['top1']:.2f} in the record" in said
    again = Record.read(tmp_path / made.run / "record.json")
    assert again.metrics == made.metrics
    assert again.identity == made.identity
    assert again.origin.spec == made.origin.spec


def test_another_seed_is_asked_for_once(finished):
    folder, made = finished
    data = json.loads(call("reproduce", folder / "runs" / made.run, "--seed", 7, "--data", "here", "--json"))
    assert [one["commands"][0].split(" --seed ")[1] for one in data] == ["7 --data here"]


def test_recordings_that_are_not_known_are_asked_for_before_any_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SkelbenchError, match="recordings are not known"):
        call("reproduce", "esan-ucla.esan-85c07718-0", "--run")
    assert not list(tmp_path.iterdir())


def test_a_record_of_an_earlier_version_says_that_it_does_not_know(tmp_path):
    record(run="x").write(tmp_path / "x.json")
    with pytest.raises(RunFolderError, match="does not say how it was made"):
        recipes(str(tmp_path / "x.json"), Wanted(tmp_path))


def test_a_command_that_makes_no_run_is_refused(tmp_path):
    made = {"command": ["plot", "x", "--output", "/etc/passwd"], "spec": ""}
    record(run="x", origin=made).write(tmp_path / "x.json")
    with pytest.raises(RunFolderError, match="'plot' is no command that makes a run"):
        recipes(str(tmp_path / "x.json"), Wanted(tmp_path))


def test_the_first_schema_is_read_as_before(tmp_path):
    old = record().model_dump(mode="json") | {"schema_version": 1}
    del old["identity"], old["origin"]
    (tmp_path / "x.json").write_text(json.dumps(old))
    assert Record.read(tmp_path / "x.json") == record()


def test_publishing_copies_record_scores_and_spec(finished, tmp_path):
    folder, made = finished
    (tmp_path / "reported.yaml").write_text("reported: []\n")
    run = folder / "runs" / made.run
    with pytest.raises(RunFolderError, match="no published leaderboards"):
        publish_run(run, tmp_path / "elsewhere")
    written = publish_run(run, tmp_path)
    assert {path.parent.name for path in written} == {"records", "specs"}
    assert Record.read(tmp_path / "records" / f"{made.run}.json") == made
    kept, own = read_hits(tmp_path / "records" / f"{made.run}.npz"), read_hits(run / "scores.npz")
    assert list(kept.ids) == list(own.ids)
    assert kept.right.tolist() == own.right.tolist()
    assert 100 * own.right.mean() == pytest.approx(made.metrics["top1"], abs=0.01)
    with np.load(tmp_path / "records" / f"{made.run}.npz") as published:
        assert set(published) == {"ids", "right", "scores"}, "labels of recordings are not ours to publish"
    (recipe,) = recipes(made.run, Wanted(tmp_path))
    assert str(tmp_path / "specs") in recipe.commands[0][3]
    assert "root" not in Path(recipe.commands[0][3]).read_text()


@given(st.lists(st.floats(0, 1, width=32), min_size=6, max_size=6))
def test_compact_scores_keep_the_order_of_the_first_classes(tmp_path_factory, values):
    row = np.array([values], dtype=np.float32)
    file = tmp_path_factory.mktemp("scores") / "x.npz"
    file.write_bytes(compact(Scores(np.array(["a"]), np.array([0]), row)))
    with np.load(file) as stored:
        kept = stored["scores"].astype(np.float32)
    order = [np.argsort(-scores, kind="stable")[:5].tolist() for scores in (kept[0], row[0])]
    assert order[0] == order[1]
