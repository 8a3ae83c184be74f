"""Parts of a body by its bones, for layouts that nobody has grouped by hand."""

from __future__ import annotations

from skelbench.components import Layout

Part = tuple[int, ...]


def body_parts(layout: Layout, count: int) -> tuple[Part, ...]:
    """The joints in so many connected parts of sizes as even as bones allow.

    Beginning with each joint by itself, the smallest two parts that a bone connects become one, those
    farthest from the root first. So hands and feet close up before limbs, and limbs before the trunk.

    Args:
        layout: The skeleton.
        count: How many parts, from 1 to the number of joints.

    Returns:
        Each part's joints, rising; parts in the order of their first joints.
    """
    part = {joint: frozenset([joint]) for joint in range(len(layout.joints))}
    depth = _depths(layout)

    def size(bone: tuple[int, int]) -> tuple[int, int, tuple[int, int]]:
        return len(part[bone[0]] | part[bone[1]]), -depth[bone[0]], bone

    while len(set(part.values())) > count:
        child, parent = min((b for b in layout.inward if part[b[0]] != part[b[1]]), key=size)
        joined = part[child] | part[parent]
        part |= dict.fromkeys(joined, joined)
    return tuple(sorted(tuple(sorted(joints)) for joints in set(part.values())))


def _depths(layout: Layout) -> dict[int, int]:
    """Bones from each joint to the root."""
    parent, found = dict(layout.inward), {}
    for joint in range(len(layout.joints)):
        steps, at = 0, joint
        while at != layout.root:
            at, steps = parent[at], steps + 1
        found[joint] = steps
    return found
