"""What is printed can be read by programs: `--json` wherever there are figures, rows or files to tell of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from skelbench.cli.app import app
from skelbench.cli.table import print_paths
from tests.tables import made

WITHOUT = {
    "schema",  # is JSON
    "data describe",  # is YAML, the beginning of a spec
    "new-plugin",
    "data prepare",
    "data synth",
    "runs clean",
    "table make",
}
"""Commands that print no data: what they make is where they were told to put it."""


def test_commands_that_print_data_print_it_as_json() -> None:
    whole = typer.main.get_command(app)
    assert isinstance(whole, typer.core.TyperGroup)
    commands = {
        f"{name} {inner}" if inner else name: command
        for name, group in whole.commands.items()
        for inner, command in (getattr(group, "commands", None) or {"": group}).items()
    }
    lacking = {
        name
        for name, command in commands.items()
        if not any("--json" in parameter.opts for parameter in command.params)
    }
    assert lacking == WITHOUT


def test_files_are_listed_one_a_line_or_as_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    paths = [Path("a b"), Path("c")]
    print_paths(paths, as_json=False, before="wrote ")
    assert capsys.readouterr().out == "wrote a b\nwrote c\n"
    print_paths(paths, as_json=True)
    assert json.loads(capsys.readouterr().out) == ["a b", "c"]


def test_a_checked_table_says_what_it_holds(tmp_path: Path) -> None:
    path = made.write(tmp_path / "made.npz")
    done = CliRunner().invoke(app, ["table", "check", str(path), "--json"])
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert told["trained"] == []
    assert told["name"] == "made"
    plainly = CliRunner().invoke(app, ["table", "check", str(path)])
    assert "made@" in plainly.stdout


def test_merged_tables_say_what_they_hold(tmp_path: Path) -> None:
    path = made.write(tmp_path / "made.npz")
    wanted = ["table", "merge", str(path), "--out", str(tmp_path / "merged.npz"), "--force", "--json"]
    done = CliRunner().invoke(app, wanted)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["name"] == "made"
