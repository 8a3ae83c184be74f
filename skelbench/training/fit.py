"""One training run on a fresh Lightning trainer: quiet, resumable, with the time left shown."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from skelbench.errors import DataError, RunFolderError, SkelbenchError
from skelbench.recipe import TrainOptions
from skelbench.training.batches import LazyLoader
from skelbench.training.checkpoint import check_fits, newest, random_state, save, set_random_state, stored
from skelbench.training.devices import check_devices, device_kind, precision_name, single_precision
from skelbench.training.evaluate import top1
from skelbench.training.graphs import GraphedStep, check_graph, check_graphable
from skelbench.training.lightning import pl
from skelbench.training.module import ClipClassifier, effective_batch, effective_lr
from skelbench.training.ranks import average_buffers, helped, seed_epoch, strategy
from skelbench.training.trainer import quiet, trainer_arguments
from skelbench.training.weights import store_weights

LAST, BEST, EPOCHS = "last.ckpt", "best.ckpt", "epochs"
Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class FitResult:
    """What a training run did.

    Attributes:
        epochs: Epochs trained in all, over every resumption.
        seconds: Wall-clock seconds of all epochs.
        history: Per epoch: epoch, loss, train_top1, val_top1 (where validated), lr, seconds.
        best_epoch: The epoch best on validation, or None.
        lr: The effective learning rate.
        precision: What was computed in, a name of `skelbench.training.devices.LIGHTNING`.
        batch_size: The effective batch: clips of a step of the optimizer over all devices.
    """

    epochs: int
    seconds: float
    history: list[dict[str, Any]]
    best_epoch: int | None
    lr: float
    precision: str
    batch_size: int = 0


def fit(
    model: nn.Module,
    options: TrainOptions,
    train_loader: Any,
    val_loader: Any | None = None,
    *,
    folder: Path,
    selection: Literal["last", "best_val"] = "last",
    report: Report = lambda row: None,
    advance: Callable[[float], None] = lambda steps: None,
    accelerator: str = "auto",
    devices: int = 1,
    cuda_graph: bool = False,
    keep_epochs: bool = False,
    resume: bool = True,
    tell: Callable[[str], None] = lambda line: None,
) -> FitResult:
    """Train ``model`` in place; afterwards it has the weights that ``selection`` names.

    Args:
        model: (N, C, T, V, M) -> (N, classes).
        options: The recipe.
        train_loader: Training batches; ``set_epoch`` is called if there is one. For several devices it has
            ``shard(rank, count)``, which leaves it one of as many parts of each batch.
        val_loader: Validation batches, needed for ``best_val``.
        folder: For checkpoints; it is made.
        selection: ``last`` or ``best_val``.
        report: Told of each epoch's row.
        advance: Told of each step.
        accelerator: See `skelbench.training.devices.check_devices`.
        devices: How many devices share the training, each with a process of its own and
            ``options.batch_size`` clips of each step. The calling process validates.
        cuda_graph: Replay the forward and backward pass as one CUDA graph; see `GraphedStep`.
        keep_epochs: Keep the weights of every epoch in ``folder/epochs``.
        resume: Go on from ``folder/last.ckpt`` if it is there, or from the one before it if it is damaged.
        tell: Told of a damaged checkpoint.

    Raises:
        SkelbenchError: There are no such devices, they do not compute in the recipe's precision, or the steps
            cannot be a CUDA graph.
        DataError: A loader is empty, or ``best_val`` without validation.
        RunFolderError: A checkpoint is damaged or another network's, or cannot be written.
        WorkFailed: The loss is not finite, or the process of another device ended.
        KeyboardInterrupt: The user stopped it; the checkpoint of the last whole epoch stands.
    """
    check_devices(accelerator, devices)
    if selection == "best_val" and val_loader is None:
        raise DataError("selection 'best_val' needs validation clips", remedy="Set train.validation")
    if cuda_graph:
        check_graph(accelerator, devices, options)
        check_graphable(model)
    folder.mkdir(parents=True, exist_ok=True)
    last = newest(folder / LAST, tell) if resume else None
    part = Part(
        model, options, train_loader, folder, last, accelerator, devices, torch.initial_seed(), cuda_graph
    )
    epochs = Epochs(folder, val_loader if selection == "best_val" else None, report, advance, keep_epochs)
    if devices == 1:
        part.train(0, epochs)
    else:
        sharded(train_loader, 0, devices)
        # A copy, since processes share the memory of tensors that are sent.
        others = replace(part, model=copy.deepcopy(model))
        with helped(devices, device_kind(accelerator), folder, train_part, others):
            part.train(0, epochs)
    if selection == "best_val":
        model.load_state_dict(stored(folder / BEST))
    history = epochs.history
    return FitResult(
        len(history),
        sum(row["seconds"] for row in history),
        history,
        epochs.best_epoch,
        effective_lr(options, devices),
        precision_name(options.precision, accelerator),
        effective_batch(options, devices),
    )


@dataclass(frozen=True)
class Part:
    """What one device does of a training.

    Attributes:
        model: The network.
        options: The recipe.
        loader: Training batches of all devices.
        folder: For checkpoints.
        last: A checkpoint to go on from, or None.
        accelerator: The kind of device.
        devices: How many share the training.
        seed: Seed of random numbers in training.
        cuda_graph: See `fit`.
    """

    model: nn.Module
    options: TrainOptions
    loader: Any
    folder: Path
    last: Path | None
    accelerator: str
    devices: int
    seed: int
    cuda_graph: bool = False

    def train(self, rank: int, epochs: Epochs) -> None:
        """Train on the device of a number."""
        loader = self.loader if self.devices == 1 else sharded(self.loader, rank, self.devices)
        if len(loader) == 0 or (epochs.val_loader is not None and len(epochs.val_loader) == 0):
            raise DataError("there are no clips to train or to validate on", remedy="Change train.validation")
        module = ClipClassifier(self.options, len(loader), self.devices)
        module.set_model(self.model)
        if self.cuda_graph:
            module.graphed = GraphedStep(self.model, module.loss)
        if self.last:
            check_fits(stored(self.last)["state_dict"], module, self.last)
        epochs.seed, epochs.batch = self.seed, effective_batch(self.options, self.devices)
        kind = device_kind(self.accelerator)
        lazy = LazyLoader(loader, torch.device(kind, rank) if kind == "cuda" else None)
        precision = precision_name(self.options.precision, self.accelerator)
        with quiet(), single_precision(precision == "tf32"):
            trainer = pl.Trainer(
                **trainer_arguments(self.options, self.accelerator)
                | (
                    {}
                    if self.devices == 1
                    else {"devices": self.devices, "strategy": strategy(rank, self.model)}
                ),
                gradient_clip_val=self.options.clip_gradient,
                accumulate_grad_batches=self.options.accumulate,
                callbacks=[epochs],
            )
            trainer.fit(module, lazy, ckpt_path=self.last, weights_only=True if self.last else None)


def train_part(rank: int, part: Part) -> None:
    """What the process of another device does."""
    own = replace(part, model=copy.deepcopy(part.model))
    own.train(rank, Epochs(part.folder, None, lambda row: None))


def sharded(loader: Any, rank: int, count: int) -> Any:
    """The part of a loader that is for one of several devices; the loader itself is left as it is.

    Raises:
        SkelbenchError: It cannot be divided.
    """
    shard = getattr(loader, "shard", None)
    if shard is None:
        what = f"{type(loader).__name__} cannot be divided among {count} devices"
        raise SkelbenchError(what, where="--devices", remedy="Use --devices 1")
    return shard(rank, count)


@dataclass
class Epochs(pl.callbacks.Checkpoint):
    """After each epoch: validate, tell, and store a checkpoint that a resumed run goes on from.

    Lightning calls a `Checkpoint` after the module's own hooks, so a search has its generation behind it.
    """

    folder: Path
    val_loader: Any | None
    report: Report
    advance: Callable[[float], None] = lambda steps: None
    keep: bool = False
    history: list[dict[str, Any]] = field(default_factory=list)
    best_epoch: int | None = None
    best: float = -1.0
    started: float = 0.0
    seed: int = 0
    batch: int = 0

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Give the loader its epoch."""
        self.started = time.perf_counter()
        seed_epoch(self.seed, trainer.current_epoch)
        given: Any = trainer.train_dataloader  # a strategy may train on several at once
        for loader in given.values() if isinstance(given, dict) else [given]:
            if hasattr(loader, "set_epoch"):
                loader.set_epoch(trainer.current_epoch)

    def on_train_batch_end(self, *arguments: Any, **options: Any) -> None:
        """Tell of the step."""
        self.advance(1)

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Validate, tell, store."""
        classifier: Any = module if isinstance(module, ClipClassifier) else module.training_module
        row: dict[str, Any] = {"epoch": trainer.current_epoch + 1}
        row |= classifier.figures()
        average_buffers(classifier)
        if self.val_loader is not None:
            row["val_top1"] = top1(classifier, self.val_loader)
            self._keep_best(row, classifier)
        row |= {
            "lr": trainer.optimizers[0].param_groups[0]["lr"],
            "seconds": time.perf_counter() - self.started,
        }
        self.history.append(row)
        if self.keep:
            self._keep_epoch(row["epoch"], classifier)
        save(trainer, self.folder / LAST)
        self.report(row)

    def _keep_best(self, row: dict[str, Any], classifier: ClipClassifier) -> None:
        if row["val_top1"] > self.best and classifier.network is not None:
            self.best, self.best_epoch = row["val_top1"], row["epoch"]
            store_weights(classifier.network, self.folder / BEST)

    def _keep_epoch(self, epoch: int, classifier: ClipClassifier) -> None:
        if classifier.network is not None:
            (self.folder / EPOCHS).mkdir(exist_ok=True)
            store_weights(classifier.network, self.folder / EPOCHS / f"{epoch:04d}.pt")

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs to know of the epochs before it."""
        return {
            "history": self.history,
            "best_epoch": self.best_epoch,
            "best": self.best,
            "random": random_state(),
            "batch": self.batch,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from `state_dict`.

        Raises:
            RunFolderError: It is of a training with another effective batch.
        """
        batch = state_dict.get("batch", self.batch)
        if batch != self.batch:
            raise RunFolderError(
                f"the training in this folder takes {batch} clips a step over all devices, not {self.batch}",
                where=self.folder / LAST,
                remedy="Give as many --devices as it had, or run it again with --no-resume",
            )
        self.history = state_dict["history"]
        self.best_epoch, self.best = state_dict["best_epoch"], state_dict["best"]
        set_random_state(state_dict["random"])
