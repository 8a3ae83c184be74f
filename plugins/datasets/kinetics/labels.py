"""The label files of Kinetics-Skeleton: ``kinetics_{train,val}_label.json``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skelbench.errors import DataError

from .poses import CLASSES, NUMBERED

_AGAIN = "Fetch the label file again from the data set's owners"


@dataclass(frozen=True)
class Label:
    """What the owners say about one recording.

    Attributes:
        name: The name of its class.
        index: The 0-based class; anything where nobody was found.
        has_skeleton: Whether anybody was found in it.
    """

    name: str
    index: int
    has_skeleton: bool


def read_labels(path: Path) -> dict[str, Label]:
    """The labels of one part by recording.

    Args:
        path: A JSON object of ``{id: {label, label_index, has_skeleton}}``.

    Raises:
        DataError: The file is missing, damaged, or has an entry of another form.
    """
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise DataError(
            "the label file is missing", where=path, remedy="Put the owners' file beside the folder"
        ) from error
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=path) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"truncated or malformed label file ({error})", where=path, remedy=_AGAIN) from error
    if not isinstance(content, Mapping) or not content:
        raise DataError("holds no labels by recording", where=path, remedy=_AGAIN)
    return {name: _label(name, entry, path) for name, entry in content.items()}


def class_names(labels: Iterable[Label], where: Path) -> tuple[str, ...]:
    """The name of each class, numbered where no recording with a skeleton tells it.

    Raises:
        DataError: Two names stand for one class.
    """
    told: dict[int, str] = {}
    for label in labels:
        if label.has_skeleton and told.setdefault(label.index, label.name) != label.name:
            raise DataError(
                f"class {label.index} is both '{told[label.index]}' and '{label.name}'",
                where=where,
                remedy="Give label files of one release",
            )
    return tuple(told.get(number, numbered) for number, numbered in enumerate(NUMBERED))


def _label(name: str, entry: Any, path: Path) -> Label:
    found: Mapping[str, Any] = entry if isinstance(entry, Mapping) else {}
    text, index, seen = (found.get(key) for key in ("label", "label_index", "has_skeleton"))
    # A recording that is not used needs no class.
    if (
        isinstance(text, str)
        and type(index) is int
        and isinstance(seen, bool)
        and (not seen or 0 <= index < CLASSES)
    ):
        return Label(text, index, seen)
    raise DataError(
        f"the entry of '{name}' is not (label, label_index 0..{CLASSES - 1}, has_skeleton)",
        where=path,
        remedy=_AGAIN,
    )
