"""Passes of shapes alone: what a module gives for an input of some shape, found without computing."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import torch

COMPILER = "torch._dynamo"


@contextmanager
def shapes_alone() -> Iterator[None]:
    """Compute no gradients, and do not import torch's compiler for what works without it.

    The meta device computes many functions by references in Python, which ask the compiler to leave them
    alone when they are first called. Importing it takes longer than torch itself. Nothing is compiled in a
    pass of shapes, so a stand-in answers, which gives way when anything else is asked of it.
    """
    with torch.no_grad():
        if COMPILER in sys.modules:
            yield
            return
        stand_in = _StandIn(COMPILER)
        sys.modules[COMPILER] = stand_in
        try:
            yield
        finally:
            stand_in.leave()


class _StandIn(ModuleType):
    """Leaves functions alone, which is what the compiler's ``disable`` does where nothing is compiled."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._disabled: list[Callable[..., Any]] = []

    def disable(self, fn: Callable[..., Any], *_: object, **__: object) -> Callable[..., Any]:
        """The function itself."""
        self._disabled.append(fn)
        return fn

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__path__":
            raise AttributeError(name)
        self.leave()
        return getattr(importlib.import_module(COMPILER), name)

    def leave(self) -> None:
        """Let the compiler be imported, and asked, when something needs it."""
        if sys.modules.get(COMPILER) is self:
            del sys.modules[COMPILER]
        for fn in self._disabled:
            vars(fn).pop("__dynamo_disable", None)
        self._disabled.clear()
