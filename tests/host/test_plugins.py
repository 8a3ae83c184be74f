"""Plugins are found and loaded each by itself; one that fails takes nothing else along."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from skelbench import __version__
from skelbench.cli.app import app
from skelbench.errors import Problem
from skelbench.host.api_version import RENAMED_HOOKS
from skelbench.host.plugins import LIMIT_VARIABLE, LoadedPlugins, Plugin, load_plugins
from skelbench.host.registry import load_registry

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


def plugin_of(name: str) -> Plugin:
    return next(plugin for plugin in load_registry().plugins if plugin.name == name)


def problem_of(name: str) -> Problem:
    problem = plugin_of(name).problem
    assert problem is not None
    return problem


def error_of(name: str) -> str:
    return problem_of(name).what


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
            "graph": "no such plugin is installed",
            "layouts": None,
        }
        assert [plugin.origin for plugin in loaded.failed] == [LIMIT_VARIABLE]
        problem = loaded.failed[0].problem
        assert problem is not None
        assert problem.remedy == "Correct SKELBENCH_PLUGINS. Did you mean 'graphs'?"

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

    def test_the_line_at_fault_and_a_remedy_are_told(self, install: Install) -> None:
        install("bad", "import os\n\nraise ValueError('no licence')")
        problem = problem_of("bad")
        assert problem.where.endswith("bad_plugin.py:3")
        assert problem.remedy == "Mend, update or uninstall bad 1.2"

    def test_whatever_is_raised_is_told(self, install: Install) -> None:
        """Test runners raise exceptions that are no `Exception`; a message may fail to be made."""
        source = "class Odd(BaseException):\n    def __str__(self):\n        raise ValueError\nraise Odd"
        install("bad", source)
        assert error_of("bad") == "Odd: (its message cannot be shown)"

    def test_an_interruption_by_the_user_is_no_fault_of_the_plugin(self, install: Install) -> None:
        install("bad", "raise KeyboardInterrupt")
        with pytest.raises(KeyboardInterrupt):
            load_plugins()

    @pytest.mark.parametrize("text", [b"[skelbench]\nno equals sign\n", b"[skelbench]\n\xff = \xfe\n"])
    def test_a_damaged_list_of_entry_points_is_told(self, install: Install, text: bytes) -> None:
        module = install("bad")
        folder = Path(next(path for path in sys.path if path.endswith("/bad")))
        (folder / "bad-1.2.dist-info" / "entry_points.txt").write_bytes(text)
        loaded = load_plugins()
        assert [(p.name, p.error) for p in loaded.failed] == [("bad", "its entry points cannot be read")]
        assert module not in sys.modules
        assert set(told(loaded)) >= BUILT_IN

    def test_a_damaged_list_of_other_entry_points_is_nobody_s_business(self, install: Install) -> None:
        install("other")
        folder = Path(next(path for path in sys.path if path.endswith("/other")))
        (folder / "other-1.2.dist-info" / "entry_points.txt").write_text(
            "[console_scripts]\nno equals sign\n"
        )
        assert load_plugins().failed == ()

    def test_metadata_that_are_missing_leave_the_origin_unknown(self, install: Install) -> None:
        install("mine")
        folder = Path(next(path for path in sys.path if path.endswith("/mine")))
        (folder / "mine-1.2.dist-info" / "METADATA").unlink()
        assert load_registry().versions()["mine"] == "unknown"

    def test_an_entry_point_to_a_missing_attribute_is_told(self, install: Install) -> None:
        install("bad", "", attribute=":missing")
        assert "has no attribute 'missing'" in error_of("bad")

    def test_a_misspelt_hook_is_told_with_the_nearest(self, install: Install) -> None:
        install("bad", GOOD.replace("register_metrics", "register_metric"))
        assert error_of("bad") == "there is no hook 'register_metric' (the nearest is 'register_metrics')"

    def test_a_hook_with_other_arguments_is_told(self, install: Install) -> None:
        install("bad", "from skelbench import hookimpl\n@hookimpl\ndef after_run(result):\n    pass\n")
        assert error_of("bad") == "after_run takes 'result', but is given record, context"

    def test_a_hook_that_wants_an_argument_where_none_is_given_is_told(self, install: Install) -> None:
        install("bad", GOOD.replace("register_metrics()", "register_metrics(registry)"))
        assert error_of("bad") == "register_metrics takes 'registry', but is given nothing"

    @pytest.mark.parametrize("given", ["", "registry=None", "*args", "**options"])
    def test_arguments_that_it_can_do_without_do_no_harm(self, install: Install, given: str) -> None:
        install("mine", GOOD.replace("register_metrics()", f"register_metrics({given})"))
        assert load_registry().names("metric").count("mine.half") == 1

    @pytest.mark.parametrize("end", ["raise SystemExit(1)", "import sys; sys.exit()", "1 / 0"])
    def test_a_hook_that_fails_or_leaves_is_told_with_its_line(self, install: Install, end: str) -> None:
        install("bad", GOOD.replace("    return [", f"    {end}\n    return ["))
        assert error_of("bad").startswith(("SystemExit", "ZeroDivisionError"))
        assert problem_of("bad").where.endswith("bad_plugin.py:7")

    def test_a_module_registered_by_two_names_is_told(self, install: Install) -> None:
        install("mine")
        install("twice", plugin="twice")
        folder = Path(next(path for path in sys.path if path.endswith("/twice")))
        (folder / "twice-1.2.dist-info" / "entry_points.txt").write_text("[skelbench]\nz = mine_plugin\n")
        assert error_of("z") == "it is registered already, as plugin 'mine'"
        assert "mine.half" in load_registry().names("metric")

    def test_a_plugin_named_as_a_built_in_one_does_not_replace_it(self, install: Install) -> None:
        install("aaa", plugin="graphs")
        registry = load_registry()
        assert registry.versions()["graphs"] == f"skelbench {__version__}"
        assert "adjacency" in registry.names("graph_module")
        failed = [plugin for plugin in registry.plugins if plugin.error]
        assert [(p.name, p.origin) for p in failed] == [("graphs", "aaa 1.2")]
        assert failed[0].error == "another plugin is named 'graphs' already"

    def test_a_component_named_as_a_built_in_one_does_not_replace_it(self, install: Install) -> None:
        """Built-in plugins come first, whatever the stranger's is called."""
        install("aaa", GOOD.replace("{name}.half", "top1"))
        registry = load_registry()
        assert registry.entry("metric", "top1").plugin == "metrics"
        assert error_of("aaa") == "metric 'top1' is already registered by plugin 'metrics'"
        assert "SKELBENCH_PLUGINS" in problem_of("aaa").remedy

    def test_a_given_plugin_with_a_name_in_use_is_left_out(self) -> None:
        loaded = load_plugins([("graphs", SimpleNamespace())])
        assert [plugin.origin for plugin in loaded.failed] == ["given"]
        assert loaded.manager.has_plugin("graphs")


class TestVersions:
    """What a plugin may say of the plugin API that it needs."""

    @pytest.mark.parametrize("declared", ["1.0", None])
    def test_the_host_s_own_and_none_are_taken(self, install: Install, declared: str | None) -> None:
        install("mine", GOOD + f"\nskelbench_api = {declared!r}\n")
        assert "mine" in load_registry().versions()

    @pytest.mark.parametrize(
        ("declared", "remedy"),
        [
            ("0.9", "Update bad 1.2, or install an older skelbench"),
            ("1.7", "Update skelbench, or install an older bad 1.2"),
            ("2.0", "Update skelbench, or install an older bad 1.2"),
        ],
    )
    def test_an_older_or_newer_one_is_told(self, install: Install, declared: str, remedy: str) -> None:
        install("bad", GOOD + f"\nskelbench_api = {declared!r}\n")
        assert error_of("bad") == f"it needs plugin API {declared}, and this skelbench has 1.0"
        assert problem_of("bad").remedy == remedy
        assert "bad.half" not in load_registry().names("metric")

    @pytest.mark.parametrize("declared", ["1", "one", "1.0.0", 1.0, (1, 0)])
    def test_what_is_no_version_is_told(self, install: Install, declared: object) -> None:
        install("bad", GOOD + f"\nskelbench_api = {declared!r}\n")
        assert error_of("bad") == f"skelbench_api is {declared!r}, which is no version"
        assert problem_of("bad").remedy == 'Write major and minor as text: skelbench_api = "1.0"'


class TestRenaming:
    def test_a_hook_goes_on_by_its_former_name_with_a_warning(
        self, install: Install, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(RENAMED_HOOKS, "register_figures", "register_metrics")
        install("old", GOOD.replace("register_metrics", "register_figures"))
        assert "old.half" in load_registry().names("metric")
        warning = "PluginDeprecation: hook 'register_figures' is now called 'register_metrics'"
        assert plugin_of("old").warnings == (warning,)

    def test_the_warning_stands_in_the_list_of_plugins_alone(
        self, install: Install, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(RENAMED_HOOKS, "before_start", "before_run")
        install("old", "from skelbench import hookimpl\n@hookimpl\ndef before_start(spec):\n    pass\n")
        shown, listed = (CliRunner().invoke(app, command) for command in (["plugins"], ["list", "metric"]))
        assert shown.stdout.count("'before_start' is now called 'before_run'") == 1
        assert "before_start" not in listed.output

    def test_the_author_s_own_name_for_an_implementation_is_no_fault(self, install: Install) -> None:
        source = GOOD.replace("@hookimpl", "@hookimpl(specname='register_metrics')")
        install("mine", source.replace("def register_metrics", "def metrics"))
        assert "mine.half" in load_registry().names("metric")


class TestBehaviour:
    """What is no failure, but should be known."""

    def test_what_a_plugin_prints_keeps_standard_output_free(
        self, install: Install, capfd: pytest.CaptureFixture[str]
    ) -> None:
        install("loud", "print('hello')\n" + GOOD.replace("    return [", "    print('again')\n    return ["))
        install("deep", "import os\nos.write(1, b'from below')\n" + GOOD)
        registry = load_registry()
        captured = capfd.readouterr()
        assert captured.out == ""
        assert captured.err == "from below"
        assert registry.plugins[-1].warnings == (
            "prints as it is loaded: hello",
            "prints as it is loaded: again",
        )

    def test_a_slow_one_is_named_with_its_time(
        self, install: Install, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("skelbench.host.guard.SLOW", 0.05)
        install("slow", GOOD.replace("    return [", "    import time; time.sleep(0.1)\n    return ["))
        slow = plugin_of("slow")
        assert slow.seconds >= 0.1
        assert slow.warnings[0].startswith("took 0.1 s to load")
        assert all(plugin.warnings == () for plugin in load_registry().plugins if plugin.name in BUILT_IN)

    def test_one_that_imports_what_is_heavy_is_named(
        self, install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr("skelbench.host.guard.HEAVY", ("heavy_library",))
        (tmp_path / "heavy_library.py").touch()
        monkeypatch.syspath_prepend(tmp_path)
        install("slow", "import heavy_library\n" + GOOD)
        assert plugin_of("slow").warnings == ("imports heavy_library as it is loaded, which is slow",)

    def test_filters_of_warnings_that_it_sets_end_with_it(self, install: Install) -> None:
        before = list(warnings.filters)
        install("mine", "import warnings\nwarnings.simplefilter('ignore')\n" + GOOD)
        load_registry()
        assert warnings.filters == before


class TestCommands:
    def test_list_and_doctor_tell_a_failure_and_go_on(self, install: Install) -> None:
        install("bad", "raise ValueError('no licence')")
        listed = CliRunner().invoke(app, ["plugins", "--json"])
        rows = {row["plugin"]: row for row in json.loads(listed.stdout)}
        assert listed.exit_code == 0
        assert rows["bad"]["status"] == "ValueError: no licence"
        assert rows["bad"]["where"].endswith("bad_plugin.py:1")
        assert rows["bad"]["remedy"] == "Mend, update or uninstall bad 1.2"
        assert rows["graphs"]["status"] == "loaded"
        assert CliRunner().invoke(app, ["check", "sgcn"]).exit_code == 0
