"""Lightning and NNI without torchmetrics, which takes longer to import than torch and is not used.

Every module that uses Lightning imports ``pl`` from here; NNI is imported inside `without_torchmetrics`.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

METRICS = "torchmetrics"
_REAL = {"Metric": f"{METRICS}.metric", "MetricCollection": f"{METRICS}.collections"}
"""What Lightning makes its own records of, and the module that has it without all the metrics."""


class _StandIn(ModuleType):
    """The package without what its own module imports: every metric there is, for which it needs seconds."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in _REAL:
            _leave_out_pictures(Path(self.__path__[0]))
            importlib.import_module(f"{METRICS}.utilities")  # in the order in which the package imports them
            made = getattr(importlib.import_module(_REAL[name]), name)
        else:
            made = type(name, (), {})
        setattr(self, name, made)
        return made


def _leave_out_pictures(package: Path) -> None:
    """Let metrics think that matplotlib is absent: it takes a second, and writes into the home folder."""
    name = f"{METRICS}.utilities.imports"
    spec = spec_from_file_location(name, package / "utilities" / "imports.py")
    if name in sys.modules or spec is None or spec.loader is None:
        return
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    module.__dict__["_MATPLOTLIB_AVAILABLE"] = False
    sys.modules[name] = module


@contextmanager
def without_torchmetrics() -> Iterator[None]:
    """Let libraries be imported that import torchmetrics, without its metrics, unless they are there already.

    Classes that Lightning builds on are the real ones. Of those that NNI only names there are empty ones.
    """
    stand_ins = {} if METRICS in sys.modules else _stand_ins()
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name in stand_ins:
            del sys.modules[name]


def _stand_ins() -> dict[str, ModuleType]:
    spec = find_spec(METRICS)
    if spec is None:  # Lightning will say what is missing
        return {}
    package, classes = _StandIn(METRICS), _StandIn(f"{METRICS}.classification")
    package.__path__ = list(spec.submodule_search_locations or [])
    return {package.__name__: package, classes.__name__: classes}


if TYPE_CHECKING:
    import pytorch_lightning as pl
else:
    with without_torchmetrics():
        pl = importlib.import_module("pytorch_lightning")
