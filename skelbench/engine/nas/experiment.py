"""One NNI experiment in this process, silent and without traces."""

from __future__ import annotations

import copy
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from skelbench.training.lightning import without_torchmetrics

with warnings.catch_warnings(), without_torchmetrics():
    # NNI reads torch's layers at import and warns about those that it cannot trace.
    warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"nni\.nas\.nn\.pytorch\.layers")
    from nni.nas.execution import ExecutionEngine
    from nni.nas.experiment import NasExperiment, NasExperimentConfig
    from nni.nas.experiment.config.engine import ExecutionEngineConfig, SequentialEngineConfig
    from nni.nas.strategy.base import Strategy

from skelbench.errors import WorkFailed
from skelbench.results.leftovers import EXPERIMENT

CONFIG_FOLDER = "NNI_CONFIG_DIR"


def run_experiment(
    space: Any,
    evaluator: Any,
    strategy: Strategy,
    engine: Any,
    *,
    strict: bool = False,
    carrier: ExecutionEngine | None = None,
    folder: Path | None = None,
) -> None:
    """Run one NNI experiment from its start to its end.

    Args:
        space: An NNI model space.
        evaluator: An NNI evaluator.
        strategy: The strategy that drives it.
        engine: NNI's execution-engine configuration.
        strict: There is one trial alone; what it raises ends the experiment.
        carrier: The execution engine itself, in place of what its configuration would make.
        folder: Where NNI may write meanwhile; None is the system's place for such files.

    Raises:
        WorkFailed: The engine is none of NNI's.
    """
    if not isinstance(engine, ExecutionEngineConfig):
        what = f"the engine gave {engine!r}, which is no configuration of NNI's execution engines"
        raise WorkFailed(what, remedy="Mend or update the plugin that registers it")
    if strict:
        engine = copy.copy(engine)
        engine.continue_on_failure = False
    config = NasExperimentConfig(execution_engine=engine, model_format="raw")
    with (
        quiet_nni(),
        TemporaryDirectory(prefix=EXPERIMENT, dir=folder and folder.resolve()) as own,
        _config_folder(own),
    ):
        config.experiment_working_directory = own
        experiment = _Experiment(space, evaluator, strategy, config)
        experiment.carrier = carrier
        try:
            experiment.start()  # to its end; run() would keep an interruption to itself
        finally:
            experiment.stop()  # and with it the engine


def sequential_engine() -> SequentialEngineConfig:
    """NNI's engine that runs one trial after the other in this process; it starts no server."""
    return SequentialEngineConfig(continue_on_failure=True)


class _Experiment(NasExperiment):
    """An experiment in this process that writes nothing: no manifest, no log, no pickled checkpoint."""

    carrier: ExecutionEngine | None = None

    def execution_engine_factory(self, config: ExecutionEngineConfig) -> ExecutionEngine:
        made: ExecutionEngine = self.carrier or super().execution_engine_factory(config)
        return made

    def _start_logging(self, debug: bool) -> None:
        pass

    def _stop_logging(self) -> None:
        pass

    def _start_without_nni_manager(self) -> None:
        pass

    def _stop_without_nni_manager(self) -> None:
        pass

    def save_checkpoint(self) -> None:
        pass


@contextmanager
def _config_folder(folder: str) -> Iterator[None]:
    """Where NNI puts a copy of its default settings: else that is Python's prefix or the home folder."""
    before = os.environ.get(CONFIG_FOLDER)
    os.environ[CONFIG_FOLDER] = folder
    try:
        yield
    finally:
        del os.environ[CONFIG_FOLDER]
        if before is not None:
            os.environ[CONFIG_FOLDER] = before


@contextmanager
def quiet_nni() -> Iterator[None]:
    """NNI logs to stdout and tells of failed trials at length; the journal has them."""
    logger = logging.getLogger("nni")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
