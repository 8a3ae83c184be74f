"""Finding and loading plugins, each by itself: one that fails does not take the others along."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

import pluggy

from skelbench import hookspecs
from skelbench.errors import did_you_mean

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
    installed = {e.name: e for e in sorted(entry_points(group=GROUP), key=lambda e: e.name)}
    limit = os.environ.get(LIMIT_VARIABLE)
    names = list(installed) if limit is None else [n.strip() for n in limit.split(",") if n.strip()]
    for name in names:
        entry = installed.get(name)
        if entry is None:
            yield name, LIMIT_VARIABLE, did_you_mean(name, installed)
        else:
            yield name, f"{entry.dist.name} {entry.dist.version}" if entry.dist else "unknown", entry


def _load(manager: pluggy.PluginManager, name: str, origin: str, entry: EntryPoint | str) -> Plugin:
    if isinstance(entry, str):
        return Plugin(name, "", origin, f"no such plugin is installed. {entry}")
    try:
        module = importlib.import_module(entry.module)
        plugin = getattr(module, entry.attr) if entry.attr else module
    except Exception as error:  # a stranger's plugin may raise anything; it becomes a line in the list
        return Plugin(name, entry.value, origin, f"{type(error).__name__}: {error}")
    return _register(manager, name, plugin, origin)


def _register(manager: pluggy.PluginManager, name: str, plugin: object, origin: str) -> Plugin:
    module = getattr(plugin, "__name__", type(plugin).__name__)
    unknown = _unknown_hooks(manager, plugin)
    if unknown:
        return Plugin(name, module, origin, unknown)
    try:
        manager.register(plugin, name)
        manager.check_pending()
    except Exception as error:  # see _load
        if manager.has_plugin(name):
            manager.unregister(name=name)
        return Plugin(name, module, origin, f"{type(error).__name__}: {error}")
    return Plugin(name, module, origin)


def _unknown_hooks(manager: pluggy.PluginManager, plugin: object) -> str | None:
    """Name hooks that do not exist, with the nearest that do (pluggy itself knows no near names)."""
    hooks = [n for n in dir(hookspecs) if getattr(getattr(hookspecs, n), "skelbench_spec", None)]
    for attribute in dir(plugin):
        if manager.parse_hookimpl_opts(plugin, attribute) and attribute not in hooks:
            return f"unknown hook '{attribute}'. {did_you_mean(attribute, hooks)}"
    return None
