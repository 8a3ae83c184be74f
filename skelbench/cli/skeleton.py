"""A skeleton in text: joints in order, bones, root, torso, and the tree that they make."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from skelbench.components import Layout

_TORSO = ("hip", "spine", "left shoulder", "right shoulder")
_PER_LINE = 4


def facts(layout: Layout) -> dict[str, Any]:
    """Joints, bones, root and torso by name, as a spec would have them."""
    names = layout.joints
    torso = None if layout.torso is None else [names[joint] for joint in layout.torso]
    bones = [[names[child], names[parent]] for child, parent in layout.inward]
    return {"joints": list(names), "bones": bones, "root": names[layout.root], "torso": torso}


def drawn(layout: Layout) -> list[str]:
    """Lines that say all of a skeleton and draw it."""
    names, width = layout.joints, max(map(len, layout.joints)) + 5
    cells = [f"{number:>3} {name}" for number, name in enumerate(names)]
    rows = [cells[start : start + _PER_LINE] for start in range(0, len(cells), _PER_LINE)]
    lines = ["Joints, in the order of the recordings"]
    lines += ["".join(cell.ljust(width + 1) for cell in row).rstrip() for row in rows]
    torso = (
        "not known"
        if layout.torso is None
        else ", ".join(f"{what} {names[joint]}" for what, joint in zip(_TORSO, layout.torso, strict=True))
    )
    lines += [f"Torso: {torso}", f"Bones ({len(layout.inward)}), from the root outwards"]
    return [*lines, f"  {layout.root} {names[layout.root]}", *_branches(layout, layout.root, "  ")]


def _branches(layout: Layout, joint: int, before: str) -> Iterator[str]:
    """The joints that hang on one, each with its own below it."""
    children = sorted(child for child, parent in layout.inward if parent == joint)
    for child in children:
        last = child == children[-1]
        yield f"{before}{'└' if last else '├'}─ {child} {layout.joints[child]}"
        yield from _branches(layout, child, before + ("   " if last else "│  "))
