"""Warnings: what a spec may mean and hardly does, said by `check` and by a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from skelbench.check.remarks import foreign_genotypes, remarks
from skelbench.check.spec import check_spec
from skelbench.engine.job import RunOptions
from skelbench.engine.run import open_setting
from skelbench.host.registry import load_registry
from skelbench.spec.resolve import load_spec
from tests.engine import tiny


def adaptive(**changes: Any) -> dict[str, Any]:
    """Two models, chosen frame by frame."""
    models = {
        name: [{"op": "sgn_joints", "joints": 2}, {"op": "sgn_spatial", "layers": [4]}] for name in "ab"
    }
    choice = {"policy": "conv_policy", "alpha": 4, "from": models, **changes}
    head = {"op": "sgn_head", "features": 8}
    network = {"input": {"op": "sgn_clip"}, "body": [{"adaptive": choice}], "head": head}
    return tiny.spec(network=network, architectures={}, data=tiny.spec()["data"] | {"preprocess": "sgn"})


@pytest.mark.parametrize(
    ("changes", "count"),
    [({}, 1), ({"alpha_scale": "released"}, 0), ({"alpha": 0}, 0)],
    ids=["on GMACs", "as released", "no cost"],
)
def test_an_alpha_that_no_paper_uses_is_told(tmp_path: Path, changes: dict[str, Any], count: int) -> None:
    found = remarks(tiny.checked(tmp_path, adaptive(**changes)))
    assert len(found) == count
    for one in found:
        assert one.where.startswith(str(tmp_path))
        assert "Set alpha_scale to released" in str(one)


def test_a_run_says_what_check_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alpha = {"value": {"label": "alpha", "from": [1, 4]}}
    search = {"strategy": {"name": "random", "weights": "own"}}
    path = tiny.write(tmp_path, adaptive(alpha=alpha) | {"search": search})
    open_setting(str(path), RunOptions(data=tmp_path, runs=tmp_path / "runs"))
    told = capsys.readouterr().err
    assert told.count("warning: ") == 1
    assert "alpha weighs GMACs here" in " ".join(told.split())


def test_cells_that_no_search_of_the_space_could_find_are_told() -> None:
    found = list(foreign_genotypes(check_spec(load_spec("sarnas"), load_registry())))
    assert ["'sarnas-cv': its cells hold sep5" in one.what for one in found] == [True]
    assert ".yaml:" in found[0].where
    assert found[0].remedy
