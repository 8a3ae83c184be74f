"""The command ``plot``: text in a pipe, a picture on request, what is refused, and how little it imports."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from skelbench.cli.plot import frames, plot
from skelbench.errors import RunFolderError, SkelbenchError
from skelbench.results.store import RunFolder
from tests.cli.test_startup import imported_by
from tests.results.records import record

FAR = {"macs": 40_000_000, "flops": 80_000_000}


def stored(folder: Path, name: str = "a", **changes: Any) -> Path:
    path = folder / name / "record.json"
    record(**{"run": name, **changes}).write(path)
    return path.parent


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with three runs: a search with two seeds, and a cheaper network."""
    monkeypatch.chdir(tmp_path)
    stored(tmp_path / "runs", "a", metrics={"top1": 90.0})
    stored(tmp_path / "runs", "b", metrics={"top1": 92.0}, seed=1)
    stored(tmp_path / "runs", "c", metrics={"top1": 85.5}, model="small", strategy=None, **FAR)
    return tmp_path / "runs"


def run(*arguments: Any) -> Any:
    app = typer.Typer()
    app.command()(plot)
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def lines(*arguments: Any) -> list[list[str]]:
    return [line.split("\t") for line in run(*arguments).stdout.splitlines()]


# --- as text ---------------------------------------------------------------------------------


def test_a_pipe_gets_the_runs_of_the_working_directory_the_cheapest_first(runs):
    assert lines() == [
        ["series", "model", "gmacs", "top1", "top1_std"],
        ["sgcn", "small", "0.04", "85.5", ""],
        ["sgcn", "searched (ceim)", "4.14", "91", "1.41"],
    ]


def test_json_has_the_same_rows(runs):
    small, searched = json.loads(run("--json").stdout)
    assert small == {"series": "sgcn", "model": "small", "gmacs": 0.04, "top1": 85.5, "top1_std": None}
    assert searched["top1_std"] == 1.41


def test_a_terminal_gets_bars(runs, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    assert "█" in run().stdout


def test_runs_may_be_named_one_by_one_in_any_form(runs):
    assert lines(runs / "c", runs / "b" / "record.json") == [
        ["series", "model", "gmacs", "top1", "top1_std"],
        ["sgcn", "small", "0.04", "85.5", ""],
        ["sgcn", "searched (ceim)", "4.14", "92", ""],
    ]


def test_a_run_that_is_given_twice_counts_once(runs):
    assert lines(runs, runs / "a") == lines(runs)


@pytest.mark.parametrize(
    ("series", "names"),
    [("strategy", ["ceim", "no strategy"]), ("model", ["searched", "small"]), ("stream", ["joint", "joint"])],
)
def test_series_may_be_made_of_other_things(runs, series, names):
    assert [row[0] for row in lines("--series", series)[1:]] == names


def test_models_that_differ_in_a_number_are_a_family(tmp_path):
    models = ["sm1-9", "adasgn-0.5", "adasgn", "sm1-25", "2s-agcn", "searched"]
    for model in models:
        stored(tmp_path, model, model=model)
    found = {row[1].partition(" ")[0]: row[0] for row in lines(tmp_path, "--series", "family")[1:]}
    assert found == dict(zip(models, ["sm1", "adasgn", "adasgn", "sm1", "2s-agcn", "searched"], strict=True))


def test_streams_are_series_of_their_own(runs):
    stored(runs, "d", stream="bone")
    assert [row[0] for row in lines()[1:]] == ["sgcn, bone", "sgcn, joint", "sgcn, joint"]


def test_failed_runs_and_runs_without_a_figure_are_left_out_and_named(runs):
    stored(runs, "broken", status="failed", metrics={})
    stored(runs, "blind", metrics={"top5": 99.0}, spec_hash="another")
    result = run()
    assert len(result.stdout.splitlines()) == 3
    assert "Failed runs left out: broken" in result.stderr
    assert "blind: no top-1 accuracy" in result.stderr


# --- as a picture ----------------------------------------------------------------------------


def test_a_picture_holds_the_networks_and_what_they_have_in_common(runs, tmp_path):
    result = run("-o", tmp_path / "curve.svg")
    assert result.stdout == ""
    svg = (tmp_path / "curve.svg").read_text()
    for text in ("small", "searched (ceim)", "ucla, xview, joint"):
        assert f">{text}<" in svg


def test_a_png_is_drawn_by_its_ending(runs, tmp_path):
    run("-o", tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_another_ending_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(SkelbenchError, match="pdf"):
        run(tmp_path / "missing", "-o", tmp_path / "curve.eps")


def test_without_matplotlib_the_text_is_there_and_the_remedy_for_the_picture(runs, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert len(lines()) == 3
    with pytest.raises(SkelbenchError) as raised:
        run("-o", tmp_path / "curve.svg")
    assert raised.value.exit_code == 2
    assert "pip install 'skelbench[plots]'" in str(raised.value)


# --- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [("dataset", "ntu60"), ("protocol", "xsub"), ("split_fingerprint", "bb"), ("synthetic", True)],
)
def test_runs_that_cannot_be_compared_are_refused_by_name(runs, field, value):
    stored(runs, "other", **{field: value})
    with pytest.raises(RunFolderError, match=field.replace("_", " ")) as raised:
        run()
    assert str(runs.name) + "/other" in str(raised.value)
    assert str(runs.name) + "/a" in str(raised.value)


def test_one_data_set_may_be_taken(runs):
    stored(runs, "other", dataset="ntu60", model="third")
    assert [row[1] for row in lines("--dataset", "ntu60")[1:]] == ["third (ceim)"]
    with pytest.raises(SkelbenchError, match="Did you mean 'ntu60'"):
        run("--dataset", "ntu6")


def test_one_stream_may_be_taken(runs):
    stored(runs, "other", stream="bone", model="third")
    assert [row[1] for row in lines("--stream", "bone")[1:]] == ["third (ceim)"]
    with pytest.raises(SkelbenchError, match="Did you mean 'bone'"):
        run("--stream", "bones")


def test_a_folder_may_hold_records_alone(runs, tmp_path):
    """As the published ones lie: a file a run."""
    published = tmp_path / "records"
    published.mkdir()
    for path in runs.glob("*/record.json"):
        path.rename(published / f"{path.parent.name}.json")
    assert len(lines(published)) == 3


def test_places_without_a_finished_run_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunFolderError, match="no such folder"):
        run()
    (tmp_path / "runs").mkdir()
    with pytest.raises(RunFolderError, match="no finished run"):
        run()
    begun = RunFolder.create(tmp_path / "runs", "sgcn", "0123456789", 0)
    with pytest.raises(RunFolderError, match="not finished"):
        run(begun.path)


def test_runs_without_cost_have_no_place_in_it(tmp_path):
    stored(tmp_path, "a", macs=None, flops=None)
    with pytest.raises(RunFolderError, match="both accuracy and MACs"):
        run(tmp_path)


# --- what is imported ------------------------------------------------------------------------


def test_text_needs_nothing_heavy_and_a_picture_matplotlib_alone(runs, tmp_path):
    assert imported_by("plot", folder=tmp_path) == []
    assert imported_by("plot", "-o", "curve.svg", folder=tmp_path) == ["matplotlib"]
    assert imported_by("frames", "--help", folder=tmp_path) == []


def test_frames_refuses_an_ending_before_it_opens_the_run(tmp_path):
    app = typer.Typer()
    app.command()(frames)
    result = CliRunner().invoke(app, [str(tmp_path / "missing"), "-o", "frames.bmp"])
    assert isinstance(result.exception, SkelbenchError)
    assert "'.bmp'" in str(result.exception)
