"""The strip of skeletons: what is written, where bodies and the joints kept stand, what the colours say."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from skelbench.errors import SkelbenchError
from skelbench.figures.frames import ClipChoices, frames, heading, upright
from skelbench.figures.page import COLOURS
from skelbench.host.registry import load_registry

LAYOUT = load_registry().get("layout", "ucla20")
OPTIONS = ("s-1", "s-2", "s-20")
T = 6


def clip(persons: int = 1, length: int = T) -> ClipChoices:
    """Persons who stand upright; the frames take the options in turn."""
    rng = np.random.default_rng(0)
    joints = rng.uniform(-0.1, 0.1, (persons, length, 20, 3)).astype(np.float32)
    joints[..., :, 1] += np.linspace(0, 1, 20)
    joints[..., LAYOUT.torso[3], 0] += 0.5
    gates = np.zeros((persons, 3, length))
    for person in range(persons):
        gates[person, (person + np.arange(length)) % 3, np.arange(length)] = 1
    halves = np.kron(np.eye(2), np.full((10, 1), 0.1))
    return ClipChoices(
        sample="a01_s01_e00_v03",
        actual="carry",
        predicted="doffing",
        gmacs=0.0567,
        options=OPTIONS,
        shares={"s-1": 0.7, "s-2": 0.2, "s-20": 0.1},
        gates=gates,
        joints=joints,
        mixtures={"s-1": np.full((20, 1), 0.05), "s-2": halves},
        layout=LAYOUT,
    )


def drawn(tmp_path: Path, given: ClipChoices) -> str:
    frames(given, tmp_path / "a.svg")
    return (tmp_path / "a.svg").read_text()


def texts(svg: str) -> list[str]:
    root = ElementTree.fromstring(svg)
    return [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]


def dots(svg: str, colour: str) -> list[tuple[float, float]]:
    """Where joints of a colour stand, in the picture."""
    used = re.findall(r'<use xlink:href="\S+" x="(\S+)" y="(\S+)" style="fill: (#\w+)"', svg)
    return [(float(x), float(y)) for x, y, fill in used if fill == colour.lower()]


def test_the_heading_tells_the_clip_its_classes_and_its_cost():
    assert heading(clip()) == "a01_s01_e00_v03: carry, taken for doffing, 0.0567 GMACs"
    assert heading(replace(clip(), predicted="carry", gmacs=None)) == "a01_s01_e00_v03: carry, recognised"


def test_choices_and_shares_are_written(tmp_path):
    written = texts(drawn(tmp_path, clip()))
    assert heading(clip()) in written
    assert [text for text in written if text in OPTIONS] == ["s-1", "s-2", "s-20"] * 2
    assert "s-1: 33% (test split 70%)" in written
    assert "person 0" not in written


def test_each_frame_shows_as_many_joints_as_its_model_works_on(tmp_path):
    svg = drawn(tmp_path, clip())
    assert [len(dots(svg, colour)) for colour in COLOURS[:3]] == [2 * 1, 2 * 2, 2 * 20]


def test_the_joints_kept_stand_where_the_mixture_puts_them(tmp_path):
    """The one joint of a mean stands in the mean of the twenty of the same body."""
    same = clip()
    same.joints[:] = same.joints[:, :1]
    svg = drawn(tmp_path, same)
    one, all20 = np.array(dots(svg, COLOURS[0])), np.array(dots(svg, COLOURS[2]))
    step = one[1, 0] - one[0, 0]
    assert one[0] + (2 * step / 3, 0) == pytest.approx(all20[:20].mean(0), abs=0.01)


def test_models_that_are_fused_have_a_colour_of_their_own_and_all_joints(tmp_path):
    svg = drawn(tmp_path, replace(clip(), gates=np.full((1, 3, T), 1 / 3)))
    assert texts(svg).count("all") == T
    assert [len(dots(svg, colour)) for colour in (*COLOURS[:3], "#555555")] == [0, 0, 0, 20 * T]
    assert "s-1: 100% (test split 70%)" in texts(svg)


def test_each_person_has_a_strip(tmp_path):
    written = texts(drawn(tmp_path, clip(persons=2)))
    assert {"person 0", "person 1"} <= set(written)
    names = [text for text in written if text in OPTIONS]
    assert names == ["s-1", "s-2", "s-20"] * 2 + ["s-2", "s-20", "s-1"] * 2


def test_a_long_clip_shows_every_choice_and_evenly_spread_skeletons(tmp_path):
    svg = drawn(tmp_path, clip(length=60))
    assert sum(text in OPTIONS for text in texts(svg)) == 60
    assert (
        sum(len(dots(svg, colour)) / count for colour, count in zip(COLOURS, (1, 2, 20), strict=False)) == 20
    )
    assert {"0", "59"} <= set(texts(svg))


@pytest.mark.parametrize(("axes", "signs"), [((0, 1, 2), (1, 1)), ((0, 2, 1), (1, -1)), ((2, 0, 1), (1, 1))])
def test_bodies_stand_upright_whatever_axis_is_up(axes, signs):
    given = clip()
    across, up = given.joints[..., 0], given.joints[..., 1]
    turned = np.zeros_like(given.joints)
    turned[..., axes[0]], turned[..., axes[1]] = signs[0] * across, signs[1] * up
    turned[..., axes[2]] = 0.1 * given.joints[..., 2]
    np.testing.assert_allclose(upright(turned, LAYOUT), np.stack([across, up], -1))


def test_a_recording_without_points_is_drawn(tmp_path):
    given = clip()
    assert len(texts(drawn(tmp_path, replace(given, joints=np.zeros_like(given.joints))))) > T


def test_the_same_clip_gives_the_same_bytes(tmp_path):
    assert drawn(tmp_path, clip()) == drawn(tmp_path, clip())


def test_other_forms_are_refused(tmp_path):
    with pytest.raises(SkelbenchError, match=r"'\.gif'"):
        frames(clip(), tmp_path / "a.gif")
