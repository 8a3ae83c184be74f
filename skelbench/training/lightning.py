"""Lightning and NNI without torchmetrics, which takes longer to import than torch and is not used.

Every module that uses Lightning imports ``pl`` from here; NNI is imported inside `without_torchmetrics`.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

METRICS = "torchmetrics"
_PARTS = (METRICS, f"{METRICS}.classification")


class _OnceLoaded(type):
    """The type of a class of torchmetrics: its instances are those of the real one, once that is imported."""

    def __instancecheck__(cls, instance: object) -> bool:
        real = getattr(sys.modules.get(METRICS), cls.__name__, None)
        return isinstance(real, type) and isinstance(instance, real)


class _StandIn(ModuleType):
    """Has a class of every name, for libraries that name some of torchmetrics as they are imported."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = _OnceLoaded(name, (), {})
        setattr(self, name, made)
        return made


@contextmanager
def without_torchmetrics() -> Iterator[None]:
    """Let libraries be imported that import torchmetrics, without it, unless it is there already.

    They still know its metrics when they are given some: whoever makes one has imported torchmetrics.
    """
    stand_ins = {} if METRICS in sys.modules else {name: _StandIn(name) for name in _PARTS}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name in stand_ins:
            del sys.modules[name]


if TYPE_CHECKING:
    import pytorch_lightning as pl
else:
    with without_torchmetrics():
        pl = importlib.import_module("pytorch_lightning")
