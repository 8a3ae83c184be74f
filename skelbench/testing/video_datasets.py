"""Conformance suite for data sets of videos: subclass, name the data set, run pytest."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from skelbench.components import Dataset
from skelbench.data import Videos, open_videos, split_fingerprint
from skelbench.errors import DataError
from skelbench.recipe import VideoOptions
from skelbench.testing.named import NamedComponent

CLIP = VideoOptions(frames=4)


class VideoDatasetConformance(NamedComponent):
    """What every data set of videos must do.

    Attributes:
        clips: How many synthetic videos to try it with.
        classes: Over how many classes they are spread.
    """

    kind = "dataset"
    clips: ClassVar[int] = 24
    classes: ClassVar[int] = 4

    @pytest.fixture
    def root(self, component: Dataset, tmp_path: Path) -> Path:
        """Synthetic videos of it."""
        return self._made(component, tmp_path / "made", self.clips)

    def _made(self, component: Dataset, root: Path, clips: int, seed: int = 0) -> Path:
        root.mkdir(parents=True)
        classes = min(self.classes, component.classes)
        component.reader().synthesise(root, clips=clips, seed=seed, classes=classes)
        return root

    def _opened(self, component: Dataset, root: Path, protocol: str = "") -> Videos:
        return open_videos(component, root, protocol or component.protocols[0], CLIP)

    def test_it_says_what_it_is(self, component: Dataset) -> None:
        """There are a summary and the forms it reads, and its recordings are videos."""
        assert component.modality == "video"
        super().test_it_says_what_it_is(component)
        assert component.forms, "help shows the forms"

    def test_its_own_synthetic_data_is_read(self, component: Dataset, root: Path) -> None:
        """Every synthetic video is listed, of the classes asked for, and marked as synthetic."""
        videos = self._opened(component, root)
        assert len(videos) == self.clips
        assert set(videos.labels.tolist()) == set(range(min(self.classes, component.classes)))
        assert videos.synthetic, "the marker file SYNTHETIC is missing"
        assert len(videos.class_names) == component.classes

    def test_frames_agree_with_the_description(self, component: Dataset, root: Path) -> None:
        """Frames are bytes with the declared channels and size, and as many as they are said to be."""
        videos = self._opened(component, root)
        for source, extent in zip(videos.sources[:4], videos.extents, strict=False):
            frames = source.read(np.arange(extent.frames))
            assert frames.dtype == np.uint8
            assert frames.shape == (extent.frames, extent.height, extent.width, component.channels)
            assert component.frame_size in (None, frames.shape[1:3])

    def test_every_protocol_has_two_parts(self, component: Dataset, root: Path) -> None:
        """Each protocol trains on some videos and tests on others."""
        assert component.protocols
        for protocol in component.protocols:
            train = self._opened(component, root, protocol).train
            assert 0 < train.sum() < len(train), f"{protocol} leaves one part empty"

    def test_an_unknown_protocol_is_told(self, component: Dataset, root: Path) -> None:
        """A reader that knows several protocols refuses others."""
        if len(component.protocols) > 1:
            with pytest.raises(DataError):
                component.reader().videos(root, "no-such-protocol")

    def test_its_fingerprint_is_that_of_what_is_read(self, component: Dataset, tmp_path: Path) -> None:
        """The same videos have one fingerprint wherever they stand, and others have another."""
        one, two, other = (
            self._opened(component, self._made(component, tmp_path / folder, 12, seed))
            for folder, seed in (("one", 0), ("two", 0), ("other", 1))
        )
        assert one.ids.tolist() == two.ids.tolist()
        assert split_fingerprint(one, one.train) == split_fingerprint(two, two.train)
        assert split_fingerprint(one, one.train) != split_fingerprint(other, other.train)

    def test_the_complete_data_set_is_known_or_not(self, component: Dataset) -> None:
        """For each protocol the counts of both parts, or None."""
        for protocol in component.protocols:
            expected = component.reader().expected(protocol)
            assert expected is None or (len(expected) == 2 and min(expected) > 0)

    def test_an_empty_folder_is_told(self, component: Dataset, tmp_path: Path) -> None:
        """A root without videos is an error of the data."""
        with pytest.raises(DataError):
            self._opened(component, tmp_path)

    def test_a_damaged_file_is_told(self, component: Dataset, root: Path) -> None:
        """Files that hold something else are an error of the data that names one of them."""
        files = [path for path in root.rglob("*") if path.is_file() and path.suffix != ".txt"]
        files = [path for path in files if path.name != "SYNTHETIC"]
        for path in files:
            path.write_bytes(b"\xff not a video \x00")
        with pytest.raises(DataError) as told:
            self._opened(component, root)
        assert any(path.name in str(told.value) for path in files), f"no file is named: {told.value}"
