"""Options of a trellis that see only padding, or are the same as another at their input."""

from __future__ import annotations

import pytest

from skelbench.check.reach import distinct_size, reach_warnings
from skelbench.check.spec import check_spec
from skelbench.host.registry import load_registry
from skelbench.spec.resolve import load_spec

REGISTRY = load_registry()


def checked(name, **changes):
    return check_spec(load_spec(name, **changes), REGISTRY)


def test_the_first_reading_of_varnas_has_27_dead_options_and_6_layers_with_doubles():
    varnas = checked("varnas")
    warnings = {w.what.split("'")[1]: w.what for w in reach_warnings(varnas)}
    layers = {"stage4": 10, "stage5": 5, "stage6": 5, "stage7": 1}
    assert set(warnings) == set(layers)
    assert sum(layers[stage] * (2 if "d2" in what else 1) for stage, what in warnings.items()) == 27
    assert {stage for stage, what in warnings.items() if "d2 and d4 are the same" in what} == {
        "stage6",
        "stage7",
    }
    assert distinct_size(varnas) == varnas.space.size() // 4**6 * 3**6


def test_warnings_say_line_and_remedy():
    first = reach_warnings(checked("varnas"))[0]
    assert first.where.startswith("varnas.yaml:")
    assert "'stage4' has 4 frames" in first.what
    assert first.remedy


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("varnas-live", {}),
        ("varnas", {"profile": "quick"}),
        ("varnas-live", {"profile": "quick"}),
        ("varnas-shrec", {}),
        ("varnas-shrec", {"profile": "quick"}),
        ("sgcn", {"profile": "quick"}),
    ],
)
def test_every_option_lives(name, changes):
    spec = checked(name, **changes)
    assert reach_warnings(spec) == []
    assert distinct_size(spec) == spec.space.size()


def test_one_frame_leaves_no_kernel_alive():
    spec = checked("varnas-shrec", sets=("data.video.frames=2",))
    assert any("1 frame," in w.what and "d1 and d2 and d4" in w.what for w in reach_warnings(spec))
