"""Conformance suite for data sets: subclass, name the data set, run pytest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skelbench.components import Dataset
from skelbench.data import Clips
from skelbench.errors import DataError
from skelbench.registry import Registry


class DatasetConformance:
    """What every data set must do.

    Attributes:
        name: The data set's registered name.
        clips: How many synthetic recordings to try it with.
    """

    name = ""
    clips = 24

    @pytest.fixture
    def component(self, skelbench_registry: Registry) -> Dataset:
        return skelbench_registry.get("dataset", self.name)

    @pytest.fixture
    def loaded(self, component: Dataset, tmp_path: Path) -> tuple[Any, Clips]:
        reader = component.load()()
        reader.synthesise(tmp_path / "raw", clips=self.clips, seed=0)
        found = [clip for source in reader.sources(tmp_path / "raw") for clip in reader.read(source)]
        names = reader.class_names
        return reader, Clips.of(found, dataset=component.name, layout=component.layout, class_names=names)

    def test_its_own_synthetic_data_is_read(self, loaded: tuple[Any, Clips]) -> None:
        _, clips = loaded
        assert len(clips) == self.clips
        assert len(set(clips.ids.tolist())) == self.clips, "sample ids must be unique"

    def test_shapes_agree_with_the_description(
        self, component: Dataset, loaded: tuple[Any, Clips], skelbench_registry: Registry
    ) -> None:
        reader, clips = loaded
        joints = len(skelbench_registry.get("layout", component.layout).joints)
        assert clips.frames.shape[1:] == (component.persons, joints, component.channels)
        assert len(reader.class_names) == component.classes
        assert clips.labels.min() >= 0
        assert clips.labels.max() < component.classes

    def test_every_protocol_has_two_parts(self, component: Dataset, loaded: tuple[Any, Clips]) -> None:
        reader, clips = loaded
        for protocol in component.protocols:
            train = reader.is_train(clips, protocol)
            assert train.dtype == bool
            assert 0 < train.sum() < len(clips), f"{protocol} leaves one part empty"

    def test_the_same_seed_writes_the_same(self, component: Dataset, tmp_path: Path) -> None:
        reader = component.load()()
        for folder in ("one", "two"):
            reader.synthesise(tmp_path / folder, clips=4, seed=3)
        one, two = ([reader.read(s)[0] for s in reader.sources(tmp_path / f)] for f in ("one", "two"))
        assert all(np.array_equal(a.frames, b.frames) for a, b in zip(one, two, strict=True))

    def test_an_empty_folder_is_told(self, component: Dataset, tmp_path: Path) -> None:
        with pytest.raises(DataError):
            component.load()().sources(tmp_path)
