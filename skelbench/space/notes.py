"""What is noted while a network is expanded: problems, and which decision each label stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from skelbench.errors import Problem, did_you_mean
from skelbench.search import Point
from skelbench.space.place import Here
from skelbench.space.tree import Open, point_of
from skelbench.spec.yaml import Marks

_Node = TypeVar("_Node", bound=Open)


class Notes:
    """Gathers problems and labels.

    Args:
        marks: Places in the spec.

    Attributes:
        problems: What is wrong so far.
        places: Label -> the first place that uses it.
    """

    def __init__(self, marks: Marks) -> None:
        self.problems: list[Problem] = []
        self.places: dict[str, str] = {}
        self.marks = marks
        self._points: dict[str, Point] = {}

    def fault(self, what: str, here: Here, remedy: str = "") -> None:
        """Note a problem once."""
        problem = Problem(what, self.marks.at(here.path), remedy)
        if problem not in self.problems:  # one line may be expanded many times
            self.problems.append(problem)

    def label(self, raw: Mapping[str, Any], here: Here) -> str:
        """The label in ``raw``, or one made of the place."""
        label = raw.get("label", here.name)
        if not isinstance(label, str) or not label or "/" in label:
            self.fault(f"a label is a word without '/', not {label!r}", here.into("label"))
            return here.name
        if "{i}" in label and not here.block:
            self.fault(
                "'{i}' is the number of a block and has no meaning outside the body", here.into("label")
            )
        filled = label.replace("{i}", str(here.block))
        if "{" in filled or "}" in filled:
            self.fault(f"only '{{i}}' can be filled in, not all of '{label}'", here.into("label"))
        return filled

    def decide(self, node: _Node, here: Here) -> _Node:
        """Note the decision of ``node``; its label may stand for no other."""
        point = point_of(node)
        other = self._points.setdefault(node.label, point)
        first = self.places.setdefault(node.label, self.marks.at(here.path))
        if other != point:
            what = f"the label '{node.label}' stands for another decision at {first}"
            self.fault(what, here, "Give the two different labels, or the same options")
        return node

    def whole(
        self, raw: Mapping[str, Any], key: str, here: Here, default: int | None, low: int, high: int
    ) -> int | None:
        """The number under ``key``, or None where there is none from ``low`` to ``high``."""
        value = raw.get(key, default)
        if is_whole(value, low, high):
            return int(value)
        self.fault(f"'{key}' is a number from {low} to {high}, not {value!r}", here.into(key))
        return None

    def has_keys(self, raw: Any, here: Here, optional: tuple[str, ...], required: tuple[str, ...]) -> bool:
        """Whether ``raw`` is a mapping of these keys."""
        if not isinstance(raw, dict):
            self.fault(f"a mapping with {', '.join(required)} is wanted here", here)
            return False
        unknown = [key for key in raw if key not in (*optional, *required)]
        for key in unknown:
            self.fault(f"unknown key '{key}'", here.into(key), did_you_mean(key, (*optional, *required)))
        missing = [key for key in required if key not in raw]
        for key in missing:
            self.fault(f"the key '{key}' is missing", here, f"Add '{key}'")
        return not unknown and not missing


def is_whole(value: Any, low: int, high: int) -> bool:
    """Whether ``value`` is a whole number from ``low`` to ``high``."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
