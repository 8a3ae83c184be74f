"""What the page of one run shows: facts, architecture, classes, and how its search went."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from skelbench.errors import SkelbenchError
from skelbench.figures.architecture import parts_of
from skelbench.figures.search import curves_of
from skelbench.results import journal
from skelbench.results.arrays import of_scores
from skelbench.results.confusion import Confusion
from skelbench.results.record import Record
from skelbench.results.store import ARCHITECTURE, SCORES, TRIALS, Scores

_LEFT_OUT = {
    *("failures", "schema_version", "choices", "plugins", "clip", "fusion", "started_from", "origin"),
    "left_out",
}


def run_data(record: Record, place: Path | None, tell: list[str]) -> dict[str, Any]:
    """A run as plain data for its page.

    Args:
        record: Its record.
        place: Its folder, or the file of its record; None: nothing but the record is known.
        tell: Takes what of the run could not be read, a line each.
    """
    said = record.model_dump(mode="json", exclude=_LEFT_OUT, exclude_none=True)
    found: dict[str, Any] = {"record": said, "command": _command(record)}
    found["parts"] = [part.as_data() for part in parts_of(record.choices)]
    found["yaml"] = _yaml(record, place, tell)
    if record.health is not None:
        found["no_signal"] = record.health.problem
    scores = _beside(place, SCORES, ".npz")
    if scores is not None:
        found["confusion"] = _kept(lambda: _confusion(scores), tell)
    lines = place / TRIALS if place is not None and place.is_dir() else None
    if lines is not None and lines.is_file():
        found["search"] = _kept(lambda: curves_of(journal.read(lines)).as_data(), tell)
    return found


def _kept(make: Any, tell: list[str]) -> Any:
    """What ``make`` gives, None where a damaged file keeps it from that."""
    try:
        return make()
    except SkelbenchError as error:
        tell.append(str(error))
        return None


def _beside(place: Path | None, name: str, ending: str) -> Path | None:
    if place is None:
        return None
    path = place / name if place.is_dir() else place.with_suffix(ending)
    return path if path.is_file() else None


def _command(record: Record) -> str:
    words: Iterable[str] = record.origin.command if record.origin else ()
    return shlex.join(["skelbench", *words]) if words else f"skelbench reproduce {record.run}"


def _yaml(record: Record, place: Path | None, tell: list[str]) -> str:
    path = place / ARCHITECTURE if place is not None and place.is_dir() else None
    if path is not None and path.is_file():
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            tell.append(f"{path}: cannot be read: {error}")
    if not record.choices:
        return ""
    said = {"skelbench": 1, "name": record.model, "space": record.space, "choices": record.choices}
    return str(yaml.safe_dump(said, sort_keys=False, default_flow_style=None, width=100))


def _confusion(path: Path) -> dict[str, Any] | None:
    """None where the labels are not published."""
    scores = of_scores(path, _labelled)
    if scores is None:
        return None
    found = Confusion.of(scores)
    rows, columns = found.counts.nonzero()
    return {
        "classes": len(found.counts),
        "cells": [[int(i), int(j), int(found.counts[i, j])] for i, j in zip(rows, columns, strict=True)],
        "accuracies": [None if a is None else round(a, 2) for a in found.accuracies],
    }


def _labelled(stored: Mapping[str, np.ndarray]) -> Scores | None:
    if "labels" not in stored and "right" in stored:
        return None
    return Scores(stored["ids"], stored["labels"], stored["scores"])
