"""Execution engines."""

from __future__ import annotations

from skelbench import hookimpl
from skelbench.components import Engine


@hookimpl
def register_engines() -> list[Engine]:
    """NNI's sequential engine."""
    return [
        Engine(
            name="sequential",
            summary="One trial after the other in this process; starts no server",
            target="skelbench.engine.nas:sequential_engine",
        )
    ]
