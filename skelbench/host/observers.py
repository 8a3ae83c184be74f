"""Telling plugins of a run."""

from __future__ import annotations

import copy
import sys
from typing import Any

import pluggy

from skelbench.errors import SkelbenchError, described
from skelbench.host.guard import stdout_captured


class Observers:
    """Tells plugins of a run. One that fails is named on standard error, and the run goes on.

    A hook that raises a `SkelbenchError` means it: that ends the run. What hooks print goes to
    standard error, as a run may print JSON.

    Args:
        manager: Holds the plugins.
    """

    def __init__(self, manager: pluggy.PluginManager) -> None:
        self._manager = manager

    def before_run(self, *, spec: dict[str, Any], context: dict[str, Any]) -> None:
        """Work is about to start."""
        self._call_hooks("before_run", spec=spec, context=context)

    def after_trial(self, *, trial: dict[str, Any], context: dict[str, Any]) -> None:
        """A trial stands in the journal."""
        self._call_hooks("after_trial", trial=trial, context=context)

    def after_run(self, *, record: Any, context: dict[str, Any]) -> None:
        """The record is stored."""
        self._call_hooks("after_run", record=record, context=context)

    def _call_hooks(self, hook: str, **given: Any) -> None:
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            # Copies, so that a plugin that changes them changes nothing for anybody else.
            arguments = {name: copy.deepcopy(given[name]) for name in implementation.argnames}
            with stdout_captured() as printed:
                failed = _failure(implementation, arguments)
            print(printed.getvalue(), end="", file=sys.stderr)
            if failed:
                what = f"plugin '{implementation.plugin_name}' failed in {hook}"
                print(f"skelbench: {what}: {failed}", file=sys.stderr)


def _failure(implementation: pluggy.HookImpl, arguments: dict[str, Any]) -> str:
    """Call a hook; what it raised, if it did."""
    try:
        implementation.function(**arguments)
    except (SkelbenchError, KeyboardInterrupt):
        raise
    except BaseException as error:  # a stranger's hook may raise anything, and may try to leave
        return described(error)
    return ""
