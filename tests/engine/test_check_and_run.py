"""What `skelbench run` refuses `skelbench check` refuses, in the same words, before anything is read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from skelbench.cli.app import app
from skelbench.errors import SpecError
from tests.engine import tiny

WIDER = {"choice": {"label": "c", "from": [tiny.BLOCK, {**tiny.BLOCK, "channels": 5}]}}
LARGE = {**tiny.BLOCK, "kernel": 9, "channels": 200_000}
HEADS = {"op": "hypergraph_attention", "heads": 3}
CHOSEN_HEADS = {"choice": {"label": "c", "from": [tiny.BLOCK, HEADS]}}


def refused(*command: str) -> str:
    done = CliRunner().invoke(app, command)
    assert isinstance(done.exception, SpecError), done.output
    assert done.exception.exit_code == 2
    return str(done.exception)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"search": {**tiny.SHARED, "epochs": 1}}, r"tiny.yaml:\d+: a warm-up of 1 epochs"),
        ({"search": tiny.own("grid", limit=10)}, r"tiny.yaml:\d+: .*more than the grid's limit of 10"),
        ({"network": tiny.network(WIDER)}, "in a supernet all options give the same shape"),
        (
            {"network": tiny.network(tiny.BLOCK, HEADS), "search": tiny.own("random")},
            r"tiny.yaml:\d+: 3 heads do not divide 4",
        ),
        (
            {"network": tiny.network(tiny.BLOCK, CHOSEN_HEADS), "search": tiny.own("random")},
            r"tiny.yaml:\d+: 3 heads do not divide 4",
        ),
        (
            {"search": {**tiny.SHARED, "train": {"precision": "16"}}},
            r"tiny.yaml:\d+: a supernet is not trained in half precision",
        ),
        ({"network": tiny.network(LARGE)}, r"tiny.yaml:\d+: (the network takes more memory|to train .* GiB)"),
    ],
    ids=["warm-up", "grid", "shapes", "heads", "an option's heads", "half precision", "memory"],
)
def test_both_refuse(changes: dict[str, Any], message: str, tmp_path: Path, raw: Path) -> None:
    path = str(tiny.write(tmp_path, tiny.spec(architectures={}, **changes)))
    runs = tmp_path / "runs"
    said = refused("check", path)
    assert said == refused("run", path, "--data", str(raw), "--runs", str(runs))
    assert re.search(message, said), said
    assert not runs.exists(), "nothing was read or made"


def test_an_architecture_that_cannot_be_built_is_refused_before_the_data_are_read(
    tmp_path: Path, raw: Path
) -> None:
    network = tiny.network({"choice": {"label": "c", "from": ["identity", HEADS]}})
    given = {"plain": {"choices": {"c": "hypergraph_attention"}}}
    spec = tiny.spec(network=network, architectures=given, search=tiny.own("random"))
    path = str(tiny.write(tmp_path, spec))
    said = refused("train", path, "--arch", "plain", "--data", str(raw), "--runs", str(tmp_path / "runs"))
    assert "do not divide 3 channels" in said
    assert not (tmp_path / "runs").exists()
