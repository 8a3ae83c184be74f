"""Files are looked at before they are read: pipes, devices, bombs, arrays that claim too much."""

from __future__ import annotations

import io
import os
import socket
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from skelbench.data import read_clips
from skelbench.data.archives import check_file
from skelbench.data.unlabelled import load_arrays
from skelbench.errors import DataError


@pytest.fixture
def bomb(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Path]:
    """Writes 16 MiB of zeros, which zip packs a thousandfold, where 4 MiB are allowed."""
    monkeypatch.setattr("skelbench.data.archives.LEAST_BOUND", 2**22)

    def write(path: Path) -> Path:
        np.savez_compressed(path, x=np.zeros(2**22, np.float32))
        return path

    return write


def claims(path: Path, shape: tuple[int, ...]) -> Path:
    """An array of a few bytes whose header says more."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", header.getvalue() + bytes(16))
    return path


def test_usual_files_pass(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros((100, 100)), names=np.array(["a"]))
    (tmp_path / "b.json").write_text("{}")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:200])
    for path in (*tmp_path.iterdir(), tmp_path, tmp_path / "none"):
        check_file(path)


def test_what_would_unpack_to_far_more_than_it_is_is_refused(bomb, tmp_path: Path) -> None:
    path = bomb(tmp_path / "x.npz")
    with pytest.raises(DataError, match=r"bytes would unpack to 16,777,344; 4,194,304 is the most"):
        check_file(path)
    with pytest.raises(DataError, match="would unpack"):
        list(load_arrays(path))


@pytest.mark.parametrize("shape", [(5,), (2**20, 2**20), (2**60,)])
def test_an_array_that_claims_more_than_is_there_is_refused(shape: tuple[int, ...], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the array 'x' should have .* bytes and has 16"):
        check_file(claims(tmp_path / "x.npz", shape))
    check_file(claims(tmp_path / "good.npz", (4,)))


@pytest.mark.parametrize("kind", ["pipe", "socket", "device"])
def test_what_is_no_file_is_refused_and_nothing_waits_for_it(kind: str, registry, tmp_path: Path) -> None:
    path = tmp_path / "a01_s01_e00_v01.json"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind(str(path))
    else:
        path.symlink_to("/dev/zero")
    ucla = registry.get("dataset", "ucla")
    with pytest.raises(DataError, match=rf"{path.name}: is no regular file.*not a pipe or a device"):
        read_clips(ucla, ucla.reader(), tmp_path)


def test_a_bomb_among_the_recordings_is_named(bomb, registry, tmp_path: Path) -> None:
    bomb(tmp_path / "planted.npz")
    planted = registry.get("dataset", "planted-distant")
    with pytest.raises(DataError, match=r"planted\.npz: .* would unpack"):
        read_clips(planted, planted.reader(), tmp_path)
