"""What a file of many recordings says of their form; guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from . import bundles
from .guess_form import FormGuess, of_shape
from .params import SCORE


def guess_pyskl(content: Any, annotations: Sequence[Mapping[str, Any]]) -> FormGuess:
    """A pyskl pickle."""
    guess, first = FormGuess(), np.shape(annotations[0]["keypoint"])
    names: tuple[str, ...] = tuple("xyz"[: first[-1]])
    scored = all(
        np.shape(one.get("keypoint_score", ())) == np.shape(one["keypoint"])[:3] for one in annotations
    )
    guess.layout(first[-2], first[-1] == 2)
    if scored:
        names = (*names, SCORE)
        guess.doubts.append("channels: key points have scores; take 'score' out to do without")
    guess.channels(names)
    most = max(np.shape(one["keypoint"])[0] for one in annotations)
    guess.values |= {"persons": int(most)} if most > 1 else {}
    splits = bundles.split_names(content)
    if len(splits) > 1:
        guess.values["split"] = {"name": splits[0]}
        guess.doubts.append(f"split: one of {', '.join(splits)}")
    return guess


def guess_arrays(content: Mapping[str, Any]) -> FormGuess:
    """An npz, or a pickle of named lists."""
    guess = FormGuess()
    if {"x_train", "x_test", "y_train", "y_test"} <= set(content):
        return of_shape(np.shape(content["x_train"])[1:])
    usual = next((name for name in bundles.X if name in content), None)
    sizes = {name: np.ndim(_first(value)) for name, value in content.items() if np.ndim(_first(value)) >= 2}
    x = usual or next(iter(sizes), None)
    if x is None:
        guess.doubts.append(f"x: none of {', '.join(content)} looks like coordinates")
        return guess
    found = of_shape(np.shape(_first(content[x])))
    found.values |= {} if usual else {"x": x}
    if not any(name in content for name in bundles.Y):
        flat = [
            n
            for n in content
            if n != x and np.ndim(_first(content[n])) == 0 and len(content[n]) == len(content[x])
        ]
        found.values |= {"y": flat[0]} if flat else {}
        found.doubts.append(
            f"y: {flat[0]} is taken for the classes" if flat else "y: no array of classes was recognised"
        )
    return found


def _first(value: Any) -> Any:
    try:
        return value[0]
    except (IndexError, KeyError, TypeError):
        return 0
