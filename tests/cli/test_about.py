"""``skelbench plugins`` and ``doctor``: what they print, to whom, and how they exit."""

from __future__ import annotations

import json
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import SimpleNamespace

import pytest

from skelbench.cli import about as cli_about
from skelbench.errors import Problem, WorkFailed
from skelbench.host.plugins import LIMIT_VARIABLE, Plugin
from tests.shown import invoke, on_terminal, rows


class TestPlugins:
    def test_each_says_how_long_it_took(self) -> None:
        seconds = {row["plugin"]: float(row["seconds"]) for row in rows("plugins")}
        assert all(0 <= taken < 1 for taken in seconds.values())
        assert seconds["operators"] > 0

    def test_without_plugins_the_columns_are_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(LIMIT_VARIABLE, "")
        assert invoke("plugins").stdout.startswith("plugin\tmodule\torigin\tseconds\tstatus")

    def test_a_failure_is_a_line_and_no_failure_of_the_command(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(LIMIT_VARIABLE, "layouts,graph")
        status = {row["plugin"]: row["status"] for row in rows("plugins")}
        assert status == {
            "layouts": "loaded",
            "graph": "no such plugin is installed",
        }

    def test_words_in_brackets_are_shown_on_a_terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        failed = Plugin("bad", "bad", "bad 1", Problem("no [red] light"))
        monkeypatch.setattr(cli_about, "load_registry", lambda: SimpleNamespace(plugins=[failed]))
        assert "no [red] light" in on_terminal(cli_about.show_plugins)

    def test_a_line_stays_a_line_in_a_pipe(self, monkeypatch: pytest.MonkeyPatch) -> None:
        failed = Plugin("bad", "bad", "bad 1", Problem("two\nlines\tand a tab"))
        monkeypatch.setattr(cli_about, "load_registry", lambda: SimpleNamespace(plugins=[failed]))
        assert rows("plugins")[0]["status"] == "two lines and a tab"


def told() -> list[str]:
    """The problems that doctor tells; none where it is content."""
    done = invoke("doctor")
    if done.exit_code == 0:
        return []
    assert isinstance(done.exception, WorkFailed)
    assert done.exception.exit_code == 1
    assert all(problem.remedy for problem in done.exception.problems)
    return [str(problem) for problem in done.exception.problems]


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Without the imports that take seconds."""
    monkeypatch.setattr(cli_about, "HEAVY", ())
    return monkeypatch


class TestDoctor:
    def test_it_is_content_with_this_installation(self) -> None:
        facts = {row["what"]: row["value"] for row in rows("doctor")}
        assert facts["torch"] == version("torch")
        assert facts["problems"] == "none"
        assert facts["device"] != "unknown"
        assert told() == []

    def test_a_missing_and_an_unfit_package_are_told(self, light: pytest.MonkeyPatch) -> None:
        def found(name: str) -> str:
            if name == "nni":
                raise PackageNotFoundError(name)
            return "1.0" if name == "torch" else version(name)

        light.setattr(cli_about, "version", found)
        torch, nni = sorted(told(), reverse=True)
        assert torch.startswith("torch 1.0 is not ")
        assert nni == "nni is not installed. Install with: pip install -c constraints.txt ."

    def test_an_installation_without_metadata_is_told(self, light: pytest.MonkeyPatch) -> None:
        def missing(name: str) -> list[str]:
            raise PackageNotFoundError(name)

        light.setattr(cli_about, "requires", missing)
        assert told()[0].startswith("skelbench itself is not installed")

    def test_another_python_is_told(self, light: pytest.MonkeyPatch) -> None:
        light.setattr("platform.python_version", lambda: "3.8.1")
        assert any(problem.startswith("Python 3.8.1 is not ") for problem in told())

    def test_a_library_that_does_not_start_is_told(self, light: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / "broken_library.py").write_text("raise OSError('libcudart.so: cannot open')")
        light.syspath_prepend(tmp_path)
        light.setattr(cli_about, "HEAVY", ("broken_library",))
        assert told() == [
            "broken_library cannot be imported: OSError: libcudart.so: cannot open. "
            "Install it afresh: pip install --force-reinstall broken_library"
        ]

    def test_a_plugin_that_failed_is_told_with_its_own_remedy(self, light: pytest.MonkeyPatch) -> None:
        light.setenv(LIMIT_VARIABLE, "layouts,graph")
        assert told() == [
            "plugin 'graph' failed: no such plugin is installed. "
            "Correct SKELBENCH_PLUGINS. Did you mean 'graphs'?"
        ]

    def test_a_full_disk_is_told(self, light: pytest.MonkeyPatch) -> None:
        light.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=2**29))
        assert "only 0.5 GiB are free, 2 are wanted" in told()[0]

    def test_a_folder_that_cannot_be_written_is_told(self, light: pytest.MonkeyPatch) -> None:
        light.setattr("os.access", lambda path, mode: False)
        assert "this folder cannot be written" in told()[0]

    def test_json_holds_problems_and_the_exit_code_tells(self, light: pytest.MonkeyPatch) -> None:
        light.setenv(LIMIT_VARIABLE, "graph")
        done = invoke("doctor", "--json")
        assert done.exit_code == 1
        assert json.loads(done.stdout)["problems"][0]["remedy"].startswith("Correct SKELBENCH_PLUGINS")
