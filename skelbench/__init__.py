"""skelbench: benchmarks for neural architecture search on human-action recognition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skelbench.host import forwarding
from skelbench.host.api_version import PLUGIN_API

if TYPE_CHECKING:
    from skelbench.api import (
        Record,
        Records,
        Run,
        describe,
        load_records,
        open_run,
        open_table,
        run,
        train,
    )
    from skelbench.host.hookspecs import hookimpl

__version__ = "0.1.0"
__all__ = [
    "PLUGIN_API",
    "Record",
    "Records",
    "Run",
    "__version__",
    "describe",
    "hookimpl",
    "load_records",
    "open_run",
    "open_table",
    "run",
    "train",
]
forwarding.install()


def __getattr__(name: str) -> Any:
    """`hookimpl` and the functions of `skelbench.api`, imported when they are asked for."""
    if name == "hookimpl":
        from skelbench.host import hookspecs

        return hookspecs.hookimpl
    if name in __all__:
        from skelbench import api

        return getattr(api, name)
    raise AttributeError(f"module 'skelbench' has no attribute '{name}'")
