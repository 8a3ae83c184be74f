"""A training without Lightning, for thousands of small networks, with the recipe and the steps of `fit`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from skelbench.recipe import TrainOptions
from skelbench.training.devices import precision_name
from skelbench.training.module import Batch, ClipClassifier

_BATCH = 128


@dataclass(frozen=True)
class HeldOut:
    """Clips that a network is looked at with while it trains.

    Attributes:
        x: (n, C, T, V, M).
        y: Their classes, (n,).
    """

    x: torch.Tensor
    y: torch.Tensor

    @classmethod
    def of(cls, batches: Sequence[Batch], device: str = "cpu") -> HeldOut:
        """All clips of some batches."""
        return cls(*(torch.cat([batch[i] for batch in batches]).to(device) for i in (0, 1)))


@dataclass(frozen=True)
class Look:
    """What a network says of held-out clips.

    Attributes:
        hits: Whether each is right, (n,) bool.
        loss: Mean cross-entropy.
    """

    hits: np.ndarray
    loss: float

    @property
    def right(self) -> int:
        """The number of right answers."""
        return int(self.hits.sum())


@torch.no_grad()
def look(network: nn.Module, clips: HeldOut) -> Look:
    """Right and wrong on single clips, in fp32; the network is left in the mode it was in."""
    training = network.training
    network.eval()
    scores = torch.cat([network(x) for x in clips.x.split(_BATCH)]).float()
    network.train(training)
    loss = float(functional.cross_entropy(scores, clips.y))
    return Look((scores.argmax(1) == clips.y).cpu().numpy(), loss)


def train_plainly(
    network: nn.Module,
    options: TrainOptions,
    batches: Callable[[int], Sequence[Batch]],
    after_epoch: Callable[[int, float, float], None],
    device: str = "cpu",
) -> None:
    """Train in place; with the same batches the weights come out as `skelbench.training.fit.fit` leaves them.

    Args:
        network: (N, C, T, V, M) -> (N, classes).
        options: The recipe; its precision is ``32`` or ``bf16`` here, and gradients are not accumulated.
        batches: The batches of an epoch, counted from 0, on ``device``; as many in every epoch.
        after_epoch: Told of each epoch, its mean loss and its seconds: those of the processor on one, else
            those of the clock.
        device: Where to compute.

    Raises:
        WorkFailed: The loss is not finite.
    """
    network.to(device).train()
    module = ClipClassifier(options, len(batches(0)))
    module.set_model(network)
    made = module.configure_optimizers()
    clock = time.process_time if device == "cpu" else time.perf_counter
    for epoch in range(options.epochs):
        given = batches(epoch)  # may be made now; that time is not the network's
        started = clock()
        module.begin_epoch(epoch)
        for number, batch in enumerate(given):
            _step(module, batch, number, made["optimizer"], device)
            made["lr_scheduler"]["scheduler"].step()
        after_epoch(epoch, module.figures()["loss"], clock() - started)


def _step(
    module: ClipClassifier, batch: Batch, number: int, optimizer: torch.optim.Optimizer, device: str
) -> None:
    bf16 = precision_name(module.options.precision, device) == "bf16"
    optimizer.zero_grad()
    with torch.autocast(torch.device(device).type, torch.bfloat16) if bf16 else nullcontext():
        loss = module.training_step(batch, number)
    loss.backward()
    if module.options.clip_gradient:
        nn.utils.clip_grad_norm_(module.parameters(), module.options.clip_gradient)
    optimizer.step()
