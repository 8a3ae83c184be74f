"""Whatever a reader returns is either sound or one error of the data that names the file."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skelbench.components import Dataset
from skelbench.data import (
    Clip,
    Video,
    VideoArray,
    open_clips,
    open_store,
    open_videos,
    read_clips,
    split,
    write_store,
)
from skelbench.data.border import Border
from skelbench.data.remarks import remarks
from skelbench.data.unlabelled import read_unlabelled
from skelbench.errors import DataError, SkelbenchError
from skelbench.recipe import ValidationOptions, VideoOptions
from tests.data.made import CHAIN, MadeReader, made_dataset, make_clip, make_clips, write_sources


class Mutated(MadeReader):
    """The made reader, one of whose clips, masks or names is changed."""

    def __init__(self, change: Callable[[Clip], Any]) -> None:
        self.change = change

    def read(self, source: Any) -> list[Any]:
        first, *others = super().read(source)
        return [self.change(first), *others] if source.name == "001.txt" else [first, *others]


def frames(change: Callable[[np.ndarray], Any]) -> Callable[[Clip], Clip]:
    return lambda clip: replace(clip, frames=change(clip.frames))


def with_nan(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x[0, 1, 2, 0] = np.nan
    return x


FAULTS: dict[str, tuple[Callable[[Clip], Any], str]] = {
    "nan": (frames(with_nan), "frame 0, person 1, left, channel 0"),
    "infinite in single precision": (frames(lambda x: x.astype(float) + 1e39), "no finite numbers"),
    "beyond any body": (frames(lambda x: x + np.float32(3e38)), "3e+38, which is beyond any body"),
    "no frame": (frames(lambda x: x[:0]), "it has no frame"),
    "three persons": (frames(lambda x: x[:, [0, 1, 1]]), "3 persons, and data set 'made' at most 2"),
    "no person": (frames(lambda x: x[:, :0]), "0 persons"),
    "a joint less": (frames(lambda x: x[:, :, 1:]), "4 joints and layout 'chain' has 5"),
    "two channels": (frames(lambda x: x[..., :2]), "2 channels"),
    "no persons' axis": (frames(lambda x: x[:, 0]), "(T, M, V, C)"),
    "a list": (frames(lambda x: x.tolist()), "coordinates are list"),
    "texts": (frames(lambda x: x.astype(str)), "(T, M, V, C)"),
    "label beyond": (lambda c: replace(c, label=3), "label is 3, and data set 'made' has classes 0 to 2"),
    "label below": (lambda c: replace(c, label=-1), "label is -1"),
    "label as text": (lambda c: replace(c, label="walk"), "label is 'walk'"),
    "label as a share": (lambda c: replace(c, label=0.5), "label is 0.5"),
    "no label": (lambda c: replace(c, label=None), "label is a NoneType"),
    "subject as text": (lambda c: replace(c, subject="P07"), "subject is 'P07'"),
    "endless subject": (lambda c: replace(c, subject=10**30), "subject is"),
    "id as a number": (lambda c: replace(c, id=7), "has the id"),
    "no id": (lambda c: replace(c, id=""), "has the id ''"),
    "no clip": (lambda _: None, "the reader gives a NoneType"),
    "id twice": (lambda c: replace(c, id="clip000"), "two recordings have the id 'clip000'"),
    "another width": (frames(lambda x: x[:, :1]), "recordings differ in (persons, joints, channels)"),
    "a failing reader": (lambda _: 1 / 0, "the reader of 'made' fails: ZeroDivisionError"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("way", ["memory", "store"])
def test_what_a_reader_returns_is_refused_with_file_and_remedy(tmp_path: Path, fault: str, way: str) -> None:
    change, told = FAULTS[fault]
    write_sources(tmp_path / "raw", files=3)
    reader = Mutated(change)
    raw, out = tmp_path / "raw", tmp_path / "store"

    def read() -> Any:
        if way == "memory":
            return read_clips(made_dataset(), reader, raw, layout=CHAIN)
        return write_store(out, made_dataset(), reader, raw, preprocess="none", layout=CHAIN)

    with pytest.raises(DataError) as error:
        read()
    problem = error.value.problems[0]
    assert told in str(problem)
    assert "001.txt" in str(problem)
    assert problem.remedy
    assert "owners" not in problem.remedy
    assert error.value.exit_code == 2
    assert not (tmp_path / "store").exists()


ANYTHING = st.one_of(
    st.none(),
    st.integers(),
    st.floats(),
    st.text(max_size=3),
    st.booleans(),
    st.lists(st.integers(), max_size=2),
    st.just(np.int64(1)),
    st.just(np.float32("nan")),
)
ARRAYS = st.builds(
    lambda shape, kind, value: np.full(shape, value, dtype=kind),
    st.lists(st.integers(0, 5), max_size=5).map(tuple),
    st.sampled_from(["f4", "f8", "i4", "u1", "?", "O", "U3"]),
    st.sampled_from([0, 1, float("1e300")]).filter(lambda v: v < 2),
)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["id", "label", "subject", "camera", "setup"]), ANYTHING),
    st.one_of(st.none(), ANYTHING, ARRAYS),
)
def test_nothing_but_an_error_of_the_data_comes_of_any_recording(
    tmp_path_factory: pytest.TempPathFactory, fields: dict[str, Any], coordinates: Any
) -> None:
    root = tmp_path_factory.getbasetemp() / "mutated"
    if not root.exists():
        write_sources(root, files=2)
    changed = fields if coordinates is None else {**fields, "frames": coordinates}
    try:
        clips = read_clips(made_dataset(), Mutated(lambda c: replace(c, **changed)), root, layout=CHAIN)
    except SkelbenchError:
        return
    assert clips.frames.dtype == np.float32
    assert np.isfinite(clips.frames).all()
    assert clips.frames.shape[1:] == (2, 5, 3)
    assert np.isin(clips.labels, [0, 1, 2]).all()
    assert len(set(clips.ids.tolist())) == len(clips) == 6
    assert clips.lengths.min() > 0


class Classified(Mutated):
    """A reader of files and of bundles without classes, whose coordinates are changed."""

    patterns = ("000.txt",)
    bundles = ("001.txt",)

    def frames(self, path: Path) -> Any:
        return self.change(make_clip(0, 3)).frames

    def unlabelled(self, path: Path) -> Any:
        clip = self.change(make_clip(0, 3))
        return [(clip.id, clip.frames)]


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["id", "label", "subject", "camera", "setup"]), ANYTHING),
    st.one_of(st.none(), ANYTHING, ARRAYS),
)
def test_nothing_else_comes_of_it_in_a_store_and_without_classes(
    tmp_path_factory: pytest.TempPathFactory, fields: dict[str, Any], coordinates: Any
) -> None:
    root = tmp_path_factory.getbasetemp() / "mutated"
    if not root.exists():
        write_sources(root, files=2)
    changed = fields if coordinates is None else {**fields, "frames": coordinates}
    reader = Classified(lambda c: replace(c, **changed))
    out = tmp_path_factory.mktemp("store") / "made"
    with suppress(SkelbenchError):
        write_store(out, made_dataset(), reader, root, preprocess="sgcn", layout=CHAIN)
        assert len(set(open_store(out).ids.tolist())) == 6
    for file in ("000.txt", "001.txt"):
        with suppress(SkelbenchError):
            (one,) = read_unlabelled(made_dataset(target=lambda: reader), CHAIN, root / file)
            assert one.frames.dtype == np.float32
            assert np.isfinite(one.frames).all()


MASKS = {
    "short": lambda n: np.ones(n - 1, dtype=bool),
    "numbers": lambda n: np.ones(n, dtype=int),
    "indices": lambda n: np.arange(n),
    "none": lambda _: None,
    "a column": lambda n: np.ones((n, 1), dtype=bool),
}


@pytest.mark.parametrize("mask", MASKS)
def test_a_mask_is_a_truth_value_for_each_recording(mask: str) -> None:
    class Masked(MadeReader):
        def is_train(self, clips: Any, protocol: str) -> Any:
            return MASKS[mask](len(clips))

    with pytest.raises(DataError, match=r"is_train gives .* Give a true or false for each of the 6"):
        split(make_clips(), Masked(), "camera", ValidationOptions(by="random"), 0)


def test_class_names_are_as_many_as_classes(tmp_path: Path) -> None:
    write_sources(tmp_path)
    with pytest.raises(DataError, match="has 4 classes and its reader names 3"):
        read_clips(made_dataset(classes=4), MadeReader(), tmp_path)


@pytest.mark.parametrize("way", ["sources", "class_names", "is_train"])
def test_a_reader_that_fails_is_an_error_of_the_data(tmp_path: Path, way: str) -> None:
    class Failing(MadeReader):
        def sources(self, root: Path) -> Any:
            return [][1] if way == "sources" else super().sources(root)

        def is_train(self, clips: Any, protocol: str) -> Any:
            return clips.no_such_thing

    reader = Failing()
    if way == "class_names":
        reader.class_names = None  # type: ignore[assignment]
    write_sources(tmp_path)

    def split_what_is_read() -> Any:
        clips = read_clips(made_dataset(), reader, tmp_path)
        return split(clips, reader, "camera", ValidationOptions(by="random"), 0)

    with pytest.raises(DataError, match=r"the reader of 'made' fails: \w+Error"):
        split_what_is_read()


def test_recordings_that_show_nothing_are_counted() -> None:
    clips = make_clips(lengths=(4, 4, 4, 4, 4, 4))
    frames = clips.frames.copy()
    frames[:4] = 0
    frames[4:8] = frames[4]
    found = remarks(replace(clips, frames=frames), clips.cameras == 0)
    assert found[0] == "1 of 6 recordings (16.7 %) are all zero, 'clip000' the first"
    assert found[1] == "1 of 6 recordings (16.7 %) are the same in all frames, 'clip001' the first"
    assert len(found) == 2


def test_recordings_that_all_show_nothing_are_refused() -> None:
    clips = make_clips()
    with pytest.raises(DataError, match="every recording is all zero"):
        remarks(replace(clips, frames=np.zeros_like(clips.frames)), clips.cameras == 0)


def test_a_class_of_one_part_alone_is_told() -> None:
    clips = make_clips()
    assert remarks(clips, clips.labels != 1) == [
        "1 of 3 classes are tested and never trained, 'b' the first",
        "2 of 3 classes are trained and never tested, 'a' the first",
    ]


# --- videos --------------------------------------------------------------------------------------

PIXELS = np.zeros((5, 4, 4, 1), dtype=np.uint8)


def video(**changes: Any) -> Video:
    fields = {"id": "one", "label": 0, "source": VideoArray("a.npz: one", PIXELS), "train": True}
    return Video(**{**fields, **changes})


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        ([None], "the reader gives a NoneType"),
        ([video(id=3)], "has the id"),
        ([video(label="walk")], "video 'one': its label is 'walk'"),
        ([video(label=2)], "label is 2, and data set 'v' has classes 0 to 1"),
        ([video(train="yes")], "its train is 'yes'"),
        ([video(subject=None)], "its subject is a NoneType"),
        ([video(source=VideoArray("a", PIXELS.astype(float)))], "frames are float64"),
        ([video(source=VideoArray("a", PIXELS[..., 0]))], r"of shape \(5, 4, 4\)"),
        ([video(source=object())], "its source is a object"),
        (None, "the reader of 'v' fails: TypeError"),
        ([], "no video is listed"),
    ],
)
def test_videos_pass_the_same_border(tmp_path: Path, listed: Any, told: str) -> None:
    class Listing:
        class_names = ("a", "b")

        def videos(self, root: Path, protocol: str) -> Any:
            return listed

    component = made_dataset(name="v", target=Listing, modality="video", classes=2, channels=1)
    with pytest.raises(DataError, match=told):
        open_videos(component, tmp_path, "camera", VideoOptions(frames=2))


def test_a_sound_recording_passes_unchanged(tmp_path: Path) -> None:
    write_sources(tmp_path, files=1)
    clips = open_clips(made_dataset(), tmp_path, preprocess="none", layout=CHAIN)
    assert np.array_equal(clips.clip(0).frames, make_clip(0, 1).frames)


def test_a_reader_that_finds_nothing_is_told_with_the_forms(tmp_path: Path) -> None:
    class Empty:
        class_names = ("a", "b")

        def sources(self, root: Path) -> list[Path]:
            return []

    component = Dataset(
        name="empty", target=Empty, layout="chain", classes=2, protocols=("all",), forms=("CSV files",)
    )
    with pytest.raises(DataError, match=r"nothing to read.*CSV files"):
        Border(component).sources(component.reader(), tmp_path)
