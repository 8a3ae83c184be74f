"""The lists of UCF101 and Kinetics-400: entries, or one error that names file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelbench.data.video.lists import (
    KineticsEntry,
    VideoEntry,
    class_folders,
    kinetics_classes,
    kinetics_table,
    ucf101_classes,
    ucf101_split,
)
from skelbench.errors import DataError

HEADER = "label,youtube_id,time_start,time_end,split\n"


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """Three classes, one split; with the owners' line endings."""
    (tmp_path / "classInd.txt").write_bytes(b"1 Archery\r\n2 YoYo\r\n3 TaiChi\r\n")
    (tmp_path / "trainlist01.txt").write_bytes(b"Archery/v_a_g01_c01.avi 1\r\nTaiChi/v_t_g01_c01.avi 3\r\n")
    (tmp_path / "testlist01.txt").write_bytes(b"YoYo/v_y_g02_c01.avi\r\n\r\n")
    return tmp_path


def fails(folder: Path, match: str, where: str) -> None:
    with pytest.raises(DataError, match=match) as error:
        ucf101_split(folder, 1)
    (problem,) = error.value.problems
    assert problem.where == str(folder / where)
    assert problem.remedy


@pytest.mark.parametrize(("split", "counts"), [(1, (9537, 3783)), (2, (9586, 3734)), (3, (9624, 3696))])
def test_the_official_splits_have_the_published_counts(
    shared_data: Path, split: int, counts: tuple[int, int]
) -> None:
    folder = shared_data / "ucf101" / "ucfTrainTestlist"
    entries = ucf101_split(folder, split)
    assert tuple(sum(e.part == part for e in entries) for part in ("train", "test")) == counts
    names = ucf101_classes(folder / "classInd.txt")
    assert (len(names), names[0], names[-1]) == (101, "ApplyEyeMakeup", "YoYo")
    assert {e.label for e in entries} == set(range(101))
    assert all(e.label is not None and names[e.label] == e.path.split("/")[0] for e in entries)


def test_an_entry_has_its_path_label_and_part(lists: Path) -> None:
    assert ucf101_split(lists, 1) == (
        VideoEntry("Archery/v_a_g01_c01.avi", 0, "train"),
        VideoEntry("TaiChi/v_t_g01_c01.avi", 2, "train"),
        VideoEntry("YoYo/v_y_g02_c01.avi", 1, "test"),
    )


@pytest.mark.parametrize("name", ["classInd.txt", "trainlist01.txt", "testlist01.txt"])
def test_a_list_that_is_missing_empty_or_no_text(lists: Path, name: str) -> None:
    (lists / name).write_bytes(b"\n \n")
    fails(lists, "the list is empty", name)
    (lists / name).write_bytes(b"\xff\xfe\x00")
    fails(lists, "no text in UTF-8", name)
    (lists / name).unlink()
    fails(lists, "the list is missing", name)


def test_a_split_that_does_not_exist(lists: Path) -> None:
    with pytest.raises(DataError, match="no split 4"):
        ucf101_split(lists, 4)
    with pytest.raises(DataError, match=r"trainlist02\.txt: the list is missing"):
        ucf101_split(lists, 2)


@pytest.mark.parametrize(
    ("name", "line", "match"),
    [
        ("classInd.txt", "5 Billiards", "'4 NAME' should be here, not '5 Billiards'"),
        ("classInd.txt", "4", "'4 NAME' should be here"),
        ("classInd.txt", "4 two words", "'4 NAME' should be here"),
        ("classInd.txt", "4 YoYo", "class 'YoYo' stands here a second time"),
        ("trainlist01.txt", "TaiChi/v_t_g02_c01.avi", "'CLASS/VIDEO NUMBER' should be here"),
        ("trainlist01.txt", "v_t_g02_c01.avi 3", "'CLASS/VIDEO NUMBER' should be here"),
        ("trainlist01.txt", "TaiChi/../v.avi 3", "'CLASS/VIDEO NUMBER' should be here"),
        ("trainlist01.txt", "../v.avi 3", "'CLASS/VIDEO NUMBER' should be here"),
        ("trainlist01.txt", "TaiChi/ 3", "'CLASS/VIDEO NUMBER' should be here"),
        ("trainlist01.txt", "TaiChi/v_t_g02_c01.avi 2", "number '2' contradicts the folder, .* number 3"),
        ("trainlist01.txt", "TaiChi/v_t_g02_c01.avi drei", "number 'drei' contradicts"),
        (
            "trainlist01.txt",
            "Taichi/v_t_g02_c01.avi 3",
            "'Taichi' is not in classInd.txt. Did you mean 'TaiChi'",
        ),
        ("trainlist01.txt", "TaiChi/v_t_g01_c01.avi 3", "stands in the train list already"),
        ("testlist01.txt", "YoYo/v_y_g03_c01.avi 2", "'CLASS/VIDEO' should be here"),
        ("testlist01.txt", "TaiChi/v_t_g01_c01.avi", "stands in the train list already"),
    ],
)
def test_a_wrong_line_is_named(lists: Path, name: str, line: str, match: str) -> None:
    path = lists / name
    number = len(path.read_text().splitlines()) + 1
    with path.open("a") as file:
        file.write(f"{line}\n")
    fails(lists, match, f"{name}:{number}")


# Kinetics


def table(folder: Path, text: str) -> Path:
    path = folder / "k400_val.csv"
    path.write_text(text)
    return path


def test_a_table_gives_its_clips(tmp_path: Path) -> None:
    text = HEADER + 'testifying,---QUuC4vJs,84,94,validate\n\n"a, b",--07WQ2iBlw,1,11,validate\n'
    entries = kinetics_table(table(tmp_path, text))
    assert entries == (
        KineticsEntry("---QUuC4vJs", 84, 94, "testifying", "validate"),
        KineticsEntry("--07WQ2iBlw", 1, 11, "a, b", "validate"),
    )
    assert entries[0].stems == ("---QUuC4vJs_000084_000094", "---QUuC4vJs")
    assert kinetics_classes([entries]) == ("a, b", "testifying")


def test_columns_may_stand_in_another_order_and_be_more(tmp_path: Path) -> None:
    text = "\ufeffsplit,youtube_id,time_start,time_end,is_cc,label\ntrain,abc,0,10,0,yoga\n"
    assert kinetics_table(table(tmp_path, text)) == (KineticsEntry("abc", 0, 10, "yoga", "train"),)


@pytest.mark.parametrize(
    "text", ["youtube_id,time_start,time_end,split\nabc,0,10,test\n", HEADER + ",abc,0,10,test\n"]
)
def test_a_part_may_have_no_labels(tmp_path: Path, text: str) -> None:
    entries = kinetics_table(table(tmp_path, text))
    assert entries == (KineticsEntry("abc", 0, 10, None, "test"),)
    with pytest.raises(DataError, match="no clip of the tables has a label"):
        kinetics_classes([entries])


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", r":1: there is no column youtube_id, time_start, time_end, split"),
        ("label,youtube_id,time_start,split\n", r":1: there is no column time_end"),
        (HEADER + "x" * 200_000 + "\n", r":2: is no table of commas"),
        (HEADER, r"k400_val\.csv: there is no clip"),
        (HEADER + "yoga,abc,0,10\n", r":2: 5 columns should be here, not 4"),
        (HEADER + "yoga,abc,0,10,train\nyoga,abd,ten,20,train\n", r":3: 'ten' to '20' is no time"),
        (HEADER + "yoga,abc,10,10,train\n", r":2: '10' to '10' is no time"),
        (HEADER + "yoga,abc,-1,10,train\n", r":2: '-1' to '10' is no time"),
        (HEADER + "yoga,,0,10,train\n", r":2: '' is no video's id"),
        (HEADER + "yoga,../abc,0,10,train\n", r":2: '../abc' is no video's id"),
        (HEADER + "yoga,abc,0,10,\n", r":2: the split is missing"),
        (HEADER + "yoga,abc,0,10,train\n" * 2, r":3: clip 'abc_000000_000010' stands here a second time"),
    ],
)
def test_a_wrong_table_is_named(tmp_path: Path, text: str, match: str) -> None:
    with pytest.raises(DataError, match=match) as error:
        kinetics_table(table(tmp_path, text))
    assert error.value.problems[0].remedy


def test_a_table_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv: the list is missing"):
        kinetics_table(tmp_path / "none.csv")


@given(st.text(max_size=80))
def test_any_text_gives_clips_or_one_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text(HEADER + text, encoding="utf-8", errors="replace")
    try:
        entries = kinetics_table(path)
    except DataError as error:
        assert error.problems[0].where.startswith(str(path))  # noqa: PT017
    else:
        assert all(entry.start < entry.end and entry.part for entry in entries)


def videos(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    return root


def test_folders_of_classes(tmp_path: Path) -> None:
    root = videos(
        tmp_path, "zumba/b.mp4", "air drumming/a.mp4", "zumba/a.MKV", "zumba/notes.txt", ".cache/c.mp4"
    )
    assert class_folders(root, "train") == (
        VideoEntry("air drumming/a.mp4", 0, "train"),
        VideoEntry("zumba/a.MKV", 1, "train"),
        VideoEntry("zumba/b.mp4", 1, "train"),
    )


def test_folders_take_the_labels_of_given_classes(tmp_path: Path) -> None:
    root = videos(tmp_path, "air_drumming/a.mp4", "zumba/b.mp4")
    entries = class_folders(root, "val", ["abseiling", "air drumming", "yoga", "zumba"])
    assert [(entry.label, entry.part) for entry in entries] == [(1, "val"), (3, "val")]


def test_folders_that_do_not_fit(tmp_path: Path) -> None:
    root = videos(tmp_path / "val", "zumbo/a.mp4")
    with pytest.raises(DataError, match=r"folder 'zumbo' is no class\. Did you mean 'zumba'"):
        class_folders(root, "val", ["yoga", "zumba"])
    with pytest.raises(DataError, match="the folder of videos is missing"):
        class_folders(tmp_path / "none", "val")
    with pytest.raises(DataError, match="there is no video"):
        class_folders(videos(tmp_path / "test", "yoga/a.txt"), "test")
