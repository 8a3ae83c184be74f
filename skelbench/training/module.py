"""The training loop's heart: loss, optimizer and learning rate of a clip classifier."""

from __future__ import annotations

import math
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn import functional

from skelbench.errors import WorkFailed
from skelbench.recipe import ScheduleOptions, TrainOptions

Batch = tuple[Tensor, Tensor, Tensor]


def effective_lr(options: TrainOptions) -> float:
    """The learning rate for the actual batch size: in proportion to the reference batch."""
    reference = options.optimizer.reference_batch or options.batch_size
    return options.optimizer.lr * options.batch_size / reference


def lr_factor(schedule: ScheduleOptions, epoch: float, epochs: int) -> float:
    """The share of the learning rate at a moment of training.

    Args:
        schedule: Warm-up, then steps, cosine or constant.
        epoch: Epochs done, with fractions.
        epochs: All epochs.
    """
    if epoch < schedule.warmup:
        return max(epoch, 1e-3) / schedule.warmup
    if schedule.name == "steps":
        return schedule.factor ** sum(epoch >= at for at in schedule.at)
    if schedule.name == "constant":
        return 1.0
    done = (epoch - schedule.warmup) / max(1, epochs - schedule.warmup)
    return schedule.floor + (1 - schedule.floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


class ClipClassifier(pl.LightningModule):
    """Trains a network (N, C, T, V, M) -> (N, classes) with cross entropy.

    Args:
        options: The recipe.
        steps_per_epoch: Optimizer steps of an epoch, for the learning rate.
    """

    def __init__(self, options: TrainOptions, steps_per_epoch: int) -> None:
        super().__init__()
        self.options = options
        self.steps_per_epoch = steps_per_epoch
        self.network: nn.Module | None = None
        self.seen = {"right": 0, "count": 0, "loss": 0.0}

    def set_model(self, model: nn.Module) -> None:
        """The network to train; NNI's one-shot strategies call this with a supernet."""
        self.network = model

    def forward(self, x: Tensor) -> Tensor:
        """Scores (N, classes)."""
        if self.network is None:
            raise RuntimeError("set_model comes before forward")
        return self.network(x)

    def on_train_epoch_start(self) -> None:
        """Forget the last epoch's figures, and tell modules that ask for it how far training is."""
        self.seen = {"right": 0, "count": 0, "loss": 0.0}
        for module in self.modules():
            set_progress = getattr(module, "set_progress", None)
            if callable(set_progress):
                set_progress(self.current_epoch / self.options.epochs)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of a batch.

        Raises:
            WorkFailed: It is not finite.
        """
        x, y, _ = batch
        scores = self(x)
        loss = self.loss(scores, y) + self.penalty()
        if not torch.isfinite(loss):
            raise WorkFailed(
                f"the loss is {loss.item()} in epoch {self.current_epoch + 1}, step {batch_idx + 1}",
                remedy="Lower train.optimizer.lr, add schedule.warmup or clip_gradient",
            )
        self.seen["right"] += int((scores.detach().argmax(1) == y).sum())
        self.seen["count"] += len(y)
        self.seen["loss"] += float(loss.detach()) * len(y)
        return loss

    def loss(self, scores: Tensor, y: Tensor) -> Tensor:
        """The recipe's loss of scores (N, classes) for labels (N,)."""
        spread, classes = self.options.label_smoothing, scores.shape[1]
        if self.options.label_smoothing_over == "wrong":
            # Spread over all classes, a K-th of it would come back to the right one.
            spread = min(1.0, spread * classes / max(1, classes - 1))
        return functional.cross_entropy(scores, y, label_smoothing=spread)

    def penalty(self) -> Tensor | float:
        """What modules that ask for it add to the loss of the latest batch."""
        asking = (getattr(module, "penalty", None) for module in self.modules() if module is not self)
        return sum(penalty() for penalty in asking if callable(penalty))

    def figures(self) -> dict[str, float]:
        """Mean loss and top-1 (percent) over the epoch's training clips so far."""
        count = max(1, self.seen["count"])
        return {"loss": self.seen["loss"] / count, "train_top1": 100.0 * self.seen["right"] / count}

    def configure_optimizers(self) -> Any:
        """The recipe's optimizer, its learning rate set anew at every step."""
        optimizer = make_optimizer(self.options, self.parameters())
        epochs, steps = self.options.epochs, self.steps_per_epoch
        scheduler = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: lr_factor(self.options.schedule, step / steps, epochs)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


def make_optimizer(options: TrainOptions, parameters: Any) -> torch.optim.Optimizer:
    """The recipe's optimizer at the effective learning rate."""
    chosen, lr = options.optimizer, effective_lr(options)
    if chosen.name == "sgd":
        return torch.optim.SGD(
            parameters,
            lr,
            momentum=chosen.momentum,
            nesterov=chosen.nesterov,
            weight_decay=chosen.weight_decay,
        )
    kind = torch.optim.Adam if chosen.name == "adam" else torch.optim.AdamW
    return kind(parameters, lr, betas=chosen.betas, weight_decay=chosen.weight_decay)
