"""Networks as ONNX files and as exported programs of PyTorch, checked against their own outputs."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from skelbench.errors import SkelbenchError, WorkFailed, described

BATCHES = (1, 2, 5)
"""Numbers of clips with which an exported network is tried; it is traced with three."""
TOLERANCE = 1e-3
"""Largest difference of a score, as a share of the largest score."""
Run = Callable[[np.ndarray], np.ndarray]


def export_torch(network: nn.Module, clips: Tensor, path: Path) -> float:
    """Write a network as a program of `torch.export`.

    Args:
        network: The network; its mode is left evaluation.
        clips: Clips to trace and try it with, as many as the largest of `BATCHES`.
        path: The file, ``.pt2``.

    Returns:
        The largest difference from the network's own scores, as a share of the largest one.

    Raises:
        WorkFailed: It cannot be traced, or gives other scores.
    """
    program = _traced(network, clips)
    torch.export.save(program, path)
    module = program.module()

    def run(batch: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return np.asarray(module(torch.from_numpy(batch)))

    return _checked(network, clips, run)


def export_onnx(network: nn.Module, clips: Tensor, path: Path) -> float:
    """Write a network as ONNX, with the input ``clip`` and the output ``scores``; see `export_torch`.

    Raises:
        SkelbenchError: onnx or onnxscript is missing.
        WorkFailed: It cannot be exported, or gives other scores.
    """
    require("onnx", "onnxscript")
    program = _traced(network, clips)
    with _quietly():
        try:
            made = torch.onnx.export(
                program,
                dynamo=True,
                input_names=["clip"],
                output_names=["scores"],
                external_data=False,
                verbose=False,
            )
            made.save(path, external_data=False)  # type: ignore[union-attr]
        except Exception as error:  # the exporter has errors of many kinds
            raise _cannot(error) from error
    return _checked(network, clips, _onnx_runner(path))


def require(*packages: str) -> None:
    """See that packages of the extra ``export`` are installed.

    Raises:
        SkelbenchError: One is not.
    """
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        what = f"{' and '.join(missing)} must be installed for this"
        raise SkelbenchError(what, remedy="pip install 'skelbench[export]'")


def _traced(network: nn.Module, clips: Tensor) -> torch.export.ExportedProgram:
    with _quietly():
        try:
            dynamic = ({0: torch.export.Dim("batch")},)
            return torch.export.export(network.eval(), (clips[:3],), dynamic_shapes=dynamic)
        except Exception as error:  # see export_onnx
            raise _cannot(error) from error


def _cannot(error: Exception) -> WorkFailed:
    remedy = "A module of it decides by values or by len(x): take x.shape[0]; `skelbench --debug` shows where"
    why = described(error).splitlines()[0]
    return WorkFailed(f"the network cannot be exported for batches of any size ({why})", remedy=remedy)


def _onnx_runner(path: Path) -> Run:
    """The file in ONNX Runtime where that is installed, else in onnx's own reference."""
    if find_spec("onnxruntime"):
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        return lambda batch: np.asarray(session.run(["scores"], {"clip": batch})[0])
    from onnx.reference import ReferenceEvaluator

    evaluator = ReferenceEvaluator(str(path))
    evaluated: Any = evaluator
    return lambda batch: np.asarray(evaluated.run(["scores"], {"clip": batch})[0])


def _checked(network: nn.Module, clips: Tensor, run: Run) -> float:
    worst = 0.0
    for count in BATCHES:
        batch = clips[:count].contiguous()
        with torch.no_grad():
            wanted = network.eval()(batch).numpy()
        found = run(batch.numpy())
        if found.shape != wanted.shape:
            raise WorkFailed(f"the exported network gives scores of shape {found.shape}, not {wanted.shape}")
        largest = float(np.abs(wanted).max()) or 1.0
        worst = max(worst, float(np.abs(found - wanted).max()) / largest)
    if not worst <= TOLERANCE:
        what = f"the exported network's scores differ from the network's by {worst:.2g} of the largest"
        raise WorkFailed(what, remedy="A module of it does not export as it computes")
    return worst


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the exporter's remarks on itself."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir", "torch.export")]
    levels: list[Any] = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
