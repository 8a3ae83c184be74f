"""Scores without torch: rated by metrics, fused by sample id."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from skelbench.errors import DataError, WorkFailed
from skelbench.results.record_parts import FusedOf
from skelbench.results.store import Scores

Rate = Callable[[np.ndarray, np.ndarray], float]
_EXAMPLES = 3
_LEAST = 1e-38
"""A probability that single precision has rounded to 0 has a logarithm all the same."""


def rate(scores: Scores, metrics: Mapping[str, Rate]) -> dict[str, float]:
    """Every metric's figure, by name.

    Args:
        scores: What to rate.
        metrics: Name -> ``metric(scores (n, classes), labels (n,))`` in percent.

    Raises:
        WorkFailed: A metric gave something else than a number.
    """
    figures = {}
    for name, metric in metrics.items():
        value = metric(scores.scores, scores.labels)
        try:
            figures[name] = float(value)
        except (TypeError, ValueError) as error:
            raise WorkFailed(f"metric '{name}' gave {reprlib.repr(value)}, which is no number") from error
    return figures


def fuse(
    parts: Sequence[Scores], weights: Sequence[float] | None = None, of: FusedOf = "probabilities"
) -> Scores:
    """The weighted mean of several networks' class probabilities or logits, joined by sample id.

    Two-stream networks add the softmax scores of their streams (Shi et al., CVPR 2019, 2s-AGCN);
    dividing by the sum of the weights keeps them probabilities and changes no ranking. Others add what comes
    before the softmax (Chen et al., ICCV 2021, CTR-GCN, released code). The logarithm of a probability is
    that but for a number that all classes of a recording share; of several views it is the logarithm of
    their mean.

    Args:
        parts: Scores of the same recordings, each in any order.
        weights: One for each part, not negative, not all zero; None for equal ones.
        of: What is added up.

    Returns:
        Probabilities in the order of their sample ids, float32.

    Raises:
        DataError: The parts hold different recordings, labels or classes, or the weights do not fit.
    """
    share = shares(len(parts), weights)
    ordered = aligned(parts)
    first = ordered[0]
    total = np.zeros(first.scores.shape, dtype=np.float64)
    for part, weight in zip(ordered, share, strict=True):
        given = part.scores.astype(np.float64)
        total += weight * (given if of == "probabilities" else np.log(np.maximum(given, _LEAST)))
    if of == "logits":
        total = np.exp(total - total.max(axis=1, keepdims=True))
        total /= total.sum(axis=1, keepdims=True)
    return Scores(first.ids, first.labels, total.astype(np.float32))


def aligned(parts: Sequence[Scores]) -> list[Scores]:
    """The scores of several networks, each in the order of the sample ids.

    Raises:
        DataError: They hold different recordings, labels or classes.
    """
    ordered = [_by_id(part) for part in parts]
    for number, part in enumerate(ordered[1:], start=2):
        _check_same(ordered[0], part, number)
    return ordered


def shares(count: int, weights: Sequence[float] | None = None) -> list[float]:
    """Each part's share of a fusion: the weights divided by their sum.

    Args:
        count: Number of parts.
        weights: One for each part, not negative, not all zero; None for equal ones.

    Raises:
        DataError: There is no part, or the weights do not fit.
    """
    share = np.asarray([1.0] * count if weights is None else weights, dtype=np.float64)
    if count == 0:
        raise DataError("there are no scores to fuse")
    if len(share) != count:
        raise DataError(f"{len(share)} weights for {count} sets of scores", remedy="Give one weight for each")
    if not np.isfinite(share).all() or (share < 0).any() or share.sum() == 0:
        listed = ", ".join(f"{weight:g}" for weight in share)
        raise DataError(f"the weights {listed} cannot be used", remedy="Give numbers >= 0, not all zero")
    return [float(part) for part in share / share.sum()]


def _by_id(part: Scores) -> Scores:
    order = np.argsort(part.ids)
    return Scores(part.ids[order], part.labels[order], part.scores[order])


def _check_same(first: Scores, part: Scores, number: int) -> None:
    remedy = "Take runs that were evaluated on the same data, protocol and split"
    only = [*np.setdiff1d(first.ids, part.ids), *np.setdiff1d(part.ids, first.ids)]
    if only:
        what = f"{len(only)} recordings are not in both the first and the {number}. set of scores"
        raise DataError(f"{what}, such as {_some(only)}", remedy=remedy)
    differing = first.ids[first.labels != part.labels]
    if len(differing):
        what = f"{len(differing)} recordings have other labels in the {number}. set of scores"
        raise DataError(f"{what}, such as {_some(differing)}", remedy=remedy)
    if first.scores.shape != part.scores.shape:
        counts = f"{first.scores.shape[1]} and {part.scores.shape[1]}"
        raise DataError(f"the first and the {number}. set of scores have {counts} classes", remedy=remedy)


def _some(ids: Sequence[str] | np.ndarray) -> str:
    return ", ".join(str(name) for name in ids[:_EXAMPLES])
