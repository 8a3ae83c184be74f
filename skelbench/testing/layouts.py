"""Conformance suite for skeleton layouts: subclass, name the layout, run pytest."""

from __future__ import annotations

import pytest

from skelbench.components import Layout
from skelbench.testing.named import NamedComponent


class LayoutConformance(NamedComponent):
    """What every layout must be: a tree of bones."""

    kind = "layout"

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
        """Hip, spine and both shoulders are different joints of it, where they are known."""
        if component.torso is None:
            pytest.skip("the layout has no torso")
        assert len(set(component.torso)) == 4
        assert all(0 <= joint < len(component.joints) for joint in component.torso)
