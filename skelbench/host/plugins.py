"""Finding and loading plugins, each by itself: one that fails does not take the others along."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from importlib.metadata import Distribution, EntryPoint, distributions
from typing import Any
from warnings import warn

import pluggy

from skelbench import __version__
from skelbench.errors import PluginError, Problem, did_you_mean, nearest
from skelbench.host import hookspecs
from skelbench.host.api_version import RENAMED_HOOKS, PluginDeprecation, require_api
from skelbench.host.guard import Guard

GROUP = "skelbench"
LIMIT_VARIABLE = "SKELBENCH_PLUGINS"
HOOKS = {
    name: tuple(inspect.signature(hook).parameters)
    for name, hook in vars(hookspecs).items()
    if hasattr(hook, "skelbench_spec")
}
"""Name of a hook -> what it is given."""


@dataclass(frozen=True)
class Plugin:
    """One plugin and what became of it.

    Attributes:
        name: Entry-point name.
        module: What it names, ``package.module``.
        origin: Distribution and version, ``skelbench 0.1.0``.
        problem: Why it failed, where, and what to do; None where it is loaded.
        seconds: How long it took to load.
        warnings: What its author should know though it works.
    """

    name: str
    module: str
    origin: str
    problem: Problem | None = None
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()

    @property
    def error(self) -> str | None:
        """Why it failed, in one clause."""
        return self.problem.what if self.problem else None

    def after(self, guard: Guard) -> Plugin:
        """The same after its code ran under a guard."""
        problem = self.problem or guard.problem
        if problem and not problem.remedy:
            problem = replace(problem, remedy=f"Mend, update or uninstall {self.origin}")
        return replace(self, problem=problem, seconds=guard.seconds, warnings=guard.warnings)


@dataclass(frozen=True)
class LoadedPlugins:
    """The plugin manager with everything that loaded, and the tale of every plugin.

    Attributes:
        manager: Holds what loaded.
        plugins: Every plugin, whether it loaded or not.
        guards: By name of a loaded plugin, what its code runs under.
    """

    manager: pluggy.PluginManager
    plugins: tuple[Plugin, ...]
    guards: dict[str, Guard] = field(default_factory=dict)

    def origin(self, name: str) -> str:
        """The distribution that the loaded plugin ``name`` came with."""
        return next((p.origin for p in self.plugins if p.name == name and not p.problem), name)

    @property
    def failed(self) -> tuple[Plugin, ...]:
        """The plugins that could not be loaded."""
        return tuple(p for p in self.plugins if p.problem)


class _Manager(pluggy.PluginManager):
    """A manager that still knows hooks by their former names."""

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:
        """What pluggy makes of an attribute; called for every one."""
        options = super().parse_hookimpl_opts(plugin, name)
        if options is not None and name in RENAMED_HOOKS and not options["specname"]:
            options = {**options, "specname": RENAMED_HOOKS[name]}
            warn(f"hook '{name}' is now called '{RENAMED_HOOKS[name]}'", PluginDeprecation, stacklevel=2)
        return options


def load_plugins(extra: Iterable[tuple[str, object]] = ()) -> LoadedPlugins:
    """Load every installed plugin, or exactly those named in ``SKELBENCH_PLUGINS``.

    Args:
        extra: Further (name, plugin object) pairs, for tests and for embedding.
    """
    manager = _Manager(GROUP)
    manager.add_hookspecs(hookspecs)
    loaded = LoadedPlugins(manager, ())
    found = [_load(loaded, plugin, entry) for plugin, entry in _wanted()]
    found += [_given(loaded, name, plugin) for name, plugin in extra]
    return replace(loaded, plugins=tuple(found))


def third_party_plugins() -> dict[str, Plugin]:
    """Installed plugins that are not skelbench's own, by their top package."""
    found = (plugin for plugin, entry in _installed() if entry and plugin.origin != _own())
    return {_package(plugin): plugin for plugin in found}


# --- finding ---------------------------------------------------------------------------------


def _wanted() -> Iterator[tuple[Plugin, EntryPoint | None]]:
    """Each plugin to load, skelbench's own first, so that no other takes a name of theirs."""
    installed = sorted(_installed(), key=lambda found: (found[0].origin != _own(), found[0].name))
    limit = os.environ.get(LIMIT_VARIABLE)
    if limit is None:
        yield from installed
        return
    named = dict.fromkeys(name.strip() for name in limit.split(",") if name.strip())
    yield from (found for found in installed if found[0].name in named)
    known = {plugin.name for plugin, _ in installed}
    for name in named:
        if name not in known:
            advice = f"Correct {LIMIT_VARIABLE}. {did_you_mean(name, known)}"
            yield (
                Plugin(name, "", LIMIT_VARIABLE, Problem("no such plugin is installed", remedy=advice)),
                None,
            )


def _installed() -> Iterator[tuple[Plugin, EntryPoint | None]]:
    seen = set()
    for distribution in distributions():
        try:
            entries = tuple(distribution.entry_points.select(group=GROUP))
        except Exception:  # a damaged list, which matters where it may be of plugins
            entries = ()
            if _names_plugins(distribution):
                yield _damaged(distribution), None
        for entry in entries:
            plugin = Plugin(entry.name, entry.value, _origin(distribution))
            if plugin not in seen:  # a distribution may lie on the path twice
                seen.add(plugin)
                yield plugin, entry


def _names_plugins(distribution: Distribution) -> bool:
    try:
        return f"[{GROUP}]" in (distribution.read_text("entry_points.txt") or "")
    except UnicodeDecodeError:
        return True


def _damaged(distribution: Distribution) -> Plugin:
    origin = _origin(distribution)
    problem = Problem("its entry points cannot be read", remedy=f"Install {origin} afresh")
    return Plugin(origin.partition(" ")[0], "", origin, problem)


def _origin(distribution: Distribution) -> str:
    try:
        name, version = distribution.name, distribution.version
    except Exception:  # its metadata are damaged
        return "unknown"
    return f"{name} {version}" if name and version else "unknown"


def _own() -> str:
    return f"{GROUP} {__version__}"


# --- loading ---------------------------------------------------------------------------------


def _load(loaded: LoadedPlugins, plugin: Plugin, entry: EntryPoint | None) -> Plugin:
    if plugin.problem or entry is None:
        return plugin
    return _register(loaded, plugin, _package(plugin), entry.load)


def _package(plugin: Plugin) -> str:
    return plugin.module.partition(":")[0].partition(".")[0]


def _given(loaded: LoadedPlugins, name: str, plugin: object) -> Plugin:
    module = getattr(plugin, "__name__", type(plugin).__name__)
    return _register(loaded, Plugin(name, module, "given"), type(plugin).__module__, lambda: plugin)


def _register(loaded: LoadedPlugins, plugin: Plugin, package: str, load: Callable[[], object]) -> Plugin:
    manager, guard = loaded.manager, Guard(package)
    if manager.has_plugin(plugin.name):
        remedy = f"Rename the entry point of {plugin.origin}, or uninstall it"
        return replace(
            plugin, problem=Problem(f"another plugin is named '{plugin.name}' already", remedy=remedy)
        )
    with guard.running():
        found = load()
        require_api(found, plugin.origin)
        _check_hooks(manager, found)
        manager.register(found, plugin.name)
        manager.check_pending()
    if guard.problem and manager.has_plugin(plugin.name):
        manager.unregister(name=plugin.name)
    loaded.guards[plugin.name] = guard
    return plugin.after(guard)


def _check_hooks(manager: pluggy.PluginManager, plugin: object) -> None:
    """Refuse what pluggy would refuse in other words, or only once it is called.

    Raises:
        PluginError: A plugin is registered twice, a hook is unknown, or it wants what it is not given.
    """
    if manager.is_registered(plugin):
        raise PluginError(f"it is registered already, as plugin '{manager.get_name(plugin)}'")
    for name in dir(plugin):
        options = manager.parse_hookimpl_opts(plugin, name)
        if options is None:
            continue
        hook = options["specname"] or name
        if hook not in HOOKS:
            near = nearest(hook, HOOKS)
            raise PluginError(f"there is no hook '{hook}'" + (f" (the nearest is '{near}')" if near else ""))
        wanted = _needed(getattr(plugin, name)) - {*HOOKS[hook]}
        if wanted:
            given = ", ".join(HOOKS[hook]) or "nothing"
            raise PluginError(f"{hook} takes '{min(wanted)}', but is given {given}")


def _needed(hook: Callable[..., object]) -> set[str]:
    """Names of the arguments that a function cannot do without."""
    parameters = inspect.signature(hook).parameters.values()
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {p.name for p in parameters if p.default is p.empty and p.kind not in variable}
