"""Name -> component, with the plugin each came from and near names for misspelt ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pluggy

from skelbench.components import KINDS, NO_SKELETON, Component, Dataset, Layout
from skelbench.errors import PluginError, did_you_mean
from skelbench.host.faults import fault
from skelbench.host.observers import Observers
from skelbench.host.plugins import LIMIT_VARIABLE, LoadedPlugins, Plugin, load_plugins


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
        for name, _ in loaded.manager.list_name_plugin():
            guard = loaded.guards[name]
            with guard.running():
                self._take(loaded, name)
            if guard.problem:
                self._drop(name)
                loaded.manager.unregister(name=name)
        self.plugins: tuple[Plugin, ...] = tuple(
            p if p.problem else p.after(loaded.guards[p.name]) for p in loaded.plugins
        )

    def _take(self, loaded: LoadedPlugins, name: str) -> None:
        for kind in KINDS:
            for component in _components(loaded.manager, name, kind):
                self._add(kind, component, Entry(component, name, loaded.origin(name)))

    def _add(self, kind: str, component: Component, entry: Entry) -> None:
        wrong = fault(component, KINDS[kind])
        if wrong:
            raise PluginError(f"{_hook(kind)} gave {wrong}")
        other = self._entries[kind].get(component.name)
        if other is not None:
            what = f"{kind} '{component.name}' is already registered by plugin '{other.plugin}'"
            own = other.plugin == entry.plugin
            remedy = "Rename one" if own else f"Rename it, or choose one of both plugins in {LIMIT_VARIABLE}"
            raise PluginError(what, remedy=remedy)
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
        if not failed:
            return advice
        stop = "" if advice.endswith("?") else "."
        return f"{advice}{stop} Plugins that failed to load: {'; '.join(failed)}"

    def get(self, kind: str, name: str) -> Any:
        """The component ``name`` of ``kind``.

        Raises:
            PluginError: There is none; says the nearest name and which plugins failed.
        """
        return self.entry(kind, name).component

    def layout_of(self, dataset: Dataset) -> Layout:
        """The skeleton of a data set; errors as for `get`."""
        if dataset.modality == "video":
            return NO_SKELETON
        layout: Layout = dataset.own_layout or self.get("layout", dataset.layout)
        return layout

    def entry(self, kind: str, name: str) -> Entry:
        """The component with its origin; errors as for `get`."""
        entry = self._entries[kind].get(name)
        if entry is None:
            raise PluginError(f"unknown {kind.replace('_', ' ')} '{name}'", remedy=self.remedy(kind, name))
        return entry

    def versions(self) -> dict[str, str]:
        """Loaded plugins and the distribution version of each."""
        return {p.name: p.origin for p in self.plugins if not p.error}


def _hook(kind: str) -> str:
    return f"register_{kind.replace('strategy', 'strategie')}s"


def _components(manager: pluggy.PluginManager, plugin: str, kind: str) -> Iterator[Component]:
    hook = _hook(kind)
    for implementation in getattr(manager.hook, hook).get_hookimpls():
        if implementation.plugin_name == plugin:
            given = implementation.function()
            if isinstance(given, str) or not isinstance(given, Iterable):
                raise PluginError(f"{hook} gave {given!r}, not a list of {KINDS[kind].__name__}s")
            yield from given


def load_registry(extra: Iterable[tuple[str, object]] = ()) -> Registry:
    """The registry of every installed plugin (see `skelbench.host.plugins.load_plugins`)."""
    return Registry(load_plugins(extra))
