"""The command: where records come from, pure CSV in a pipe, files that can be checked, no heavy import."""

import csv
import io
import json
import subprocess
import sys
import textwrap

import pytest
import typer
from typer.testing import CliRunner

from skelbench import hookimpl
from skelbench.cli.leaderboard import leaderboard
from skelbench.components import Column
from skelbench.errors import RunFolderError, SkelbenchError, WorkFailed
from skelbench.host.registry import load_registry
from tests.results.records import record

FIGURES = """
reported:
  - {dataset: ucla, protocol: xview, stream: joint, model: blockgcn, top1: 95.5, source: "Zhou et al."}
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working directory with published leaderboards: one record of two seeds' worth, one figure."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leaderboards").mkdir()
    (tmp_path / "spaces").mkdir()
    (tmp_path / "leaderboards" / "reported.yaml").write_text(FIGURES)
    record().write(tmp_path / "leaderboards" / "records" / "a.json")
    return tmp_path


def run(*arguments):
    app = typer.Typer()
    app.command()(leaderboard)
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def rows(*arguments):
    return list(csv.DictReader(io.StringIO(run(*arguments).stdout)))


def test_a_pipe_gets_pure_csv_of_published_and_reported_rows(place):
    assert [(row["model"], row["rank"]) for row in rows()] == [("searched", "1"), ("blockgcn", "")]


def test_runs_in_the_working_directory_join_the_table(place):
    record(model="mine", metrics={"top1": 99.0}).write(place / "runs" / "x" / "record.json")
    assert [row["model"] for row in rows()] == ["mine", "searched", "blockgcn"]


def test_a_run_that_was_published_counts_once(place):
    record().write(place / "runs" / "x" / "record.json")
    assert [row["n_seeds"] for row in rows()] == ["1", ""]


def test_several_folders_of_runs_may_be_given(place):
    record(model="b").write(place / "one" / "x" / "record.json")
    record(model="c").write(place / "two" / "x" / "record.json")
    assert {row["model"] for row in rows("--runs", "one", "--runs", "two")} == {
        "searched",
        "b",
        "c",
        "blockgcn",
    }


def test_figures_of_specs_join_the_reported_ones(place):
    (place / "spaces" / "sgcn.yaml").write_text(FIGURES.replace("blockgcn", "sgcn") + "name: sgcn\n")
    assert [row["model"] for row in rows()] == ["searched", "blockgcn", "sgcn"]


def test_an_unfinished_run_is_no_matter(place):
    (place / "runs" / "x").mkdir(parents=True)
    assert len(rows()) == 2


def test_a_failed_run_is_told_beside_the_table(place):
    record(status="failed", metrics={}, run="bad-0").write(place / "runs" / "x" / "record.json")
    result = run()
    assert "bad-0" in result.stderr
    assert "bad-0" not in result.stdout


def test_a_damaged_record_is_named_and_left_out(place):
    (place / "runs" / "x").mkdir(parents=True)
    (place / "runs" / "x" / "record.json").write_text("{")
    result = run()
    assert "left out: runs/x/record.json:1: the record is not JSON" in result.stderr
    assert rows()


def test_a_missing_folder_of_runs_is_refused(place):
    with pytest.raises(RunFolderError, match="no such folder"):
        run("--runs", "nowhere")


def test_a_misspelt_data_set_gets_the_nearest_name(place):
    with pytest.raises(SkelbenchError, match="Did you mean 'ucla'"):
        run("--dataset", "ucal")


@pytest.mark.parametrize(("form", "start"), [("markdown", "## ucla"), ("csv", "rank,"), ("rich", "ucla")])
def test_each_form_can_be_asked_for(place, form, start):
    assert run("--format", form).stdout.startswith(start)


def test_without_leaderboards_in_the_working_directory_the_shipped_ones_are_shown(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert {"sgcn", "blockgcn"} <= {row["model"] for row in rows()}


def test_written_files_pass_the_check_and_are_written_alike_again(place):
    record(dataset="ntu60", synthetic=True).write(place / "leaderboards" / "records" / "b.json")
    folder = place / "leaderboards"
    run("--output", folder)
    first = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert set(first) == {"reported.yaml", "ucla.csv", "ucla.md", "ntu60-synthetic.csv", "ntu60-synthetic.md"}
    assert "up to date" in run("--check").stdout
    run("--output", folder)
    assert first == {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_files_that_differ_are_missing_or_left_over_are_named(place):
    folder = place / "leaderboards"
    run("--output", folder)
    (folder / "ucla.csv").write_text("rank\n")
    (folder / "old.md").write_text((folder / "ucla.md").read_text())
    (folder / "old.csv").write_text("rank\n")
    (folder / "README.md").write_text("# By hand\n")
    with pytest.raises(WorkFailed, match=r"not up to date: ucla.csv, old.csv, old.md\.") as caught:
        run("--check")
    assert caught.value.exit_code == 1
    (folder / "ucla.md").unlink()
    with pytest.raises(WorkFailed, match=r"not up to date: ucla.csv, ucla.md\."):
        run("--check", "--dataset", "ucla")


def test_a_new_record_makes_the_files_stale(place):
    run("--output", place / "leaderboards")
    record(model="new").write(place / "leaderboards" / "records" / "c.json")
    with pytest.raises(WorkFailed, match=r"ucla.csv, ucla.md"):
        run("--check")


def test_runs_that_lie_about_do_not_slip_into_published_files(place):
    run("--output", "leaderboards")
    record(model="mine").write(place / "runs" / "x" / "record.json")
    assert "up to date" in run("--check").stdout
    with pytest.raises(WorkFailed):
        run("--check", "--runs", "runs")


def test_files_for_oneself_hold_the_runs_in_the_working_directory(place):
    record(model="mine").write(place / "runs" / "x" / "record.json")
    run("--output", "tables")
    assert "mine" in (place / "tables" / "ucla.csv").read_text()


def test_the_command_imports_neither_torch_nor_nni_nor_numpy(place):
    script = """
        import sys, typer
        from skelbench.cli.leaderboard import leaderboard
        app = typer.Typer()
        app.command()(leaderboard)
        app(["--json"], standalone_mode=False)
        print([name for name in ("torch", "nni", "numpy") if name in sys.modules], file=sys.stderr)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)[0]["dataset"] == "ucla"
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (lambda r: 1 / 0, "a: column 'mine' failed: ZeroDivisionError: division by zero"),
        (lambda r: sys.exit(3), "a: column 'mine' failed: SystemExit: 3"),
        (lambda r: [1], "a: column 'mine' failed: it gave [1], no text and no number"),
        ("no_such_module:x", "column 'mine' cannot be loaded from 'no_such_module:x'"),
    ],
)
def test_a_column_that_fails_is_told_and_the_table_stands(place, monkeypatch, target, reason):
    class Plugin:
        @hookimpl
        def register_columns(self):
            return [Column(name="mine", target=target), Column(name="sound", target=talking)]

    def talking(record):
        print("a line that would spoil the CSV")
        return 7.0

    loaded = load_registry([("mine", Plugin())])
    monkeypatch.setattr("skelbench.leaderboard.command.load_registry", lambda: loaded)
    shown = run()
    row = next(csv.DictReader(io.StringIO(shown.stdout)))
    assert (row["model"], row["sound"], row.get("mine", "")) == ("searched", "7.0", "")
    assert reason in shown.stderr.replace(record().run, "a")


def test_a_column_that_fails_for_every_row_is_told_once(place, monkeypatch):
    class Plugin:
        @hookimpl
        def register_columns(self):
            return [Column(name="mine", target=lambda r: 1 / 0)]

    loaded = load_registry([("mine", Plugin())])
    monkeypatch.setattr("skelbench.leaderboard.command.load_registry", lambda: loaded)
    for model in "bcd":
        record(model=model).write(place / "runs" / model / "record.json")
    assert run().stderr.count("column 'mine' failed") == 1


def test_rows_and_columns_can_be_asked_for(place):
    record(model="mine", metrics={"top1": 99.0}).write(place / "runs" / "x" / "record.json")
    shown = rows("--where", "top1>95", "--where", "source=measured", "--columns", "model,top1")
    assert shown == [{"model": "mine", "top1": "99.0"}]
    assert [row["model"] for row in rows("--sort", "model", "--where", "source=measured")] == [
        "mine",
        "searched",
    ]


def test_models_have_the_names_of_the_folder(place):
    (place / "leaderboards" / "names.yaml").write_text("strategies: {ceim: CEIM}")
    assert rows()[0]["name"] == "found by CEIM"


def test_files_hold_whole_tables(place):
    with pytest.raises(SkelbenchError, match="files hold whole tables"):
        run("--output", "leaderboards", "--where", "gmacs<1")


def test_pages_link_to_their_records_and_begin_with_the_best_for_their_compute(place):
    for n in range(1, 8):
        one = record(model=f"m{n}", macs=n, flops=2 * n, metrics={"top1": 10.0 * n}, run=f"m-{n}-0")
        one.write(place / "leaderboards" / "records" / f"{one.run}.json")
    run("--output", "leaderboards")
    page = (place / "leaderboards" / "ucla.md").read_text()
    assert page.index("## The best for their compute") < page.index("## ucla, xview: measured")
    assert "[0](records/m-7-0.json)" in page
    assert "[CSV](ucla.csv)" in page
