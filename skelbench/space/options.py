"""Parts of the node syntax that list what is chosen from: outputs, repetitions, names of options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from skelbench.space.nodes import DepthNode, InputsNode, Node
from skelbench.space.notes import Notes, is_whole
from skelbench.space.place import Here


def read_inputs(notes: Notes, raw: Any, here: Here, before: int) -> Node | None:
    """A choice among earlier outputs of a list, or None where it is at fault.

    Args:
        notes: Takes faults and the decision.
        raw: What stands under ``inputs``.
        here: Where.
        before: How many modules stand before it in the list.
    """
    if not notes.has_keys(raw, here, ("label", "choose", "combine"), ("from",)):
        return None
    sources, choose, combine = raw["from"], raw.get("choose", 1), raw.get("combine", "sum")
    if not isinstance(sources, list) or not sources or not all(is_whole(s, 0, before) for s in sources):
        what = f"'from' lists earlier outputs of this list: 0 (its input) to {before}"
        notes.fault(what, here.into("from"))
    elif len(set(sources)) < len(sources):
        notes.fault("'from' lists an output twice", here.into("from"), "Name each once")
    elif not is_whole(choose, 1, len(sources)):
        notes.fault(f"'choose' is a number from 1 to {len(sources)}", here.into("choose"))
    elif combine not in ("sum", "mean"):
        notes.fault(f"unknown 'combine': '{combine}'", here.into("combine"), "Valid: sum, mean")
    else:
        return notes.decide(InputsNode(notes.label(raw, here), tuple(sources), choose, combine), here)
    return None


def read_depth(
    notes: Notes, raw: Any, here: Here, read: Callable[[Here], Node | None], most: int
) -> Node | None:
    """A searched number of repetitions, or None where it is at fault.

    Args:
        notes: Takes faults and the decision.
        raw: What stands under ``depth``.
        here: Where.
        read: Reads the repeated node at a place.
        most: The most repetitions.
    """
    if not notes.has_keys(raw, here, ("label",), ("of", "from")):
        return None
    counts = raw["from"]
    whole = isinstance(counts, list) and all(is_whole(count, 0, most) for count in counts)
    if not whole or not counts or sorted(set(counts)) != counts or counts[-1] < 1:
        notes.fault("'from' lists numbers of repetitions, rising, the last at least 1", here.into("from"))
        return None
    steps = [read(here.into("of").named(k + 1)) for k in range(counts[-1])]
    repetitions = tuple(step for step in steps if step is not None)
    return notes.decide(DepthNode(notes.label(raw, here), tuple(counts), repetitions), here)


def read_values(notes: Notes, raw: Any, here: Here) -> list[Any]:
    """The words or numbers that a parameter is chosen from; none where they are at fault.

    Args:
        notes: Takes faults.
        raw: What stands under ``value``.
        here: Where.
    """
    if not notes.has_keys(raw, here, ("label",), ("from",)):
        return []
    values = raw["from"]
    if not isinstance(values, list) or not values or any(isinstance(v, list | dict) for v in values):
        notes.fault("'from' lists the values to choose from, each a word or a number", here.into("from"))
        return []
    if len(set(values)) < len(values):
        notes.fault("'from' lists a value twice", here.into("from"), "Name each once")
        return []
    return list(values)


def option_names(given: list[Any]) -> list[str]:
    """Names of unnamed options: the component's name or the form, numbered where it comes again."""
    names: list[str] = []
    for item in given:
        stem = _stem(item)
        same = sum(name.partition("#")[0] == stem for name in names)
        names.append(f"{stem}#{same + 1}" if same else stem)
    return names


def _stem(item: Any) -> str:
    if isinstance(item, dict):
        return str(item["op"]) if "op" in item else str(next(iter(item), "module"))
    return "list" if isinstance(item, list) else str(item)
