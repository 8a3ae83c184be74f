"""Scores by sample id: views averaged, streams fused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import nn

from skelbench.errors import DataError
from skelbench.results.store import Scores


@torch.no_grad()
def top1(model: nn.Module, loader: Iterable[Any]) -> float:
    """Top-1 in percent over single clips, in fp32; the network is left in the mode it was in.

    Raises:
        DataError: There are no clips.
    """
    training, device = model.training, next(model.parameters()).device
    model.eval()
    right = count = 0
    for x, y, _ in loader:
        right += int((model(x.to(device)).argmax(1).cpu() == y).sum())
        count += len(y)
    model.train(training)
    if count == 0:
        raise _no_clips()
    return 100.0 * right / count


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
    sums: dict[int, np.ndarray] = {}
    views: dict[int, int] = {}
    labels: dict[int, int] = {}
    for x, y, index in loader:
        scores = model(x.to(device)).float().softmax(1).cpu().numpy().astype(np.float64)
        for row, label, recording in zip(scores, y.tolist(), index.tolist(), strict=True):
            sums[recording] = sums.get(recording, 0.0) + row
            views[recording] = views.get(recording, 0) + 1
            labels[recording] = label
        advance(1)
    if not sums:
        raise _no_clips()
    order = sorted(sums)
    means = np.stack([sums[i] / views[i] for i in order]).astype(np.float32)
    ids = np.asarray(loader.clips.ids)[order].astype(str)
    return Scores(ids, np.array([labels[i] for i in order], dtype=np.int64), means)


def _no_clips() -> DataError:
    return DataError("there are no clips to evaluate", remedy="Check the split and train.validation")
