"""Writing the package of a new plugin, which works as it stands."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path
from string import Template
from tempfile import mkdtemp

from skelbench.errors import SkelbenchError, did_you_mean
from skelbench.host.api_version import PLUGIN_API
from skelbench.results.files import disk, write_atomic

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Kind:
    """What a new plugin may begin with.

    Attributes:
        kind: The component's kind.
        component: Its name, after the plugin's own.
        file: The module with its target.
        spec: What is put into the spec that uses it: key of the template -> text, ``{}`` for its name.
    """

    kind: str
    component: str
    file: str
    spec: Mapping[str, str] = field(default_factory=dict)


KINDS = {
    "operator": Kind("operator", "scale", "modules", {"more": "\n    - {{ op: {}, start: 0.5 }}"}),
    "graph_module": Kind("graph_module", "learned", "modules", {"graph": "{}"}),
    "strategy": Kind("strategy", "climb", "climb", {"strategy": "{}"}),
    "engine": Kind("engine", "one-by-one", "engines", {"engine": "{}"}),
    "dataset": Kind("dataset", "csv", "reader", {"dataset": "{}"}),
    "metric": Kind("metric", "worst-class", "metrics", {"metric": ", {}"}),
    "layout": Kind("layout", "tree20", "skeletons", {"dataset": "ucla, layout: {}"}),
    "column": Kind("column", "points-per-million", "columns"),
}
_SPEC = {
    "dataset": "ucla",
    "graph": "adjacency",
    "strategy": "random",
    "engine": "sequential",
    "metric": "",
    "more": "",
}


def write_plugin(name: str, kind: str, folder: Path, taken: Iterable[str] = ()) -> Path:
    """Write the package of a plugin with one component that works, a test of it and a spec that uses it.

    Args:
        name: The distribution's name, ``my-plugin``; its module is ``my_plugin``.
        kind: A key of `KINDS`.
        folder: Where the package's own folder is made.
        taken: Names of plugins that are there already.

    Returns:
        The package's folder.

    Raises:
        SkelbenchError: A name is wrong or taken, or something is there already; nothing is written.
        RunFolderError: The disk is full or the folder cannot be written; nothing is left behind.
    """
    kind = kind.replace("-", "_")
    if kind not in KINDS:
        raise SkelbenchError(f"there is no kind '{kind}' of plugin", remedy=did_you_mean(kind, KINDS))
    _check_name(name, set(taken))
    target = folder / name
    if os.path.lexists(target):
        raise SkelbenchError(
            "it is there already", where=target, remedy="Take another name or another folder"
        )
    with disk(folder, "write"):
        folder.mkdir(parents=True, exist_ok=True)
        made = Path(mkdtemp(prefix=f".{name}.", dir=folder))
    try:
        for path, text in _texts(name, kind).items():
            write_atomic(made / path, text)
        with disk(target, "write"):
            made.chmod(0o777 & ~_umask())
            made.rename(target)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return target


def _check_name(name: str, taken: set[str]) -> None:
    if not _NAME.fullmatch(name):
        near = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-0123456789")
        remedy = f"Did you mean '{near}'?" if _NAME.fullmatch(near) else "Take a name such as 'my-plugin'"
        what = f"'{name}' is no name of a package: words of small letters and digits, joined by '-'"
        raise SkelbenchError(what, remedy=remedy)
    remedy = f"Take another, such as '{name}-plugin'"
    module = _module(name)
    if iskeyword(module) or module in sys.stdlib_module_names:
        raise SkelbenchError(f"'{module}' means something in Python already", remedy=remedy)
    if name in taken:
        raise SkelbenchError(f"there is a plugin '{name}' already", remedy=remedy)
    if find_spec(module) is not None:
        raise SkelbenchError(f"there is a module '{module}' already", remedy=remedy)


def _module(name: str) -> str:
    return name.replace("-", "_")


def _texts(name: str, kind: str) -> dict[str, str]:
    """The package's files: path -> text."""
    chosen, module = KINDS[kind], _module(name)
    component = f"{name}.{chosen.component}"
    spec = _SPEC | {key: text.format(component) for key, text in chosen.spec.items()}
    words = {
        **{"name": name, "module": module, "component": component, "api": PLUGIN_API},
        **{"kind": chosen.kind, "words": chosen.kind.replace("_", " "), "file": chosen.file},
    }
    return {
        "pyproject.toml": _filled("common/pyproject.toml", words),
        "README.md": _filled("common/README.md", words),
        "spec.yaml": _filled("common/spec.yaml", words | spec),
        f"{module}/__init__.py": _filled(f"{kind}/plugin.py", words),
        f"{module}/{chosen.file}.py": _filled(f"{kind}/{chosen.file}.py", words),
        f"tests/test_{module}.py": _filled(f"{kind}/test.py", words),
    }


def _filled(template: str, words: Mapping[str, str]) -> str:
    text = files("skelbench.host").joinpath("templates", f"{template}.txt").read_text(encoding="utf-8")
    return Template(text).substitute(words)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
