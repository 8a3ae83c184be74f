"""Plugins are told of a run; what they do then harms nobody else."""

from __future__ import annotations

import os

import pytest

from skelbench import hookimpl
from skelbench.errors import DataError
from skelbench.host.registry import load_registry


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

    def test_what_they_print_goes_to_standard_error(self, capfd: pytest.CaptureFixture[str]) -> None:
        """A run may print JSON on standard output."""

        class Talker:
            @hookimpl
            def before_run(self) -> None:
                print("hello")
                os.write(1, b"from below\n")

        load_registry([("talker", Talker())]).hooks.before_run(spec={}, context={})
        told = capfd.readouterr()
        assert told.out == ""
        assert sorted(told.err.splitlines()) == ["from below", "hello"]

    def test_one_that_leaves_does_not_take_the_run_along(self, capsys: pytest.CaptureFixture[str]) -> None:
        class Leaver:
            @hookimpl
            def before_run(self) -> None:
                raise SystemExit(3)

        load_registry([("leaver", Leaver())]).hooks.before_run(spec={}, context={})
        assert capsys.readouterr().err == "skelbench: plugin 'leaver' failed in before_run: SystemExit: 3\n"

    def test_an_interruption_by_the_user_ends_the_run(self) -> None:
        class Slow:
            @hookimpl
            def before_run(self) -> None:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            load_registry([("slow", Slow())]).hooks.before_run(spec={}, context={})
