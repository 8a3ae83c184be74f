"""Name -> component, with the plugin each came from and near names for misspelt ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pluggy

from skelbench.components import KINDS, Component
from skelbench.errors import PluginError, did_you_mean
from skelbench.plugins import LoadedPlugins, Plugin, load_plugins


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
    """

    def __init__(self, loaded: LoadedPlugins) -> None:
        self.hooks: Any = loaded.manager.hook
        self._entries: dict[str, dict[str, Entry]] = {kind: {} for kind in KINDS}
        problems: dict[str, str] = {}
        for name, plugin in loaded.manager.list_name_plugin():
            try:
                self._take(loaded, name, plugin)
            except Exception as error:  # a stranger's hook may raise anything; only its plugin fails
                problems[name] = f"{type(error).__name__}: {error}"
                self._drop(name)
        self.plugins: tuple[Plugin, ...] = tuple(
            Plugin(p.name, p.module, p.origin, p.error or problems.get(p.name)) for p in loaded.plugins
        )

    def _take(self, loaded: LoadedPlugins, name: str, plugin: object) -> None:
        for kind in KINDS:
            for component in _components(loaded.manager, plugin, kind):
                self._add(kind, component, Entry(component, name, loaded.origin(name)))

    def _add(self, kind: str, component: Component, entry: Entry) -> None:
        if not isinstance(component, KINDS[kind]):
            raise PluginError(f"the hook for {kind}s gave a {type(component).__name__}")
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


def _components(manager: pluggy.PluginManager, plugin: object, kind: str) -> Iterable[Component]:
    hook = f"register_{kind.replace('strategy', 'strategie')}s"
    implementation = getattr(plugin, hook, None)
    if implementation is None or manager.parse_hookimpl_opts(plugin, hook) is None:
        return ()
    return implementation()


def load_registry(extra: Iterable[tuple[str, object]] = ()) -> Registry:
    """The registry of every installed plugin (see `skelbench.plugins.load_plugins`)."""
    return Registry(load_plugins(extra))
