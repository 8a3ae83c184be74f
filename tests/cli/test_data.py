from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from skelbench.cli.data import app
from skelbench.errors import DataError, PluginError, SkelbenchError


def run(*arguments: object) -> str:
    """Run a command; faults come through as they do for the main command."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("data") / "ucla"
    assert "36 synthetic recordings of ucla" in run("synth", "ucla", out, "--clips", 36, "--classes", 3)
    return out


def test_synthetic_raw_files_pass_the_check(made_up: Path) -> None:
    found = json.loads(run("check", "ucla", made_up, "--json"))
    assert (found["recordings"], found["train"], found["test"]) == (36, 24, 12)
    assert found["synthetic"] is True
    assert found["expected"] is None
    assert found["classes"]["drop trash"] == [8, 4]
    assert found["classes"]["carry"] == [0, 0]
    assert len(found["fingerprint"]) == 64


def test_a_prepared_store_has_the_fingerprint_of_its_raw_files(made_up: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    assert "36 recordings" in run("prepare", "ucla", made_up, store, "--preprocess", "sgcn")
    raw, stored = (json.loads(run("check", "ucla", place, "--json")) for place in (made_up, store))
    assert stored["preprocess"] == "sgcn"
    assert {**raw, "preprocess": "sgcn"} == stored


def test_the_table_shows_counts_and_the_short_fingerprint(made_up: Path) -> None:
    shown = run("check", "ucla", made_up)
    fingerprint = json.loads(run("check", "ucla", made_up, "--json"))["fingerprint"]
    assert "ucla, xview, synthetic" in shown
    assert f"fingerprint: {fingerprint[:12]}\n" in shown


def test_what_is_missing_is_counted(made_up: Path, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    for file in (made_up / "all_sqe").glob("*.json"):
        (real / file.name).write_bytes(file.read_bytes())
    found = json.loads(run("check", "ucla", real, "--json"))
    assert found["expected"] == [1020, 464]
    assert found["missing"] == [1020 - 24, 464 - 12]
    assert found["unexpected"] == [0, 0]
    assert "missing" in run("check", "ucla", real)


def test_the_same_seed_makes_the_same_files(made_up: Path, tmp_path: Path) -> None:
    run("synth", "ucla", tmp_path / "again", "--clips", 36, "--classes", 3)
    for file in (made_up / "all_sqe").iterdir():
        assert (tmp_path / "again" / "all_sqe" / file.name).read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "kind", "why"),
    [
        (["check", "uclaa", "."], PluginError, "Did you mean 'ucla'"),
        (["check", "ucla", "nowhere"], DataError, "no such file or folder"),
        (["check", "ucla", ".", "--protocol", "xveiw"], DataError, "Did you mean 'xview'"),
        (["prepare", "ucla", "nowhere", "out"], DataError, "no such file or folder"),
        (["synth", "ucla", "out", "--classes", "11"], DataError, "has 10 classes"),
    ],
)
def test_wrong_arguments_are_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    kind: type[SkelbenchError],
    why: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind, match=why):
        run(*arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_taken_place_is_left_alone(made_up: Path) -> None:
    before = sorted(made_up.rglob("*"))
    with pytest.raises(DataError, match="is not an empty folder"):
        run("synth", "ucla", made_up)
    with pytest.raises(DataError, match="already exists"):
        run("prepare", "ucla", made_up, made_up)
    assert sorted(made_up.rglob("*")) == before


def test_a_store_of_another_data_set_fails_the_check(made_up: Path, tmp_path: Path) -> None:
    run("prepare", "ucla", made_up, tmp_path / "store")
    with pytest.raises(DataError, match="holds 'ucla', not 'ntu60'"):
        run("check", "ntu60", tmp_path / "store")


def test_data_commands_need_neither_torch_nor_nni() -> None:
    code = (
        "import sys, skelbench.cli.data, skelbench.data; print(sorted({'torch', 'nni'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert done.stdout.strip() == "[]"


def test_two_that_prepare_one_store_at_once_are_in_turn(made_up: Path, tmp_path: Path) -> None:
    """The second waits, and is told that the store is there."""
    out = tmp_path / "out"
    command = [sys.executable, "-m", "skelbench", "data", "prepare", "ucla", str(made_up), str(out)]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = [process.communicate()[1] for process in both]
    assert sorted(process.returncode for process in both) == [0, 2]
    assert "already exists" in next(text for text, p in zip(told, both, strict=True) if p.returncode)
    assert "36" in run("check", "ucla", out, "--json")


def test_a_file_that_describes_data_stands_for_a_data_set(tmp_path: Path) -> None:
    described = tmp_path / "my.yaml"
    described.write_text(
        "data: {root: made-up, dataset: {name: skeletons, layout: stick.yaml, classes: 3, split: {folds: 2}}}"
    )
    (tmp_path / "stick.yaml").write_text("joints: [head, hip, foot]\nbones: [[head, hip], [foot, hip]]\n")
    run("synth", described, tmp_path / "made-up", "--clips", 12)
    run("prepare", described, tmp_path / "made-up", tmp_path / "store")
    for place in ((), (tmp_path / "store",)):
        found = json.loads(run("check", described, *place, "--json"))
        assert (found["recordings"], found["protocol"]) == (12, "fold-1")


def test_a_layout_of_a_parameter_may_stand_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("stick.yaml").write_text("joints: [head, hip, foot]\nbones: [[head, hip], [foot, hip]]\n")
    given = ("--param", "layout=stick.yaml", "--param", "classes=3", "--param", "split={folds: 2}")
    run("synth", "skeletons", "made-up", "--clips", 12, *given)
    assert json.loads(run("check", "skeletons", "made-up", "--json", *given))["recordings"] == 12
