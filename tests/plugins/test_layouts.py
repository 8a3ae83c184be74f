"""The layouts: sides, sizes and published bones; that they are trees is a matter of the conformance suite."""

from __future__ import annotations

import subprocess
import sys

import pytest
from skelbench_plugins.layouts import LAYOUTS, NTU25


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
class TestLayout:
    def test_torso_has_left_shoulder_before_right(self, layout):
        if layout.name != "shrec22":
            assert [layout.joints[j] for j in layout.torso[2:]] == ["left_shoulder", "right_shoulder"]

    def test_is_registered(self, layout, skelbench_registry):
        assert skelbench_registry.get("layout", layout.name) is layout


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_a_layout_is_named_after_its_number_of_joints(layout):
    assert layout.name.endswith(str(len(layout.joints)))


def test_ntu_bones_are_the_published_ones():
    published = (
        "1-2 2-21 3-21 4-3 5-21 6-5 7-6 8-7 9-21 10-9 11-10 12-11 13-1 14-13 15-14 16-15 17-1 18-17 "
        "19-18 20-19 22-23 23-8 24-25 25-12"
    )
    pairs = [tuple(int(joint) - 1 for joint in pair.split("-")) for pair in published.split()]
    assert list(NTU25.inward) == pairs


def test_registering_components_loads_no_torch():
    code = (
        "import sys, skelbench_plugins.layouts, skelbench_plugins.graphs, skelbench_plugins.operators;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
