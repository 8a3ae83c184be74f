"""SHREC'17 Track and DHG-14/28: the owners' folders and lists, in 14 and in 28 classes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skelbench_plugins.datasets.shrec.dhg import DhgReader
from skelbench_plugins.datasets.shrec.reader import ShrecReader, read_entries
from skelbench_plugins.datasets.shrec.text import Hand, label_of

from skelbench.components import Dataset, Layout
from skelbench.data import Clips, open_clips, read_clips, split, split_fingerprint
from skelbench.errors import DataError
from skelbench.recipe import ValidationOptions

LINE = " ".join(["0.25"] * 66) + "\n"
CUTS = "informations_troncage_sequences.txt"
NAMES = ["shrec17-14", "shrec17-28", "dhg-14", "dhg-28"]


@pytest.fixture(scope="module")
def layout(registry) -> Layout:
    return registry.get("layout", "shrec22")


def frames(count: int) -> str:
    """Frames that can be told apart: all of frame t is t."""
    return "".join(" ".join([f"{t}.0"] * 66) + " \n" for t in range(count))


def write(root: Path, hand: Hand, text: str, file: str = "skeletons_world.txt") -> Path:
    path = root / hand.folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def lists(root: Path, train: Iterable[str] = (), test: Iterable[str] = ()) -> None:
    for part, lines in (("train", train), ("test", test)):
        (root / f"{part}_gestures.txt").write_text("".join(f"{line}\n" for line in lines))


def read(registry, name: str, root: Path) -> Clips:
    component = registry.get("dataset", name)
    return read_clips(component, component.reader(), root)


@pytest.mark.parametrize("name", NAMES)
def test_the_components_agree_with_their_readers(registry, layout: Layout, name: str) -> None:
    component = registry.get("dataset", name)
    assert component.layout == layout.name
    assert len(layout.joints) == 22
    assert len(set(component.reader().class_names)) == component.classes == int(name[-2:])
    assert component.persons == 1


# --- SHREC'17 --------------------------------------------------------------------------------


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Gesture 3 with the whole hand for training, gesture 14 with one finger for test."""
    write(tmp_path, Hand(3, 2, 21, 1), frames(4))
    write(tmp_path, Hand(14, 1, 5, 12), frames(2))
    lists(tmp_path, ["3 2 21 1 3 6 4"], ["14 1 5 12 14 27 2"])
    return tmp_path


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("shrec17-14", ["shake", "expand"]),
        ("shrec17-28", ["shake, one finger", "expand, whole hand"]),
    ],
)
def test_the_lists_give_part_and_class(registry, two: Path, name: str, classes: list[str]) -> None:
    clips = read(registry, name, two)
    assert clips.ids.tolist() == ["test/g14_f1_s05_e12", "train/g03_f2_s21_e01"]
    assert [clips.class_names[label] for label in clips.labels] == classes
    assert clips.subjects.tolist() == [5, 21]
    assert clips.lengths.tolist() == [2, 4]
    assert clips.frames.shape == (6, 1, 22, 3)
    assert ShrecReader(14).is_train(clips, "official").tolist() == [False, True]
    assert not clips.synthetic


def test_numbers_are_x_y_z_of_one_joint_after_another(tmp_path: Path, registry) -> None:
    write(tmp_path, Hand(1, 1, 1, 1), " ".join(str(number) for number in range(66)))
    lists(tmp_path, test=["1 1 1 1 1 1 1"])
    clips = read(registry, "shrec17-14", tmp_path)
    np.testing.assert_array_equal(clips.frames[0, 0], np.arange(66, dtype=np.float32).reshape(22, 3))


def test_a_listed_recording_may_be_absent(registry, two: Path) -> None:
    write(two, Hand(3, 2, 21, 1), "").unlink()
    assert read(registry, "shrec17-14", two).ids.tolist() == ["test/g14_f1_s05_e12"]


def test_a_recording_that_no_list_names_is_refused(registry, two: Path) -> None:
    write(two, Hand(4, 1, 2, 1), LINE)
    with pytest.raises(DataError, match=r"gesture_4/.*skeletons_world\.txt: .*no entry in the list"):
        read(registry, "shrec17-14", two)


def test_other_files_and_folders_do_not_matter(registry, two: Path) -> None:
    (two / "gesture_3/finger_2/subject_21/essai_1/0_depth.png").write_bytes(b"")
    (two / "gesture_3/finger_2/subject_21/essai_1_old").mkdir()
    (two / "gesture_3/finger_2/subject_21/essai_1_old/skeletons_world.txt").write_text("")
    assert len(read(registry, "shrec17-28", two)) == 2


@pytest.mark.parametrize("ending", ["\r\n", "\n\n"])
def test_line_endings_and_blank_lines_do_not_matter(registry, two: Path, ending: str) -> None:
    write(two, Hand(3, 2, 21, 1), (LINE.strip() + ending) * 4)
    assert read(registry, "shrec17-14", two).lengths.tolist() == [2, 4]


def test_a_length_other_than_the_lists_is_told_and_kept(registry, two: Path, caplog) -> None:
    write(two, Hand(3, 2, 21, 1), frames(3))
    assert read(registry, "shrec17-14", two).lengths.tolist() == [2, 3]
    assert "3 frames, and the list says 4" in caplog.text
    assert len(caplog.records) == 1


DAMAGED = [
    ("", "the file is empty"),
    (" \n\n", "the file is empty"),
    (LINE + "0.5 0.5", "frame 2 has 2 numbers, not 66"),
    (LINE + LINE.strip() + " 1.0\n", "frame 2 has 67 numbers, not 66"),
    (LINE * 2 + LINE.replace("0.25", "nan", 1), "frame 3 has a coordinate that is no finite number"),
    (LINE.replace("0.25", "1e60", 1), "frame 1 has a coordinate that is no finite number"),
    (LINE.replace("0.25", "x", 1), "could not convert"),
    ("\x00\n", "frame 1 has 1 numbers"),
]


@pytest.mark.parametrize(("text", "why"), DAMAGED)
def test_a_damaged_recording_is_named_with_a_remedy(registry, two: Path, text: str, why: str) -> None:
    write(two, Hand(3, 2, 21, 1), text)
    with pytest.raises(DataError, match=rf"gesture_3/.*skeletons_world\.txt: .*{why}.*Fetch the file again"):
        read(registry, "shrec17-14", two)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("3 2 21 1 3 6", r"train_gestures\.txt:1: 7 whole numbers"),
        ("3 2 21 1 3 6 4 9", r"train_gestures\.txt:1: 7 whole numbers"),
        ("3 2 21 1 3 6 4.0", r"train_gestures\.txt:1: 7 whole numbers"),
        ("3 2 21 -1 3 6 4", r"train_gestures\.txt:1: 7 whole numbers"),
        ("3 2 21 1 3 6 4\n3 2 21 1 3 6 4", r"train_gestures\.txt:2: .*a second time"),
        ("15 2 21 1 3 6 4", "no gesture 15 with finger 2"),
        ("3 3 21 1 3 6 4", "no gesture 3 with finger 3"),
        ("3 2 21 1 15 30 4", "no label 15 of 14"),
        ("3 2 21 1 3 5 4", "label 5 of 28 is not label 3 of 14 with finger 2"),
        ("14 1 5 12 14 27 2", r"test_gestures\.txt: .*both lists name it"),
    ],
)
def test_a_damaged_list_is_named_with_a_remedy(two: Path, line: str, why: str) -> None:
    (two / "train_gestures.txt").write_text(f"{line}\n")
    with pytest.raises(DataError, match=rf"{why}.*(Fetch the list again|Give the owners. lists)"):
        ShrecReader(14).sources(two)


def test_a_missing_list_and_a_lost_recording_are_told(two: Path) -> None:
    source = ShrecReader(14).sources(two)[0]
    source.path.unlink()
    with pytest.raises(DataError, match="cannot be read"):
        ShrecReader(14).read(source)
    (two / "test_gestures.txt").unlink()
    with pytest.raises(DataError, match=r"test_gestures\.txt: cannot be read"):
        ShrecReader(14).sources(two)


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_without_recordings_is_told(registry, tmp_path: Path, name: str) -> None:
    reader = registry.get("dataset", name).reader()
    with pytest.raises(DataError, match="Give the folder that holds gesture_1/"):
        reader.sources(tmp_path)
    lists(tmp_path)
    (tmp_path / CUTS).write_text("")
    (tmp_path / "gesture_1").mkdir()
    with pytest.raises(DataError, match="Check that the download is complete"):
        reader.sources(tmp_path)


def test_the_official_lists_are_complete(shared_data: Path) -> None:
    folder = shared_data / "shrec17"
    if not folder.is_dir():
        pytest.skip("no official lists of SHREC'17 among the real data")
    entries = read_entries(folder)
    parts = {part: [e for e in entries.values() if e.part == part] for part in ("train", "test")}
    assert (len(parts["train"]), len(parts["test"])) == ShrecReader(14).expected("official") == (1960, 840)
    counted = {
        part: np.bincount([entry.label14 for entry in found]).tolist() for part, found in parts.items()
    }
    assert counted["train"] == [142, 139, 145, 149, 145, 142, 138, 146, 132, 139, 131, 143, 142, 127]
    assert counted["test"] == [58, 61, 55, 51, 55, 58, 62, 54, 68, 61, 69, 57, 58, 73]
    assert sum(counted["train"]) + sum(counted["test"]) == 2800
    assert (np.bincount([entry.label28 for entry in entries.values()]) == 100).all()
    assert all(entry.label14 == hand.gesture - 1 for hand, entry in entries.items())
    by_part = [{hand.subject for hand, entry in entries.items() if entry.part == part} for part in parts]
    assert [len(by_part[0]), len(by_part[1])] == [20, 8]
    assert not by_part[0] & by_part[1]


# --- DHG-14/28 -------------------------------------------------------------------------------


@pytest.fixture
def dhg(tmp_path: Path) -> Path:
    for hand in (Hand(2, 1, 1, 1), Hand(7, 2, 20, 5)):
        write(tmp_path, hand, frames(6), "skeleton_world.txt")
    (tmp_path / CUTS).write_text("2 1 1 1 2 4\n7 2 20 5 0 9\n3 1 1 1 0 4\n")
    return tmp_path


@pytest.mark.parametrize(("name", "labels"), [("dhg-14", [1, 6]), ("dhg-28", [2, 13])])
def test_recordings_are_cut_to_the_gesture(registry, dhg: Path, name: str, labels: list[int]) -> None:
    clips = read(registry, name, dhg)
    assert clips.ids.tolist() == ["g02_f1_s01_e01", "g07_f2_s20_e05"]
    assert clips.labels.tolist() == labels
    assert clips.subjects.tolist() == [1, 20]
    assert clips.clip(0).frames[:, 0, 0, 0].tolist() == [2, 3, 4]
    assert clips.clip(1).frames[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4, 5]
    reader = DhgReader(14)
    assert reader.is_train(clips, "loso-1").tolist() == [False, True]
    assert reader.is_train(clips, "loso-20").tolist() == [True, False]
    assert reader.is_train(clips, "loso-2").tolist() == [True, True]


@pytest.mark.parametrize("cut", ["6 9", "4 3"])
def test_a_cut_that_leaves_nothing_is_told(registry, dhg: Path, cut: str) -> None:
    (dhg / CUTS).write_text(f"2 1 1 1 {cut}\n7 2 20 5 0 5\n")
    with pytest.raises(DataError, match=rf"gesture_2/.*frames {cut[0]} to {cut[2]} of 6"):
        read(registry, "dhg-14", dhg)


@pytest.mark.parametrize(("text", "why"), DAMAGED)
def test_a_damaged_dhg_recording_is_named(registry, dhg: Path, text: str, why: str) -> None:
    write(dhg, Hand(2, 1, 1, 1), text, "skeleton_world.txt")
    with pytest.raises(DataError, match=rf"gesture_2/.*skeleton_world\.txt: .*{why}"):
        read(registry, "dhg-28", dhg)


def test_the_dhg_list_must_be_there_and_whole(registry, dhg: Path) -> None:
    (dhg / CUTS).write_text("2 1 1 1 2 4\n")
    with pytest.raises(DataError, match=rf"gesture_7/.*no entry in the list.*{CUTS}"):
        read(registry, "dhg-14", dhg)
    (dhg / CUTS).write_text("2 1 1 1 2\n")
    with pytest.raises(DataError, match=rf"{CUTS}:1: 6 whole numbers"):
        read(registry, "dhg-14", dhg)
    (dhg / CUTS).unlink()
    with pytest.raises(DataError, match=rf"{CUTS}: cannot be read.*Fetch the file"):
        read(registry, "dhg-14", dhg)


def test_one_protocol_for_each_performer(registry) -> None:
    for name in ("dhg-14", "dhg-28"):
        component: Dataset = registry.get("dataset", name)
        assert component.protocols == tuple(f"loso-{subject}" for subject in range(1, 21))
        assert component.protocols[0] == "loso-1"
        assert len(set(component.protocols)) == 20
    assert {DhgReader(14).expected(protocol) for protocol in component.protocols} == {(2660, 140)}


def test_unknown_protocols_are_told(registry, dhg: Path) -> None:
    clips = read(registry, "dhg-14", dhg)
    for protocol in ("loso-0", "loso-21", "loso", "official"):
        with pytest.raises(DataError, match=f"no protocol '{protocol}'"):
            DhgReader(14).is_train(clips, protocol)
        assert DhgReader(14).expected(protocol) is None
    with pytest.raises(DataError, match="no protocol 'loso-1'"):
        ShrecReader(14).is_train(clips, "loso-1")
    assert ShrecReader(14).expected("xsub") is None


# --- both ------------------------------------------------------------------------------------


@given(st.integers(1, 14), st.integers(1, 2))
def test_a_class_of_28_tells_the_class_of_14_and_the_finger(gesture: int, finger: int) -> None:
    fine = label_of(gesture, finger, 28)
    assert (fine // 2, fine % 2) == (label_of(gesture, finger, 14), finger - 1)


@pytest.mark.parametrize("name", NAMES)
def test_synthetic_recordings_read_back_with_every_class_in_both_parts(
    registry, tmp_path: Path, layout: Layout, name: str
) -> None:
    component = registry.get("dataset", name)
    reader = component.reader()
    reader.synthesise(tmp_path / "a", clips=80, seed=3, classes=4)
    clips = open_clips(component, tmp_path / "a", preprocess="ctrgcn", layout=layout)
    assert clips.synthetic
    assert len(clips) == 80
    parts = split(clips, reader, component.protocols[0], ValidationOptions(fraction=0.3), 0)
    for members in (parts.train, parts.test):
        assert set(clips.labels[members]) == {0, 1, 2, 3}
    reader.synthesise(tmp_path / "b", clips=80, seed=3, classes=4)
    again = open_clips(component, tmp_path / "b", preprocess="ctrgcn", layout=layout)
    np.testing.assert_array_equal(again.frames, clips.frames)
    same = split(again, reader, component.protocols[0], ValidationOptions(fraction=0.3), 1)
    assert same.fingerprint == parts.fingerprint
    reader.synthesise(tmp_path / "c", clips=4, seed=4, classes=4)
    other = open_clips(component, tmp_path / "c", preprocess="ctrgcn", layout=layout)
    first, others = clips.clip(clips.ids.tolist().index(other.ids[0])), other.clip(0)
    assert first.frames.shape != others.frames.shape or not np.array_equal(first.frames, others.frames)


@pytest.mark.parametrize(("coarse", "fine"), [("shrec17-14", "shrec17-28"), ("dhg-14", "dhg-28")])
def test_one_folder_serves_14_and_28_classes(registry, tmp_path: Path, coarse: str, fine: str) -> None:
    registry.get("dataset", fine).reader().synthesise(tmp_path, clips=84, seed=0)
    gestures, variants = read(registry, coarse, tmp_path), read(registry, fine, tmp_path)
    assert gestures.ids.tolist() == variants.ids.tolist()
    assert set(variants.labels.tolist()) == set(range(28))
    fingers = [int(name[name.index("_f") + 2]) for name in variants.ids.tolist()]
    assert variants.labels.tolist() == (2 * gestures.labels + np.array(fingers) - 1).tolist()
    np.testing.assert_array_equal(gestures.frames, variants.frames)
    reader, protocol = registry.get("dataset", coarse).reader(), registry.get("dataset", coarse).protocols[0]
    train = reader.is_train(gestures, protocol)
    assert split_fingerprint(gestures, train) != split_fingerprint(variants, train)


@pytest.mark.parametrize("name", NAMES)
def test_synthetic_recordings_do_not_mix_with_others(registry, tmp_path: Path, name: str) -> None:
    reader = registry.get("dataset", name).reader()
    with pytest.raises(DataError, match="classes, not 29"):
        reader.synthesise(tmp_path, clips=2, seed=0, classes=29)
    reader.synthesise(tmp_path / "a", clips=2, seed=0)
    with pytest.raises(DataError, match="holds recordings already"):
        reader.synthesise(tmp_path / "a", clips=2, seed=0)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        reader.synthesise(tmp_path / "file", clips=2, seed=0)
