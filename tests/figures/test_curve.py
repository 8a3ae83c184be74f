"""The curve: what is written in it, in which order points are joined, and that it is drawn the same again."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelbench.errors import RunFolderError, SkelbenchError
from skelbench.figures.curve import Point, curve, in_order
from skelbench.figures.page import page

POINTS = [
    Point("sgn", "sm1-20", 0.066, 92.0),
    Point("sgn", "sm1-1", 0.0097, 78.7, 1.5),
    Point("sgn", "sm1-9", 0.033, 88.2),
    Point("esan", "esan", 0.275, 91.8),
]


def texts(path: Path) -> list[str]:
    """The texts of an SVG, which must be well-formed."""
    root = ElementTree.parse(path).getroot()
    return [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]


def joined(path: Path) -> list[np.ndarray]:
    """The corners of the lines of series, in pixels, each (n, 2)."""
    found = re.findall(r'<path d="([^"]*)" clip-path[^>]*stroke-width: 1\.2', path.read_text())
    lines = [np.array(re.findall(r"[ML] (\S+) (\S+)", line), float) for line in found]
    return [line for line in lines if len(line) > 2]


def test_every_network_and_every_series_is_named(tmp_path):
    curve(POINTS, tmp_path / "a.svg", title="ucla, xview, joint")
    written = texts(tmp_path / "a.svg")
    for text in (
        "sm1-1",
        "sm1-9",
        "sm1-20",
        "esan",
        "sgn",
        "ucla, xview, joint",
        "GMACs of a clip",
        "top-1 (%)",
    ):
        assert text in written


def test_a_series_is_joined_from_the_cheapest_to_the_dearest(tmp_path):
    curve(POINTS, tmp_path / "a.svg")
    (line,) = joined(tmp_path / "a.svg")
    assert len(line) == 3
    assert (np.diff(line[:, 0]) > 0).all()
    assert (np.diff(line[:, 1]) < 0).all()  # pixels count downwards, and the dearer ones are better


def test_costs_that_differ_much_get_a_logarithmic_axis(tmp_path):
    def ends(dearest):
        gmacs = [0.1, 0.2, dearest]
        curve([Point("a", str(g), g, 50.0) for g in gmacs], tmp_path / "a.svg")
        x = joined(tmp_path / "a.svg")[0][:, 0]
        return (x[1] - x[0]) / (x[2] - x[0])

    assert ends(0.9) == pytest.approx(0.1 / 0.8, abs=1e-4)
    assert ends(1.6) == pytest.approx(np.log(2) / np.log(16), abs=1e-4)


def test_only_several_seeds_have_an_error_bar(tmp_path):
    """The axis makes room for it, so that its ends can be read."""

    def ticks(std):
        curve([Point("a", "x", 1, 90.0, std), Point("a", "y", 2, 91.0)], tmp_path / "a.svg")
        return {text for text in texts(tmp_path / "a.svg") if re.fullmatch(r"[\d.]+", text)}

    assert {"86", "94"} <= ticks(5.0)
    assert not {"86", "94"} & ticks(None)


def test_labels_do_not_cover_each_other(tmp_path):
    """Of four points in one spot and one far from them."""
    crowd = [Point("a", f"network {i}", 0.5 + 0.002 * i, 90.0 + 0.2 * (i % 2)) for i in range(4)]
    curve([*crowd, Point("a", "far", 1.0, 50.0)], tmp_path / "a.svg")
    boxes = [left_end(tmp_path / "a.svg", point.label) for point in crowd]
    for one in range(4):
        for other in range(one):
            apart = np.abs(np.subtract(boxes[one], boxes[other])) > (34, 7)  # the size of such a text
            assert apart.any(), (boxes[one], boxes[other])


def left_end(path: Path, label: str) -> tuple[float, float]:
    """Where a label begins, in points."""
    root = ElementTree.parse(path).getroot()
    (text,) = (e for e in root.iter("{http://www.w3.org/2000/svg}text") if e.text == label)
    found = re.search(r"text-anchor: (\w+)", text.get("style", ""))
    shift = {"middle": -17, "end": -34}.get(found[1] if found else "", 0)
    return float(text.get("x", "nan")) + shift, float(text.get("y", "nan"))


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_the_same_points_give_the_same_bytes_whatever_their_order_and_the_users_settings(tmp_path, ending):
    import matplotlib

    first, second = tmp_path / f"a.{ending}", tmp_path / f"b.{ending}"
    curve(POINTS, first)
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "black", "svg.fonttype": "path"}):
        curve(POINTS[::-1], second)
        assert matplotlib.rcParams["font.size"] == 20, "settings of others are left alone"
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes()[:5] in (b"<?xml", b"\x89PNG\r")


def test_a_name_with_dollars_stands_as_it_is(tmp_path):
    curve([Point("a", "x$_1$<&", 1.0, 50.0)], tmp_path / "a.svg")
    assert "x$_1$<&" in texts(tmp_path / "a.svg")


def test_nothing_to_draw(tmp_path):
    with pytest.raises(SkelbenchError, match="no point"):
        curve([], tmp_path / "a.svg")


@pytest.mark.parametrize(
    ("name", "told"), [("a.eps", "'.eps'"), ("a", "ending is missing"), ("a.SVG", "SVG")]
)
def test_other_forms_are_refused(tmp_path, name, told):
    with pytest.raises(SkelbenchError, match=told) as raised:
        curve(POINTS, tmp_path / name)
    assert raised.value.problems[0].remedy == "Let the name end in .svg, .png or .pdf"
    assert not list(tmp_path.iterdir())


def test_without_matplotlib_the_remedy_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(SkelbenchError, match="matplotlib") as raised:
        curve(POINTS, tmp_path / "a.svg")
    assert "pip install 'skelbench[plots]'" in raised.value.problems[0].remedy


def test_a_drawing_that_fails_leaves_the_old_picture(tmp_path):
    path = tmp_path / "a.svg"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), page(path, 2, 2):
        raise ZeroDivisionError
    assert [p.name for p in tmp_path.iterdir()] == ["a.svg"]
    assert path.read_text() == "old"


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match="cannot write"):
        curve(POINTS, tmp_path / "file" / "a.svg")


@given(
    st.lists(
        st.builds(
            Point, st.sampled_from("ab"), st.text("xy", max_size=2), st.floats(0, 9), st.floats(0, 100)
        ),
        max_size=6,
    ).flatmap(lambda points: st.tuples(st.just(points), st.permutations(points)))
)
def test_the_order_is_that_of_series_and_cost(pair):
    points, shuffled = pair
    ordered = in_order(points)
    assert ordered == in_order(shuffled)
    assert [(p.series, p.gmacs) for p in ordered] == sorted((p.series, p.gmacs) for p in points)
