"""The command: which runs a name stands for, the verdict, and what is refused."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from skelbench.cli.compare import compare
from skelbench.errors import DataError, RunFolderError, SkelbenchError
from skelbench.results.store import SCORES, RunFolder
from tests.results.records import record

CLIPS = 200
RUNS = Path("runs")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leaderboards" / "records").mkdir(parents=True)
    (tmp_path / "leaderboards" / "reported.yaml").write_text("reported: []\n")
    return tmp_path


def finished(name, right, seed=0, ids=range(CLIPS), **changes):
    """A finished run that has the first ``right`` of the recordings right."""
    folder = RunFolder.create(RUNS, name, name.encode().hex().ljust(8, "0"), seed)
    ids = np.array([f"clip{number:03d}" for number in ids])
    wrong = np.arange(len(ids)) >= right
    order = np.random.default_rng(seed).permutation(len(ids))
    folder.save_scores(ids[order], np.zeros(len(ids)), np.eye(2)[wrong.astype(int)][order])
    said = {"spec": name, "spec_hash": folder.spec_hash, "model": name, "run": folder.name, "seed": seed}
    counts = {"train": 1, "validation": 0, "test": len(ids)}
    metrics = {"top1": 100 * right / len(ids)}
    folder.write_record(record(**{**said, "clips": counts, "metrics": metrics, **changes}))
    return folder.path


def run(*arguments):
    app = typer.Typer()
    app.command()(compare)
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def data(*arguments):
    return json.loads(run(*arguments, "--json"))


def row_name(path):
    """Without the seed."""
    return str(path).rpartition("-")[0]


def test_runs_are_paired_by_sample_id_and_the_verdict_is_about_the_first():
    good, bad, close = finished("good", 190), finished("bad", 150), finished("close", 189)
    (found,) = data(good, bad)
    assert found["verdict"] == "better"
    assert found["difference"] == pytest.approx(20)
    assert (found["evidence"][0]["only_first_right"], found["evidence"][0]["only_second_right"]) == (40, 0)
    assert data(bad, good)[0]["verdict"] == "worse"
    assert data(good, close)[0]["verdict"] == "undecided"


def test_more_comparisons_ask_for_smaller_p_values():
    first, others = finished("a", 190), [finished(name, 184) for name in "bcd"]
    (alone,) = data(first, others[0])
    assert alone["verdict"] == "better"
    assert alone["p"] == alone["p_holm"] == pytest.approx(2**-5)
    found = data(first, *others)
    assert [one["p_holm"] for one in found] == pytest.approx([3 * 2**-5] * 3)
    assert {one["verdict"] for one in found} == {"undecided"}


def test_a_name_without_its_seed_stands_for_all_its_seeds():
    a = [finished("a", right, seed) for seed, right in enumerate((190, 188, 191))]
    b = [finished("b", right, seed) for seed, right in enumerate((150, 151, 149))]
    (found,) = data(row_name(a[0]), row_name(b[0]))
    assert found["first_top1"] == {"0": 95.0, "1": 94.0, "2": 95.5}
    assert [(one["over"], one["test"]) for one in found["evidence"]] == [
        ("recordings", "permutation"),
        ("seeds", "paired t"),
    ]
    assert found["verdict"] == "better"


def test_seeds_that_scatter_leave_it_undecided_whatever_the_recordings_say():
    a = [finished("a", right, seed) for seed, right in enumerate((199, 120, 199))]
    b = [finished("b", right, seed) for seed, right in enumerate((140, 140, 140))]
    (found,) = data(row_name(a[0]), row_name(b[0]))
    recordings, seeds = found["evidence"]
    assert recordings["p"] < 0.05 < seeds["p"] == found["p"]
    assert found["verdict"] == "undecided"


def test_published_rows_are_compared_by_name_with_and_without_scores(place):
    records = place / "leaderboards" / "records"
    names = []
    for folder in (finished("good", 190), finished("bad", 150)):
        RunFolder(folder).record().write(records / f"{folder.name}.json")
        names.append(folder.name)
    (found,) = data(*map(row_name, names))
    assert found["evidence"][0]["test"] == "Fisher, unpaired"
    assert found["verdict"] == "better"
    for name in names:
        (records / f"{name}.npz").write_bytes((RUNS / name / SCORES).read_bytes())
    assert data(*names)[0]["evidence"][0]["test"] == "McNemar, exact"
    assert data(records / f"{names[0]}.json", names[1])[0]["verdict"] == "better"


def test_a_pipe_gets_a_line_for_each_evidence():
    lines = [line.split("\t") for line in run(finished("good", 190), finished("bad", 150)).splitlines()]
    assert lines[0][-1] == "verdict"
    assert len(lines) == 2
    assert lines[1][-1] == "better"


@pytest.mark.parametrize(
    "change",
    [{"dataset": "ntu60"}, {"protocol": "xsub"}, {"split_fingerprint": "bb"}, {"synthetic": True}],
    ids=lambda change: next(iter(change)),
)
def test_rows_of_different_splits_are_refused(change):
    with pytest.raises(RunFolderError, match=next(iter(change)).replace("_", " ")):
        run(finished("a", 190), finished("b", 150, **change))


def test_other_recordings_are_refused():
    with pytest.raises(DataError, match="2 recordings"):
        run(finished("a", 190), finished("b", 150, ids=range(1, CLIPS + 1)))


def test_what_is_no_row_is_refused(place):
    a, b = finished("a", 190), finished("b", 150)
    with pytest.raises(RunFolderError, match="no such run"):
        run(a, "nowhere")
    record(run="sgn-ucla-00000000-0").write(place / "leaderboards" / "records" / "sgn-ucla-00000000-0.json")
    with pytest.raises(RunFolderError, match="Did you mean 'sgn-ucla-00000000'"):
        run(a, "sgn-ucla")
    with pytest.raises(RunFolderError, match="not one row but 2"):
        run(a, RUNS)
    with pytest.raises(RunFolderError, match="no top1"):
        run(a, finished("c", 100, metrics={"mean_class": 5.0}))
    with pytest.raises(RunFolderError, match="not finished"):
        run(a, RunFolder.create(place / "runs", "two", "00000000", 0).path)
    with pytest.raises(SkelbenchError, match="one row"):
        run(a)
    with pytest.raises(SkelbenchError, match="shares runs"):
        run(a, b, a)


def test_it_imports_neither_torch_nor_nni():
    code = (
        "import sys; from skelbench.cli.compare import compare\n"
        "compare(sys.argv[1:], True)\n"
        "sys.exit(bool({'torch', 'nni'} & set(sys.modules)))"
    )
    paths = [finished("a", 190), finished("b", 150)]
    subprocess.run([sys.executable, "-c", code, *paths], check=True, capture_output=True)


def test_a_whole_table_is_compared_with_and_adjusted_for(place):
    names = {"a": 190, "b": 120, "c": 100, "d": 60}
    for name, right in names.items():
        said = {"spec": name, "spec_hash": name * 8, "model": name, "run": f"{name}-{name * 8}-0"}
        counts = {"train": 1, "validation": 0, "test": CLIPS}
        made = record(**said, clips=counts, metrics={"top1": 100 * right / CLIPS})
        made.write(place / "leaderboards" / "records" / f"{made.run}.json")
    elsewhere = record(spec="e", spec_hash="e" * 8, model="e", run="e-eeeeeeee-0", protocol="other")
    elsewhere.write(place / "leaderboards" / "records" / "e-eeeeeeee-0.json")
    found = data("a-aaaaaaaa", "--table")
    assert sorted(one["second"] for one in found) == ["b-bbbbbbbb", "c-cccccccc", "d-dddddddd"]
    assert all(one["p_holm"] >= one["p"] for one in found)
    assert min(found, key=lambda one: one["p"])["p_holm"] == pytest.approx(3 * min(one["p"] for one in found))
    assert len(data("a-aaaaaaaa", "b-bbbbbbbb", "--table")) == 3
