"""``skelbench data`` on data sets of videos."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from skelbench.cli.data import app
from skelbench.data import VideoFile
from skelbench.errors import DataError, SkelbenchError


def run(*arguments: object, fails: type[SkelbenchError] | None = None) -> str:
    """What a command prints; whether it fails as it should."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    error = result.exception
    if fails is None:
        if error and not isinstance(error, SystemExit):
            raise error
        assert result.exit_code == 0, result.output
    else:
        assert isinstance(error, fails), result.output
        return f"{result.stdout}{error}"
    return result.stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("data") / "ucf101"
    assert "12 synthetic recordings of ucf101" in run("synth", "ucf101", out, "--clips", 12, "--classes", 2)
    return out


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "raw")


def checked(root: Path, *more: object) -> dict[str, Any]:
    return json.loads(run("check", "ucf101", root, "--json", *more))


def test_synthetic_videos_pass_the_check_in_every_split(made: Path) -> None:
    for protocol in ("split1", "split2", "split3"):
        found = checked(made, "--protocol", protocol, "--decode")
        assert found["recordings"] == found["train"] + found["test"] == 12
        assert found["classes"]["Class003"] == [0, 0]
        assert (found["synthetic"], found["expected"], found["unusable"]) == (True, None, [])
        assert 20 <= found["frames"][0] <= found["frames"][2] <= 32


def test_missing_videos_are_counted_against_the_complete_set_and_named(root: Path) -> None:
    (root / "SYNTHETIC").unlink()
    gone = next((root / "UCF-101").rglob("*.avi"))
    gone.unlink()
    found = checked(root)
    assert found["expected"] == [9537, 3783]
    assert sum(found["missing"]) == 9537 + 3783 - 11
    assert found["unusable"] == [f"{gone}: the video is missing"]
    assert "1 videos are missing (--list names them)" in run("check", "ucf101", root)
    assert "the video is missing" in run("check", "ucf101", root, "--list")


def test_damaged_videos_are_named_and_fail_the_check(root: Path) -> None:
    one, other = sorted((root / "UCF-101").rglob("*.avi"))[:2]
    one.write_bytes(b"")
    other.write_bytes(b"\xff no video")
    told = run("check", "ucf101", root, fails=DataError)
    assert "2 videos are damaged. Fetch them again, or set data.video.skip_broken" in told
    assert "the file is empty" in told
    assert other.name in told.replace("\n", "")


def test_prepare_looks_into_every_file_once_and_a_run_finds_the_index(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "runs" / ".stores"
    told = run("prepare", "ucf101", root, out, "--decode")
    assert told.splitlines() == [f"split{n}: 12 videos, 0 missing or damaged" for n in (1, 2, 3)]
    monkeypatch.setattr(VideoFile, "extent", None)
    assert run("prepare", "ucf101", root, out, "--decode") == told


def test_videos_have_no_pre_processing(made: Path, tmp_path: Path) -> None:
    told = run("prepare", "ucf101", made, tmp_path / "out", "--preprocess", "sgn", fails=DataError)
    assert "videos have no pre-processing 'sgn'. Leave out --preprocess" in told
    assert not (tmp_path / "out").exists()


def test_parameters_of_a_data_set_are_given_by_name(tmp_path: Path) -> None:
    given = ("--param", "classes=3", "--param", "labels=y", "--param", "channels=3")
    run("synth", "clips", tmp_path / "made", "--clips", 9, *given)
    with np.load(tmp_path / "made" / "clips.npz") as file:
        assert file["x"].shape[4:] == (3,)
        assert set(file["y"].tolist()) == {0, 1, 2}
    found = json.loads(run("check", "clips", tmp_path / "made", "--json", *given))
    assert (found["recordings"], len(found["classes"])) == (9, 3)
    assert "has no array 'labels'" in run("check", "clips", tmp_path / "made", fails=DataError)


@pytest.mark.parametrize(
    ("param", "words"),
    [
        ("classes", "is not of the form NAME=VALUE"),
        ("clases=3", "Did you mean 'classes'?"),
        ("channels=2", "1 or 3"),
    ],
)
def test_wrong_parameters_are_told_before_anything_is_made(tmp_path: Path, param: str, words: str) -> None:
    told = run("synth", "clips", tmp_path / "made", "--param", param, fails=SkelbenchError)
    assert words in told
    assert not (tmp_path / "made").exists()
