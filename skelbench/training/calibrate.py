"""Statistics of batch normalisation for a network that is evaluated otherwise than it was trained."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from skelbench.training.batches import on_device


@contextmanager
def recalibrated(network: nn.Module, batches: Iterable[Any]) -> Iterator[None]:
    """Within, running statistics are the means over some batches; afterwards they are what they were.

    A supernet's are those of all its candidates together, of which one alone may differ widely.

    Args:
        network: It is in evaluation mode within, and afterwards in the mode that it was in.
        batches: Batches of which the first element are clips, one at least; none are read where nothing
            is normalised.
    """
    training = network.training
    norms = [m for m in network.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    kept = [({name: buffer.clone() for name, buffer in m.named_buffers()}, m.momentum) for m in norms]
    try:
        _measure(network, norms, batches)
        yield
    finally:
        for norm, (buffers, momentum) in zip(norms, kept, strict=True):
            norm.momentum = momentum
            for name, buffer in buffers.items():
                norm.get_buffer(name).copy_(buffer)
        network.train(training)


def _measure(network: nn.Module, norms: list[_BatchNorm], batches: Iterable[Any]) -> None:
    network.eval()
    if not norms:
        return
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over batches
        norm.train()
    device = next(network.parameters()).device
    with torch.no_grad():
        for clips, *_ in on_device(batches, device):
            network(clips)
    network.eval()


@contextmanager
def batch_statistics(network: nn.Module) -> Iterator[None]:
    """Within, batch normalisation takes the statistics of the batch, and running ones stay as they are.

    The rest of the network is in evaluation mode within.

    Args:
        network: Afterwards it is in the mode that it was in.
    """
    training = network.training
    norms = [m for m in network.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    network.eval()
    for norm in norms:
        norm.track_running_stats = False
    kept = [(norm.running_mean, norm.running_var) for norm in norms]
    try:
        for norm in norms:
            norm.running_mean = norm.running_var = None
        yield
    finally:
        for norm, (mean, variance) in zip(norms, kept, strict=True):
            norm.track_running_stats, norm.running_mean, norm.running_var = True, mean, variance
        network.train(training)
