"""Paths through a trellis: the best ones, and what one drawn at random costs.

A trellis is a row of stages with some states each, and weights between the states of neighbouring
stages; a path takes one state of every stage. Searches that relax a path through a supernet, such as the
widths of its stages, decode their weights here. Stages and states count from 0. What cannot be computed is
a `ValueError` that names the stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

ROW_SUM_TOLERANCE = 1e-4
"""How far probabilities may be from a sum of 1; a softmax in single precision is far within."""


@dataclass(frozen=True)
class Path:
    """One path through a trellis.

    Attributes:
        states: The state that it takes in each stage.
        score: The sum of its weights, or in mode ``product`` the natural logarithm of their product,
            which does not vanish over many stages.
    """

    states: tuple[int, ...]
    score: float


def best_paths(
    transitions: Sequence[ArrayLike],
    first: ArrayLike | None = None,
    last: ArrayLike | None = None,
    *,
    mode: Literal["product", "sum"] = "product",
    top: int = 1,
) -> list[Path]:
    """The paths of the largest products or sums of weights, by Viterbi's algorithm (IEEE Trans. IT, 1967).

    Of several paths each state keeps its ``top`` best ways to the end, so that they are exact, too. Sums are
    carried in twice the usual precision: the same weights in another order tie, and of paths that tie the one
    with the lower state in the first stage where they differ comes first.

    Args:
        transitions: For S stages S - 1 matrices; entry [i, j] of matrix s is the weight from state i of stage
            s to state j of stage s + 1.
        first: Weights of the states of stage 0; all alike if left out.
        last: Weights of the states of stage S - 1; all alike if left out.
        mode: ``product`` of weights of 0 or more, 0 forbids; or ``sum`` of any weights, -inf forbids.
        top: How many paths.

    Returns:
        The paths, best first; fewer than ``top`` where fewer are allowed.

    Raises:
        ValueError: There is no stage, no state in a stage or no path that is allowed; matrices do not
            join; weights are NaN, infinite, negative in mode ``product``, or too large to be summed; the mode
            is unknown or ``top`` below 1.
    """
    if mode not in ("product", "sum"):
        raise ValueError(f"unknown mode '{mode}'; the modes are product and sum")
    if top < 1:
        raise ValueError(f"top must be at least 1, not {top}")
    names, matrices = _from_start_to_end(transitions, first, last, 1.0 if mode == "product" else 0.0)
    weights = [_summable(name, matrix, mode) for name, matrix in zip(names, matrices, strict=True)]
    try:
        with np.errstate(over="raise", invalid="ignore"):
            return _viterbi(names, weights, top)
    except FloatingPointError as error:
        raise ValueError(
            "the weights are too large: the sum along a path leaves the range of floats"
        ) from error


def expected_cost(
    probabilities: Sequence[ArrayLike],
    costs_between: Sequence[ArrayLike],
    costs_of: Sequence[ArrayLike],
    first: ArrayLike | None = None,
) -> float:
    """The mean cost of a path drawn state by state, without going through all paths.

    From the last stage to the first, the cost from state i on is
    ``c[i] = costs_of[i] + sum over j of p[i, j] * (costs_between[i, j] + c[j])``: equation 4 of VAR-NAS,
    with a stack of layers for each state and a head layer for each step between states.

    Args:
        probabilities: For S stages S - 1 matrices; entry [i, j] of matrix s is the probability of state j of
            stage s + 1 after state i of stage s. Rows sum to 1.
        costs_between: S - 1 matrices of the same shapes: the cost of the step from i to j.
        costs_of: For each of the S stages the costs of its states.
        first: Probabilities of the states of stage 0, which sum to 1; even if left out.

    Returns:
        The mean, in the unit of the costs.

    Raises:
        ValueError: There is no stage or no state in a stage; shapes do not join; a cost is NaN or
            infinite; probabilities are negative or do not sum to 1.
    """
    stages = len(costs_of)
    if stages == 0:
        raise ValueError("there is no stage: costs_of is empty")
    for name, given in (("probabilities", probabilities), ("costs_between", costs_between)):
        if len(given) != stages - 1:
            raise ValueError(f"{name} holds {len(given)} matrices; costs_of {stages} stages, so {stages - 1}")
    of = [_costs(f"costs_of[{s}] (stage {s})", costs_of[s], None) for s in range(stages)]
    widths = [len(costs) for costs in of]
    if first is None:
        first = np.full(widths[0], 1 / widths[0])
    onward = of[-1]
    for s in reversed(range(stages - 1)):
        shape = (widths[s], widths[s + 1])
        between = _costs(f"costs_between[{s}] ({_step(s)})", costs_between[s], shape)
        p = _probabilities(f"probabilities[{s}] ({_step(s)})", probabilities[s], shape)
        onward = of[s] + (p * (between + onward)).sum(axis=1)
    return float(_probabilities("first (stage 0)", first, (widths[0],)) @ onward)


def _viterbi(names: list[str], weights: list[np.ndarray], top: int) -> list[Path]:
    """From the end to the start, since then the order of states is the order in which ties are broken."""
    high = low = np.zeros((1, 1))
    choices: list[tuple[np.ndarray, np.ndarray]] = []
    for name, weight in zip(reversed(names), reversed(weights), strict=True):
        ranks = high.shape[1]
        sums = _add(high, low, weight[:, :, None])
        high, low = (part.reshape(len(weight), -1) for part in sums)
        order = _order(high, low, top)
        high, low = np.take_along_axis(high, order, axis=1), np.take_along_axis(low, order, axis=1)
        if high.max() == -np.inf:
            raise ValueError(f"no path is allowed: {name} leaves no way to the end")
        choices.append((order // ranks, order % ranks))
    scores = high[0][high[0] > -np.inf]
    state, rank = np.zeros(len(scores), dtype=int), np.arange(len(scores))
    stages = []
    for states, ranks_there in reversed(choices[1:]):
        state, rank = states[state, rank], ranks_there[state, rank]
        stages.append(state)
    paths = np.stack(stages, axis=1).tolist()
    return [Path(tuple(path), score) for path, score in zip(paths, scores.tolist(), strict=True)]


def _add(high: np.ndarray, low: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``high + low + weight`` as a float and the rest that it does not hold (Knuth's TwoSum)."""
    total = high + weight
    part = total - high
    rest = (high - (total - part)) + (weight - part) + low
    rest = np.where(np.isfinite(total), rest, 0.0)
    rounded = total + rest
    return rounded, np.where(np.isfinite(total), rest - (rounded - total), 0.0)


def _order(high: np.ndarray, low: np.ndarray, top: int) -> np.ndarray:
    """The places of the ``top`` largest sums of each row, the first of equal ones first."""
    if top == 1:
        largest = high == high.max(axis=1, keepdims=True)
        return np.where(largest, low, -np.inf).argmax(axis=1)[:, None]
    return np.lexsort((-low, -high), axis=-1)[:, :top]


def _from_start_to_end(
    transitions: Sequence[ArrayLike], first: ArrayLike | None, last: ArrayLike | None, neutral: float
) -> tuple[list[str], list[np.ndarray]]:
    """The weights as S + 1 matrices from one start through every stage to one end, each with its name."""
    inner = [f"transitions[{s}] ({_step(s)})" for s in range(len(transitions))]
    names = ["first (stage 0)", *inner, f"last (stage {len(transitions)})"]
    matrices = [_array(name, matrix, 2) for name, matrix in zip(inner, transitions, strict=True)]
    if first is not None:
        matrices.insert(0, _array(names[0], first, 1)[None, :])
    if last is not None:
        matrices.append(_array(names[-1], last, 1)[:, None])
    if not matrices:
        raise ValueError(
            "there is no stage: without transitions, first or last must give the states of the one"
        )
    if first is None:
        matrices.insert(0, np.full((1, matrices[0].shape[0]), neutral))
    if last is None:
        matrices.append(np.full((matrices[-1].shape[1], 1), neutral))
    for s, (before, after) in enumerate(pairwise(matrices)):
        if before.shape[1] != after.shape[0]:
            raise ValueError(
                f"stage {s} has {before.shape[1]} states in {names[s]} and {after.shape[0]} in {names[s + 1]}"
            )
        if before.shape[1] == 0:
            raise ValueError(f"stage {s} has no states")
    return names, matrices


def _step(stage: int) -> str:
    return f"stage {stage} to {stage + 1}"


def _array(name: str, values: ArrayLike, dimensions: int) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is no array of numbers: {error}") from error
    if array.ndim != dimensions:
        shape = (
            "a matrix, states of a stage x states of the next" if dimensions == 2 else "one number per state"
        )
        raise ValueError(f"{name} must be {shape}; its shape is {array.shape}")
    return array


def _summable(name: str, weights: np.ndarray, mode: str) -> np.ndarray:
    """Weights of which sums are to be compared: as they are, or their logarithms."""
    allowed = weights < np.inf
    if mode == "product":
        allowed &= weights >= 0
    if not allowed.all():
        needed = "0 or more and finite" if mode == "product" else "finite, or -inf"
        raise ValueError(f"{name} has the weight {weights[~allowed][0]}; in mode {mode} it must be {needed}")
    if mode == "sum":
        return weights
    with np.errstate(divide="ignore"):
        return np.log(weights)


def _costs(name: str, values: ArrayLike, shape: tuple[int, ...] | None) -> np.ndarray:
    """Costs of such a shape, or of any number of states."""
    costs = _array(name, values, len(shape or (0,)))
    if costs.size == 0:
        raise ValueError(f"{name} has no states")
    _check_shape(name, costs, shape or costs.shape)
    if not np.isfinite(costs).all():
        raise ValueError(f"{name} has the cost {costs[~np.isfinite(costs)][0]}; costs must be finite")
    return costs


def _probabilities(name: str, values: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    probabilities = _array(name, values, len(shape))
    _check_shape(name, probabilities, shape)
    allowed = probabilities >= 0
    if not allowed.all():
        raise ValueError(f"{name} has the probability {probabilities[~allowed][0]}; it must be 0 or more")
    sums = np.atleast_1d(probabilities.sum(axis=-1))
    wrong = ~(np.abs(sums - 1) <= ROW_SUM_TOLERANCE)
    if wrong.any():
        raise ValueError(f"{name} has probabilities that sum to {sums[wrong][0]:.6g}; they must sum to 1")
    return probabilities


def _check_shape(name: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise ValueError(f"{name} has the shape {array.shape}; by the states in costs_of it must be {shape}")
