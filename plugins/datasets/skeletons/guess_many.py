"""What a file of many recordings says of their form; guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .arrays import CTR_GCN, PART, WHO, X, Y
from .guess_form import FormGuess, of_shape
from .params import SCORE
from .pyskl import split_names


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
    splits = split_names(content)
    if len(splits) > 1:
        guess.values["split"] = {"name": splits[0]}
        guess.doubts.append(f"split: one of {', '.join(splits)}")
    return guess


def guess_arrays(content: Mapping[str, Any]) -> FormGuess:
    """A pickle of named lists, or the rows of an npz's arrays."""
    guess = FormGuess()
    if set(content) >= CTR_GCN:
        return of_shape(np.shape(content["x_train"])[1:])
    usual = next((name for name in X if name in content), None)
    sizes = {name: np.ndim(_first(value)) for name, value in content.items() if np.ndim(_first(value)) >= 2}
    x = usual or next(iter(sizes), None)
    if x is None:
        guess.doubts.append(f"x: none of {', '.join(content)} looks like coordinates")
        return guess
    found = of_shape(np.shape(_first(content[x])))
    found.values |= {} if usual else {"x": x}
    _performers(found, content)
    if not any(name in content for name in Y):
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


def _performers(guess: FormGuess, content: Mapping[str, Any]) -> None:
    """Name the array of performers, and let folds keep them together."""
    who = next((name for name in WHO if name in content), None)
    if who is None:
        return
    guess.values["who"] = who
    performers = {str(one) for one in content[who]}
    if len(performers) > 1 and not any(name in content for name in PART):
        guess.values["split"] = {"folds": min(5, len(performers))}
        guess.doubts.append(f"split: by {len(performers)} performers; or subjects: [those who train]")


def _first(value: Any) -> Any:
    try:
        return value[0]
    except (IndexError, KeyError, TypeError):
        return 0
