"""Commands about the installation: plugins and environment."""

from __future__ import annotations

import importlib
import json
import os
import platform
import shutil
import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from typing import Any

import typer

from skelbench.cli.options import Json
from skelbench.cli.table import print_table
from skelbench.errors import Problem, WorkFailed
from skelbench.host.api_version import PLUGIN_API
from skelbench.host.guard import HEAVY
from skelbench.host.plugins import Plugin
from skelbench.host.registry import Registry, load_registry

INSTALL = "Install with: pip install -c constraints.txt ."
LEAST_DISK = 2.0


def show_plugins(json_output: Json = False) -> None:
    """Plugins that loaded, and those that failed with the reason and what to do; how long each took.

    Example: `SKELBENCH_PLUGINS=operators,graphs skelbench plugins`
    """
    rows = [_row(plugin) for plugin in load_registry().plugins]
    if json_output:
        print(json.dumps(rows, indent=2))
        return
    shown = [{**row, "warnings": "; ".join(row["warnings"])} for row in rows]
    print_table(shown, list(rows[0]) if rows else list(_row(Plugin("", "", ""))))


def _row(plugin: Plugin) -> dict[str, Any]:
    problem = plugin.problem or Problem("loaded")
    return {
        "plugin": plugin.name,
        "module": plugin.module,
        "origin": plugin.origin,
        "seconds": round(plugin.seconds, 3),
        "status": problem.what,
        "where": problem.where,
        "remedy": problem.remedy,
        "warnings": list(plugin.warnings),
    }


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
    facts["plugin API"] = PLUGIN_API
    if json_output:
        print(json.dumps({"facts": facts, "problems": [vars(p) for p in problems]}, indent=2))
        raise typer.Exit(WorkFailed.exit_code if problems else 0)
    facts["problems"] = str(len(problems) or "none")
    print_table([{"what": k, "value": v} for k, v in facts.items()], ["what", "value"])
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
        if plugin.problem:
            yield replace(plugin.problem, what=f"plugin '{plugin.name}' failed: {plugin.problem.what}")


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
