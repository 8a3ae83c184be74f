"""A network of mixed joints on a skeleton that has fewer of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from skelbench.spec.yaml import Path

_KEY = "joints"


def fewer_joints(spec: Mapping[str, Any], count: int) -> dict[Path, Any]:
    """Each number of mixed joints in a spec that is larger than ``count``, with what takes its place.

    Args:
        spec: A spec as plain data: its networks, and the choices of named architectures.
        count: Joints of the skeleton.
    """
    changes: dict[Path, Any] = {}
    labels = set()
    for path, node in _operators(spec, ()):
        given = node[_KEY]
        if isinstance(given, int):
            changes |= {(*path, _KEY): count} if given > count else {}
        elif isinstance(given, Mapping) and isinstance(given.get("value"), Mapping):
            chosen = given["value"]
            values = chosen.get("from")
            if isinstance(values, list) and any(isinstance(one, int) and one > count for one in values):
                labels.add(chosen.get("label"))
                fewer = [min(one, count) if isinstance(one, int) else one for one in values]
                changes[(*path, _KEY, "value", "from")] = list(dict.fromkeys(fewer))
    return changes | dict(_choices(spec.get("architectures"), labels, count))


def _operators(node: Any, path: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Every operator that says a number of joints."""
    if isinstance(node, Mapping):
        if "op" in node and _KEY in node:
            yield path, node
        for key, inner in node.items():
            yield from _operators(inner, (*path, key))
    elif isinstance(node, list):
        for number, inner in enumerate(node):
            yield from _operators(inner, (*path, number))


def _choices(architectures: Any, labels: set[Any], count: int) -> Iterator[tuple[Path, int]]:
    """Choices of named architectures among numbers that have become fewer."""
    for name, given in architectures.items() if isinstance(architectures, Mapping) else ():
        choices = given.get("choices") if isinstance(given, Mapping) else None
        for label, value in choices.items() if isinstance(choices, Mapping) else ():
            if label in labels and isinstance(value, int) and value > count:
                yield ("architectures", name, "choices", label), count
