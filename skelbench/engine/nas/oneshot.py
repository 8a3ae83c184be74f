"""NNI's own one-shot strategies: they mutate the supernet and train it their way; we read the answer."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import nni.nas.strategy
import numpy as np
import torch
from nni.nas.evaluator.pytorch import Lightning, LightningModule, Trainer
from nni.nas.oneshot.pytorch.base_lightning import BaseOneShotLightningModule
from nni.nas.oneshot.pytorch.sampling import RandomSamplingLightningModule
from nni.nas.oneshot.pytorch.strategy import DARTS, OneShotStrategy
from torch import Tensor

from skelbench.engine.journal import Journal
from skelbench.engine.nas.experiment import run_experiment
from skelbench.engine.nas.gradient import endless
from skelbench.engine.nas.supernet_job import SupernetJob, TrainingModule, resumption
from skelbench.errors import SpecError
from skelbench.search import OneShot, Point, Proposal, Sample, Space, Weights
from skelbench.space.build import SupernetSpace, edge_choices
from skelbench.training.batches import KeptBatches
from skelbench.training.checkpoint import check_fits
from skelbench.training.lightning import pl


def search_by_oneshot(
    chosen: OneShot, space: Space, supernet: SupernetSpace, job: SupernetJob, journal: Journal, engine: Any
) -> Proposal:
    """Train a supernet by a one-shot strategy of NNI.

    Args:
        chosen: Which strategy, and how its answer is found.
        space: The decisions.
        supernet: The space with all its modules.
        job: How to train and what to validate on.
        journal: Where epochs and trials are written.
        engine: NNI's execution-engine configuration.

    Returns:
        The strategy's weights, or the best of the architectures that were drawn and evaluated.

    Raises:
        SpecError: NNI has no such strategy.
        RunFolderError: The job's checkpoint is damaged or of another supernet.
    """
    strategy, trainer = _strategy(chosen, job)
    watch = _Watch(strategy, space, job, journal)
    trainer = {**trainer, "callbacks": [watch, *trainer["callbacks"]]}
    evaluator = Lightning(
        Classifier(job.options, len(job.loader)),
        Trainer(**trainer),
        train_dataloaders=job.loader,
        val_dataloaders=AlphaBatches(job.alphas, len(job.loader)),
        fit_kwargs=resumption(job),
    )
    run_experiment(supernet, evaluator, strategy, engine, strict=True, folder=journal.scratch)
    if chosen.evaluations:
        return _best_drawn(chosen, space, watch.module, job, journal)
    return Proposal(weights=learned_weights(space.points, watch.module))


class AlphaBatches:
    """As many batches for the architecture weights as an epoch has steps, marked by having no index.

    NNI trains until the longer of its two loaders ends.

    Args:
        loader: Clips that the supernet is not trained on.
        steps: Steps of an epoch.
    """

    def __init__(self, loader: Any, steps: int) -> None:
        self._loader, self._steps = loader, steps
        self._epoch = 0

    def __len__(self) -> int:
        return self._steps

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose batches the next iteration gives."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, None]]:
        for x, y, _ in islice(endless(self._loader, self._epoch), self._steps):
            yield x, y, None


class Classifier(TrainingModule):
    """Leaves alpha batches, for which NNI takes the same training step, out of the training figures."""

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """The loss of a batch of either kind."""
        before = dict(self.seen)
        loss = super().training_step(batch, batch_idx)
        if batch[2] is None:
            self.seen = before
        return loss


class _Watch(pl.Callback):
    """Makes a strategy's chance depend on the seed alone, and writes down its progress."""

    module: BaseOneShotLightningModule

    def __init__(self, strategy: OneShotStrategy, space: Space, job: SupernetJob, journal: Journal) -> None:
        self._space, self._job, self._journal = space, job, journal
        self._random = np.random.default_rng(0)
        configure = strategy.configure_oneshot_module

        def configured(training_module: LightningModule) -> BaseOneShotLightningModule:
            self.module = configure(training_module)
            self.module.on_load_checkpoint = self._fits
            if hasattr(self.module, "arch_parameters"):
                # NNI lists them in the order of a set, which differs from one process to the next.
                self.module.arch_parameters = lambda: list(_alphas(self.module).values())
            if isinstance(self.module, RandomSamplingLightningModule):
                # NNI draws from a new, unseeded generator each time, and any number of edges into a node.
                self.module.resample = self._draw
            return self.module

        strategy.configure_oneshot_module = configured

    def _fits(self, checkpoint: dict[str, Any]) -> None:
        check_fits(checkpoint["state_dict"], self.module, self._job.checkpoint or Path())

    def _draw(self) -> Sample:
        memo = memo_of(self._space.points, self._space.sample(self._random))
        activate(self.module, memo)
        return memo

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Begin the draws of this epoch."""
        self._random = np.random.default_rng([self._job.seed, trainer.current_epoch])

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Write down how far the weights are from a decision."""
        weights = [torch.softmax(alpha.detach(), -1) for alpha in _alphas(self.module).values()]
        if weights:
            entropy = float(np.mean([float(-(w * w.log()).sum()) for w in weights]))
            self._journal.generation(trainer.current_epoch, {"entropy": round(entropy, 6)})


def _strategy(chosen: OneShot, job: SupernetJob) -> tuple[OneShotStrategy, dict[str, Any]]:
    """The strategy, and the trainer's arguments; each kind clips gradients in its own place."""
    found = oneshot_class(chosen.name)
    if learns_weights(found):
        return found(**chosen.arguments, gradient_clip_val=job.options.clip_gradient), job.trainer
    return found(**chosen.arguments), {**job.trainer, "gradient_clip_val": job.options.clip_gradient}


def oneshot_class(name: str) -> type[OneShotStrategy]:
    """NNI's one-shot strategy of this name.

    Raises:
        SpecError: It has none.
    """
    found = getattr(nni.nas.strategy, name, None)
    if not (isinstance(found, type) and issubclass(found, OneShotStrategy)):
        raise SpecError(f"NNI has no one-shot strategy '{name}'", where="search.strategy")
    return found


def learns_weights(strategy: type[OneShotStrategy]) -> bool:
    """Whether a one-shot strategy of NNI learns architecture weights; else it samples."""
    return issubclass(strategy, DARTS)


def _alphas(module: BaseOneShotLightningModule) -> dict[str, torch.nn.Parameter]:
    """Architecture parameters by NNI's label, each once, in the order of the network."""
    found = ((m.label, m._arch_alpha) for m in module.supernet_modules() if hasattr(m, "_arch_alpha"))
    return dict(found)


def learned_weights(points: Sequence[Point], module: BaseOneShotLightningModule) -> Weights:
    """The softmax of a differentiable strategy's parameters, by our labels.

    Args:
        points: The decisions of the space.
        module: What the strategy trained.
    """
    soft = {
        label: torch.softmax(a.detach().float(), -1).cpu().numpy() for label, a in _alphas(module).items()
    }
    return {point.label: _of_point(point, soft) for point in points}


def _of_point(point: Point, soft: Mapping[str, np.ndarray]) -> np.ndarray:
    if point.kind != "cell":
        return soft[point.label]
    return np.concatenate([soft[label][: len(edges)] for label, edges in edge_choices(point)])


# --- strategies that only sample -----------------------------------------------------------------


def _best_drawn(
    chosen: OneShot, space: Space, module: BaseOneShotLightningModule, job: SupernetJob, journal: Journal
) -> Proposal:
    """Evaluate different architectures drawn at random on the trained supernet."""
    rng, best = np.random.default_rng(chosen.seed), Proposal()
    seen: list[Sample] = []
    wanted = min(chosen.evaluations, space.size())
    set_epoch = getattr(job.loader, "set_epoch", None)
    if set_epoch:  # the same training batches for all, also where the search goes on here
        set_epoch(job.options.epochs)
    calibration = KeptBatches(job.loader, job.comparison.calibration_batches)
    while len(seen) < wanted:
        sample = space.sample(rng)
        if sample in seen:
            continue
        started = time.perf_counter()
        activate(module, memo_of(space.points, sample))
        found = job.comparison.on_supernet(module.training_module, job.validation, calibration)
        seconds, fitness = time.perf_counter() - started, found.fitness
        place = (job.options.epochs, len(seen), Proposal(sample))
        journal.trial(*place, fitness=fitness, seconds=seconds, answers=found.answers)
        seen.append(sample)
        if best.fitness is None or fitness > best.fitness:
            best = Proposal(sample, fitness=fitness)
    return best


def memo_of(points: Sequence[Point], sample: Sample) -> Sample:
    """An architecture in NNI's labels and names."""
    memo: Sample = {}
    for point in points:
        if point.kind == "choice":
            memo[point.label] = point.options.index(sample.get(point.label, point.options[0]))
        elif point.kind == "inputs":
            kept = sample.get(point.label, point.options[: point.choose])
            memo[point.label] = [point.options.index(option) for option in kept]
        else:
            kept = sample.get(point.label, ())
            for label, edges in edge_choices(point):  # after the edges comes zero
                memo[label] = next((i for i, edge in enumerate(edges) if edge in kept), len(edges))
    return memo


def activate(module: BaseOneShotLightningModule, memo: Sample) -> None:
    """Let every path-sampling module run what ``memo`` says."""
    for decision in module.supernet_modules():
        decision.resample(memo=dict(memo))
