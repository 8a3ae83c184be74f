"""Plugins are found and loaded each by itself; one that fails takes nothing else along."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from skelbench import __version__, hookimpl
from skelbench.cli import app
from skelbench.errors import DataError
from skelbench.plugins import LIMIT_VARIABLE, LoadedPlugins, load_plugins
from skelbench.registry import load_registry

BUILT_IN = {"datasets", "engines", "graphs", "layouts", "metrics", "operators", "strategies"}
GOOD = """
from skelbench import hookimpl
from skelbench.components import Metric

@hookimpl
def register_metrics():
    return [Metric(name="{name}.half", summary="Half", target="{name}_plugin:half")]

def half(scores, labels):
    return 50.0
"""
Install = Callable[..., str]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a distribution ``name`` whose plugin has the given source; gives the module's name."""

    def make(name: str, source: str = GOOD, *, plugin: str | None = None, attribute: str = "") -> str:
        folder, module = tmp_path / name, f"{name}_plugin"
        info = folder / f"{name}-1.2.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[skelbench]\n{plugin or name} = {module}{attribute}\n")
        (folder / f"{module}.py").write_text(source.replace("{name}", name))
        monkeypatch.syspath_prepend(folder)
        # An import would stay behind for the next test's module of the same name.
        monkeypatch.delitem(sys.modules, module, raising=False)
        return module

    return make


def told(loaded: LoadedPlugins) -> dict[str, str | None]:
    return {plugin.name: plugin.error for plugin in loaded.plugins}


def error_of(name: str) -> str:
    error = next(plugin.error for plugin in load_registry().plugins if plugin.name == name)
    assert error is not None
    return error


class TestFinding:
    def test_installed_plugins_are_found_with_their_origin(self, install: Install) -> None:
        install("mine")
        registry = load_registry()
        assert registry.get("metric", "mine.half").load()(None, None) == 50
        assert registry.versions()["mine"] == "mine 1.2"
        assert registry.versions()["graphs"] == f"skelbench {__version__}"
        entry = next(e for e in registry.entries("metric") if e.component.name == "mine.half")
        assert (entry.plugin, entry.origin) == ("mine", "mine 1.2")

    def test_every_built_in_plugin_is_loaded(self) -> None:
        assert set(load_registry().versions()) >= BUILT_IN

    def test_given_plugins_come_on_top(self) -> None:
        plugin = SimpleNamespace(__name__="handed over")
        loaded = load_plugins([("given", plugin)])
        assert loaded.plugins[-1].origin == "given"
        assert loaded.manager.get_plugin("given") is plugin

    def test_the_variable_limits_exactly(self, install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
        install("mine")
        monkeypatch.setenv(LIMIT_VARIABLE, "graphs, mine,graphs")
        assert told(load_plugins()) == {"graphs": None, "mine": None}
        assert load_registry().names("operator") == []

    def test_an_empty_variable_loads_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(LIMIT_VARIABLE, "")
        assert load_plugins().plugins == ()

    def test_a_name_that_is_not_installed_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(LIMIT_VARIABLE, "graph,layouts")
        loaded = load_plugins()
        assert told(loaded) == {
            "graph": "no such plugin is installed (the nearest is 'graphs')",
            "layouts": None,
        }
        assert [plugin.origin for plugin in loaded.failed] == [LIMIT_VARIABLE]

    def test_a_module_that_is_not_limited_to_is_not_imported(
        self, install: Install, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        module = install("mine")
        monkeypatch.setenv(LIMIT_VARIABLE, "layouts")
        load_plugins()
        assert module not in sys.modules


class TestFailures:
    @pytest.mark.parametrize(
        ("source", "reason"),
        [
            ("import no_such_module_at_all", "ModuleNotFoundError: No module named 'no_such_module_at_all'"),
            ("raise ValueError('no licence')", "ValueError: no licence"),
            ("def f(:", "SyntaxError: "),
            ("raise SystemExit('leaving')", "SystemExit: leaving"),
        ],
    )
    def test_a_plugin_that_cannot_be_imported_is_left_out_alone(
        self, install: Install, source: str, reason: str
    ) -> None:
        install("bad", source)
        install("mine")
        loaded = load_plugins()
        assert (told(loaded)["bad"] or "").startswith(reason)
        assert [plugin.name for plugin in loaded.failed] == ["bad"]
        assert BUILT_IN | {"mine"} <= set(load_registry().versions())

    def test_an_entry_point_to_a_missing_attribute_is_told(self, install: Install) -> None:
        install("bad", "", attribute=":missing")
        assert "has no attribute 'missing'" in error_of("bad")

    def test_a_misspelt_hook_is_told_with_the_nearest(self, install: Install) -> None:
        install("bad", GOOD.replace("register_metrics", "register_metric"))
        assert error_of("bad") == "there is no hook 'register_metric' (the nearest is 'register_metrics')"

    def test_a_hook_with_other_arguments_is_told(self, install: Install) -> None:
        install("bad", "from skelbench import hookimpl\n@hookimpl\ndef after_run(result):\n    pass\n")
        assert "PluginValidationError" in error_of("bad")
        assert "result" in error_of("bad")

    def test_a_plugin_named_as_a_built_in_one_does_not_replace_it(self, install: Install) -> None:
        install("aaa", plugin="graphs")
        registry = load_registry()
        assert registry.versions()["graphs"] == f"skelbench {__version__}"
        assert "adjacency" in registry.names("graph_module")
        failed = [plugin for plugin in registry.plugins if plugin.error]
        assert [(p.name, p.origin) for p in failed] == [("graphs", "aaa 1.2")]
        assert failed[0].error == "another plugin is named 'graphs' already"

    def test_a_given_plugin_with_a_name_in_use_is_left_out(self) -> None:
        loaded = load_plugins([("graphs", SimpleNamespace())])
        assert [plugin.origin for plugin in loaded.failed] == ["given"]
        assert loaded.manager.has_plugin("graphs")


class Observer:
    """Notes what the hooks of a run are told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, object]] = []

    @hookimpl
    def before_run(self, spec: dict, context: dict) -> None:
        self.told.append(("before", spec["name"]))

    @hookimpl
    def after_trial(self, trial: dict) -> None:
        self.told.append(("trial", trial["number"]))

    @hookimpl
    def after_run(self, record: object, context: dict) -> None:
        self.told.append(("after", context["seed"]))


def test_observers_are_told_by_name_and_may_leave_arguments_out() -> None:
    observer = Observer()
    hooks = load_registry([("observer", observer)]).hooks
    hooks.before_run(spec={"name": "s"}, context={})
    hooks.after_trial(trial={"number": 3}, context={})
    hooks.after_run(record=None, context={"seed": 7})
    assert observer.told == [("before", "s"), ("trial", 3), ("after", 7)]


class Spoiler:
    """Changes what it is told, and fails."""

    @hookimpl
    def before_run(self, spec: dict) -> None:
        spec["name"] = "spoilt"
        raise KeyError("oops")

    @hookimpl
    def after_run(self, record: object) -> None:
        raise DataError("the share is full", remedy="Make room")


class TestObserversThatFail:
    def test_they_are_named_and_the_others_are_told(self, capsys: pytest.CaptureFixture[str]) -> None:
        observer, spec = Observer(), {"name": "s"}
        hooks = load_registry([("observer", observer), ("spoiler", Spoiler())]).hooks
        hooks.before_run(spec=spec, context={})
        assert observer.told == [("before", "s")]
        assert spec == {"name": "s"}
        assert (
            capsys.readouterr().err == "skelbench: plugin 'spoiler' failed in before_run: KeyError: 'oops'\n"
        )

    def test_an_error_meant_for_the_user_ends_the_run(self) -> None:
        with pytest.raises(DataError, match=r"^the share is full\. Make room$"):
            load_registry([("spoiler", Spoiler())]).hooks.after_run(record=None, context={})


class TestCommands:
    def test_list_and_doctor_tell_a_failure_and_go_on(self, install: Install) -> None:
        install("bad", "raise ValueError('no licence')")
        listed = CliRunner().invoke(app, ["plugins", "--json"])
        rows = {row["plugin"]: row for row in json.loads(listed.stdout)}
        assert listed.exit_code == 0
        assert rows["bad"]["status"] == "ValueError: no licence"
        assert rows["graphs"]["status"] == "loaded"
