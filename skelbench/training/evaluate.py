"""Scores by sample id: views averaged, streams fused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import nn

from skelbench.errors import DataError
from skelbench.results.store import Scores
from skelbench.training.batches import on_device
from skelbench.training.devices import single_precision


@torch.no_grad()
def top1(model: nn.Module, loader: Iterable[Any]) -> float:
    """Top-1 in percent over single clips, in fp32; the network is left in the mode it was in.

    Raises:
        DataError: There are no clips.
    """
    training, device = model.training, next(model.parameters()).device
    model.eval()
    right, count = torch.zeros((), dtype=torch.int64, device=device), 0
    with single_precision():
        for x, y, _ in on_device(loader, device):
            right += (model(x).argmax(1) == y).sum()
            count += len(y)
    model.train(training)
    if count == 0:
        raise _no_clips()
    return 100.0 * int(right) / count


@torch.no_grad()
def predict(
    model: nn.Module,
    loader: Any,
    device: str = "cpu",
    advance: Callable[[float], None] = lambda batches: None,
) -> Scores:
    """Scores of every recording: the mean of the softmax over its views, in fp32.

    Args:
        model: (N, C, T, V, M) -> (N, classes).
        loader: Batches (x, y, index); ``loader.clips.ids`` names recordings.
        device: Where to compute.
        advance: Told of each batch.

    Raises:
        DataError: There are no clips.
    """
    model.eval().to(device)
    found: list[tuple[torch.Tensor, ...]] = []
    with single_precision():
        for x, y, recording in on_device(loader, torch.device(device)):
            found.append((model(x).float().softmax(1), y, recording))
            advance(1)
    if not found:
        raise _no_clips()
    scores, labels, recordings = (torch.cat(parts).cpu().numpy() for parts in zip(*found, strict=True))
    seen, first, place, views = np.unique(
        recordings, return_index=True, return_inverse=True, return_counts=True
    )
    sums = np.zeros((len(seen), scores.shape[1]))
    np.add.at(sums, place, scores)
    ids = np.asarray(loader.clips.ids)[seen].astype(str)
    return Scores(ids, labels[first].astype(np.int64), (sums / views[:, None]).astype(np.float32))


def _no_clips() -> DataError:
    return DataError("there are no clips to evaluate", remedy="Check the split and train.validation")
