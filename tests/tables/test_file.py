"""The file of a table: read back as written, and refused where it is anything else."""

import io
import json
import zipfile

import numpy as np
import pytest

from skelbench.errors import DataError
from skelbench.tables.file import ARRAYS, read_table, write_table
from tests.tables import made


def test_a_table_is_read_as_it_was_written(path):
    header, arrays = made.parts()
    again, found, digest = read_table(path)
    assert again == json.loads(json.dumps({"format": "skelbench-table", "version": 1, **header}))
    assert all(np.array_equal(arrays[name], found[name]) for name in ARRAYS)
    assert len(digest) == 12


def test_equal_content_has_equal_bytes_and_another_has_not(path, tmp_path):
    same, other = made.write(tmp_path / "same.npz"), made.write(tmp_path / "other.npz", seed=1)
    assert same.read_bytes() == path.read_bytes()
    assert read_table(other)[2] != read_table(path)[2]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_truncated_file_is_refused(path, tmp_path, share):
    cut = tmp_path / "cut.npz"
    content = path.read_bytes()
    cut.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match="no table, or it is truncated"):
        read_table(cut)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read_table(tmp_path / "none.npz")


def test_a_file_of_another_kind_is_refused(tmp_path):
    other = tmp_path / "other.npz"
    np.savez(other, x=np.zeros(3))
    with pytest.raises(DataError, match="no table"):
        read_table(other)


def test_a_pickle_in_it_is_not_executed(path, tmp_path):
    fired = []

    class Bomb:
        def __reduce__(self):
            return fired.append, (1,)

    header, arrays = made.parts()
    bad = tmp_path / "bad.npz"
    head = np.frombuffer(json.dumps({"format": "skelbench-table", "version": 1, **header}).encode(), np.uint8)
    np.savez(bad, header=head, **{**arrays, "params": np.array([Bomb()], dtype=object)})
    with pytest.raises(DataError, match="no table"):
        read_table(bad)
    assert not fired


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "the table has version 2, this skelbench reads 1"),
        ({"format": "other"}, "no table of skelbench"),
        ({"seeds": [0]}, "do not fit each other"),
        ({"epochs": 9}, "do not fit each other"),
        ({"architectures": []}, "do not fit each other"),
    ],
)
def test_another_form_is_refused(tmp_path, change, message):
    header, arrays = made.parts()
    bad = tmp_path / "bad.npz"
    head = json.dumps({"format": "skelbench-table", "version": 1, **header, **change}).encode()
    buffer = io.BytesIO()
    np.savez(buffer, header=np.frombuffer(head, np.uint8), **arrays)
    bad.write_bytes(buffer.getvalue())
    with pytest.raises(DataError, match=message):
        read_table(bad)


def test_missing_arrays_are_named(tmp_path):
    header, arrays = made.parts()
    with pytest.raises(KeyError):
        write_table(tmp_path / "a.npz", header, {k: v for k, v in arrays.items() if k != "macs"})
    whole = made.write(tmp_path / "whole.npz")
    cut = tmp_path / "cut.npz"
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(cut, "w") as target:
        for name in source.namelist():
            if name != "macs.npy":
                target.writestr(name, source.read(name))
    with pytest.raises(DataError, match="the table lacks 'macs'"):
        read_table(cut)
