"""VAR-NAS's spec: the size of its space, the published network, and R(2+1)D beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from skelbench.check.spec import check_spec
from skelbench.engine.describe import describe_spec
from skelbench.errors import SpecError
from skelbench.host.registry import load_registry
from skelbench.spec.resolve import load_spec

SIZE = 5_836_665_117_072_162_816
"""4^26 * 3*3*4*3*4*3."""
# Frames and rows of the output of each part at 16 x 224 x 224, and its channels.
SHAPES = {
    "body.0": (32, 16, 112),
    "body.1.0": (64, 16, 56),
    "body.1.1": (96, 8, 28),
    "body.1.2": (160, 4, 14),
    "body.1.3": (224, 4, 14),
    "body.1.4": (288, 2, 7),
    "body.1.5": (512, 2, 7),
}


@pytest.fixture(scope="module")
def published():
    return describe_spec("varnas", "varnas-k400")


def test_the_space_has_its_published_size(published):
    assert published["space_size"] == SIZE == 4**26 * 3 * 3 * 4 * 3 * 4 * 3


def test_the_network_of_table_3_costs_what_the_paper_prints(published):
    """15.78 GFLOPs there, which are MACs."""
    assert published["input_shape"] == [1, 3, 16, 224, 224]
    assert (published["params"], published["macs"]) == (31_028_464, 15_791_996_928)
    assert round(published["macs"] / 1e9, 3) == 15.792
    assert abs(published["macs"] / 15.78e9 - 1) < 0.0008


def test_each_stage_has_its_shape(published):
    shapes = {row["name"]: row["output_shape"] for row in published["blocks"]}
    for name, (channels, frames, rows) in SHAPES.items():
        assert shapes[name] == [1, channels, frames, rows, rows], name


def test_r2plus1d_18_has_its_published_size():
    """31.5 M parameters at 400 classes, 40.5 GMACs at 16 x 112 x 112 (as torchvision lists them)."""
    found = describe_spec("varnas", "r2plus1d-18", sets=("data.video.crop=112",))
    assert found["params"] == 31_505_325
    assert found["macs"] == 40_519_080_960


def test_decisions_are_the_widths_and_operators_of_every_stage():
    checked = check_spec(load_spec("varnas"), load_registry())
    points = {point.label: point for point in checked.space.points}
    assert len(points) == 6 + 26
    assert points["stage6.width"].options == (240, 256, 272, 288)
    assert points["stage7.layer1"].options == ("d1", "d2", "d4", "skip")
    betas = sum(
        len(p.options) * len(points[p.under].options if p.under else "1")
        for p in points.values()
        if p.label.endswith("width")
    )
    assert betas == 60


@pytest.mark.parametrize("profile", [None, "quick"])
def test_every_profile_leaves_the_space_as_it_is(profile):
    checked = check_spec(load_spec("varnas", profile=profile), load_registry())
    assert checked.space.size() == SIZE


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ("search.strategy={name: darts}", "strategy 'darts' cannot search a trellis"),
        ("search.strategy={name: random}", "cannot search a trellis ('stage2.width') with shared weights"),
        ("search.network={head: video_pool_linear}", "the search has another network"),
        ("search.strategy.weights=own", "cannot search a trellis ('stage2.width') with own weights"),
        ("network.body.1.trellis.divide=3", "a width of 56 does not divide by 3"),
        ("network.body.1.trellis.stages.stage2.widths=[]", "one at least"),
        ("data={dataset: ucla}", "video"),
        ("data.video.frames=0", "frames"),
    ],
)
def test_what_does_not_fit_is_refused(change, wanted):
    with pytest.raises(SpecError) as caught:
        check_spec(load_spec("varnas", sets=(change,)), load_registry())
    assert wanted in str(caught.value)


def test_a_path_may_be_found_by_independent_trials():
    sets = ("search.strategy={name: evolution, weights: own}", "search.inherit=false")
    assert check_spec(load_spec("varnas", sets=sets), load_registry()).space.kinds() == {"trellis"}


def test_without_data_its_paths_learn_what_they_see(tmp_path: Path) -> None:
    """Four directions of motion: the first path, trained by itself, is far from chance (25 %)."""
    from skelbench.engine.finished import resolve_spec
    from skelbench.engine.job import RunOptions
    from skelbench.engine.run import run_spec
    from skelbench.space.arch import Architecture

    options = RunOptions(runs=tmp_path / "runs", profile="motions", sets=("train.epochs=6",), progress=False)
    assert resolve_spec("varnas", RunOptions(), load_registry())[0].profile == "motions"
    checked = check_spec(load_spec("varnas", profile="motions", sets=options.sets), load_registry())
    sample = next(iter(checked.space.enumerate()))
    path = tmp_path / "first.yaml"
    path.write_text(Architecture.of(checked.resolved, checked.space, "first", sample).to_yaml())
    record = run_spec("varnas", options, str(path))
    assert record.synthetic
    assert record.metrics["top1"] > 50
