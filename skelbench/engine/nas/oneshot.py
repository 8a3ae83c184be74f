"""NNI's own one-shot strategies: they mutate the supernet and train it their way; we read the answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import nni.nas.strategy
import numpy as np
import pytorch_lightning as pl
import torch
from nni.nas.evaluator.pytorch import Lightning, LightningModule, Trainer
from nni.nas.oneshot.pytorch.base_lightning import BaseOneShotLightningModule
from nni.nas.oneshot.pytorch.sampling import RandomSamplingLightningModule
from nni.nas.oneshot.pytorch.strategy import DARTS, OneShotStrategy
from numpy.random import RandomState

from skelbench.engine.journal import Journal
from skelbench.engine.nas.experiment import run_experiment
from skelbench.engine.nas.supernet import SupernetJob, TrainingModule
from skelbench.errors import SpecError
from skelbench.search import OneShot, Point, Proposal, Sample, Space, Weights
from skelbench.space.build import SupernetSpace
from skelbench.train.evaluate import top1


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
        SpecError: NNI has no such strategy, or the space cannot be drawn from.
    """
    if chosen.evaluations:
        _refuse_undrawable(space.points)
    strategy, trainer = _strategy(chosen, job)
    watch = _Watch(strategy, space.points, job.seed, journal)
    trainer = {**trainer, "callbacks": [watch, *trainer["callbacks"]]}
    arguments = {"ckpt_path": str(job.checkpoint), "weights_only": True} if job.checkpoint else {}
    evaluator = Lightning(
        TrainingModule(job.options, len(job.loader)),
        Trainer(**trainer),
        train_dataloaders=job.loader,
        val_dataloaders=job.alphas,
        fit_kwargs=arguments,
    )
    run_experiment(supernet, evaluator, strategy, engine)
    if chosen.evaluations:
        return _best_drawn(chosen, space, watch.module, job, journal)
    return Proposal(weights=learned_weights(space.points, watch.module))


class _Watch(pl.Callback):
    """Sees to it that a strategy's chance depends on the seed alone, and writes down its progress."""

    module: BaseOneShotLightningModule

    def __init__(
        self, strategy: OneShotStrategy, points: Sequence[Point], seed: int, journal: Journal
    ) -> None:
        self._points, self._seed, self._journal = points, seed, journal
        self._random = RandomState(0)
        configure = strategy.configure_oneshot_module

        def configured(training_module: LightningModule) -> BaseOneShotLightningModule:
            self.module = configure(training_module)
            if hasattr(self.module, "arch_parameters"):
                # NNI lists them in the order of a set, which differs from one process to the next.
                self.module.arch_parameters = lambda: list(_alphas(self.module).values())
            if isinstance(self.module, RandomSamplingLightningModule):
                self.module.resample = self._draw  # NNI draws from a new, unseeded generator each time
            return self.module

        strategy.configure_oneshot_module = configured

    def _draw(self) -> Sample:
        space = self.module.model.simplify()
        memo = {label: mutable.random(random_state=self._random) for label, mutable in space.items()}
        activate(self.module, memo)
        return memo

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Begin the draws of this epoch."""
        self._random = RandomState((self._seed * 100_003 + trainer.current_epoch) % 2**32)

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Write down how far the weights are from a decision."""
        weights = [torch.softmax(alpha.detach(), -1) for alpha in _alphas(self.module).values()]
        if weights:
            entropy = float(np.mean([float(-(w * w.log()).sum()) for w in weights]))
            self._journal.generation(trainer.current_epoch, {"entropy": round(entropy, 6)})


def _strategy(chosen: OneShot, job: SupernetJob) -> tuple[OneShotStrategy, dict[str, Any]]:
    """The strategy, and the trainer's arguments; each kind clips gradients in its own place."""
    found = getattr(nni.nas.strategy, chosen.name, None)
    if not (isinstance(found, type) and issubclass(found, OneShotStrategy)):
        raise SpecError(f"NNI has no one-shot strategy '{chosen.name}'", where="search.strategy")
    if issubclass(found, DARTS):
        return found(**chosen.arguments, gradient_clip_val=job.options.clip_gradient), job.trainer
    return found(**chosen.arguments), {**job.trainer, "gradient_clip_val": job.options.clip_gradient}


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
    return np.concatenate([soft[label][:count] for label, count in edge_choices(point)])


def edge_choices(point: Point) -> Iterator[tuple[str, int]]:
    """NNI's choice for each input of a node of a cell: its label, and how many operators it has.

    After them comes ``zero``, where the cell has it.
    """
    for source in sorted(set(point.groups)):
        yield f"{point.label}.{source}", point.groups.count(source)


# --- strategies that only sample -----------------------------------------------------------------


def _refuse_undrawable(points: Sequence[Point]) -> None:
    for point in points:
        if point.kind == "cell" and not point.none:
            raise SpecError(
                f"'{point.label}': a node's other inputs can only be left out by the operator 'zero'",
                where="search.strategy",
                remedy="Add zero to the operators of the cell",
            )


def _best_drawn(
    chosen: OneShot, space: Space, module: BaseOneShotLightningModule, job: SupernetJob, journal: Journal
) -> Proposal:
    """Evaluate different architectures drawn at random on the trained supernet."""
    rng, best = np.random.default_rng(chosen.seed), Proposal(fitness=-1.0)
    seen: list[Sample] = []
    wanted = min(chosen.evaluations, space.size())
    while len(seen) < wanted:
        sample = space.sample(rng)
        if sample in seen:
            continue
        activate(module, memo_of(space.points, sample))
        fitness = top1(module.training_module, ((x, y, None) for x, y in job.validation))
        journal.trial(job.options.epochs, len(seen), Proposal(sample), fitness=fitness, seconds=0.0)
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
            memo |= _edges_memo(point, sample.get(point.label, ()))
    return memo


def _edges_memo(point: Point, kept: Sequence[str]) -> Sample:
    memo, first = {}, 0
    for label, count in edge_choices(point):
        options = point.options[first : first + count]
        memo[label] = next((i for i, option in enumerate(options) if option in kept), count)
        first += count
    return memo


def activate(module: BaseOneShotLightningModule, memo: Sample) -> None:
    """Let every path-sampling module run what ``memo`` says."""
    for decision in module.supernet_modules():
        decision.resample(memo=dict(memo))
