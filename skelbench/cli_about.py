"""Commands about the installation: components, plugins, environment."""

from __future__ import annotations

import importlib
import json
import os
import platform
import shutil
import sys
import warnings
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from typing import Annotated, Any

import typer

from skelbench.components import KINDS, Component, Dataset, Layout, Operator, Strategy
from skelbench.errors import PluginError, Problem, WorkFailed, did_you_mean
from skelbench.plugins import LIMIT_VARIABLE
from skelbench.registry import Entry, Registry, load_registry

Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
HEAVY = ("torch", "nni", "pytorch_lightning")
INSTALL = "Install with: pip install -c constraints.txt ."
LEAST_DISK = 2.0


def list_components(
    kind: Annotated[str | None, typer.Argument(help=f"One of: {', '.join(KINDS)}.")] = None,
    json_output: Json = False,
) -> None:
    """Everything that a spec can name, with its parameters and the plugin it comes from.

    Example: `skelbench list graph_module`
    """
    registry = load_registry()
    rows = {k: [_row(entry) for entry in registry.entries(k)] for k in _kinds(kind)}
    if json_output:
        print(json.dumps([row for some in rows.values() for row in some], indent=2))
        return
    columns = ["name", "summary", "detail", "params", "origin"]
    if sys.stdout.isatty():
        for name, some in rows.items():
            if some:
                _table(some, columns, title=name)
    else:
        _table([row for some in rows.values() for row in some], ["kind", *columns])


def _kinds(kind: str | None) -> list[str]:
    if kind is None:
        return list(KINDS)
    name = kind.replace("-", "_")
    for known in KINDS:
        if name in (known, f"{known}s", known.removesuffix("y") + "ies"):
            return [known]
    raise PluginError(f"there is no kind '{kind}'", remedy=did_you_mean(name, KINDS))


def _row(entry: Entry) -> dict[str, Any]:
    component = entry.component
    return {
        "kind": component.kind,
        "name": component.name,
        "summary": component.summary,
        "detail": _detail(component),
        "params": _params(component),
        "plugin": entry.plugin,
        "origin": entry.origin,
    }


def _detail(component: Component) -> str:
    """What one must know of a component to use it, besides its parameters."""
    match component:
        case Operator():
            return component.contract
        case Dataset():
            return f"{', '.join(component.protocols)}; {component.classes} classes; {component.layout}"
        case Strategy():
            ways = component.searches.items()
            return "; ".join(f"{way}: {', '.join(sorted(kinds))}" for way, kinds in ways)
        case Layout():
            return f"{len(component.joints)} joints"
    return ""


def _params(component: Component) -> str:
    fields = component.params.model_fields.items()
    return ", ".join(
        name if field.is_required() else f"{name}={_shown(field.get_default(call_default_factory=True))}"
        for name, field in fields
    )


def _shown(value: Any) -> str:
    """A value as a spec would have it."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def show_plugins(json_output: Json = False) -> None:
    """Plugins that loaded, and those that failed with the reason.

    Example: `SKELBENCH_PLUGINS=operators,graphs skelbench plugins`
    """
    rows = [
        {"plugin": p.name, "module": p.module, "origin": p.origin, "status": p.error or "loaded"}
        for p in load_registry().plugins
    ]
    if json_output:
        print(json.dumps(rows, indent=2))
    else:
        _table(rows, ["plugin", "module", "origin", "status"])


def doctor(json_output: Json = False) -> None:
    """Whether this installation can do its work: versions, libraries, plugins, disk, device.

    Example: `skelbench doctor`
    """
    registry = load_registry()
    facts = {"python": platform.python_version(), "platform": platform.platform()}
    facts |= {name: _version(name) or "missing" for name in _required()}
    problems = [*_packages(), *_imports(), *_plugins(registry), *_place()]
    facts |= {"device": _device(), "processors": str(os.cpu_count())}
    facts |= {"threads": os.environ.get("OMP_NUM_THREADS", "one a processor")}
    facts |= {"free disk": f"{_free():.1f} GiB", "plugins": str(len(registry.versions()))}
    if json_output:
        print(json.dumps({"facts": facts, "problems": [vars(p) for p in problems]}, indent=2))
        raise typer.Exit(WorkFailed.exit_code if problems else 0)
    facts["problems"] = str(len(problems) or "none")
    _table([{"what": k, "value": v} for k, v in facts.items()], ["what", "value"])
    if problems:
        sys.stdout.flush()
        raise WorkFailed.of(problems)


def _required() -> dict[str, Any]:
    """What skelbench needs, by name: the version ranges that it is installed with."""
    from packaging.requirements import Requirement

    try:
        found = [Requirement(line) for line in requires("skelbench") or []]
    except PackageNotFoundError:
        return {}
    return {r.name: r.specifier for r in found if r.marker is None}


def _packages() -> Iterator[Problem]:
    needed = _required()
    if not needed:
        yield Problem("skelbench itself is not installed, so plugins cannot be found", remedy=INSTALL)
        return
    python = metadata("skelbench")["Requires-Python"]
    if not _within(platform.python_version(), python):
        yield Problem(f"Python {platform.python_version()} is not {python}", remedy="Use another Python")
    for name, wanted in needed.items():
        found = _version(name)
        if found is None:
            yield Problem(f"{name} is not installed", remedy=INSTALL)
        elif not wanted.contains(found, prereleases=True):
            yield Problem(f"{name} {found} is not {wanted}", remedy=INSTALL)


def _within(found: str, wanted: str | None) -> bool:
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(wanted or "").contains(found, prereleases=True)


def _imports() -> Iterator[Problem]:
    """An installed library may still fail to start, for want of a system library or a fitting other."""
    for name in HEAVY:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                importlib.import_module(name)
        except Exception as error:  # a broken installation may raise anything
            what = f"{name} cannot be imported: {type(error).__name__}: {error}"
            yield Problem(what, remedy=f"Install it afresh: pip install --force-reinstall {name}")


def _plugins(registry: Registry) -> Iterator[Problem]:
    for plugin in registry.plugins:
        if plugin.error:
            wrong = plugin.origin == LIMIT_VARIABLE
            remedy = f"Correct {LIMIT_VARIABLE}" if wrong else f"Mend, update or uninstall {plugin.origin}"
            yield Problem(f"plugin '{plugin.name}' failed: {plugin.error}", remedy=remedy)


def _place() -> Iterator[Problem]:
    here = os.getcwd()
    if not os.access(here, os.W_OK):
        yield Problem("this folder cannot be written", here, "Work elsewhere, or name a folder with --runs")
    if _free() < LEAST_DISK:
        remedy = "Make room, or name a folder on another disk with --runs"
        yield Problem(f"only {_free():.1f} GiB are free, {LEAST_DISK:.0f} are wanted", here, remedy)


def _free() -> float:
    return shutil.disk_usage(".").free / 2**30


def _device() -> str:
    torch = sys.modules.get("torch")
    if torch is None:
        return "unknown"
    return str(torch.cuda.get_device_name()) if torch.cuda.is_available() else "cpu"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _table(rows: list[dict[str, Any]], columns: list[str], title: str | None = None) -> None:
    """A table on a terminal, tab-separated lines under their names in a pipe."""
    if not sys.stdout.isatty():
        for line in [columns, *([str(row[column]) for column in columns] for row in rows)]:
            print("\t".join(" ".join(cell.split()) for cell in line))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = [column for column in columns if any(row[column] for row in rows)]
    table = Table(*shown, title=title, title_justify="left")
    table.columns[0].no_wrap = True
    for row in rows:
        table.add_row(*(Text(str(row[column])) for column in shown))
    Console().print(table)
