"""Components by kind and name, with the plugin that each came from."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelbench import hookimpl
from skelbench.components import KINDS, Column, Dataset, Layout, Metric, Operator, Table
from skelbench.errors import DataError, PluginError, WorkFailed
from skelbench.host.plugins import LIMIT_VARIABLE, LoadedPlugins, load_plugins
from skelbench.host.registry import Registry, load_registry
from skelbench.tables.catalog import file_of


class Metrics:
    """A plugin whose hook for metrics gives what it is made with."""

    def __init__(self, given: Any) -> None:
        self.given = given

    @hookimpl
    def register_metrics(self) -> Any:
        return self.given() if callable(self.given) else self.given


def with_metrics(**plugins: Any) -> Registry:
    return load_registry([(name, Metrics(given)) for name, given in plugins.items()])


def error_of(registry: Registry, name: str) -> str:
    error = next(plugin.error for plugin in registry.plugins if plugin.name == name)
    assert error is not None
    return error


def failing() -> Iterable[Metric]:
    yield Metric(name="first")
    raise OSError("disk on fire")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (None, "register_metrics gave None, not a list of Metrics"),
        (Metric(name="x"), "register_metrics gave Metric(name='x'"),
        (["top1"], "register_metrics gave 'top1', not a Metric"),
        ([Operator(name="x")], "not a Metric"),
        ([Metric], "not a Metric"),
        ([Metric(name="")], "register_metrics gave a Metric the bad name ''"),
        ([Metric(name="two words")], "the bad name 'two words'"),
        ([Metric(name=3)], "the bad name 3"),  # type: ignore[arg-type]
        ([Metric(name="x", params=dict)], "'x' params that are not a model"),  # type: ignore[arg-type]
        ("top1", "register_metrics gave 'top1', not a list of Metrics"),
        ([Metric(name="x", target="module.attribute")], "'x' the target 'module.attribute': write 'module:"),
        ([Metric(name="x", summary=None)], "'x' summary=None: must be text"),  # type: ignore[arg-type]
        (failing, "OSError: disk on fire"),
    ],
)
def test_a_hook_that_gives_something_else_fails_alone(given: Any, reason: str) -> None:
    registry = with_metrics(bad=given, good=[Metric(name="good")])
    assert reason in error_of(registry, "bad")
    assert [p.name for p in registry.plugins if p.error] == ["bad"]
    assert registry.find("metric", "good") == Metric(name="good")
    assert registry.find("metric", "first") is None


def test_a_data_set_without_a_protocol_is_refused() -> None:
    class Plugin:
        @hookimpl
        def register_datasets(self) -> list[Dataset]:
            return [Dataset(name="odd", layout="ntu25", classes=2, protocols=())]

    assert error_of(load_registry([("bad", Plugin())]), "bad") == "register_datasets gave 'odd' no protocol"


def test_a_name_taken_already_leaves_the_second_plugin_out_whole() -> None:
    second = [Metric(name="other"), Metric(name="mine")]
    registry = with_metrics(one=[Metric(name="mine", summary="of one")], two=second)
    assert error_of(registry, "two") == "metric 'mine' is already registered by plugin 'one'"
    assert registry.get("metric", "mine").summary == "of one"
    assert registry.find("metric", "other") is None
    assert "two" not in registry.versions()


def test_a_name_twice_in_one_plugin_is_told() -> None:
    registry = with_metrics(one=[Metric(name="mine"), Metric(name="mine")])
    assert error_of(registry, "one") == "metric 'mine' is already registered by plugin 'one'"


def test_one_name_may_serve_two_kinds() -> None:
    class Plugin:
        @hookimpl
        def register_metrics(self) -> list[Metric]:
            return [Metric(name="same")]

        @hookimpl
        def register_columns(self) -> list[Column]:
            return [Column(name="same")]

    registry = load_registry([("both", Plugin())])
    assert isinstance(registry.get("metric", "same"), Metric)
    assert isinstance(registry.get("column", "same"), Column)


def test_a_plugin_that_is_left_out_observes_no_run() -> None:
    calls = []

    class Plugin(Metrics):
        @hookimpl
        def after_run(self) -> None:
            calls.append(1)

    registry = load_registry([("bad", Plugin(None)), ("good", Plugin([]))])
    registry.hooks.after_run(record=None, context={})
    assert calls == [1]


class TestUnknownNames:
    def test_the_nearest_name_is_told(self) -> None:
        with pytest.raises(
            PluginError, match=r"unknown graph module 'adjacenzy'. Did you mean 'adjacency'\?$"
        ):
            load_registry().get("graph_module", "adjacenzy")

    def test_plugins_that_failed_are_told_too(self) -> None:
        registry = with_metrics(bad=failing)
        with pytest.raises(PluginError, match=r"failed to load: bad \(OSError: disk on fire\)"):
            registry.get("metric", "zzzzzz")

    def test_without_a_near_one_the_valid_names_are_listed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(LIMIT_VARIABLE, "metrics")
        assert load_registry().remedy("metric", "zzzzzz") == "Valid names: mean_class, top1, top5"

    def test_where_there_is_none_that_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(LIMIT_VARIABLE, "")
        assert load_registry().remedy("metric", "top1") == "There is none to choose from"


class TestTargets:
    @pytest.mark.parametrize(
        "target", ["no_such_module:x", "skelbench.errors:no_such_thing", "skelbench.errors:"]
    )
    def test_one_that_is_not_there_is_told(self, target: str) -> None:
        registry = with_metrics(mine=[Metric(name="mine", target=target)])
        with pytest.raises(
            PluginError, match=f"metric 'mine' cannot be loaded from '{target}'.*Mend or update"
        ):
            registry.get("metric", "mine").load()

    @pytest.mark.parametrize("source", ["1 / 0", "raise SystemExit(2)", "def f(:"])
    def test_one_whose_module_fails_is_told(
        self, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "failing_target.py").write_text(source)
        monkeypatch.syspath_prepend(tmp_path)
        registry = with_metrics(mine=[Metric(name="mine", target="failing_target:x")])
        with pytest.raises(PluginError, match=r"cannot be loaded from 'failing_target:x': [A-Z]\w+: "):
            registry.get("metric", "mine").load()

    def test_what_a_target_raises_is_told_by_the_component(self) -> None:
        def fail(scores: Any, labels: Any) -> float:
            raise ZeroDivisionError("nothing to rate")

        registry = with_metrics(mine=[Metric(name="mine", target=fail)])
        with pytest.raises(WorkFailed, match=r"metric 'mine' fails: ZeroDivisionError: nothing to rate"):
            registry.get("metric", "mine").make(None, None)

    def test_an_error_meant_for_the_user_is_left_alone(self) -> None:
        def fail(scores: Any, labels: Any) -> float:
            raise DataError("no scores")

        registry = with_metrics(mine=[Metric(name="mine", target=fail)])
        with pytest.raises(DataError, match=r"^no scores$"):
            registry.get("metric", "mine").make(None, None)

    @pytest.mark.parametrize("kind", KINDS)
    def test_every_built_in_one_is_there(self, kind: str) -> None:
        for entry in load_registry().entries(kind):
            if isinstance(entry.component, Table):
                assert file_of(entry.component).is_file()
            else:
                assert isinstance(entry.component, Layout) or callable(entry.component.load())


@pytest.mark.parametrize("kind", KINDS)
def test_names_and_entries_are_sorted_and_agree(kind: str) -> None:
    registry = load_registry()
    names = registry.names(kind)
    assert names == sorted(set(names)) == [entry.component.name for entry in registry.entries(kind)]
    assert all(registry.find(kind, name) is not None for name in names)


names = st.lists(st.from_regex(r"[a-c]{1,2}", fullmatch=True), max_size=4)


@given(st.lists(names, max_size=4))
def test_whatever_plugins_register_each_name_has_one_owner(registered: list[list[str]]) -> None:
    """The plugins that fit are those that a scan in order would keep, each whole or not at all."""
    expected: dict[str, str] = {}
    for number, own in enumerate(registered):
        if len(set(own)) == len(own) and not set(own) & set(expected):
            expected |= dict.fromkeys(own, f"p{number}")
    plugins = [Metrics([Metric(name=name) for name in own]) for own in registered]
    registry = Registry(load_only(plugins))
    assert {e.component.name: e.plugin for e in registry.entries("metric")} == expected


def load_only(plugins: list[Metrics]) -> LoadedPlugins:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(LIMIT_VARIABLE, "")
        return load_plugins((f"p{number}", plugin) for number, plugin in enumerate(plugins))
