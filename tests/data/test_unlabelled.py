"""Windows over recordings, and single files of every data set whose names tell nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelbench.components import Dataset
from skelbench.data import Clip, Clips, FileReader
from skelbench.data.unlabelled import read_unlabelled, spans
from skelbench.errors import DataError
from skelbench.host.registry import Registry


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
