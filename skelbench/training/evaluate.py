"""Answers clip by clip, and scores by sample id with views averaged."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from skelbench.errors import DataError
from skelbench.results.answers import ClipAnswers
from skelbench.results.store import Scores
from skelbench.training.batches import on_device
from skelbench.training.devices import single_precision

Enough = Callable[[int, Callable[[], ClipAnswers]], bool]
"""Of how many clips there are answers, and gives them: whether these are enough."""


@torch.no_grad()
def answers(model: nn.Module, loader: Iterable[Any], enough: Enough | None = None) -> ClipAnswers:
    """The network's answer for each single clip, in fp32; it is left in the mode it was in.

    Args:
        model: (N, ...) -> (N, classes).
        loader: Batches (x, y, index).
        enough: Asked after each batch; once it says so, no more are taken. None: all are.

    Raises:
        DataError: There are no clips.
    """
    training, device = model.training, next(model.parameters()).device
    model.eval()
    try:
        with single_precision():
            found, count = [], 0
            for x, y, _ in on_device(loader, device):
                found.append(_answered(model(x), y))
                count += len(y)
                if enough is not None and enough(count, partial(_joined, found)):
                    break
    finally:
        model.train(training)
    if not any(len(right) for right, _, _ in found):
        raise _no_clips()
    return _joined(found)


def _joined(found: list[tuple[Tensor, Tensor, Tensor]]) -> ClipAnswers:
    right, loss, predicted = (torch.cat(parts).cpu().numpy() for parts in zip(*found, strict=True))
    return ClipAnswers(right, loss, predicted)


def _answered(scores: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    predicted = scores.argmax(1)
    return predicted == labels, cross_entropy(scores.float(), labels, reduction="none"), predicted


def top1(model: nn.Module, loader: Iterable[Any]) -> float:
    """Top-1 in percent over single clips, in fp32; the network is left in the mode it was in.

    Raises:
        DataError: There are no clips.
    """
    return answers(model, loader).top1


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
