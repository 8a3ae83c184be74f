"""Searches with shared weights: one supernet is trained, and proposals are evaluated on it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from nni.nas.evaluator.pytorch import Lightning, LightningModule, Trainer
from nni.nas.oneshot.pytorch.base_lightning import BaseOneShotLightningModule
from nni.nas.oneshot.pytorch.strategy import OneShotStrategy
from torch import Tensor, nn

from skelbench.engine.candidates import Evaluation
from skelbench.engine.journal import Journal
from skelbench.engine.nas.experiment import run_experiment
from skelbench.engine.nas.supernet_job import AFRESH, SupernetJob, TrainingModule, resumption
from skelbench.engine.validate import proposals_of
from skelbench.errors import RunFolderError
from skelbench.search import GradientSearch, Point, Proposal, Search, Weights, as_weights
from skelbench.space.build import SupernetSpace, supernet_hook
from skelbench.space.decisions import Decision
from skelbench.space.trellises import Trellis
from skelbench.training.batches import KeptBatches
from skelbench.training.checkpoint import check_fits

SEARCH_STATE = "skelbench_search"


class Supernet(BaseOneShotLightningModule):
    """A supernet that carries a search; subclasses say how it is trained.

    The search's state rides in the Lightning checkpoint.

    Args:
        module: The training module, which holds the network.
        search: The search in progress.
        job: How to train and what to validate on.
        journal: Where trials and generations are written.
    """

    def __init__(
        self, module: LightningModule, search: Search | GradientSearch, job: SupernetJob, journal: Journal
    ) -> None:
        super().__init__(module)
        self._search = search
        self._job = job
        self._journal = journal

    def decisions(self) -> Iterable[Decision]:
        """Every decision of the supernet that stands by itself."""
        return (module for module in self.modules() if isinstance(module, Decision))

    def set_weights(
        self, weights: Mapping[str, Any], *, tracked: bool = False, normalised: bool = True
    ) -> None:
        """See the function `set_weights`."""
        set_weights(self, weights, tracked=tracked, normalised=normalised)

    def on_train_epoch_start(self) -> None:
        """All candidates after this epoch are normalised by the same batches, which are read once."""
        super().on_train_epoch_start()
        self._calibration = KeptBatches(self._job.loader, self._job.comparison.calibration_batches)

    def learn(self, loss: Tensor, batch_idx: int) -> None:
        """Take the gradients of a batch; after as many as the recipe accumulates, a step by their mean."""
        options, last = self._job.options, batch_idx + 1 == len(self._job.loader)
        optimizer: Any = self.optimizers()
        if batch_idx % options.accumulate == 0:
            optimizer.zero_grad()
        self.manual_backward(loss / options.accumulate)
        if (batch_idx + 1) % options.accumulate and not last:
            return
        self.clip_gradients(optimizer, options.clip_gradient, "norm")
        optimizer.step()
        self.advance_lr_schedulers(batch_idx)

    def judged(self, proposal: Proposal, leader: Evaluation | None = None) -> Evaluation:
        """A proposal on the validation clips, with the weights as they are."""
        self.set_weights(weights_of(self._job.points, proposal))
        return self.judged_on(self._job.validation, leader)

    def judged_on(self, batches: Iterable[Any], leader: Evaluation | None = None) -> Evaluation:
        """What the supernet is set to on some clips, normalised as the job says."""
        comparison = self._job.comparison
        with self.trainer.precision_plugin.forward_context():
            return comparison.on_supernet(self.training_module, batches, self._calibration, leader)

    def evaluate(self, generation: int, proposals: Sequence[Proposal]) -> None:
        """Tell the search what its proposals are worth, and the journal as well."""
        made = self._evaluations([p for p in proposals if p.fitness is None])
        fitness: list[float | None] = []
        for number, proposal in enumerate(proposals):
            known = proposal.fitness
            found, seconds = next(made) if known is None else (Evaluation(known), 0.0)
            self._journal.trial(
                generation,
                number,
                proposal,
                fitness=found.fitness,
                seconds=seconds,
                answers=found.answers,
                rejected=found.rejected,
            )
            fitness.append(found.fitness)
        self._search.tell(proposals, fitness)

    def _evaluations(self, proposals: Sequence[Proposal]) -> Iterator[tuple[Evaluation, float]]:
        """What proposals are worth, in their order, and how many seconds each took."""
        rejection = self._job.comparison.rejection
        if rejection is None:
            yield from self._judged(proposals)
            return
        first = list(self._judged(proposals[: rejection.first]))
        yield from first
        if first:
            leader = max((found for found, _ in first), key=lambda found: found.fitness)
            yield from self._judged(proposals[rejection.first :], leader)

    def _judged(
        self, proposals: Sequence[Proposal], leader: Evaluation | None = None
    ) -> Iterator[tuple[Evaluation, float]]:
        if self._job.workers is not None:
            weights = [weights_of(self._job.points, proposal) for proposal in proposals]
            yield from self._job.workers.evaluate(self.training_module, self.current_epoch, weights, leader)
            return
        for proposal in proposals:
            started = time.perf_counter()
            found = self.judged(proposal, leader)
            yield found, time.perf_counter() - started

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Let the search's state ride in the checkpoint, as text."""
        checkpoint[SEARCH_STATE] = json.dumps(self._search.state())

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Put the search where it was.

        Raises:
            RunFolderError: The checkpoint is of another supernet, or holds no search.
        """
        path = self._job.checkpoint or Path()
        check_fits(checkpoint["state_dict"], self, path)
        if SEARCH_STATE not in checkpoint:
            raise RunFolderError("the checkpoint holds no search", where=path, remedy=AFRESH)
        self._search.restore(json.loads(checkpoint[SEARCH_STATE]))


class SupernetModule(Supernet):
    """Trains the shared weights; after each epoch evaluates the proposals of a generation."""

    _search: Search

    def __init__(self, module: LightningModule, search: Search, job: SupernetJob, journal: Journal) -> None:
        super().__init__(module, search, job, journal)
        self._generator = torch.Generator()

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
        self.learn(loss, batch_idx)
        return loss

    def on_train_epoch_end(self) -> None:
        """Evaluate a generation, if the search asks for one."""
        super().on_train_epoch_end()
        generation = self.current_epoch
        proposals = proposals_of(self._search, generation)
        if not proposals:
            return
        self.evaluate(generation, proposals)
        self._journal.generation(generation, self._search.figures())


class SupernetStrategy(OneShotStrategy):
    """An NNI one-shot strategy that trains a supernet under a search."""

    def __init__(
        self,
        module: type[Supernet],
        search: Search | GradientSearch,
        job: SupernetJob,
        journal: Journal,
    ) -> None:
        super().__init__(mutation_hooks=[supernet_hook])
        self._module = module
        self._parts = (search, job, journal)

    def configure_oneshot_module(self, training_module: LightningModule) -> Supernet:
        """NNI's hook: wrap the training module."""
        return self._module(training_module, *self._parts)

    def state_dict(self) -> dict[str, Any]:
        """Nothing: the checkpoint holds the state."""
        return {}


def search_on_supernet(
    search: Search | GradientSearch,
    space: SupernetSpace,
    job: SupernetJob,
    journal: Journal,
    engine: Any,
    module: type[Supernet] = SupernetModule,
) -> Proposal:
    """Train one supernet under a search.

    Args:
        search: The search in progress.
        space: The space with all its modules.
        job: How to train and what to validate on.
        journal: Where trials are written.
        engine: NNI's execution-engine configuration.
        module: How the supernet is trained under a search of this kind.

    Returns:
        The search's answer.

    Raises:
        RunFolderError: The job's checkpoint is damaged or of another search.
    """
    evaluator = Lightning(
        TrainingModule(job.options, len(job.loader)),
        Trainer(**job.trainer),
        train_dataloaders=job.loader,
        val_dataloaders=job.loader,  # NNI insists on one; validation is the generation's business
        fit_kwargs=resumption(job),
    )
    strategy = SupernetStrategy(module, search, job, journal)
    run_experiment(space, evaluator, strategy, engine, strict=True, folder=journal.scratch)
    return search.best()


def set_weights(
    network: nn.Module, weights: Mapping[str, Any], *, tracked: bool = False, normalised: bool = True
) -> None:
    """Weigh the candidates of a supernet; from here on all of them are summed (see `Decision.take`)."""
    for module in network.modules():
        if isinstance(module, Decision | Trellis):
            module.take(weights, tracked=tracked, normalised=normalised)


def weights_of(points: Sequence[Point], proposal: Proposal) -> Weights:
    """What the supernet is set to for a proposal.

    Raises:
        TypeError: It is neither an architecture nor weights.
    """
    if proposal.weights is not None:
        return proposal.weights
    if proposal.sample is None:
        raise TypeError("a proposal needs a sample or weights")
    return as_weights(points, proposal.sample)
