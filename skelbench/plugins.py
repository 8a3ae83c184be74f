"""Finding and loading plugins, each by itself: one that fails does not take the others along."""

from __future__ import annotations

import copy
import importlib
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from skelbench import __version__, hookspecs
from skelbench.errors import SkelbenchError, nearest

GROUP = "skelbench"
LIMIT_VARIABLE = "SKELBENCH_PLUGINS"


@dataclass(frozen=True)
class Plugin:
    """One plugin and what became of it.

    Attributes:
        name: Entry-point name.
        module: What it names, ``package.module``.
        origin: Distribution and version, ``skelbench 0.1.0``.
        error: Why it failed, or None where it is loaded.
    """

    name: str
    module: str
    origin: str
    error: str | None = None


@dataclass(frozen=True)
class LoadedPlugins:
    """The plugin manager with everything that loaded, and the tale of every plugin."""

    manager: pluggy.PluginManager
    plugins: tuple[Plugin, ...]

    def origin(self, name: str) -> str:
        """The distribution that the plugin ``name`` came with."""
        return next((p.origin for p in self.plugins if p.name == name), name)

    @property
    def failed(self) -> tuple[Plugin, ...]:
        """The plugins that could not be loaded."""
        return tuple(p for p in self.plugins if p.error)


class Observers:
    """Tells plugins of a run. One that fails is named on standard error, and the run goes on.

    A hook that raises a `SkelbenchError` means it: that ends the run.

    Args:
        manager: Holds the plugins.
    """

    def __init__(self, manager: pluggy.PluginManager) -> None:
        self._manager = manager

    def before_run(self, *, spec: dict[str, Any], context: dict[str, Any]) -> None:
        """Work is about to start."""
        self._tell("before_run", spec=spec, context=context)

    def after_trial(self, *, trial: dict[str, Any], context: dict[str, Any]) -> None:
        """A trial stands in the journal."""
        self._tell("after_trial", trial=trial, context=context)

    def after_run(self, *, record: Any, context: dict[str, Any]) -> None:
        """The record is stored."""
        self._tell("after_run", record=record, context=context)

    def _tell(self, hook: str, **given: Any) -> None:
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            # Copies, so that a plugin that changes them changes nothing for anybody else.
            arguments = {name: copy.deepcopy(given[name]) for name in implementation.argnames}
            try:
                implementation.function(**arguments)
            except SkelbenchError:
                raise
            except Exception as error:  # see _load
                what = f"plugin '{implementation.plugin_name}' failed in {hook}"
                print(f"skelbench: {what}: {type(error).__name__}: {error}", file=sys.stderr)


def load_plugins(extra: Iterable[tuple[str, object]] = ()) -> LoadedPlugins:
    """Load every installed plugin, or exactly those named in ``SKELBENCH_PLUGINS``.

    Args:
        extra: Further (name, plugin object) pairs, for tests and for embedding.
    """
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    found = [_load(manager, name, origin, entry) for name, origin, entry in _wanted()]
    found += [_register(manager, name, plugin, "given") for name, plugin in extra]
    return LoadedPlugins(manager, tuple(found))


def _wanted() -> Iterator[tuple[str, str, EntryPoint | str]]:
    installed: dict[str, list[EntryPoint]] = {}
    # Of two plugins with one name the first is loaded: skelbench's own.
    for entry in sorted(entry_points(group=GROUP), key=lambda e: (e.name, _origin(e) != _own())):
        installed.setdefault(entry.name, []).append(entry)
    limit = os.environ.get(LIMIT_VARIABLE)
    named = installed if limit is None else dict.fromkeys(n.strip() for n in limit.split(",") if n.strip())
    for name in named:
        if name not in installed:
            yield name, LIMIT_VARIABLE, f"no such plugin is installed{_near(name, installed)}"
        for entry in installed.get(name, ()):
            yield name, _origin(entry), entry


def _origin(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else "unknown"


def _own() -> str:
    return f"{GROUP} {__version__}"


def _load(manager: pluggy.PluginManager, name: str, origin: str, entry: EntryPoint | str) -> Plugin:
    if isinstance(entry, str):
        return Plugin(name, "", origin, entry)
    try:
        module = importlib.import_module(entry.module)
        plugin = getattr(module, entry.attr) if entry.attr else module
    except (Exception, SystemExit) as error:  # a stranger's plugin may raise anything; it becomes a line
        return Plugin(name, entry.value, origin, f"{type(error).__name__}: {error}")
    return _register(manager, name, plugin, origin)


def _register(manager: pluggy.PluginManager, name: str, plugin: object, origin: str) -> Plugin:
    module = getattr(plugin, "__name__", type(plugin).__name__)
    if manager.has_plugin(name):
        return Plugin(name, module, origin, f"another plugin is named '{name}' already")
    try:
        unknown = _unknown_hooks(manager, plugin)
        if unknown is None:
            manager.register(plugin, name)
            manager.check_pending()
    except Exception as error:  # see _load
        if manager.has_plugin(name):
            manager.unregister(name=name)
        return Plugin(name, module, origin, f"{type(error).__name__}: {error}")
    return Plugin(name, module, origin, unknown)


def _unknown_hooks(manager: pluggy.PluginManager, plugin: object) -> str | None:
    """Name hooks that do not exist, with the nearest that do (pluggy itself knows no near names)."""
    hooks = [n for n in dir(hookspecs) if getattr(getattr(hookspecs, n), "skelbench_spec", None)]
    for attribute in dir(plugin):
        if manager.parse_hookimpl_opts(plugin, attribute) and attribute not in hooks:
            return f"there is no hook '{attribute}'{_near(attribute, hooks)}"
    return None


def _near(name: str, names: Iterable[str]) -> str:
    near = nearest(name, names)
    return f" (the nearest is '{near}')" if near else ""
