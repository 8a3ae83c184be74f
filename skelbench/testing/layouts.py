"""Conformance suite for skeleton layouts: subclass, name the layout, run pytest."""

from __future__ import annotations

from typing import ClassVar

import pytest

from skelbench.components import Layout
from skelbench.registry import Registry


class LayoutConformance:
    """What every layout must be: a tree of bones.

    Attributes:
        name: The layout's registered name.
    """

    name: ClassVar[str] = ""

    @pytest.fixture
    def component(self, skelbench_registry: Registry) -> Layout:
        """The layout under test."""
        found: Layout = skelbench_registry.get("layout", self.name)
        return found

    def test_it_says_what_it_is(self, component: Layout) -> None:
        """There is a summary."""
        assert component.summary, "lists and help show the summary"

    def test_joints_have_names_of_their_own(self, component: Layout) -> None:
        """No two joints have one name, and none is without."""
        assert all(component.joints)
        assert len(set(component.joints)) == len(component.joints)

    def test_every_joint_but_the_root_has_one_parent(self, component: Layout) -> None:
        """A bone for each of them and none for the root."""
        children = [child for child, _ in component.inward]
        others = [joint for joint in range(len(component.joints)) if joint != component.root]
        assert 0 <= component.root < len(component.joints)
        assert sorted(children) == others

    def test_every_joint_reaches_the_root(self, component: Layout) -> None:
        """Bones lead to the root and not around."""
        parent = dict(component.inward)
        for joint in range(len(component.joints)):
            steps = 0
            while joint != component.root:
                joint, steps = parent[joint], steps + 1
                assert steps < len(component.joints), "a cycle"

    def test_the_torso_is_four_joints(self, component: Layout) -> None:
        """Hip, spine and both shoulders are different joints of it."""
        assert len(set(component.torso)) == 4
        assert all(0 <= joint < len(component.joints) for joint in component.torso)
