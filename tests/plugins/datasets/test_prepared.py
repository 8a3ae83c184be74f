"""Prepared forms of NTU RGB+D, and pickles that must not be trusted."""

import collections
import contextlib
import io
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skelbench_plugins.datasets.common.unpickle import load_pickle
from skelbench_plugins.datasets.ntu.names import missing
from skelbench_plugins.datasets.ntu.reader import Ntu60Reader, Ntu120Reader, NtuReader

from skelbench.data import Clip, Clips
from skelbench.errors import DataError

TRAIN = ["S001C002P001R001A001", "S001C003P002R001A002", "S001C002P004R001A060"]
TEST = ["S001C001P003R001A001", "S001C001P006R001A060"]


def recording(name: str, frames: int = 6, persons: int = 2) -> np.ndarray:
    rng = np.random.default_rng([ord(c) for c in name])
    return rng.normal(size=(frames, persons, 25, 3)).astype(np.float32)


def label(name: str) -> int:
    return int(name[-3:]) - 1


def stgcn(root: Path, stem: str = "_data_joint", ending: str = ".skeleton", frames: int = 9) -> Path:
    """ST-GCN's four files, each recording six frames long and filled with zeros."""
    root.mkdir(exist_ok=True)
    for part, names in (("train", TRAIN), ("val", TEST)):
        data = np.zeros((len(names), 3, frames, 25, 2), np.float32)
        for row, name in zip(data, names, strict=True):
            row[:, :6] = recording(name).transpose(3, 0, 2, 1)
        np.save(root / f"{part}{stem}.npy", data)
        labels = [label(name) for name in names]
        (root / f"{part}_label.pkl").write_bytes(pickle.dumps(([n + ending for n in names], labels)))
    return root


def npz(path: Path, **changes: Any) -> Path:
    content: dict[str, np.ndarray] = {}
    for part, names in (("train", TRAIN), ("test", TEST)):
        x = np.zeros((len(names), 9, 150), np.float64)
        x[:, :6] = np.stack([recording(name).reshape(6, 150) for name in names])
        content |= {f"x_{part}": x, f"y_{part}": np.eye(60)[[label(name) for name in names]]}
    np.savez(path, **(content | changes))
    return path


def annotation(name: str, **changes: Any) -> dict[str, Any]:
    points = recording(name).transpose(1, 0, 2, 3)
    found = {"frame_dir": name, "label": label(name), "keypoint": points, "total_frames": 6}
    return found | changes


def pyskl(path: Path, annotations: Any = None, **changes: Any) -> Path:
    split = {"xview_train": TRAIN, "xview_val": TEST, "xsub_train": TRAIN, "xsub_val": TEST}
    content = {"split": split, "annotations": annotations or [annotation(n) for n in TRAIN + TEST]}
    path.write_bytes(pickle.dumps(content | changes))
    return path


def read_all(reader: NtuReader, root: Path) -> list[Clip]:
    return [clip for source in reader.sources(root) for clip in reader.read(source)]


def gathered(root: Path) -> Clips:
    reader = Ntu60Reader()
    return Clips.of(read_all(reader, root), dataset="ntu60", layout="ntu25", class_names=reader.class_names)


def assert_as_recorded(clips: Clips) -> None:
    assert clips.ids.tolist() == sorted(TRAIN + TEST)
    for index, name in enumerate(clips.ids):
        clip = clips.clip(index)
        np.testing.assert_array_equal(clip.frames, recording(name))
        assert clip.label == label(name)
        assert (clip.setup, clip.camera, clip.subject) == (int(name[1:4]), int(name[5:8]), int(name[9:12]))


@pytest.mark.parametrize("stem", ["_data", "_data_joint"])
@pytest.mark.parametrize("ending", ["", ".skeleton"])
def test_stgcn_arrays_are_read_without_their_padding(tmp_path: Path, stem: str, ending: str) -> None:
    clips = gathered(stgcn(tmp_path, stem, ending))
    assert_as_recorded(clips)
    assert clips.ids[Ntu60Reader().is_train(clips, "xview")].tolist() == sorted(TRAIN)


def test_npz_is_read_with_made_up_names(tmp_path: Path) -> None:
    clips = gathered(npz(tmp_path / "NTU60_CS.npz"))
    assert clips.ids.tolist() == [
        *(f"xsub-test-{number:06}" for number in (1, 2)),
        *(f"xsub-train-{number:06}" for number in (1, 2, 3)),
    ]
    for index, name in enumerate(TEST + TRAIN):
        np.testing.assert_array_equal(clips.clip(index).frames, recording(name))
        assert clips.clip(index).label == label(name)
    assert Ntu60Reader().is_train(clips, "xsub").tolist() == [False] * 2 + [True] * 3
    assert set(clips.subjects) == {-1}


def test_npz_fixes_its_split(tmp_path: Path) -> None:
    clips = gathered(npz(tmp_path / "NTU60_CV.npz"))
    assert Ntu60Reader().is_train(clips, "xview").sum() == 3
    with pytest.raises(DataError, match="fixes the split of protocol 'xview', not 'xsub'"):
        Ntu60Reader().is_train(clips, "xsub")


@pytest.mark.parametrize(
    ("name", "protocol"), [("CS", "xsub"), ("CSub", "xsub"), ("xview", "xview"), ("CV", "xview")]
)
def test_npz_tells_its_protocol_by_name(tmp_path: Path, name: str, protocol: str) -> None:
    (source, _) = Ntu60Reader().sources(npz(tmp_path / f"ntu60-{name}_aligned.npz"))
    assert source.protocol == protocol


@pytest.mark.parametrize("name", ["data.npz", "NTU120_CSet.npz", "NTU60_CS_CV.npz"])
def test_npz_of_an_untold_protocol_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="does not tell which protocol"):
        Ntu60Reader().sources(npz(tmp_path / name))


def test_pyskl_is_read(tmp_path: Path) -> None:
    assert_as_recorded(gathered(pyskl(tmp_path / "ntu60_3danno.pkl")))


@pytest.mark.parametrize("persons", [1, 3])
def test_pyskl_with_one_or_three_persons_gives_two(tmp_path: Path, persons: int) -> None:
    points = recording(TRAIN[0], persons=persons).transpose(1, 0, 2, 3)
    points[0] *= 9
    (clip,) = read_all(Ntu60Reader(), pyskl(tmp_path / "a.pkl", [annotation(TRAIN[0], keypoint=points)]))
    assert clip.frames.shape == (6, 2, 25, 3)
    np.testing.assert_array_equal(clip.frames[:, 0], points[0])
    assert clip.frames[:, 1].any() == (persons > 1)


def test_half_precision_and_any_pickle_protocol_are_read(tmp_path: Path) -> None:
    points = recording(TRAIN[0]).transpose(1, 0, 2, 3).astype(np.float16)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        path = tmp_path / "a.pkl"
        path.write_bytes(pickle.dumps([annotation(TRAIN[0], keypoint=points)], protocol=protocol))
        (clip,) = read_all(Ntu60Reader(), path)
        np.testing.assert_array_equal(clip.frames, points.transpose(1, 0, 2, 3).astype(np.float32))


def test_recordings_that_are_not_used_are_left_out_of_prepared_files(tmp_path: Path) -> None:
    others = [min(missing()), "S018C001P001R001A061"]
    path = pyskl(tmp_path / "a.pkl", [annotation(name) for name in [*others, TRAIN[0]]])
    assert [clip.id for clip in read_all(Ntu60Reader(), path)] == [TRAIN[0]]
    assert [clip.id for clip in read_all(Ntu120Reader(), pyskl(path, [annotation(others[1])], split={}))] == [
        others[1]
    ]


def test_an_empty_prepared_recording_is_left_out(tmp_path: Path) -> None:
    points = np.zeros((2, 6, 25, 3))
    assert read_all(Ntu60Reader(), pyskl(tmp_path / "a.pkl", [annotation(TRAIN[0], keypoint=points)])) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"label": 5}, "has label 5, its name says 0"),
        ({"frame_dir": "v_ApplyEyeMakeup_g01_c01"}, "no name of an NTU"),
        ({"keypoint": np.ones((2, 6, 17, 3))}, r"shape \(2, 6, 17, 3\), not \(M, T, 25, 3\)"),
        ({"keypoint": np.ones((2, 6, 25, 2))}, r"shape \(2, 6, 25, 2\)"),
        ({"keypoint": [1, 2]}, "shape None"),
        ({"keypoint": np.full((2, 6, 25, 3), np.nan)}, "no finite number"),
        ({"total_frames": 7}, "6 frames, not its total_frames"),
    ],
)
def test_a_wrong_annotation_is_told(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    path = pyskl(tmp_path / "a.pkl", [annotation(TRAIN[0], **changes)])
    with pytest.raises(DataError, match=said) as told:
        read_all(Ntu60Reader(), path)
    assert told.value.problems[0].where == str(path)


@pytest.mark.parametrize("content", [7, [7], {"a": 1}, {"split": {}, "annotations": 3}, None])
def test_a_pickle_of_something_else_is_told(tmp_path: Path, content: Any) -> None:
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(DataError, match="no pyskl annotations"):
        read_all(Ntu60Reader(), tmp_path)


def test_a_split_of_another_data_set_is_told(tmp_path: Path) -> None:
    path = pyskl(tmp_path / "a.pkl", split={"xsub_train": ["S001C001P045R001A001"]})
    with pytest.raises(DataError, match="'xsub_train' is not that of protocol 'xsub' of ntu60"):
        read_all(Ntu60Reader(), path)


def test_real_pyskl_file_is_read_and_refused_for_its_joints(shared_data: Path) -> None:
    path = shared_data / "pyskl" / "example_UCF101_skeleton.pkl"
    content = load_pickle(path)
    assert content["keypoint"].shape == (2, 163, 17, 2)
    assert content["frame_dir"] == "v_ApplyEyeMakeup_g01_c01"
    with pytest.raises(DataError, match=r"\(2, 163, 17, 2\), not \(M, T, 25, 3\)"):
        read_all(Ntu60Reader(), path)


@pytest.mark.parametrize("absent", ["train_data.npy", "val_data.npy", "train_label.pkl", "val_label.pkl"])
def test_a_missing_part_is_told(tmp_path: Path, absent: str) -> None:
    (stgcn(tmp_path, "_data") / absent).unlink()
    with pytest.raises(DataError, match=f"{absent} is missing"):
        Ntu60Reader().sources(tmp_path)


@pytest.mark.parametrize("shape", [(3, 3, 9, 25), (3, 3, 9, 18, 2), (3, 2, 9, 25, 2), (3, 3, 9, 25, 1)])
def test_arrays_of_a_wrong_shape_are_told(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(stgcn(tmp_path) / "train_data_joint.npy", np.ones(shape))
    with pytest.raises(DataError, match=r"not \(N, 3, T, 25, 2\)"):
        Ntu60Reader().sources(tmp_path)


def test_arrays_and_labels_of_different_length_are_told(tmp_path: Path) -> None:
    np.save(stgcn(tmp_path) / "val_data_joint.npy", np.ones((5, 3, 9, 25, 2)))
    with pytest.raises(DataError, match=r"holds 5 recordings, val_label\.pkl 2"):
        Ntu60Reader().sources(tmp_path)


@pytest.mark.parametrize("kept", [0, 5, 100, 4000])
def test_a_truncated_array_is_told(tmp_path: Path, kept: int) -> None:
    path = stgcn(tmp_path) / "train_data_joint.npy"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match="damaged or incomplete"):
        Ntu60Reader().sources(tmp_path)


def test_an_array_of_objects_is_refused(tmp_path: Path) -> None:
    np.save(stgcn(tmp_path) / "train_data_joint.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="damaged or incomplete"):
        Ntu60Reader().sources(tmp_path)


@pytest.mark.parametrize("labels", [(["a"],), (["a"], [1, 2]), 5, (["a"], ["b"])])
def test_a_wrong_label_file_is_told(tmp_path: Path, labels: Any) -> None:
    (stgcn(tmp_path) / "train_label.pkl").write_bytes(pickle.dumps(labels))
    with pytest.raises(DataError, match=r"holds no \(names, labels\)"):
        Ntu60Reader().sources(tmp_path)


def test_a_wrong_label_is_told(tmp_path: Path) -> None:
    (stgcn(tmp_path) / "train_label.pkl").write_bytes(pickle.dumps((TRAIN, [0, 0, 59])))
    with pytest.raises(DataError, match="has label 0, its name says 1"):
        read_all(Ntu60Reader(), tmp_path)


def test_arrays_split_by_no_protocol_are_told(tmp_path: Path) -> None:
    mixed = [TRAIN[0], TEST[0], TRAIN[2]]
    (stgcn(tmp_path) / "train_label.pkl").write_bytes(pickle.dumps((mixed, [label(n) for n in mixed])))
    with pytest.raises(DataError, match="train recordings are those of no protocol of ntu60"):
        Ntu60Reader().sources(tmp_path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"x_train": np.ones((3, 9, 75))}, r"\(3, 9, 75\), not floats \(3, T, 150\)"),
        ({"x_train": np.ones((2, 9, 150))}, r"not floats \(3, T, 150\)"),
        ({"x_train": np.ones((3, 150))}, "not floats"),
        ({"x_train": np.ones((3, 9, 150), int)}, "holds int64"),
        ({"x_train": np.full((3, 9, 150), np.inf)}, "no finite number"),
        ({"y_train": np.eye(120)[:3]}, r"y_train has shape \(3, 120\), not \(N, 60\)"),
        ({"y_train": np.arange(3)}, r"y_train has shape \(3,\)"),
        ({"y_train": np.zeros((3, 60))}, "does not name one class"),
    ],
)
def test_a_wrong_npz_is_told(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_all(Ntu60Reader(), npz(tmp_path / "NTU60_CS.npz", **changes))


@pytest.mark.parametrize("kept", [0, 100, -100])
def test_a_truncated_npz_is_told(tmp_path: Path, kept: int) -> None:
    path = npz(tmp_path / "NTU60_CS.npz")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match="damaged or incomplete"):
        read_all(Ntu60Reader(), path)


@pytest.mark.parametrize("absent", ["x_test", "y_train"])
def test_an_npz_without_a_part_is_told(tmp_path: Path, absent: str) -> None:
    path = npz(tmp_path / "NTU60_CS.npz")
    with np.load(path) as arrays:
        np.savez(path, **{key: arrays[key] for key in arrays.files if key != absent})
    with pytest.raises(DataError, match=f"damaged or incomplete.*{absent}"):
        read_all(Ntu60Reader(), path)


def test_an_npz_array_that_ends_early_is_told(tmp_path: Path) -> None:
    path = npz(tmp_path / "NTU60_CS.npz")
    whole = io.BytesIO()
    np.save(whole, np.ones((3, 9, 150)))
    with np.load(path) as arrays, zipfile.ZipFile(tmp_path / "NTU60_CV.npz", "w") as archive:
        for key in arrays.files:
            with archive.open(f"{key}.npy", "w") as file:
                np.save(file, arrays[key]) if key != "x_train" else file.write(whole.getvalue()[:-8])
    with pytest.raises(DataError, match="damaged or incomplete"):
        read_all(Ntu60Reader(), tmp_path / "NTU60_CV.npz")


def test_several_prepared_files_are_not_guessed_between(tmp_path: Path) -> None:
    npz(tmp_path / "NTU60_CS.npz")
    npz(tmp_path / "NTU60_CV.npz")
    with pytest.raises(DataError, match=r"several prepared files.*CS.npz.*CV.npz"):
        Ntu60Reader().sources(tmp_path)
    assert len(Ntu60Reader().sources(tmp_path / "NTU60_CV.npz")) == 2


class Payload:
    """Runs a command where it is unpickled by the ordinary means."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("place", ["pyskl", "labels", "array"])
def test_a_hostile_pickle_is_refused_and_not_run(tmp_path: Path, place: str) -> None:
    trace = tmp_path / "was-run"
    payload = Payload(trace)
    if place == "labels":
        root = stgcn(tmp_path / "x")
        (root / "train_label.pkl").write_bytes(pickle.dumps((TRAIN, payload)))
    else:
        hidden = np.array([payload], dtype=object) if place == "array" else payload
        root = pyskl(tmp_path / "a.pkl", [annotation(TRAIN[0], keypoint=hidden)])
    said = r"asks for '(posix|nt)\.system', which is no plain data|a kind other than plain numbers"
    with pytest.raises(DataError, match=said):
        read_all(Ntu60Reader(), root)
    assert not trace.exists()


@pytest.mark.parametrize(
    "text",
    [
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"c__builtin__\ngetattr\n.",
        b"cnumpy\nload\n.",
        b"cnumpy.core.multiarray\nfromfile\n.",
        b"cpickle\nloads\n.",
        b"\x80\x04\x8c\x08builtins\x8c\x04exec\x93.",
        b"\x80\x04\x8c\x05numpy\x8c\x0fndarray.tofile\x93.",
        b"\x80\x02\x82\x01.",
    ],
)
def test_other_ways_to_code_are_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "a.pkl").write_bytes(text)
    with pytest.raises(DataError, match=r"no plain data|damaged"):
        load_pickle(tmp_path / "a.pkl")


def test_bytes_come_back_only_by_the_one_codec(tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(b"\x00\xff", protocol=2))
    assert load_pickle(path) == b"\x00\xff"
    path.write_bytes(b"c_codecs\nencode\n(Vabc\nVzlib\ntR.")
    with pytest.raises(DataError, match="damaged"):
        load_pickle(path)


def test_the_refused_class_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(collections.Counter("aab")))
    with pytest.raises(DataError, match=r"asks for 'collections\.Counter'"):
        load_pickle(tmp_path / "a.pkl")


@pytest.mark.parametrize("spelling", [b"numpy.core", b"numpy._core"])
def test_both_spellings_of_numpy_are_read(tmp_path: Path, spelling: bytes) -> None:
    content = {"a": np.arange(6.0).reshape(2, 3), "b": np.float32(2.5)}
    text = pickle.dumps(content, protocol=2)
    text = text.replace(b"cnumpy._core.", b"cnumpy.core.").replace(b"cnumpy.core.", b"c" + spelling + b".")
    (tmp_path / "a.pkl").write_bytes(text)
    loaded = load_pickle(tmp_path / "a.pkl")
    np.testing.assert_array_equal(loaded["a"], content["a"])
    assert loaded["b"] == content["b"]


numbers = st.integers(-(2**63), 2**63)
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(plain | st.sets(numbers), st.integers(0, pickle.HIGHEST_PROTOCOL))
@settings(max_examples=40, deadline=None)
def test_plain_data_comes_back(tmp_path_factory: pytest.TempPathFactory, value: Any, protocol: int) -> None:
    path = tmp_path_factory.getbasetemp() / "plain.pkl"
    path.write_bytes(pickle.dumps(value, protocol=protocol))
    assert load_pickle(path) == value


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("value", [b"", b"some"])
def test_bytes_come_back_from_every_protocol(tmp_path: Path, value: bytes, protocol: int) -> None:
    (tmp_path / "a.pkl").write_bytes(pickle.dumps([value], protocol=protocol))
    assert load_pickle(tmp_path / "a.pkl") == [value]


@given(st.integers(0, 400), st.binary(max_size=6))
@settings(max_examples=80, deadline=None)
def test_a_damaged_pickle_is_read_or_refused_but_never_fails_otherwise(
    tmp_path_factory: pytest.TempPathFactory, at: int, put: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.pkl"
    text = pickle.dumps({"a": [1, (2.5, "x")], "b": np.arange(9)})
    path.write_bytes(text[: at % len(text)] + put)
    with contextlib.suppress(DataError):
        load_pickle(path)


def test_a_pickle_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        load_pickle(tmp_path / "none.pkl")
