"""Parts of a body by its bones: connected, of even sizes, the same each time."""

from __future__ import annotations

import pytest
from skelbench_plugins.graphs.parts import body_parts
from skelbench_plugins.layouts import KINECT20, LAYOUTS, OPENNI15

from skelbench.components import Layout


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda one: one.name)
@pytest.mark.parametrize("count", [1, 2, 5, 9, 15])
def test_every_joint_is_in_one_connected_part(layout: Layout, count: int) -> None:
    parts = body_parts(layout, count)
    assert len(parts) == count
    assert sorted(joint for part in parts for joint in part) == list(range(len(layout.joints)))
    for part in parts:
        bones = [bone for bone in layout.inward if set(bone) <= set(part)]
        assert len(bones) == len(part) - 1


def test_each_joint_by_itself() -> None:
    assert body_parts(OPENNI15, 15) == tuple((joint,) for joint in range(15))


def test_five_parts_of_a_body_are_its_limbs_and_trunk() -> None:
    named = [{KINECT20.joints[joint] for joint in part} for part in body_parts(KINECT20, 5)]
    for side in ("left", "right"):
        for limb in (("elbow", "wrist", "hand"), ("knee", "ankle", "foot")):
            assert sum({f"{side}_{joint}" for joint in limb} <= part for part in named) == 1, named
