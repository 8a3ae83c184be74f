"""Own recordings are read as they are, by parameters alone; what does not fit is told once and in full."""

from __future__ import annotations

import pickle
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skelbench_plugins.datasets.skeletons.npz import Npz

from skelbench.data import open_store, write_store
from skelbench.data.unlabelled import read_unlabelled
from skelbench.errors import DataError, SkelbenchError
from skelbench.host.registry import load_registry
from skelbench.testing.datasets import DatasetConformance
from tests.plugins.datasets.own import (
    FLORENCE,
    FORMS,
    FRAMES,
    JHMDB,
    MEDIAPIPE,
    MSR_ACTION3D,
    OPENPOSE,
    PYSKL,
    SBU,
    component,
    drawn,
    florence,
    jhmdb,
    mediapipe,
    msr_action3d,
    openpose,
    parts,
    pyskl,
    read,
    rows,
    sbu,
    write,
)


class TestSkeletons(DatasetConformance):
    name = "skeletons"


@pytest.mark.parametrize("form", FORMS)
def test_every_recording_is_read_as_it_was_written(tmp_path: Path, form: str) -> None:
    made, yaml = FORMS[form]
    written = made(tmp_path)
    clips = read(yaml, tmp_path)
    assert clips.ids.tolist() == sorted(written)
    for number in range(len(clips)):
        clip = clips.clip(number)
        np.testing.assert_allclose(clip.frames, written[clip.id], rtol=1e-6, err_msg=clip.id)


@pytest.mark.parametrize("form", FORMS)
def test_each_protocol_has_two_parts(tmp_path: Path, form: str) -> None:
    made, yaml = FORMS[form]
    made(tmp_path)
    for protocol in component(yaml).protocols:
        assert set(parts(yaml, tmp_path, protocol).values()) == {True, False}


def test_labels_subjects_and_classes_come_of_names(tmp_path: Path) -> None:
    msr_action3d(tmp_path)
    clips = read(MSR_ACTION3D, tmp_path)
    assert clips.labels.tolist() == [0] * 4 + [1] * 4
    assert clips.subjects.tolist() == [1, 2, 3, 4] * 2
    mediapipe(tmp_path / "mediapipe")
    assert read(MEDIAPIPE, tmp_path / "mediapipe").class_names == ("lunge", "squat")
    jhmdb(tmp_path / "jhmdb")
    clips = read(JHMDB, tmp_path / "jhmdb")
    assert clips.class_names == tuple(f"action {n:02d}" for n in range(14))
    assert clips.labels.tolist() == list(range(14)) * 4


def test_performers_are_trained_or_tested_as_a_whole(tmp_path: Path) -> None:
    msr_action3d(tmp_path)
    found = parts(MSR_ACTION3D, tmp_path)
    assert {name for name, train in found.items() if train} == {n for n in found if "s01" in n or "s03" in n}
    florence(tmp_path / "f")
    assert component(FLORENCE).protocols == ("loso-1", "loso-2")
    left = parts(FLORENCE, tmp_path / "f", "loso-2")
    assert all(train == ("_s2_" not in name) for name, train in left.items())
    sbu(tmp_path / "sbu")
    for protocol in component(SBU).protocols:
        by_pair: dict[str, set[bool]] = {}
        for name, train in parts(SBU, tmp_path / "sbu", protocol).items():
            by_pair.setdefault(name.split("/")[0], set()).add(train)
        assert all(len(sides) == 1 for sides in by_pair.values())


def test_a_share_depends_on_each_recording_alone(tmp_path: Path) -> None:
    msr_action3d(tmp_path)
    yaml = MSR_ACTION3D.replace("{subjects: [1, 3]}", "{share: 0.5}")
    whole = parts(yaml, tmp_path)
    for path in list(tmp_path.glob("a01*"))[:2]:
        path.unlink()
    assert parts(yaml, tmp_path).items() <= whole.items()


def test_lists_say_who_is_trained_and_others_are_left_out(tmp_path: Path) -> None:
    msr_action3d(tmp_path)
    write(tmp_path / "train.list", "a01_s01_e01_skeleton3D.txt\na02_s01_e01_skeleton3D\n")
    write(tmp_path / "test.list", "a01_s02_e01_skeleton3D\n")
    yaml = MSR_ACTION3D.replace("{subjects: [1, 3]}", "{train: train.list, test: test.list}")
    found = parts(yaml, tmp_path)
    left_out = read(yaml, tmp_path).left_out
    assert left_out == ("5 recordings are in no list of 'split' and are not read",)
    assert found == {
        "a01_s01_e01_skeleton3D": True,
        "a02_s01_e01_skeleton3D": True,
        "a01_s02_e01_skeleton3D": False,
    }


def test_several_keys_of_a_split_give_protocols_side_by_side() -> None:
    own = component("{split: {subjects: [1], folds: 2, share: 0.7}}")
    assert own.protocols == ("subjects", "fold-1", "fold-2", "share")


def test_the_surest_persons_of_a_detector_are_kept(tmp_path: Path) -> None:
    written = openpose(tmp_path)
    clips = read(OPENPOSE, tmp_path)
    assert (clips.frames[..., 2] > 0.7).all()
    assert len(clips) == len(written) == 8
    assert set(clips.lengths) == {FRAMES}


def test_an_npz_of_named_arrays(tmp_path: Path) -> None:
    x = drawn(6, 5, 20, 3)
    x[2, 3:] = 0  # frames that fill up
    labels = np.array(["a", "b"] * 3)
    np.savez(
        tmp_path / "own.npz", poses=x, label=labels, who=np.arange(6), split=np.array([1, 1, 1, 0, 0, 0])
    )
    yaml = "{layout: kinect20, classes: 2, who: who}"
    clips = read(yaml, tmp_path / "own.npz")
    assert clips.lengths.tolist() == [5, 5, 3, 5, 5, 5]
    assert clips.class_names == ("a", "b")
    assert clips.subjects.tolist() == [0, 1, 2, 3, 4, 5]
    assert list(parts(yaml, tmp_path / "own.npz").values()) == [True] * 3 + [False] * 3
    np.testing.assert_allclose(clips.clip(0).frames[:, 0], x[0], rtol=1e-6)


@pytest.mark.parametrize(("axes", "order"), [("NTMVC", (0, 1, 2, 3, 4)), ("NCTVM", (0, 4, 1, 3, 2))])
def test_axes_may_stand_in_any_order(tmp_path: Path, axes: str, order: tuple[int, ...]) -> None:
    x = drawn(4, 6, 2, 20, 3)
    np.savez(tmp_path / "own.npz", x=x.transpose(order), y=np.array([0, 1, 0, 1]))
    yaml = "{layout: kinect20, classes: 2, persons: 2, axes: AXES, split: {share: 0.5}}".replace("AXES", axes)
    np.testing.assert_allclose(read(yaml, tmp_path).clip(1).frames, x[1], rtol=1e-6)


def test_the_npz_of_ctr_gcn_with_one_hot_labels(tmp_path: Path) -> None:
    x = drawn(4, 6, 40)
    hot = np.eye(2)[[0, 1, 0, 1]]
    np.savez(tmp_path / "own.npz", x_train=x, y_train=hot, x_test=x + 1, y_test=hot)
    own = {
        "layout": {"joints": 20, "bones": [[i, i + 1] for i in range(19)]},
        "classes": 2,
        "channels": ["x", "y"],
    }
    import yaml

    found = parts(yaml.safe_dump(own), tmp_path)
    assert list(found.values()) == [False] * 4 + [True] * 4
    assert read(yaml.safe_dump(own), tmp_path).labels.tolist() == [0, 1, 0, 1] * 2


def test_missing_values_are_refused_or_zero(tmp_path: Path) -> None:
    mediapipe(tmp_path)
    path = tmp_path / "squat" / "p01_000.csv"
    lines = path.read_text().splitlines()
    cells = lines[2].split(",")
    cells[1 + 4 * 5] = ""  # x of landmark 5
    path.write_text("\n".join([*lines[:2], ",".join(cells), *lines[3:]]))
    with pytest.raises(DataError, match=r"p01_000\.csv: .* right_eye in frame 1.*missing: zero"):
        read(MEDIAPIPE, tmp_path)
    clips = read(f"{MEDIAPIPE}\nmissing: zero", tmp_path)
    clip = next(clips.clip(n) for n in range(len(clips)) if clips.ids[n] == "squat/p01_000")
    assert (clip.frames[1, 0, 5] == 0).all()
    assert clip.frames[1, 0, 4].all()


# --- what does not fit ---------------------------------------------------------------------------


def damaged_msr(root: Path, change: Any) -> Path:
    msr_action3d(root)
    path = root / "a01_s02_e01_skeleton3D.txt"
    path.write_text(change(path.read_text()))
    return root


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda t: t[: len(t) // 2].rsplit("\n", 1)[0] + "\n0.1 0.2\n",
            r":\d+: 2 values, where the first line has 4",
        ),
        (lambda t: t.replace("0.", "?.", 1), "is no number"),
        (lambda t: "\n".join(t.splitlines()[:-1]), "79 rows of a joint each are no whole frames"),
        (lambda t: "", "the file is empty"),
        (lambda t: "x,y,z,c\n", "no row under the header"),
        (lambda t: t.replace("0.", "nan 0.", 1), "values, where the first line has|is no number|neither"),
        (lambda t: rows(drawn(8, 5)), "a row has 5 values, which is neither a joint .4. nor a frame .80."),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, change: Any, told: str) -> None:
    with pytest.raises(DataError, match=told) as error:
        read(MSR_ACTION3D, damaged_msr(tmp_path, change))
    assert "a01_s02_e01_skeleton3D.txt" in str(error.value)
    assert error.value.problems[0].remedy


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("a{label:02d}", "b{label:02d}", "none of 8 files fits .*; one of them is 'a01_s01"),
        ("_e{trial}", "_e{subject}", "'{subject}' twice"),
        ("_e{trial}", "_e{}", "without a name"),
        ("_e{trial}", "_e{trial", "a brace that means nothing"),
        (
            "first_label: 1",
            "first_label: 0",
            "the class is 2, and the 2 classes are 0 to 1. Set 'first_label'",
        ),
        ("classes: 2", "classes: [walk, run, fall]", r"\[walk|label|class"),
        ("layout: msr20", "layout: msr21", "unknown layout 'msr21'. Did you mean 'msr20'"),
        ("layout: msr20", "layout: coco17", "80 rows of a joint each are no whole frames of 1 x 17"),
        ("{label:02d}", "{class}", "2 classes|the name of no class|class"),
        ("s{subject:02d}", "s{who}", "the performers are not known"),
    ],
)
def test_a_parameter_that_does_not_fit_is_told(tmp_path: Path, before: str, after: str, told: str) -> None:
    msr_action3d(tmp_path)
    yaml = MSR_ACTION3D.replace(before, after)
    if after.startswith(("classes: [", "{class}")):  # these fit: names of classes by number, and of folders
        assert len(read(yaml, tmp_path)) == 8
        return
    with pytest.raises(SkelbenchError, match=told):
        parts(yaml, tmp_path)


def test_groups_that_are_no_integers_do_not_fit(tmp_path: Path) -> None:
    write(tmp_path / "axx_s01.txt", rows(drawn(20, 3)))
    with pytest.raises(DataError, match="none of 1 files fits"):
        read("{files: 'a{label}_s{subject}.txt', classes: 2}", tmp_path)


def test_a_missing_column_is_told_with_its_nearest(tmp_path: Path) -> None:
    mediapipe(tmp_path)
    path = tmp_path / "lunge" / "p02_000.csv"
    path.write_text(path.read_text().replace("z32", "zz32", 1))
    with pytest.raises(DataError, match=r"p02_000\.csv: there is no column 'z32'. Did you mean"):
        read(MEDIAPIPE, tmp_path)


def test_a_leading_column_is_told_with_skip(tmp_path: Path) -> None:
    sbu(tmp_path)
    with pytest.raises(DataError, match=r"a row has 91 values.* Set skip: 1"):
        read(SBU.replace("skip: 1", "skip: 0"), tmp_path)


def test_three_persons_where_one_is_declared(tmp_path: Path) -> None:
    annotation = {"frame_dir": "v", "label": 0, "keypoint": drawn(3, 4, 17, 2)}
    (tmp_path / "own.pkl").write_bytes(pickle.dumps([annotation]))
    with pytest.raises(DataError, match=r"own\.pkl, 'v': 3 persons, and 1 are declared\. Set persons: 3"):
        read("{layout: coco17, classes: 2, channels: [x, y], split: {share: 0.5}}", tmp_path)


def test_a_pickle_that_runs_code_is_refused(tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> Any:
            return print, ("harm",)

    (tmp_path / "own.pkl").write_bytes(pickle.dumps(Harm()))
    with pytest.raises(DataError, match=r"own\.pkl: the pickle asks for .*print"):
        read(PYSKL, tmp_path)


def test_an_npz_of_objects_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "own.npz", x=np.array([{}, []], dtype=object), y=np.arange(2))
    with pytest.raises(DataError, match=r"own\.npz: the array 'x' cannot be read"):
        read("{classes: 2, split: {share: 0.5}}", tmp_path)


def test_scores_that_are_not_there_are_told(tmp_path: Path) -> None:
    annotation = {"frame_dir": "v", "label": 0, "keypoint": drawn(1, 4, 17, 2)}
    (tmp_path / "own.pkl").write_bytes(pickle.dumps([annotation]))
    with pytest.raises(DataError, match=r"17 joints with x, y. Set channels: \[x, y\]"):
        read(PYSKL, tmp_path)


def test_nothing_that_says_the_test_split_is_told(tmp_path: Path) -> None:
    pyskl(tmp_path)
    content = pickle.loads((tmp_path / "own.pkl").read_bytes())["annotations"]
    (tmp_path / "own.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(DataError, match=r"nothing says which recordings are for test .* Set 'split'"):
        parts(PYSKL, tmp_path)


def test_several_splits_are_chosen_from_by_name(tmp_path: Path) -> None:
    pyskl(tmp_path)
    content = pickle.loads((tmp_path / "own.pkl").read_bytes())
    names = [f"v{n}" for n in range(6)]
    content["split"] = {
        "one_train": names[:4],
        "one_val": names[4:],
        "two_train": names[:1],
        "two_val": names[1:],
    }
    (tmp_path / "own.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(DataError, match=r"there are 2 splits\. Set split: .* to one of: one, two"):
        parts(PYSKL, tmp_path)
    assert sum(parts(PYSKL[:-1] + ", split: {name: two}}", tmp_path).values()) == 1
    (told,) = read(PYSKL[:-1] + ", split: {name: two}}", tmp_path).left_out
    assert told == "6 recordings of 'own.pkl' are in no part of its split"


def test_a_file_that_is_too_large_for_one_recording_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a01_s01_e01_skeleton3D.txt"
    with path.open("wb") as file:
        file.truncate(4 << 30)  # takes no room on the disk
    with pytest.raises(DataError, match=r"4\.0 GiB are no single recording"):
        read(MSR_ACTION3D, tmp_path)


def large_npz(path: Path, recordings: int, **options: Any) -> np.ndarray:
    x = np.random.default_rng(0).uniform(0.1, 0.9, (recordings, 100, 20, 3)).astype(np.float32)
    save = np.savez_compressed if options.get("compressed") else np.savez
    save(path, x=x, y=np.arange(recordings) % 2, who=np.arange(recordings) % 4)
    return x


LARGE = "{layout: kinect20, classes: 2, who: who, split: {subjects: [1, 3]}}"


@pytest.mark.parametrize("compressed", [False, True])
def test_recordings_of_a_large_npz_are_read_a_few_at_a_time(tmp_path: Path, compressed: bool) -> None:
    x = large_npz(tmp_path / "own.npz", 60, compressed=compressed)
    reader = component(LARGE).reader()
    sources = reader.sources(tmp_path)
    assert len(sources) > 3
    for source in [*sources, sources[1], sources[-1], sources[0]]:  # also backwards
        clips = reader.read(source)
        assert 1 <= len(clips) < 20
        for clip in clips:
            number = int(clip.id.rpartition("/")[2])
            assert np.array_equal(clip.frames[:, 0], x[number])
            assert (clip.label, clip.subject) == (number % 2, number % 4)


def test_a_large_npz_takes_little_memory(tmp_path: Path) -> None:
    large_npz(tmp_path / "own.npz", 4000)  # 96 MB
    own, layout = component(LARGE), load_registry().get("layout", "kinect20")
    tracemalloc.start()
    try:
        write_store(tmp_path / "store", own, own.reader(), tmp_path, preprocess="none", layout=layout)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(open_store(tmp_path / "store")) == 4000
    assert most < 90e6  # less than the file holds, whatever its size


def test_an_array_in_another_order_is_read_at_once_unless_it_is_too_large(tmp_path: Path) -> None:
    x = drawn(4, 5, 20, 3)
    np.savez(tmp_path / "own.npz", x=np.asfortranarray(x), y=np.arange(4) % 2)
    yaml = "{layout: kinect20, classes: 2, split: {share: 0.5}}"
    np.testing.assert_allclose(read(yaml, tmp_path).clip(3).frames[:, 0], x[3], rtol=1e-6)
    with zipfile.ZipFile(tmp_path / "own.npz", "w") as archive:
        with archive.open("x.npy", "w", force_zip64=True) as file:
            header = {"descr": "<f8", "fortran_order": True, "shape": (4, 5000, 4000, 3)}
            np.lib.format.write_array_header_1_0(file, header)
        with archive.open("y.npy", "w") as file:
            np.save(file, np.arange(4) % 2)
    with pytest.raises(DataError, match=r"'x' has 1\.8 GiB and cannot be read piece by piece"):
        Npz(tmp_path / "own.npz").rows("x")


def test_a_large_npz_that_is_cut_short_is_named(tmp_path: Path) -> None:
    large_npz(tmp_path / "own.npz", 60)
    content = bytearray((tmp_path / "own.npz").read_bytes())
    content[len(content) // 2] ^= 255  # which the sum of the archive tells at the end of the array
    (tmp_path / "own.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"own\.npz.*'x' cannot be read"):
        read(LARGE, tmp_path)


def test_a_file_of_recordings_without_classes_can_be_classified(tmp_path: Path) -> None:
    x = drawn(3, 5, 17, 3)
    layout = load_registry().get("layout", "coco17")
    bare = {"frame_dir": "v", "keypoint": x[:1, ..., :2], "keypoint_score": x[:1, ..., 2]}
    (tmp_path / "bare.pkl").write_bytes(pickle.dumps({"annotations": [bare], "split": {"train": []}}))
    np.savez(tmp_path / "bare.npz", x=x)
    own = component(PYSKL)
    (one,) = read_unlabelled(own, layout, tmp_path / "bare.pkl")
    assert one.id == "v"
    np.testing.assert_allclose(one.frames[:, 0], x[0], rtol=1e-6)
    found = list(read_unlabelled(own, layout, tmp_path))  # a folder of both
    assert [one.id for one in found] == ["bare/0", "bare/1", "bare/2", "v"]
    np.testing.assert_allclose(found[2].frames[:, 0], x[2], rtol=1e-6)
    with pytest.raises(DataError, match="has no array of classes under a usual name"):
        read(PYSKL, tmp_path / "bare.npz")


def test_a_layout_may_be_a_plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "site" / "hands-0.1.dist-info"
    write(info / "METADATA", "Metadata-Version: 2.1\nName: hands\nVersion: 0.1\n")
    write(info / "entry_points.txt", "[skelbench]\nhands = hands_plugin\n")
    plugin = """
        from skelbench import hookimpl
        from skelbench.layouts import LayoutOptions

        @hookimpl
        def register_layouts():
            bones = [(i, i - 1) for i in range(1, 21)]
            return [LayoutOptions(name="hands.hand21", joints=21, bones=bones).layout("A hand")]
    """
    write(tmp_path / "site" / "hands_plugin.py", dedent(plugin))
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    x = drawn(4, 5, 21, 3)
    np.savez(tmp_path / "own.npz", x=x, y=np.array([0, 1, 0, 1]))
    clips = read("{layout: hands.hand21, classes: 2, split: {share: 0.5}}", tmp_path / "own.npz")
    assert clips.frames.shape[1:] == (1, 21, 3)
    with pytest.raises(SkelbenchError, match=r"unknown layout 'hands\.hand22'.*hands\.hand21"):
        read("{layout: hands.hand22, classes: 2, split: {share: 0.5}}", tmp_path / "own.npz")


def test_files_that_do_not_fit_are_counted(tmp_path: Path) -> None:
    msr_action3d(tmp_path)
    write(tmp_path / "README.txt", "notes")
    own = component(MSR_ACTION3D)
    reader = own.reader()
    reader.sources(tmp_path)
    assert reader.dropped == ("1 files do not fit 'files' and are not read, 'README.txt' the first",)


ARRAYS: dict[str, tuple[dict[str, Any], str]] = {
    "no recording": ({"x": drawn(0, 4, 20, 3), "y": np.zeros(0, int)}, "'x' holds no recording"),
    "three persons": (
        {"x": drawn(6, 4, 3, 20, 3)},
        r"recording 0: 3 persons, and 1 are declared\. Set persons: 3",
    ),
    "another joint": ({"x": drawn(6, 4, 21, 3)}, "does not fit 20 joints of 3 values"),
    "two channels": ({"x": drawn(6, 4, 20, 2)}, "does not fit 20 joints of 3 values"),
    "no frame": ({"x": drawn(6, 0, 20, 3)}, "it has no frame"),
    "a single number": ({"x": np.float32(1)}, "'x' is a single"),
    "a class too many": ({"y": np.arange(6) % 3}, "the class is 2, and the 2 classes are 0 to 1"),
    "classes as shares": ({"y": np.arange(6) / 2}, "the class is of type float"),
    "a class too few": ({"y": np.arange(5) % 2}, "there are 6 recordings and 5 values of 'y'"),
    "three names": ({"y": np.array(["a", "b", "c"] * 2)}, "3 classes in the files .* Set classes: 3"),
    "strange performers": ({"who": np.array(["p", "q", "r"] * 2)}, "of a performer that 'subjects' names"),
}


@pytest.mark.parametrize("fault", ARRAYS)
def test_arrays_that_do_not_fit_are_told_with_a_remedy(tmp_path: Path, fault: str) -> None:
    changed, told = ARRAYS[fault]
    arrays = {"x": drawn(6, 4, 20, 3), "y": np.arange(6) % 2, "who": np.arange(6)} | changed
    if fault == "no recording":
        arrays["who"] = np.zeros(0, int)
    np.savez(tmp_path / "own.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=told) as error:
        parts("{layout: kinect20, classes: 2, who: who, split: {subjects: [0, 1, 2]}}", tmp_path)
    assert error.value.problems[0].remedy


def test_a_pattern_that_no_file_fits_is_shown_beside_one_of_that_kind(tmp_path: Path) -> None:
    msr_action3d(tmp_path)
    write(tmp_path / "LICENSE", "text")
    with pytest.raises(
        DataError, match=r"none of 9 files fits .*; one of them is 'a01_s01_e01_skeleton3D\.txt'"
    ):
        read(MSR_ACTION3D.replace("a{label:02d}", "b{label:02d}"), tmp_path)


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["txt", "csv", "npy", "json", "npz", "pkl"]))
def test_no_bytes_give_anything_but_recordings_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, ending: str
) -> None:
    root = tmp_path_factory.mktemp("bytes")
    (root / f"a01.{ending}").write_bytes(content)
    with pytest.raises(DataError):
        read("{files: 'a{label}." + ending + "', classes: 2, split: {share: 0.5}}", root)


def test_stores_of_other_parameters_are_others(tmp_path: Path) -> None:
    from skelbench.data import open_clips
    from skelbench.host.registry import load_registry

    msr_action3d(tmp_path / "raw")
    layout = load_registry().get("layout", "msr20")
    shapes = []
    for yaml in (MSR_ACTION3D, MSR_ACTION3D.replace('z, "-"', '"-", score')):
        own = component(yaml)
        clips = open_clips(own, tmp_path / "raw", preprocess="none", layout=layout, cache=tmp_path / "cache")
        shapes.append(clips.frames.shape[3])
    assert shapes == [3, 3]
    assert len(list((tmp_path / "cache").glob("skeletons-*"))) >= 2
    assert replace(own, classes=2) == own


def test_several_damaged_files_are_named_at_once(tmp_path: Path) -> None:
    florence(tmp_path)
    damaged = sorted(tmp_path.glob("*.txt"))[:2]
    for path in damaged:
        path.write_text("1 2\n")
    with pytest.raises(DataError) as told:
        read(FLORENCE, tmp_path)
    assert len(told.value.problems) == 2
    assert all(path.name in str(told.value) for path in damaged)


def test_one_file_of_many_recordings_is_read_without_the_pattern_of_all(tmp_path: Path) -> None:
    jhmdb(tmp_path)
    assert len(read(JHMDB, tmp_path / "GT_test_1.pkl")) == 28
