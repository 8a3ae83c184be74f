"""Records are found where people keep them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from skelbench.errors import RunFolderError, SkelbenchError
from skelbench.results.collection import load_records
from skelbench.results.record import Record
from skelbench.results.store import RunFolder

from .records import EXAMPLE


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder of two finished runs."""
    for seed in (0, 1):
        folder = RunFolder.create(tmp_path, "sgcn", "ab" * 32, seed)
        folder.write_record(Record(**EXAMPLE | {"seed": seed, "run": folder.name}))
    return tmp_path


def test_a_folder_of_runs_a_run_and_a_record_are_read(runs: Path) -> None:
    folder = next(iter(sorted(runs.iterdir())))
    assert [r.seed for r in load_records(runs)] == [0, 1]
    assert [r.seed for r in load_records(str(folder))] == [0]
    assert [r.seed for r in load_records([folder / "record.json", runs])] == [0, 0, 1]


def test_a_folder_of_record_files_is_read(runs: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    published.mkdir()
    for number, one in enumerate(load_records(runs)):
        one.write(published / f"{number}.json")
    assert [r.seed for r in load_records(published)] == [0, 1]


def test_slices_are_records_too(runs: Path) -> None:
    found = load_records(runs)
    assert len(found[1:]) == 1
    assert "sgcn" in repr(found)


def test_a_place_without_records_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="nowhere"):
        load_records(tmp_path / "nowhere")


def test_a_table_has_a_row_a_record_and_a_column_a_metric(runs: Path) -> None:
    pytest.importorskip("pandas")
    table = load_records(runs).to_pandas()
    assert table["seed"].tolist() == [0, 1]
    assert {"top1", "environment.torch", "clips.train"} <= set(table.columns)


def test_without_pandas_the_extra_is_named(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(SkelbenchError, match=r"skelbench\[pandas\]"):
        load_records(runs).to_pandas()
