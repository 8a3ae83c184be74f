"""The command: fused figures and record, what is refused, and that it needs neither torch nor nni."""

import json
import subprocess
import sys

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from skelbench.cli.fuse import fuse
from skelbench.errors import DataError, RunFolderError, SkelbenchError
from skelbench.results.store import RunFolder
from tests.results.records import record

IDS = ["a", "b", "c"]
JOINT = [[0.9, 0.1], [0.55, 0.45], [0.6, 0.4]]
BONE = [[0.4, 0.6], [0.1, 0.9], [0.8, 0.2]]


def finished(runs, spec, stream, scores, ids=IDS, **changes):
    folder = RunFolder.create(runs, spec, spec.encode().hex().ljust(8, "0"), changes.get("seed", 0))
    labels = [{"a": 0, "b": 1, "c": 0}.get(name, 0) for name in ids]
    folder.save_scores(np.array(ids), np.array(labels), np.array(scores))
    own = {"spec": spec, "spec_hash": folder.spec_hash, "stream": stream, "run": folder.name}
    folder.write_record(record(**{**own, **changes}))
    return folder.path


@pytest.fixture
def joint(tmp_path):
    return finished(tmp_path / "runs", "one", "joint", JOINT)


@pytest.fixture
def bone(tmp_path):
    # Stored in another order: only the ids say which row is which.
    return finished(tmp_path / "runs", "two", "bone", BONE[::-1], ids=IDS[::-1])


def run(*arguments):
    app = typer.Typer()
    app.command()(fuse)
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_figures_of_each_run_and_of_the_fusion(joint, bone):
    one, two, fused = json.loads(run(joint, bone, "--json"))
    assert (one["stream"], one["top1"]) == ("joint", pytest.approx(200 / 3))
    assert (two["stream"], two["top1"]) == ("bone", pytest.approx(200 / 3))
    assert (fused["stream"], fused["top1"]) == ("joint+bone", 100.0)


def test_weights_decide(joint, bone):
    assert json.loads(run(joint, bone, "--weights", "1,0", "--json"))[-1]["top1"] == pytest.approx(200 / 3)
    assert [r["weight"] for r in json.loads(run(joint, bone, "--weights", "3,1", "--json"))] == [
        0.75,
        0.25,
        1,
    ]


def test_a_pipe_gets_tab_separated_lines(joint, bone):
    lines = [line.split("\t") for line in run(joint, bone).splitlines()]
    assert lines[0] == ["run", "stream", "weight", "top1", "top5"]
    assert lines[-1] == ["fused", "joint+bone", "1.00", "100.00", "100.00"]


def test_nothing_is_written_unless_asked_for(joint, bone, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    run(joint, bone)
    assert sorted(tmp_path.rglob("*")) == before


def test_the_stored_run_sums_costs_and_names_its_parts(joint, bone, tmp_path):
    out = tmp_path / "fused"
    name = json.loads(run(joint, bone, "--weights", "3,1", "--out", out, "--json"))[-1]["run"]
    stored, first = RunFolder(out / name).record(), RunFolder(joint).record()
    assert stored.metrics == {"top1": 100.0, "top5": 100.0}
    assert (stored.stream, stored.spec, stored.run) == ("joint+bone", "one+two", name)
    assert stored.fusion == {joint.name: 0.75, bone.name: 0.25}
    assert (stored.params, stored.macs) == (2 * first.params, 2 * first.macs)
    assert stored.search.seconds == 2 * first.search.seconds
    assert (stored.latency, stored.training) == (None, None)
    assert RunFolder(out / name).load_scores().ids.tolist() == IDS


def test_an_unknown_cost_stays_unknown(joint, tmp_path):
    other = finished(tmp_path / "runs", "two", "bone", BONE, params=None)
    run(joint, other, "--out", tmp_path / "fused")
    (path,) = (tmp_path / "fused").iterdir()
    assert RunFolder(path).record().params is None


def test_an_ensemble_of_one_stream_does_not_pass_for_a_single_run(joint, tmp_path):
    other = finished(tmp_path / "runs", "two", "joint", BONE)
    assert json.loads(run(joint, other, "--json"))[-1]["stream"] == "joint+joint"


@pytest.mark.parametrize(
    "change",
    [{"dataset": "ntu60"}, {"protocol": "xsub"}, {"split_fingerprint": "bb"}, {"synthetic": True}],
    ids=lambda change: next(iter(change)),
)
def test_runs_that_cannot_be_compared_are_refused(joint, tmp_path, change):
    other = finished(tmp_path / "runs", "two", "bone", BONE, **change)
    with pytest.raises(RunFolderError, match=next(iter(change)).replace("_", " ")):
        run(joint, other)


@pytest.mark.parametrize("change", [{"seed": 1}, {"selection": "best_val"}, {"views": 5}])
def test_runs_that_one_record_cannot_describe_are_shown_but_not_stored(joint, tmp_path, change):
    other = finished(tmp_path / "runs", "two", "bone", BONE, **change)
    assert "fused" in run(joint, other)
    with pytest.raises(RunFolderError, match="Leave out --out"):
        run(joint, other, "--out", tmp_path / "fused")
    assert not (tmp_path / "fused").exists()


def test_other_recordings_are_refused(joint, tmp_path):
    other = finished(tmp_path / "runs", "two", "bone", BONE, ids=["a", "b", "z"])
    with pytest.raises(DataError, match="2 recordings"):
        run(joint, other)


def test_an_unfinished_run_is_refused(joint, tmp_path):
    other = RunFolder.create(tmp_path / "runs", "two", "00000000", 0).path
    with pytest.raises(RunFolderError, match="not finished"):
        run(joint, other)


@pytest.mark.parametrize(("weights", "told"), [("1", "1 weights"), ("1,x", "not a list"), ("1,-1", "cannot")])
def test_wrong_weights_are_refused(joint, bone, weights, told):
    with pytest.raises(SkelbenchError, match=told):
        run(joint, bone, "--weights", weights)


def test_one_run_is_nothing_to_fuse(joint):
    with pytest.raises(SkelbenchError, match="two runs"):
        run(joint)
    with pytest.raises(SkelbenchError, match="given twice"):
        run(joint, joint)


def test_it_imports_neither_torch_nor_nni(joint, bone):
    code = (
        "import sys, pathlib; from skelbench.cli.fuse import fuse\n"
        "fuse([pathlib.Path(p) for p in sys.argv[1:]], None, json_output=True)\n"
        "sys.exit(bool({'torch', 'nni'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code, joint, bone], check=True, capture_output=True)


def test_fused_logits_are_another_run_than_fused_probabilities(joint, bone, tmp_path):
    from skelbench.engine.fusion import fuse_runs, store_fusion

    plain, logits = (
        store_fusion(fuse_runs([joint, bone], None, of), tmp_path) for of in ("probabilities", "logits")
    )
    assert plain.run != logits.run
    assert (plain.fused_of, logits.fused_of) == ("probabilities", "logits")
    assert "--of" not in plain.origin.command
    assert logits.origin.command[-2:] == ("--of", "logits")
