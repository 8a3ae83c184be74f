"""Files of one table put together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from skelbench.errors import DataError, SkelbenchError, WorkFailed
from skelbench.tables.file import write_table
from skelbench.tables.merge import merge_tables
from skelbench.tables.table import Table
from tests.tables import made


def test_what_one_lacks_the_other_brings(tmp_path: Path) -> None:
    whole = Table.read(made.write(tmp_path / "whole.npz"))
    parts = [
        made.with_holes(tmp_path / f"{n}.npz", holes=list(holes))
        for n, holes in enumerate((range(20), (30, 31)))
    ]
    found = merge_tables(parts, tmp_path / "out.npz", force=True)
    assert found.complete.all()
    for name, values in whole.arrays.items():
        np.testing.assert_allclose(found.arrays[name], values, atol=1e-5, err_msg=name)
    assert found.header["seeds"] == whole.header["seeds"]
    assert found.header["environments"] == whole.header["environments"]


def test_holes_that_are_left_are_told(tmp_path: Path) -> None:
    parts = [made.with_holes(tmp_path / f"{n}.npz", holes=[3, n]) for n in range(2)]
    with pytest.raises(WorkFailed, match="has holes"):
        merge_tables(parts, tmp_path / "out.npz")
    assert not (tmp_path / "out.npz").exists()


def test_tables_of_other_recordings_are_refused(tmp_path: Path) -> None:
    one, two = made.write(tmp_path / "a.npz"), tmp_path / "b.npz"
    header, arrays = made.parts()
    write_table(two, {**header, "split": "1" * 64}, arrays)
    with pytest.raises(DataError, match=r"this table differs in split from .*a\.npz"):
        merge_tables([one, two], tmp_path / "out.npz")
    (tmp_path / "c.npz").write_bytes(b"no table")
    with pytest.raises(SkelbenchError):
        merge_tables([one, tmp_path / "c.npz"], tmp_path / "out.npz")
