"""The training loop's heart: loss, optimizer and learning rate of a clip classifier."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from skelbench.errors import WorkFailed
from skelbench.recipe import ScheduleOptions, TrainOptions
from skelbench.training.graphs import GraphedStep
from skelbench.training.lightning import pl
from skelbench.training.ranks import total

Batch = tuple[Tensor, Tensor, Tensor]


CHECKED_EVERY = 32
"""Steps after which losses on a GPU are looked at: to look at each, the processor would wait for it."""


def effective_batch(options: TrainOptions, devices: int = 1) -> int:
    """Clips of a step of the optimizer, over all devices."""
    return options.batch_size * options.accumulate * devices


def effective_lr(options: TrainOptions, devices: int = 1) -> float:
    """The learning rate for the effective batch: in proportion to the reference batch."""
    batch = effective_batch(options, devices)
    return options.optimizer.lr * batch / (options.optimizer.reference_batch or batch)


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
    begun = max([schedule.warmup, *(at for at in schedule.restarts if at <= epoch)])
    end = min([epochs, *(at for at in schedule.restarts if at > epoch)])
    done = (epoch - begun) / max(1, end - begun)
    return schedule.floor + (1 - schedule.floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


class ClipClassifier(pl.LightningModule):
    """Trains a network (N, C, T, V, M) -> (N, classes) with cross entropy.

    Args:
        options: The recipe.
        batches: Batches of an epoch on a device; ``options.accumulate`` of them make a step.
        devices: How many devices share the training.
    """

    def __init__(self, options: TrainOptions, batches: int, devices: int = 1) -> None:
        super().__init__()
        self.options = options
        self.steps_per_epoch = math.ceil(batches / options.accumulate)
        self.devices = devices
        self.network: nn.Module | None = None
        self.graphed: GraphedStep | None = None
        self.seen: dict[str, Any] = {"right": 0, "count": 0, "loss": 0.0}
        self._unchecked: list[tuple[int, Tensor]] = []

    def set_model(self, model: nn.Module) -> None:
        """The network to train; NNI's one-shot strategies call this with a supernet."""
        self.network = model

    def forward(self, x: Tensor) -> Tensor:
        """Scores (N, classes)."""
        if self.network is None:
            raise RuntimeError("set_model comes before forward")
        return self.network(x)

    def on_train_epoch_start(self) -> None:
        """See `begin_epoch`."""
        self.begin_epoch(self.current_epoch)

    def begin_epoch(self, epoch: int) -> None:
        """Forget the last epoch's figures, and tell modules that ask for it how far training is."""
        self.seen = {"right": 0, "count": 0, "loss": 0.0}
        self._unchecked = []
        for module in self.modules():
            set_progress = getattr(module, "set_progress", None)
            if callable(set_progress):
                set_progress(epoch / self.options.epochs)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of a batch.

        Raises:
            WorkFailed: It, or that of one of the steps before, is not finite.
        """
        x, y, _ = batch
        if self.graphed is not None and self.graphed.fits(x):
            scores, loss = self.graphed(x, y)
        else:
            scores = self(x)
            loss = self.loss(scores, y) + self.penalty()
        known = loss.detach()
        self._unchecked.append((batch_idx, known))
        if known.device.type == "cpu" or len(self._unchecked) >= CHECKED_EVERY:
            self._check_losses()
        # Sums stay where they are computed, so that no step waits for the one before.
        self.seen["right"] = self.seen["right"] + (scores.detach().argmax(1) == y).sum()
        self.seen["count"] += len(y)
        self.seen["loss"] = self.seen["loss"] + known.double() * len(y)
        return loss

    def _check_losses(self) -> None:
        steps, losses = zip(*self._unchecked, strict=True)
        self._unchecked = []
        for step, loss in zip(steps, torch.stack(losses).tolist(), strict=True):
            if not math.isfinite(loss):
                raise WorkFailed(
                    f"the loss is {loss} in epoch {self.current_epoch + 1}, step {step + 1}",
                    remedy="Lower train.optimizer.lr, add schedule.warmup or clip_gradient",
                )

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
        """Mean loss and top-1 (percent) over the epoch's training clips so far, of all devices.

        Raises:
            WorkFailed: A loss is not finite.
        """
        if self._unchecked:
            self._check_losses()
        right, count, loss = total([self.seen[name] for name in ("right", "count", "loss")], self.device)
        count = max(1, count)
        return {"loss": loss / count, "train_top1": 100.0 * right / count}

    def configure_optimizers(self) -> Any:
        """The recipe's optimizer, its learning rate set anew at every step."""
        fused = True if self.graphed is not None else None  # as few calls as can be, else torch's own choice
        optimizer = make_optimizer(self.options, self.parameters(), self.devices, fused)
        epochs, steps = self.options.epochs, self.steps_per_epoch
        scheduler = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: lr_factor(self.options.schedule, step / steps, epochs)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


def make_optimizer(
    options: TrainOptions, parameters: Any, devices: int = 1, fused: bool | None = None
) -> torch.optim.Optimizer:
    """The recipe's optimizer at the effective learning rate."""
    chosen, lr = options.optimizer, effective_lr(options, devices)
    if chosen.name == "sgd":
        return torch.optim.SGD(
            parameters,
            lr,
            momentum=chosen.momentum,
            nesterov=chosen.nesterov,
            weight_decay=chosen.weight_decay,
            fused=fused,
        )
    kind = torch.optim.Adam if chosen.name == "adam" else torch.optim.AdamW
    return kind(parameters, lr, betas=chosen.betas, weight_decay=chosen.weight_decay, fused=fused)
