"""Skeletons written down as data: what a spec, a file or a data set's parameters say of a layout."""

from __future__ import annotations

from collections import deque
from typing import Annotated, Any

from pydantic import Field, model_validator

from skelbench.components import Layout
from skelbench.recipe import Options

JointName = str | int
"""A joint by its name, or by its place in the list, from 0."""


class LayoutOptions(Options):
    """A skeleton of one's own.

    Attributes:
        name: What to call it.
        joints: Joint names in the order of the recordings, or how many there are.
        bones: Pairs of joints that are connected, by name or number, in any order: a tree.
        root: The joint that all bones lead to; None: the one in the middle of the tree.
        torso: Hip, spine, left and right shoulder, where a pre-processing needs them.
    """

    name: str = "own"
    joints: tuple[str, ...] | Annotated[int, Field(gt=0, le=1000)]
    bones: tuple[tuple[JointName, JointName], ...]
    root: JointName | None = None
    torso: tuple[JointName, JointName, JointName, JointName] | None = None

    @model_validator(mode="after")
    def _is_a_tree(self) -> LayoutOptions:
        self.layout()
        return self

    def layout(self, summary: str = "") -> Layout:
        """The skeleton, its bones pointing to the root, for the list of layouts with a ``summary``.

        Raises:
            ValueError: A joint is unknown, or the bones are no tree of all joints.
        """
        names = self._names()
        if not names or not all(names) or len(set(names)) < len(names):
            raise ValueError("joints have names of their own")
        near: list[set[int]] = [set() for _ in names]
        for one, other in self.bones:
            a, b = self._number(one), self._number(other)
            if a == b or b in near[a]:
                raise ValueError(f"the bone between '{one}' and '{other}' is none, or stands there twice")
            near[a].add(b)
            near[b].add(a)
        root = _middle(near) if self.root is None else self._number(self.root)
        parent = _walk(near, root)
        alone = [name for number, name in enumerate(names) if number not in parent]
        if alone:
            raise ValueError(f"no bone leads from '{alone[0]}' to the others")
        if len(self.bones) != len(names) - 1:
            raise ValueError(
                f"{len(names)} joints are connected by {len(names) - 1} bones, not {len(self.bones)}"
            )
        torso = self.torso and tuple(self._number(joint) for joint in self.torso)
        inward = tuple((child, above) for child, above in sorted(parent.items()) if child != root)
        shape: dict[str, Any] = {"joints": names, "inward": inward, "root": root, "torso": torso}
        return Layout(name=self.name, summary=summary, **shape)

    def _names(self) -> tuple[str, ...]:
        if isinstance(self.joints, tuple):
            return self.joints
        return tuple(f"joint {number}" for number in range(self.joints))

    def _number(self, joint: JointName) -> int:
        names = self._names()
        if isinstance(joint, str) and joint in names:
            return names.index(joint)
        if isinstance(joint, int) and not isinstance(joint, bool) and 0 <= joint < len(names):
            return joint
        raise ValueError(
            f"there is no joint '{joint}': name one of 'joints', or a number from 0 to {len(names) - 1}"
        )


def _walk(near: list[set[int]], start: int) -> dict[int, int]:
    """Every joint that can be reached, in the order of distance, and the one before it on the way."""
    parent, queue = {start: start}, deque([start])
    while queue:
        joint = queue.popleft()
        for other in sorted(near[joint] - parent.keys()):
            parent[other] = joint
            queue.append(other)
    return parent


def _middle(near: list[set[int]]) -> int:
    """The joint from which the farthest is nearest; of several the one with most bones, then the first."""

    def depth(start: int) -> int:
        steps = {start: 0}
        for joint, above in _walk(near, start).items():
            steps[joint] = steps[above] + (joint != start)
        return max(steps.values())

    return min(range(len(near)), key=lambda joint: (depth(joint), -len(near[joint]), joint))
