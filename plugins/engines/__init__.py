"""Execution engines."""

from __future__ import annotations

from skelbench import hookimpl
from skelbench.components import Engine

from .params import LocalParams, RayParams


@hookimpl
def register_engines() -> list[Engine]:
    """NNI's sequential engine, worker processes on this machine, and Ray."""
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
        Engine(
            name="ray",
            summary="Trials side by side on Ray, on this machine or a cluster (extra ray)",
            target="skelbench.engine.workers.ray_workers:RayWorkers",
            params=RayParams,
            workers=True,
        ),
    ]
