"""Commands about the installation: components, plugins, environment."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any, Optional

import typer

from skelbench.components import KINDS, Component
from skelbench.errors import PluginError, WorkFailed, did_you_mean
from skelbench.registry import Registry, load_registry

Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
PACKAGES = ("torch", "nni", "pytorch-lightning", "numpy", "pydantic", "pluggy", "pyyaml", "rich", "typer")


def list_components(
    kind: Annotated[Optional[str], typer.Argument(help=f"One of: {', '.join(KINDS)}.")] = None,
    json_output: Json = False,
) -> None:
    """Everything that a spec can name, with its parameters and the plugin it comes from.

    Example: `skelbench list graph_module`
    """
    registry = load_registry()
    rows = [_row(registry, k, name) for k in _kinds(kind) for name in registry.names(k)]
    if json_output:
        print(json.dumps(rows, indent=2))
        return
    _table(rows, ["kind", "name", "summary", "params", "origin"])


def _kinds(kind: str | None) -> list[str]:
    if kind is None:
        return list(KINDS)
    name = kind.replace("-", "_")
    for known in KINDS:
        if name in (known, f"{known}s", known.removesuffix("y") + "ies"):
            return [known]
    raise PluginError(f"there is no kind '{kind}'", remedy=did_you_mean(name, KINDS))


def _row(registry: Registry, kind: str, name: str) -> dict[str, Any]:
    entry = next(e for e in registry.entries(kind) if e.component.name == name)
    return {
        "kind": kind,
        "name": name,
        "summary": entry.component.summary,
        "params": _params(entry.component),
        "plugin": entry.plugin,
        "origin": entry.origin,
    }


def _params(component: Component) -> str:
    fields = component.params.model_fields.items()
    return ", ".join(k if f.is_required() else f"{k}={f.get_default(call_default_factory=True)}" for k, f in fields)


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
    """Whether this installation can do its work: versions, plugins, disk, threads.

    Example: `skelbench doctor`
    """
    facts = {"python": platform.python_version(), "platform": platform.platform()}
    facts |= {name: _version(name) for name in PACKAGES}
    facts |= {"processors": str(os.cpu_count()), "free disk": f"{shutil.disk_usage('.').free / 2**30:.1f} GiB"}
    problems = [f"{name} is not installed" for name in PACKAGES if facts[name] == "missing"]
    problems += [f"plugin '{p.name}' failed: {p.error}" for p in load_registry().plugins if p.error]
    if sys.version_info[:2] not in ((3, 11), (3, 12)):
        problems.append("Python 3.11 or 3.12 is needed")
    if json_output:
        print(json.dumps({"facts": facts, "problems": problems}, indent=2))
    else:
        _table([{"what": k, "value": v} for k, v in facts.items()], ["what", "value"])
    if problems:
        raise WorkFailed("; ".join(problems), remedy="Install with: pip install -c constraints.txt .")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _table(rows: list[dict[str, Any]], columns: list[str]) -> None:
    """A table on a terminal, tab-separated lines in a pipe."""
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(str(row[column]) for column in columns))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns)
    for row in rows:
        table.add_row(*(str(row[column]) for column in columns))
    Console().print(table)
