"""A skeleton that somebody writes down is a tree of their joints, or is refused with what is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from skelbench.layouts import LayoutOptions

STAR = {"joints": ["hip", "head", "left", "right"], "bones": [["hip", "head"], ["left", "hip"], ["hip", 3]]}


def layout(**changes: Any) -> Any:
    return LayoutOptions.model_validate({**STAR, **changes}).layout()


def test_bones_point_to_the_root_whichever_way_they_are_written() -> None:
    assert layout().root == 0
    assert layout().inward == ((1, 0), (2, 0), (3, 0))
    assert layout(root="head").inward == ((0, 1), (2, 0), (3, 0))
    assert layout(root=2).root == 2


def test_joints_may_be_counted() -> None:
    found = layout(joints=3, bones=[[0, 1], [1, 2]])
    assert found.joints == ("joint 0", "joint 1", "joint 2")
    assert found.root == 1


def test_a_torso_is_wanted_of_nobody() -> None:
    assert layout().torso is None
    assert layout(torso=["hip", "head", "left", 3]).torso == (0, 1, 2, 3)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"bones": [["hip", "head"], ["left", "hip"]]}, "no bone leads from '.*' to the others"),
        ({"bones": [*STAR["bones"], ["left", "right"]]}, "4 joints are connected by 3 bones, not 4"),
        ({"bones": [*STAR["bones"], ["head", "hip"]]}, "stands there twice"),
        ({"bones": [["hip", "hip"]]}, "is none"),
        ({"bones": [["hip", "hed"]]}, "there is no joint 'hed'"),
        ({"bones": [["hip", 4]]}, "there is no joint '4'"),
        ({"bones": [["hip", True]]}, "there is no joint|valid"),
        ({"joints": ["a", "a"]}, "names of their own"),
        ({"joints": []}, "names of their own"),
        ({"joints": 10**9}, "less than or equal to 1000"),
        ({"root": "tail"}, "there is no joint 'tail'"),
        ({"torso": ["hip", "head", "left"]}, "torso"),
    ],
)
def test_what_is_no_tree_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        layout(**changes)


@given(st.lists(st.integers(0, 10**6), max_size=30), st.randoms(use_true_random=False))
def test_any_tree_hangs_on_its_root(parents: list[int], chance: Any) -> None:
    bones = [[child, parent % child] for child, parent in enumerate(parents, 1)]
    chance.shuffle(bones)
    found = layout(joints=len(parents) + 1, bones=[bone[:: chance.choice((1, -1))] for bone in bones])
    above = dict(found.inward)
    assert sorted([*above, found.root]) == list(range(len(parents) + 1))
    for joint in above:
        steps = 0
        while joint != found.root:
            joint, steps = above[joint], steps + 1
            assert steps <= len(parents)
