"""Name -> component, with the plugin each came from and near names for misspelt ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pluggy
from pydantic import BaseModel

from skelbench.components import KINDS, Component, Dataset
from skelbench.errors import PluginError, did_you_mean
from skelbench.plugins import LoadedPlugins, Observers, Plugin, load_plugins

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Entry:
    """A registered component and the plugin that registered it."""

    component: Component
    plugin: str
    origin: str


class Registry:
    """All components by kind and name.

    Args:
        loaded: The plugins to ask.

    Attributes:
        hooks: Tells plugins of a run.
        plugins: Every plugin and why it failed, if it did.
    """

    def __init__(self, loaded: LoadedPlugins) -> None:
        self.hooks = Observers(loaded.manager)
        self._entries: dict[str, dict[str, Entry]] = {kind: {} for kind in KINDS}
        problems: dict[str, str] = {}
        for name, plugin in loaded.manager.list_name_plugin():
            try:
                self._take(loaded, name, plugin)
            except Exception as error:  # a stranger's hook may raise anything; only its plugin fails
                kind = "" if isinstance(error, PluginError) else f"{type(error).__name__}: "
                problems[name] = f"{kind}{error}"
                self._drop(name)
                loaded.manager.unregister(name=name)
        self.plugins: tuple[Plugin, ...] = tuple(
            Plugin(p.name, p.module, p.origin, p.error or problems.get(p.name)) for p in loaded.plugins
        )

    def _take(self, loaded: LoadedPlugins, name: str, plugin: object) -> None:
        for kind in KINDS:
            for component in _components(loaded.manager, plugin, kind):
                self._add(kind, component, Entry(component, name, loaded.origin(name)))

    def _add(self, kind: str, component: Component, entry: Entry) -> None:
        fault = _fault(component, KINDS[kind])
        if fault:
            raise PluginError(f"{_hook(kind)} gave {fault}")
        other = self._entries[kind].get(component.name)
        if other is not None:
            raise PluginError(f"{kind} '{component.name}' is already registered by plugin '{other.plugin}'")
        self._entries[kind][component.name] = entry

    def _drop(self, plugin: str) -> None:
        for entries in self._entries.values():
            for name in [n for n, e in entries.items() if e.plugin == plugin]:
                del entries[name]

    def names(self, kind: str) -> list[str]:
        """Names of all components of a kind, sorted."""
        return sorted(self._entries[kind])

    def entries(self, kind: str) -> Iterator[Entry]:
        """All components of a kind with their origin, sorted by name."""
        return (self._entries[kind][name] for name in self.names(kind))

    def find(self, kind: str, name: str) -> Component | None:
        """The component, or None."""
        entry = self._entries[kind].get(name)
        return entry.component if entry else None

    def remedy(self, kind: str, name: str) -> str:
        """What to do about an unknown name: near names, and plugins that failed to load."""
        advice = did_you_mean(name, self.names(kind))
        failed = [f"{p.name} ({p.error})" for p in self.plugins if p.error]
        return f"{advice} Plugins that failed to load: {'; '.join(failed)}" if failed else advice

    def get(self, kind: str, name: str) -> Any:
        """The component ``name`` of ``kind``.

        Raises:
            PluginError: There is none; says the nearest name and which plugins failed.
        """
        component = self.find(kind, name)
        if component is None:
            raise PluginError(f"unknown {kind.replace('_', ' ')} '{name}'", remedy=self.remedy(kind, name))
        return component

    def versions(self) -> dict[str, str]:
        """Loaded plugins and the distribution version of each."""
        return {p.name: p.origin for p in self.plugins if not p.error}


def _hook(kind: str) -> str:
    return f"register_{kind.replace('strategy', 'strategie')}s"


def _components(manager: pluggy.PluginManager, plugin: object, kind: str) -> Iterable[Component]:
    hook = _hook(kind)
    implementation = getattr(plugin, hook, None)
    if implementation is None or manager.parse_hookimpl_opts(plugin, hook) is None:
        return ()
    given = implementation()
    if not isinstance(given, Iterable):
        raise PluginError(f"{hook} gave {given!r}, not a list of {KINDS[kind].__name__}s")
    return given


def _fault(component: object, wanted: type[Component]) -> str | None:
    """What makes a component useless, said before anything trips over it."""
    if not isinstance(component, wanted):
        return f"{component!r}, not a {wanted.__name__}"
    if not isinstance(component.name, str) or not _NAME.fullmatch(component.name):
        return f"a {wanted.__name__} the bad name {component.name!r}: take letters, digits, '.', '_' and '-'"
    if not (isinstance(component.params, type) and issubclass(component.params, BaseModel)):
        return f"'{component.name}' params that are not a model: derive them from skelbench.components.Params"
    if isinstance(component, Dataset) and not component.protocols:
        return f"'{component.name}' no protocol"
    return None


def load_registry(extra: Iterable[tuple[str, object]] = ()) -> Registry:
    """The registry of every installed plugin (see `skelbench.plugins.load_plugins`)."""
    return Registry(load_plugins(extra))
