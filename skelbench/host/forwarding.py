"""Modules by their former names, which go on with a warning until the next major version."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from warnings import warn

from skelbench.host.api_version import RENAMED_MODULES, PluginDeprecation


class _Forwarding(MetaPathFinder, Loader):
    """Finds a module of a former name and gives the module that has its content now."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module, if the name is a former one."""
        return ModuleSpec(fullname, self) if fullname in RENAMED_MODULES else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module of today's name, with a warning that names it."""
        name = RENAMED_MODULES[spec.name]
        warn(f"module '{spec.name}' is now '{name}'", PluginDeprecation, stacklevel=2)
        made = ModuleType(spec.name, f"Forwards to `{name}`.")
        made.__dict__.update({k: v for k, v in vars(importlib.import_module(name)).items() if k[:2] != "__"})
        return made

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is left to do."""


def install() -> None:
    """Let former names be imported; a second call changes nothing."""
    if not any(isinstance(finder, _Forwarding) for finder in sys.meta_path):
        sys.meta_path.append(_Forwarding())
