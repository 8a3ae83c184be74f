from __future__ import annotations

import errno
import json
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelbench.data import Clips, is_store, open_store, parts, read_clips, store, write_store
from skelbench.data import open as data_open
from skelbench.data.fingerprint import raw_digest
from skelbench.data.preprocess import preprocess
from skelbench.data.remarks import remarks
from skelbench.errors import DataError, WorkFailed

from .made import CHAIN, MadeReader, made_dataset, write_sources


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_SOURCES_PER_PART", 2)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_sources(tmp_path / "raw")
    return tmp_path / "raw"


def write(path: Path, root: Path, name: str = "none", reader: MadeReader | None = None, **options) -> None:
    write_store(path, made_dataset(), reader or MadeReader(), root, preprocess=name, layout=CHAIN, **options)


def same(one: Clips, other: Clips) -> None:
    for field in ("ids", "labels", "subjects", "cameras", "setups", "offsets", "frames"):
        np.testing.assert_array_equal(getattr(one, field), getattr(other, field))
    for field in ("dataset", "layout", "class_names", "synthetic", "preprocess"):
        assert getattr(one, field) == getattr(other, field)


@pytest.mark.parametrize("name", ["none", "sgcn"])
def test_a_store_gives_back_what_reading_gives(tmp_path: Path, root: Path, name: str) -> None:
    write(tmp_path / "store", root, name)
    raw = read_clips(made_dataset(), MadeReader(), root)
    stored = open_store(tmp_path / "store", deep=True)
    same(stored, preprocess(raw, name, CHAIN))
    assert isinstance(stored.frames, np.memmap)
    assert not stored.frames.flags.writeable
    assert raw_digest(stored) == raw_digest(raw)
    assert not (tmp_path / "store.partial").exists()


@given(st.integers(1, 9), st.integers(1, 4))
def test_any_division_into_parts_gives_the_same_store(files: int, per_part: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "_SOURCES_PER_PART", per_part)
        base = Path(folder)
        write_sources(base / "raw", files)
        write(base / "store", base / "raw")
        same(open_store(base / "store"), read_clips(made_dataset(), MadeReader(), base / "raw"))


def test_several_processes_write_the_same_store(tmp_path: Path, root: Path) -> None:
    write(tmp_path / "one", root)
    write(tmp_path / "two", root, workers=2)
    for file in ("frames.npy", "store.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_fault_in_another_process_comes_through_whole(tmp_path: Path, root: Path) -> None:
    (root / "003.txt").write_text("no number")
    with pytest.raises(DataError, match=r"003\.txt: malformed\. mend it") as caught:
        write(tmp_path / "store", root, workers=2)
    assert caught.value.problems[0].remedy == "mend it"


class DyingReader(MadeReader):
    def read(self, source: Path):
        os._exit(9)


@pytest.mark.parametrize("workers", [1, 2])
def test_damaged_files_of_all_parts_are_named_at_once(tmp_path: Path, root: Path, workers: int) -> None:
    for name in ("001.txt", "004.txt"):  # of the first part and of the last
        (root / name).write_text("0 x")
    with pytest.raises(DataError) as caught:
        write(tmp_path / "store", root, workers=workers)
    assert sorted(Path(str(one.where)).name for one in caught.value.problems) == ["001.txt", "004.txt"]
    assert not (tmp_path / "store").exists()


def test_a_killed_reading_process_is_told(tmp_path: Path, root: Path) -> None:
    with pytest.raises(WorkFailed, match=r"was killed\. Use fewer workers"):
        write(tmp_path / "store", root, workers=2, reader=DyingReader())


def test_progress_reaches_the_number_of_sources(tmp_path: Path, root: Path) -> None:
    seen: list[tuple[int, int]] = []
    write(tmp_path / "store", root, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 5), (2, 5), (4, 5), (5, 5)]


class CountingReader(MadeReader):
    def __init__(self) -> None:
        self.read_names: list[str] = []

    def read(self, source: Path):
        self.read_names.append(source.stem)
        return super().read(source)


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path: Path, root: Path) -> None:
    fault = root / "004.txt"
    good, stamp = fault.read_text(), fault.stat()
    fault.write_text("x" * len(good))
    keep_stamp(fault, stamp)
    with pytest.raises(DataError, match="malformed"):
        write(tmp_path / "store", root)
    assert not (tmp_path / "store").exists()
    fault.write_text(good)
    keep_stamp(fault, stamp)
    reader = CountingReader()
    write(tmp_path / "store", root, reader=reader)
    assert reader.read_names == ["004"]
    same(open_store(tmp_path / "store"), read_clips(made_dataset(), MadeReader(), root))


def keep_stamp(file: Path, stamp) -> None:
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))


@pytest.mark.parametrize("how", ["changed files", "another pre-processing", "asked to"])
def test_parts_that_do_not_fit_are_read_again(tmp_path: Path, root: Path, how: str) -> None:
    fault = root / "004.txt"
    good = fault.read_text()
    fault.write_text("x")
    with pytest.raises(DataError):
        write(tmp_path / "store", root, "sgn" if how == "another pre-processing" else "none")
    fault.write_text(good)
    reader = CountingReader()
    write(tmp_path / "store", root, reader=reader, resume=how != "asked to")
    assert len(reader.read_names) == 5


def test_a_full_disk_is_told_and_leaves_no_store(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store, "_write_frames", full)
    with pytest.raises(DataError, match=r"No space left on device\. Make room"):
        write(tmp_path / "store", root)
    assert not (tmp_path / "store").exists()
    monkeypatch.undo()
    write(tmp_path / "store", root)
    assert is_store(tmp_path / "store")


def test_a_disk_that_fills_while_reading_leaves_no_half_part(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(parts.np, "savez", full)
    with pytest.raises(DataError, match="No space left"):
        write(tmp_path / "store", root)
    assert [path.name for path in (tmp_path / "store.partial").iterdir()] == ["key.txt"]


def test_nothing_is_overwritten(tmp_path: Path, root: Path) -> None:
    (tmp_path / "store").mkdir()
    with pytest.raises(DataError, match="already exists"):
        write(tmp_path / "store", root)


def test_two_recordings_with_one_id_are_refused(tmp_path: Path, root: Path) -> None:
    (root / "009.txt").write_text("0 4")
    with pytest.raises(DataError, match="two recordings have the id 'clip000'"):
        write(tmp_path / "store", root)
    with pytest.raises(DataError, match="two recordings have the id 'clip000'"):
        read_clips(made_dataset(), MadeReader(), root)


def test_sources_without_recordings_are_passed_over(tmp_path: Path, root: Path) -> None:
    for name in ("100", "101", "102", "103"):
        (root / f"{name}.txt").write_text("")
    write(tmp_path / "store", root)
    assert len(open_store(tmp_path / "store")) == 15


def test_no_recording_at_all_is_refused(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "1.txt").write_text("")
    with pytest.raises(DataError, match="no usable recording"):
        write(tmp_path / "store", tmp_path / "raw")


def damage(folder: Path, how: str) -> None:
    frames, index, info = folder / "frames.npy", folder / "index.npz", folder / "store.json"
    if how == "frames cut":
        frames.write_bytes(frames.read_bytes()[:-8])
    elif how == "frames missing":
        frames.unlink()
    elif how == "index changed":
        data = bytearray(index.read_bytes())
        data[len(data) // 2] ^= 1
        index.write_bytes(data)
    elif how == "index missing":
        index.unlink()
    elif how == "description cut":
        info.write_text(info.read_text()[:-30])
    else:
        info.write_text(json.dumps({**json.loads(info.read_text()), **json.loads(how)}))


@pytest.mark.parametrize(
    "how",
    [
        "frames cut",
        "frames missing",
        "index changed",
        "index missing",
        "description cut",
        '{"recordings": "many"}',
        '{"recordings": 3}',
        '{"version": 99}',
        '{"surprise": 1}',
    ],
)
def test_a_damaged_store_is_told_with_a_remedy(tmp_path: Path, root: Path, how: str) -> None:
    write(tmp_path / "store", root)
    damage(tmp_path / "store", how)
    with pytest.raises(DataError, match=r"Delete it and run 'skelbench data prepare' again"):
        open_store(tmp_path / "store")


def test_changed_coordinates_are_found_by_a_deep_look(tmp_path: Path, root: Path) -> None:
    write(tmp_path / "store", root)
    file = tmp_path / "store" / "frames.npy"
    data = bytearray(file.read_bytes())
    data[-3] ^= 1
    file.write_bytes(data)
    open_store(tmp_path / "store")
    with pytest.raises(DataError, match="damaged"):
        open_store(tmp_path / "store", deep=True)


def test_a_folder_that_is_no_store_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no store"):
        open_store(tmp_path)


def test_what_a_reader_leaves_out_is_kept_in_the_store_and_told(tmp_path: Path, root: Path) -> None:
    class LeavingOut(MadeReader):
        dropped: tuple[str, ...] = ()

        def sources(self, root: Path) -> list[Path]:
            first, *others = super().sources(root)
            self.dropped = (f"1 file is left out, '{first.name}'",)
            return others

    write(tmp_path / "store", root, reader=LeavingOut())
    told = ("1 file is left out, '000.txt'",)
    for clips in (open_store(tmp_path / "store"), read_clips(made_dataset(), LeavingOut(), root)):
        assert clips.left_out == told
        assert told[0] in remarks(clips, clips.cameras == 0)


def test_more_than_memory_should_hold_is_read_into_a_file_of_which_nothing_is_left(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = data_open.open_clips(made_dataset(), root, preprocess="sgcn", layout=CHAIN)
    monkeypatch.setattr(data_open, "_IN_MEMORY", 0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    large = data_open.open_clips(made_dataset(), root, preprocess="sgcn", layout=CHAIN)
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]
    assert isinstance(large.frames, np.memmap)
    same(large, whole)
    assert raw_digest(large) == raw_digest(whole)
