"""Execution engines."""

from __future__ import annotations

from skelbench import hookimpl
from skelbench.components import Engine

from .params import LocalParams


@hookimpl
def register_engines() -> list[Engine]:
    """NNI's sequential engine, and worker processes on this machine."""
    return [
        Engine(
            name="sequential",
            summary="One trial after the other in this process; starts no server",
            target="skelbench.engine.nas:sequential_engine",
        ),
        Engine(
            name="local",
            summary="Trials side by side in worker processes on this machine",
            target="skelbench.engine.workers.local:LocalWorkers",
            params=LocalParams,
            workers=True,
        ),
    ]
