"""The readers of NTU RGB+D: folders, archives, splits and synthetic recordings."""

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from skelbench_plugins.datasets.ntu.names import NtuName, missing
from skelbench_plugins.datasets.ntu.reader import Ntu60Reader, Ntu120Reader, NtuReader
from skelbench_plugins.datasets.ntu.synthetic import skeleton_text

from skelbench.data import Clip, Clips
from skelbench.errors import DataError
from skelbench.host.registry import load_registry

NAMES = ("S001C001P001R001A001", "S001C002P003R001A050", "S002C003P001R002A060")
EMPTY = "2\n0\n0\n"


def body_text(frames: int = 3, persons: int = 1) -> str:
    scene = np.random.default_rng(frames).normal(3, 0.3, (frames, persons, 25, 3))
    return skeleton_text(scene, list(range(1, persons + 1)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(NAMES):
        place = tmp_path / "raw" / str(number)
        place.mkdir(parents=True)
        (place / f"{name}.skeleton").write_text(body_text(frames=3 + number))
    return tmp_path / "raw"


def zipped(path: Path, texts: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in texts.items():
            archive.writestr(name, text)
    return path


def read_all(reader: NtuReader, root: Path) -> list[Clip]:
    return [clip for source in reader.sources(root) for clip in reader.read(source)]


def gathered(reader: NtuReader, clips: list[Clip]) -> Clips:
    return Clips.of(clips, dataset=reader.edition.name, layout="ntu25", class_names=reader.class_names)


def test_a_folder_is_searched_through(folder: Path) -> None:
    clips = read_all(Ntu60Reader(), folder)
    assert [clip.id for clip in clips] == sorted(NAMES)
    last = clips[-1]
    assert (last.label, last.subject, last.camera, last.setup) == (59, 1, 3, 2)
    assert last.frames.shape == (5, 2, 25, 3)
    assert last.frames.dtype == np.float32


@pytest.mark.parametrize("as_file", [True, False])
def test_an_archive_is_read_without_unpacking(folder: Path, tmp_path: Path, as_file: bool) -> None:
    texts = {f"nturgb+d_skeletons/{p.name}": p.read_text() for p in folder.rglob("*.skeleton")}
    texts["__MACOSX/._S001C001P001R001A001.skeleton"] = "junk"
    texts["nturgb+d_skeletons/readme.txt"] = "hello"
    (tmp_path / "zip").mkdir()
    archive = zipped(tmp_path / "zip" / "nturgbd_skeletons_s001_to_s017.zip", texts)
    clips = read_all(Ntu60Reader(), archive if as_file else archive.parent)
    for clip, plain in zip(clips, read_all(Ntu60Reader(), folder), strict=True):
        assert clip.id == plain.id
        np.testing.assert_array_equal(clip.frames, plain.frames)


def test_an_archive_and_what_was_unpacked_of_it_count_once(folder: Path) -> None:
    zipped(folder / "a.zip", {f"{NAMES[0]}.skeleton": EMPTY, "S003C001P001R001A001.skeleton": body_text()})
    clips = read_all(Ntu60Reader(), folder)
    assert [clip.id for clip in clips] == sorted([*NAMES, "S003C001P001R001A001"])


def test_readers_and_sources_can_go_to_other_processes(folder: Path) -> None:
    zipped(folder / "a.zip", {"S003C001P001R001A001.skeleton": body_text()})
    reader = Ntu60Reader()
    sent = pickle.loads(pickle.dumps((reader, reader.sources(folder))))
    assert [len(sent[0].read(source)) for source in sent[1]] == [1] * 4


def test_an_archive_that_changes_is_opened_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    for frames in (4, 9):
        zipped(path, {f"{NAMES[0]}.skeleton": body_text(frames)})
        assert len(read_all(Ntu60Reader(), path)[0].frames) == frames


def test_a_folder_of_another_edition_or_of_unusable_recordings_has_nothing(tmp_path: Path) -> None:
    for name in ("S018C001P001R001A061", min(missing())):
        (tmp_path / f"{name}.skeleton").write_text(body_text())
    assert len(Ntu120Reader().sources(tmp_path)) == 1
    with pytest.raises(DataError, match="nothing of ntu60 here"):
        Ntu60Reader().sources(tmp_path)


def test_a_recording_of_nobody_is_left_out_and_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / f"{NAMES[0]}.skeleton"
    for text in (EMPTY, "0\n"):
        caplog.clear()
        path.write_text(text)
        assert read_all(Ntu60Reader(), tmp_path) == []
        assert "no body in any frame" in caplog.text
        assert NAMES[0] in caplog.text


def test_frames_without_bodies_stay_in_their_place(tmp_path: Path) -> None:
    lines = body_text(frames=2).splitlines()
    lines[0], lines[1:1] = "3", ["0"]
    (tmp_path / f"{NAMES[0]}.skeleton").write_text("\n".join(lines))
    (clip,) = read_all(Ntu60Reader(), tmp_path)
    assert clip.frames.shape == (3, 2, 25, 3)
    assert not clip.frames[0].any()
    assert clip.frames[1:, 0].any(axis=(1, 2)).all()


def test_a_foreign_name_is_refused(folder: Path) -> None:
    (folder / "walk.skeleton").write_text(body_text())
    with pytest.raises(DataError, match=r"walk.*no name of an NTU") as told:
        Ntu60Reader().sources(folder)
    assert told.value.problems[0].where.endswith("walk.skeleton")


@pytest.mark.parametrize("kind", ["absent", "empty"])
def test_nothing_to_read_is_told(tmp_path: Path, kind: str) -> None:
    root = tmp_path / "x"
    if kind == "empty":
        root.mkdir()
    with pytest.raises(DataError, match=r"nothing of ntu60 here|no such file"):
        Ntu60Reader().sources(root)


def test_a_truncated_recording_is_told_with_its_file(folder: Path) -> None:
    path = next(folder.rglob(f"{NAMES[0]}.skeleton"))
    path.write_text(body_text()[:700])
    reader = Ntu60Reader()
    with pytest.raises(DataError, match=r"frame 1: ") as told:
        reader.read(reader.sources(folder)[0])
    assert str(path) in told.value.problems[0].where


def test_a_recording_that_vanishes_is_told(folder: Path) -> None:
    reader = Ntu60Reader()
    source = reader.sources(folder)[0]
    Path(str(source)).unlink()
    with pytest.raises(DataError, match="cannot be read"):
        reader.read(source)


@pytest.mark.parametrize("kept", [0, 40, -40])
def test_a_truncated_archive_is_refused(tmp_path: Path, kept: int) -> None:
    path = zipped(tmp_path / "a.zip", {f"{NAMES[0]}.skeleton": body_text()})
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match="archive is damaged") as told:
        Ntu60Reader().sources(tmp_path)
    assert told.value.problems[0].where == str(path)


def test_a_damaged_member_of_an_archive_is_told(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {f"{NAMES[0]}.skeleton": body_text(frames=20)})
    content = bytearray(path.read_bytes())
    content[200:240] = bytes(40)
    path.write_bytes(content)
    reader = Ntu60Reader()
    (source,) = reader.sources(tmp_path)
    with pytest.raises(DataError, match="archive is damaged") as told:
        reader.read(source)
    assert told.value.problems[0].where == f"{path}/{NAMES[0]}.skeleton"


def test_splits_follow_the_protocols(folder: Path) -> None:
    reader = Ntu60Reader()
    clips = gathered(reader, read_all(reader, folder))
    assert reader.is_train(clips, "xsub").tolist() == [True, False, True]
    assert reader.is_train(clips, "xview").tolist() == [False, True, True]
    assert Ntu120Reader().is_train(clips, "xset").tolist() == [False, False, True]
    with pytest.raises(DataError, match="ntu60 has no protocol 'xset'"):
        reader.is_train(clips, "xset")
    assert reader.expected("xsub") == (40_091, 16_487)
    assert reader.expected("xset") is None


def test_real_recordings_have_one_person_or_two(shared_data: Path) -> None:
    clips = read_all(Ntu60Reader(), shared_data / "ntu-rgbd")
    assert len(clips) == 9
    assert [clip.label for clip in clips] == [0, 1, 2, 3, 4, 5, 6, 7, 57]
    assert [bool(clip.frames[:, 1].any()) for clip in clips] == [False] * 8 + [True]
    head, feet = clips[0].frames[:, 0, 3, 1], clips[0].frames[:, 0, [15, 19], 1]
    assert (head - feet.mean(axis=1)).mean() == pytest.approx(1.4, abs=0.4)


@pytest.mark.parametrize("reader", [Ntu60Reader(), Ntu120Reader()], ids=["ntu60", "ntu120"])
def test_synthetic_recordings_cover_both_sides_of_every_protocol(tmp_path: Path, reader: NtuReader) -> None:
    classes = 3
    reader.synthesise(tmp_path, clips=4 * classes, seed=1, classes=classes)
    assert (tmp_path / "SYNTHETIC").is_file()
    clips = gathered(reader, read_all(reader, tmp_path))
    assert len(clips) == 4 * classes
    for protocol in reader.edition.protocols:
        train = reader.is_train(clips, protocol)
        assert set(clips.labels[train]) == set(clips.labels[~train]) == set(range(classes))


def test_synthetic_recordings_repeat_with_their_seed(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        Ntu60Reader().synthesise(tmp_path / name, clips=2, seed=seed)
    texts = {n: [p.read_text() for p in sorted((tmp_path / n).glob("*.skeleton"))] for n in "abc"}
    assert texts["a"] == texts["b"] != texts["c"]


def test_synthetic_interactions_have_two_persons(tmp_path: Path) -> None:
    Ntu60Reader().synthesise(tmp_path, clips=60, seed=0)
    for clip in read_all(Ntu60Reader(), tmp_path):
        assert clip.frames[:, 1].any() == (clip.label >= 49)


def test_few_synthetic_recordings_have_several_subjects_to_train_on(tmp_path: Path) -> None:
    reader = Ntu60Reader()
    reader.synthesise(tmp_path, clips=16, seed=0, classes=8)
    clips = gathered(reader, read_all(reader, tmp_path))
    assert set(clips.subjects[reader.is_train(clips, "xsub")]) == {1, 2, 4, 5}


def test_synthetic_names_are_unlike_each_other_and_usable(tmp_path: Path) -> None:
    from skelbench_plugins.datasets.ntu.synthetic import _names

    for reader, clips, classes in ((Ntu60Reader(), 2000, 5), (Ntu120Reader(), 3000, 120)):
        names = _names(reader.edition, clips, classes)
        assert len(set(names)) == clips
        assert all(reader.edition.uses(name) for name in names)
        assert {name.action for name in names} == set(range(1, classes + 1))


def test_synthetic_recordings_do_not_mix_with_real_ones(tmp_path: Path) -> None:
    (tmp_path / f"{NAMES[0]}.skeleton").write_text(body_text())
    with pytest.raises(DataError, match="not synthetic"):
        Ntu60Reader().synthesise(tmp_path, clips=1, seed=0)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{NAMES[0]}.skeleton"]


@pytest.mark.parametrize(("clips", "classes"), [(10, 0), (10, 61), (10_000, 1)])
def test_impossible_synthetic_wishes_are_refused_before_writing(
    tmp_path: Path, clips: int, classes: int
) -> None:
    with pytest.raises(DataError, match=r"classes|names exist"):
        Ntu60Reader().synthesise(tmp_path / "x", clips=clips, seed=0, classes=classes)
    assert not (tmp_path / "x").exists()


def test_a_failing_disk_is_told(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("a file, not a folder")
    with pytest.raises(DataError, match="cannot be written"):
        Ntu60Reader().synthesise(tmp_path / "x", clips=1, seed=0)


@pytest.mark.parametrize("name", ["ntu60", "ntu120"])
def test_the_registered_data_sets_are_what_their_readers_read(name: str) -> None:
    component = load_registry().get("dataset", name)
    reader = component.reader()
    assert component.classes == len(reader.class_names)
    assert component.protocols == tuple(reader.edition.protocols)
    assert len(load_registry().get("layout", component.layout).joints) == 25
    assert str(NtuName(1, 2, 3, 1, 2)) == "S001C002P003R001A002"
