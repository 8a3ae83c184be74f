"""NNI's NAS engine: the only module that imports its experiments, strategies and evaluators.

Searches (`skelbench.search`) know nothing of NNI. Two NNI strategies carry them: one submits each
proposal as a trial of its own, the other trains one supernet and evaluates proposals on it.
"""

from __future__ import annotations

import json
import logging
import os
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import torch
from torch import Tensor

from skelbench.engine.journal import Journal
from skelbench.errors import WorkFailed
from skelbench.recipe import TrainOptions
from skelbench.search import Point, Proposal, Sample, Search, Weights, as_weights
from skelbench.space.build import Decision, FrozenTrial, SupernetSpace, TrialSpace, supernet_hook
from skelbench.train.module import ClipClassifier

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"nni\.nas\.nn\.pytorch\.layers")
    import nni
    from nni.nas.evaluator import FunctionalEvaluator
    from nni.nas.evaluator.pytorch import Lightning, LightningModule, Trainer
    from nni.nas.experiment import NasExperiment, NasExperimentConfig
    from nni.nas.oneshot.pytorch.base_lightning import BaseOneShotLightningModule
    from nni.nas.oneshot.pytorch.strategy import OneShotStrategy
    from nni.nas.strategy.base import Strategy

Evaluate = Callable[[Sample], float]
SEARCH_STATE = "skelbench_search"
CONFIG_FOLDER = "NNI_CONFIG_DIR"


def search_by_trials(
    search: Search, points: Sequence[Point], evaluate: Evaluate, journal: Journal, engine: Any
) -> Proposal:
    """Evaluate every proposal as an independent trial of NNI's engine.

    Args:
        search: The search in progress.
        points: The decisions of the space.
        evaluate: Builds and trains one architecture and gives its fitness; it may raise.
        journal: Where trials are written, and read again after an interruption.
        engine: NNI's execution-engine configuration.

    Returns:
        The search's answer.

    Raises:
        WorkFailed: Every trial failed.
    """
    strategy = TrialStrategy(search, journal)
    evaluator = FunctionalEvaluator(_Trial(evaluate, strategy))
    _run(TrialSpace(points), evaluator, strategy, engine)
    if all(trial["fitness"] is None for trial in journal.trials):
        last = journal.trials[-1].get("error", "") if journal.trials else "none was proposed"
        raise WorkFailed(
            f"every trial failed; the last one with {last}", remedy="See trials.jsonl for tracebacks"
        )
    return search.best()


class TrialStrategy(Strategy):
    """An NNI strategy that submits what a search asks for, one trial per proposal."""

    def __init__(self, search: Search, journal: Journal) -> None:
        super().__init__()
        self._search = search
        self._journal = journal
        self._failure: tuple[str, str] = ("", "")

    def _run(self) -> None:
        generation = self._journal.load(self._search)
        while proposals := self._search.ask(generation):
            fitness = [self._fitness(generation, i, p) for i, p in enumerate(proposals)]
            self._search.tell(proposals, fitness)
            self._journal.generation(generation, self._search.figures())
            self._journal.save(generation, self._search)
            generation += 1

    def _fitness(self, generation: int, number: int, proposal: Proposal) -> float | None:
        known = self._journal.known(generation, number)
        if known is not None:
            return known["fitness"]
        if proposal.fitness is None:  # one seed trains an architecture once and for all
            proposal = replace(proposal, fitness=self._journal.fitness_of(proposal.sample))
        if proposal.fitness is not None:
            self._journal.trial(generation, number, proposal, fitness=proposal.fitness, seconds=0.0)
            return proposal.fitness
        started, self._failure = time.perf_counter(), ("", "")
        model = self.model_space.freeze(proposal.sample)
        self.engine.submit_models(model)
        self.engine.wait_models(model)
        error, trace = self._failure
        seconds = time.perf_counter() - started
        self._journal.trial(
            generation, number, proposal, fitness=model.metric, seconds=seconds, error=error, traceback=trace
        )
        return model.metric

    def failed(self, error: Exception) -> None:
        """Keep the failure of the running trial for the journal."""
        self._failure = (f"{type(error).__name__}: {error}", traceback.format_exc())

    def state_dict(self) -> dict[str, Any]:
        """Nothing: the journal holds the state."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Nothing: the journal holds the state."""


class _Trial:
    """What NNI calls for each submitted trial."""

    def __init__(self, evaluate: Evaluate, strategy: TrialStrategy) -> None:
        self._evaluate = evaluate
        self._strategy = strategy

    def __call__(self, model: FrozenTrial) -> None:
        try:
            nni.report_final_result(float(self._evaluate(model.sample)))
        except Exception as error:  # whatever a trial raises is its result; the search goes on
            self._strategy.failed(error)
            raise


@dataclass(frozen=True)
class SupernetJob:
    """What it takes to train a supernet.

    Attributes:
        points: The decisions of the space.
        options: The supernet's recipe.
        trainer: Keyword arguments of the Lightning trainer.
        loader: Training batches.
        validation: Validation batches (x, y), kept on the device.
        active: ``single`` trains one drawn candidate per decision and step (Peng et al. 2020,
            eq. 15), ``all`` the weighted sum of all (eq. 8).
        seed: Seed of the draws.
        checkpoint: A checkpoint to go on from, or None.
    """

    points: Sequence[Point]
    options: TrainOptions
    trainer: dict[str, Any]
    loader: Any
    validation: Sequence[tuple[Tensor, Tensor]]
    active: Literal["single", "all"]
    seed: int
    checkpoint: Path | None = None


def search_on_supernet(
    search: Search, space: SupernetSpace, job: SupernetJob, journal: Journal, engine: Any
) -> Proposal:
    """Train one supernet and evaluate every proposal with its shared weights.

    Args:
        search: The search in progress.
        space: The space with all its modules.
        job: How to train and what to validate on.
        journal: Where trials are written.
        engine: NNI's execution-engine configuration.

    Returns:
        The search's answer.
    """
    arguments = {"ckpt_path": str(job.checkpoint), "weights_only": True} if job.checkpoint else {}
    evaluator = Lightning(
        TrainingModule(job.options, len(job.loader)),
        Trainer(**job.trainer),
        train_dataloaders=job.loader,
        val_dataloaders=job.loader,  # NNI insists on one; validation is the generation's business
        fit_kwargs=arguments,
    )
    _run(space, evaluator, SupernetStrategy(search, job, journal), engine)
    return search.best()


class TrainingModule(ClipClassifier, LightningModule):
    """The classifier as NNI's one-shot modules want to see it."""

    @property
    def model(self) -> torch.nn.Module | None:
        """The supernet."""
        return self.network


class SupernetStrategy(OneShotStrategy):
    """An NNI one-shot strategy that trains a supernet and lets a search evaluate on it."""

    def __init__(self, search: Search, job: SupernetJob, journal: Journal) -> None:
        super().__init__(mutation_hooks=[supernet_hook])
        self._parts = (search, job, journal)

    def configure_oneshot_module(self, training_module: LightningModule) -> SupernetModule:
        """NNI's hook: wrap the training module."""
        return SupernetModule(training_module, *self._parts)

    def _run(self) -> None:
        # There is one supernet; where it fails or is interrupted, no trial comes after it.
        self.engine.continue_on_failure = False
        super()._run()

    def state_dict(self) -> dict[str, Any]:
        """Nothing: the checkpoint holds the state."""
        return {}


class SupernetModule(BaseOneShotLightningModule):
    """Trains the shared weights; after each epoch evaluates the proposals of a generation."""

    def __init__(self, module: LightningModule, search: Search, job: SupernetJob, journal: Journal) -> None:
        super().__init__(module)
        self._search = search
        self._job = job
        self._journal = journal
        self._generator = torch.Generator()

    def decisions(self) -> Iterable[Decision]:
        """Every decision of the supernet."""
        return (module for module in self.modules() if isinstance(module, Decision))

    def set_weights(self, weights: Weights) -> None:
        """Weigh the candidates; from here on all of them are summed."""
        for decision in self.decisions():
            decision.weights = weights[decision.label].tolist()
            decision.active = None

    def draw(self) -> None:
        """Activate candidates at random, the same ones wherever a label occurs again."""
        drawn: dict[str, tuple[int, ...] | None] = {}
        for decision in self.decisions():
            if decision.label not in drawn:
                decision.draw(self._generator)
                drawn[decision.label] = decision.active
            decision.active = drawn[decision.label]

    def on_train_epoch_start(self) -> None:
        """Set the weights to train under."""
        super().on_train_epoch_start()
        self._generator.manual_seed(self._job.seed * 100_003 + self.current_epoch)
        self.set_weights(self._search.training_weights(self.current_epoch))

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """One step of the shared weights."""
        if self._job.active == "single":
            self.draw()
        loss = self.training_module.training_step(batch, batch_idx)
        self.advance_optimization(loss, batch_idx, self._job.options.clip_gradient, "norm")
        self.advance_lr_schedulers(batch_idx)
        return loss

    def on_train_epoch_end(self) -> None:
        """Evaluate a generation, if the search asks for one."""
        super().on_train_epoch_end()
        generation = self.current_epoch
        proposals = self._search.ask(generation)
        if not proposals:
            return
        fitness = [self._fitness(generation, i, p) for i, p in enumerate(proposals)]
        self._search.tell(proposals, fitness)
        self._journal.generation(generation, self._search.figures())

    def _fitness(self, generation: int, number: int, proposal: Proposal) -> float:
        started = time.perf_counter()
        fitness = proposal.fitness
        if fitness is None:
            fitness = self.accuracy(proposal)
        seconds = time.perf_counter() - started
        self._journal.trial(generation, number, proposal, fitness=fitness, seconds=seconds)
        return fitness

    @torch.no_grad()
    def accuracy(self, proposal: Proposal) -> float:
        """Top-1 in percent of a proposal on the validation clips, with the weights as they are."""
        self.set_weights(_weights(self._job.points, proposal))
        training, right, count = self.training, 0, 0
        self.eval()
        with self.trainer.precision_plugin.forward_context():
            for x, y in self._job.validation:
                scores = self.training_module(x.to(self.device))
                right += int((scores.argmax(1).cpu() == y).sum())
                count += len(y)
        self.train(training)
        return 100.0 * right / count

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Let the search's state ride in the checkpoint, as text."""
        checkpoint[SEARCH_STATE] = json.dumps(self._search.state())

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Put the search where it was."""
        self._search.restore(json.loads(checkpoint[SEARCH_STATE]))


def _weights(points: Sequence[Point], proposal: Proposal) -> Weights:
    if proposal.weights is not None:
        return proposal.weights
    if proposal.sample is None:
        raise TypeError("a proposal needs a sample or weights")
    return as_weights(points, proposal.sample)


class _Experiment(NasExperiment):
    """An experiment in this process that writes nothing: no manifest, no log, no pickled checkpoint."""

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


def _run(space: Any, evaluator: Any, strategy: Strategy, engine: Any) -> None:
    """One NNI experiment, from its start to its end."""
    config = NasExperimentConfig(execution_engine=engine, model_format="raw")
    with _quiet(), TemporaryDirectory() as folder, _config_folder(folder):
        config.experiment_working_directory = folder
        experiment = _Experiment(space, evaluator, strategy, config)
        try:
            experiment.start()  # to its end; run() would keep an interruption to itself
        finally:
            experiment.stop()


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
def _quiet() -> Iterator[None]:
    """NNI logs to stdout and tells of failed trials at length; the journal has them."""
    logger = logging.getLogger("nni")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def sequential_engine() -> Any:
    """NNI's engine that runs one trial after the other in this process; it starts no server."""
    from nni.nas.experiment.config.engine import SequentialEngineConfig

    return SequentialEngineConfig(continue_on_failure=True)
