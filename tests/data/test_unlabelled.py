"""Windows over recordings, and single files of every data set whose names tell nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelbench.components import Dataset, Layout
from skelbench.data import Clip, Clips, FileReader
from skelbench.data.unlabelled import read_unlabelled, spans
from skelbench.errors import DataError
from skelbench.host.registry import Registry, load_registry


@given(frames=st.integers(1, 400), window=st.integers(1, 120), stride=st.none() | st.integers(1, 150))
def test_windows_are_of_one_length_in_their_order_and_end_with_the_recording(
    frames: int, window: int, stride: int | None
) -> None:
    found = spans(frames, window, stride)
    assert (found[0][0], found[-1][1]) == (0, frames)
    assert {stop - start for start, stop in found} == {min(window, frames)}
    starts = [start for start, _ in found]
    assert starts == sorted(set(starts))
    steps = np.diff(starts)
    wanted = max(1, window // 2) if stride is None else stride
    assert all(step == wanted for step in steps[:-1])
    assert all(step <= wanted for step in steps)


def test_without_a_window_there_is_one() -> None:
    assert spans(7, None) == [(0, 7)]
    with pytest.raises(DataError, match="at least one frame"):
        spans(7, 3, 0)


READ = {
    "ucla": "*.json",
    "ntu60": "*.skeleton",
    "kinetics": "kinetics_val/*.json",
    "shrec17-14": "*_world.txt",
}


@pytest.mark.parametrize("name", READ)
def test_a_file_of_any_name_has_the_frames_that_its_data_set_reads(
    name: str, registry: Registry, tmp_path: Path
) -> None:
    component = registry.get("dataset", name)
    layout, reader = registry.get("layout", component.layout), component.reader()
    reader.synthesise(tmp_path / "raw", clips=4, seed=0, classes=2)
    clips = {clip.id: clip for s in reader.sources(tmp_path / "raw") for clip in reader.read(s)}
    for number, file in enumerate(sorted((tmp_path / "raw").rglob(READ[name]))):
        place = tmp_path / f"{number}{file.suffix}"
        shutil.copy(file, place)
        (found,) = read_unlabelled(component, layout, place)
        assert found.id == place.name
        assert any(np.array_equal(found.frames, clip.frames) for clip in clips.values())


class Plain:
    """A reader of numpy files with no way to read one that stands alone."""

    class_names = ("one", "two")

    def sources(self, root: Path) -> list[Path]:
        found = sorted(root.glob("*_label*.npy"))
        if not found:
            raise DataError("nothing here", where=root)
        return found

    def read(self, source: Path) -> list[Clip]:
        return [Clip(source.stem, 0, np.load(source))]

    def is_train(self, clips: Clips, protocol: str) -> np.ndarray:
        return np.ones(len(clips), bool)


def test_a_reader_without_single_files_reads_what_it_finds(registry: Registry, tmp_path: Path) -> None:
    layout = registry.get("layout", "ucla20")
    component = Dataset(name="plain", target=Plain, layout="ucla20", classes=2, protocols=("all",))
    assert not isinstance(component.reader(), FileReader)
    for name in ("a_label0", "b_label1", "c"):
        np.save(tmp_path / f"{name}.npy", np.ones((3, 1, 20, 3)))
    assert [one.id for one in read_unlabelled(component, layout, tmp_path)] == ["a_label0", "b_label1"]
    (one,) = read_unlabelled(component, layout, tmp_path / "b_label1.npy")
    assert (one.id, one.frames.dtype) == ("b_label1", np.float32)
    with pytest.raises(DataError, match=r"c\.npy: nothing here can be read as 'plain'"):
        list(read_unlabelled(component, layout, tmp_path / "c.npy"))
    np.save(tmp_path / "d_label0.npy", np.ones((3, 1, 19, 3)))
    with pytest.raises(DataError, match="d_label0"):
        list(read_unlabelled(component, layout, tmp_path))


FRAMED = "{split}/{class}/{clip}/{frame}_keypoints.json"


@pytest.mark.parametrize(
    ("files", "folder", "names"),
    [
        (FRAMED, "test/jump/clip1", ["clip1"]),
        ("{split}/{class}/{clip}/{n}_{frame}_keypoints.json", "test/jump/clip1", ["clip1"]),
        (FRAMED, "test/jump", ["clip1", "clip2"]),
        (None, "test/jump/clip2", ["clip2"]),
        (None, "test", [f"{label}/clip{n}" for label in ("jump", "sit") for n in (1, 2)]),
    ],
)
def test_frames_of_one_recording_are_put_together(
    files: str | None, folder: str, names: list[str], tmp_path: Path
) -> None:
    own, layout = _framed(files)
    written = _write_frames(tmp_path)
    found = {one.id: one.frames for one in read_unlabelled(own, layout, tmp_path / folder)}
    assert list(found) == names
    for name, frames in found.items():
        clip = name.rsplit("/", 1)[-1]
        label = "sit" if name.startswith("sit") else "jump"
        np.testing.assert_allclose(frames, written[f"test/{label}/{clip}"], rtol=1e-6)


def test_frames_named_otherwise_are_no_recordings_by_themselves(tmp_path: Path) -> None:
    own, layout = _framed(FRAMED)
    _write_frames(tmp_path)
    for path in (tmp_path / "test/sit/clip1").iterdir():
        path.rename(path.with_name(f"picture{path.name[9]}.json"))
    with pytest.raises(DataError, match=r"no file here is named as in '\{frame\}_keypoints\.json'"):
        list(read_unlabelled(own, layout, tmp_path / "test/sit/clip1"))


def test_files_of_recordings_are_found_in_folders_of_the_form(tmp_path: Path) -> None:
    own, layout = _framed("{class}/{subject}/{trial}.npy")
    for place in ("p1/a.npy", "p2/b.npy", "p2/deeper/c.npy"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        np.save(tmp_path / place, np.ones((4, 1, 25, 3), np.float32))
    assert [one.id for one in read_unlabelled(own, layout, tmp_path)] == ["p2/deeper/c"]
    shutil.rmtree(tmp_path / "p2/deeper")
    assert [one.id for one in read_unlabelled(own, layout, tmp_path)] == ["p1/a", "p2/b"]
    assert [one.id for one in read_unlabelled(own, layout, tmp_path / "p1")] == ["a.npy"]


def _framed(files: str | None) -> tuple[Dataset, Layout]:
    registry = load_registry()
    found = registry.get("dataset", "skeletons")
    own = found.with_params(
        {"files": files, "layout": "body25", "classes": 2, "channels": ("x", "y", "score")}
    )
    return own, registry.layout_of(own)


def _write_frames(root: Path) -> dict[str, np.ndarray]:
    """What OpenPose writes of four videos: 12 frames of one person."""
    written = {}
    for number, place in enumerate(f"test/{label}/clip{n}" for label in ("jump", "sit") for n in (1, 2)):
        joints = np.random.default_rng(number).uniform(0.1, 0.9, (12, 1, 25, 3))
        (root / place).mkdir(parents=True)
        for frame, people in enumerate(joints):
            content = {"people": [{"pose_keypoints_2d": one.ravel().tolist()} for one in people]}
            (root / place / f"{frame:012d}_keypoints.json").write_text(json.dumps(content))
        written[place] = joints
    return written
