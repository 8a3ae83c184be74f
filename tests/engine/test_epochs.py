"""Epochs that a training kept: scored afterwards, and no row depends on them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from skelbench.engine.epochs import CURVE, curve_text, score_epochs
from skelbench.errors import RunFolderError
from skelbench.results.record import RECORD, Record

from . import tiny


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, raw: Path) -> dict[bool, Path]:
    """A run that keeps its epochs and one that does not, of the same seed."""
    found = {}
    for keep in (True, False):
        folder = tmp_path_factory.mktemp("kept")
        record = tiny.run(folder, raw, tiny.spec(), arch="plain", keep_epochs=keep)
        found[keep] = folder / "runs" / record.run
    return found


def test_the_curve_ends_in_the_figure_of_the_row(runs: dict[bool, Path]) -> None:
    record = Record.read(runs[True] / RECORD)
    found = score_epochs(runs[True])
    assert [row["epoch"] for row in found] == list(range(1, record.training.epochs + 1))
    assert {name: found[-1][name] for name in record.metrics} == record.metrics
    assert json.loads((runs[True] / CURVE).read_text()) == found
    assert Record.read(runs[True] / RECORD) == record


def test_keeping_epochs_changes_no_row(runs: dict[bool, Path]) -> None:
    kept, plain = (Record.read(runs[keep] / RECORD) for keep in (True, False))
    assert kept.identity == plain.identity
    assert kept.metrics == plain.metrics


def test_a_run_that_kept_none_says_how_to_keep_them(runs: dict[bool, Path]) -> None:
    with pytest.raises(RunFolderError, match=r"kept no epochs.*--keep-epochs"):
        score_epochs(runs[False])


def test_the_text_says_what_choosing_would_add() -> None:
    text = curve_text([{"epoch": 1, "top1": 80.0}, {"epoch": 2, "top1": 92.5}, {"epoch": 3, "top1": 90.0}])
    assert "epoch 2, 92.50; choosing it adds 2.50" in text
    assert "no row is chosen so" in text
