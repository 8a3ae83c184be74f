"""A fault in a stranger's code is told in one paragraph; one of ours keeps its traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from skelbench.host.blame import last_line, plugin_error

PLUGIN = """
from skelbench import hookimpl
from skelbench.components import Dataset, Metric

@hookimpl
def register_datasets():
    target = "bad_plugin:Reader"
    return [Dataset(name="bad.data", layout="ucla20", classes=2, protocols=("p",), target=target)]

class Reader:
    class_names = ("a", "b")

    def sources(self, root):
        return [root]

    def read(self, source):
        raise KeyError("no such joint")

    def synthesise(self, root, *, clips, seed, classes=None):
        root.mkdir(parents=True, exist_ok=True)
        (root / "SYNTHETIC").touch()

    def expected(self, protocol):
        return None
"""
LINE = 1 + PLUGIN.splitlines().index('        raise KeyError("no such joint")')


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with a plugin whose reader fails."""
    info = tmp_path / "site" / "bad-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bad\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text("[skelbench]\nbad = bad_plugin\n")
    (tmp_path / "site" / "bad_plugin.py").write_text(PLUGIN)
    return tmp_path / "site"


def skelbench(*arguments: str, site: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-m", "skelbench", *arguments]
    return subprocess.run(command, cwd=site, env=environment, capture_output=True, text=True)


def test_the_reader_its_line_and_what_to_do_are_told(site: Path) -> None:
    done = skelbench("data", "check", "bad.data", ".", site=site)
    assert done.returncode == 2
    place = f"{site / 'bad_plugin.py'}:{LINE}"
    assert done.stderr == (
        f"skelbench: .: the reader of 'bad.data' fails: KeyError: 'no such joint', at {place}. "
        "Mend the file or the reader; `skelbench --debug` shows where\n"
    )


def test_the_traceback_is_shown_when_asked_for(site: Path) -> None:
    done = skelbench("--debug", "data", "check", "bad.data", ".", site=site)
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def raised() -> Exception:
    try:
        int("x")
    except ValueError as error:
        return error
    raise AssertionError


def test_what_is_nobody_else_s_fault_is_not_blamed_on_a_plugin() -> None:
    assert plugin_error(raised(), {}) is None
    assert plugin_error(ValueError("never raised"), {}) is None


def test_the_last_line_of_a_package_is_found() -> None:
    package, place = last_line(raised(), {"tests", "skelbench"}) or ("", "")
    assert package == "tests"
    assert place.startswith(f"{__file__}:")
    assert last_line(raised(), {"skelbench"}) is None
