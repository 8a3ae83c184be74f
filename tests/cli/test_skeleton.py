"""`skelbench list layout NAME` says all of a skeleton and draws it."""

from __future__ import annotations

import json

import pytest
from skelbench_plugins.layouts import LAYOUTS
from typer.testing import CliRunner

from skelbench.cli.app import app
from skelbench.cli.skeleton import drawn, facts
from skelbench.components import Layout
from skelbench.layouts import LayoutOptions

TREE = LayoutOptions(joints=("a", "b", "c", "d"), bones=(("b", "a"), ("c", "b"), ("d", "a")), root="a")


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda one: one.name)
def test_every_joint_stands_in_the_list_and_in_the_drawing(layout: Layout) -> None:
    text = drawn(layout)
    tree = text[text.index(f"Bones ({len(layout.inward)}), from the root outwards") + 1 :]
    assert sorted(line.split()[-1] for line in tree) == sorted(layout.joints)
    for number, name in enumerate(layout.joints):
        assert f"{number} {name}" in "\n".join(text[: -len(tree)])


def test_a_tree_is_drawn_from_its_root() -> None:
    assert drawn(TREE.layout())[-4:] == ["  0 a", "  ├─ 1 b", "  │  └─ 2 c", "  └─ 3 d"]
    assert "Torso: not known" in drawn(TREE.layout())


def test_the_facts_are_a_layout_again() -> None:
    for layout in LAYOUTS:
        again = LayoutOptions(**facts(layout)).layout()
        assert set(again.inward) == set(layout.inward)
        assert (again.root, again.torso, again.joints) == (layout.root, layout.torso, layout.joints)


def test_the_command_shows_it_with_a_spec_that_uses_it() -> None:
    shown = CliRunner().invoke(app, ["list", "layout", "coco17"])
    assert "Torso: hip left_hip, spine nose" in shown.stdout
    assert "layout: coco17" in shown.stdout
    found = json.loads(CliRunner().invoke(app, ["list", "layout", "coco17", "--json"]).stdout)
    assert found["root"] == "nose"
    assert len(found["bones"]) == 16
