"""`skelbench sample`: files that `train --arch` takes."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from skelbench.cli.app import app


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["sample", *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_files_are_architectures_of_the_space(tmp_path: Path) -> None:
    written = run("sgcn", "--n", "3", "-o", str(tmp_path)).split()
    assert len(written) == len(set(written)) == 3
    described = CliRunner().invoke(app, ["describe", "sgcn", "--arch", written[0], "--json"])
    assert described.exit_code == 0, described.output
    shown = json.loads(run("sgcn", "--n", "3", "--json"))
    assert [one["name"] for one in shown] == [Path(name).stem for name in written]
    assert json.loads(described.stdout)["choices"] == shown[0]["choices"]


def test_without_a_folder_they_are_printed() -> None:
    assert run("sgcn", "--n", "2").count("choices:") == 2
