"""Conformance suite for data sets: subclass, name the data set, run pytest."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from skelbench.components import Dataset, Layout
from skelbench.data import Clips, is_store, open_store, read_clips, split_fingerprint
from skelbench.data.border import train_mask
from skelbench.data.made import synthesise
from skelbench.data.remarks import remarks
from skelbench.errors import DataError
from skelbench.host.registry import Registry
from skelbench.testing.named import NamedComponent


class DatasetConformance(NamedComponent):
    """What every data set must do.

    Attributes:
        clips: How many synthetic recordings to try it with.
        classes: Over how many classes they are spread.
        real: A folder or file of the author's real recordings, which are tried too where they are there.
    """

    kind = "dataset"
    clips: ClassVar[int] = 24
    classes: ClassVar[int] = 4
    real: ClassVar[str | Path | None] = None

    @pytest.fixture
    def loaded(self, component: Dataset, skelbench_registry: Registry, tmp_path: Path) -> tuple[Any, Clips]:
        """A reader, and synthetic recordings: its own, or those of its skeleton."""
        layout = skelbench_registry.layout_of(component)
        return component.reader(), self.made(component, layout, tmp_path / "made", 0)

    def made(self, component: Dataset, layout: Layout, root: Path, seed: int) -> Clips:
        """Synthetic recordings of the data set, read again."""
        classes = min(self.classes, component.classes)
        synthesise(component, layout, root, clips=self.clips, seed=seed, classes=classes)
        return open_store(root) if is_store(root) else read_clips(component, component.reader(), root)

    def test_it_says_what_it_is(self, component: Dataset) -> None:
        """There are a summary and the forms it reads."""
        super().test_it_says_what_it_is(component)
        assert component.forms, "help shows the forms"

    def test_its_own_synthetic_data_is_read(self, component: Dataset, loaded: tuple[Any, Clips]) -> None:
        """Every synthetic recording is read, of the classes asked for, and marked as synthetic."""
        _, clips = loaded
        assert len(clips) == self.clips
        assert set(clips.labels.tolist()) == set(range(min(self.classes, component.classes)))
        assert clips.synthetic, "the marker file SYNTHETIC is missing"

    def test_shapes_agree_with_the_description(
        self, component: Dataset, loaded: tuple[Any, Clips], skelbench_registry: Registry
    ) -> None:
        """Persons, joints, channels and classes are those that the component declares."""
        reader, clips = loaded
        joints = len(skelbench_registry.layout_of(component).joints)
        assert clips.frames.shape[1:] == (component.persons, joints, component.channels)
        assert clips.lengths.min() > 0
        assert np.isfinite(clips.frames).all()
        assert len(reader.class_names) == component.classes
        assert clips.labels.min() >= 0
        assert clips.labels.max() < component.classes

    def test_every_protocol_has_two_parts(self, component: Dataset, loaded: tuple[Any, Clips]) -> None:
        """Each protocol trains on some recordings and tests on others."""
        reader, clips = loaded
        assert component.protocols
        for protocol in component.protocols:
            train = reader.is_train(clips, protocol)
            assert train.dtype == bool
            assert 0 < train.sum() < len(clips), f"{protocol} leaves one part empty"

    def test_real_recordings_are_sound(self, component: Dataset, skelbench_registry: Registry) -> None:
        """Those under `real` agree with the description, and each protocol has two parts of them."""
        if self.real is None or not Path(self.real).exists():
            pytest.skip("no real recordings: set 'real' to their folder")
        reader, layout = component.reader(), skelbench_registry.layout_of(component)
        clips = read_clips(component, reader, Path(self.real), layout=layout)
        for protocol in component.protocols:
            train = train_mask(reader, clips, protocol)
            assert 0 < train.sum() < len(clips), f"{protocol} leaves one part empty"
            remarks(clips, train)

    def test_no_recording_is_there_twice(self, loaded: tuple[Any, Clips]) -> None:
        """Ids differ and so do coordinates: nothing that trains is tested under another name."""
        _, clips = loaded
        assert len(set(clips.ids.tolist())) == len(clips)
        assert len({clips.clip(i).frames.tobytes() for i in range(len(clips))}) == len(clips)

    def test_a_recording_stays_on_its_side(self, component: Dataset, loaded: tuple[Any, Clips]) -> None:
        """Whether one trains depends on itself, not on which others are there, nor on chance."""
        reader, clips = loaded
        half = range(0, len(clips), 2)
        part = Clips.of(
            map(clips.clip, half), dataset=clips.dataset, layout=clips.layout, class_names=clips.class_names
        )
        for protocol in component.protocols:
            train = reader.is_train(clips, protocol)
            assert np.array_equal(reader.is_train(clips, protocol), train)
            assert np.array_equal(reader.is_train(part, protocol), train[half])

    def test_its_fingerprint_is_that_of_what_is_read(
        self, component: Dataset, skelbench_registry: Registry, tmp_path: Path
    ) -> None:
        """The same recordings have one fingerprint wherever they stand, and others have another."""
        layout = skelbench_registry.layout_of(component)
        one, two, other = (
            self.fingerprint(component, self.made(component, layout, tmp_path / folder, seed))
            for folder, seed in (("one", 0), ("two", 0), ("other", 1))
        )
        assert one == two
        assert one != other

    def fingerprint(self, component: Dataset, clips: Clips) -> str:
        """The fingerprint of the default protocol on recordings."""
        return split_fingerprint(clips, component.reader().is_train(clips, component.protocols[0]))

    def test_the_complete_data_set_is_known_or_not(self, component: Dataset) -> None:
        """For each protocol the counts of both parts, or None."""
        for protocol in component.protocols:
            expected = component.reader().expected(protocol)
            assert expected is None or (len(expected) == 2 and min(expected) > 0)

    def test_the_same_seed_writes_the_same(self, component: Dataset, tmp_path: Path) -> None:
        """Synthetic recordings depend on the seed alone."""
        reader = self.synthesiser(component)
        for folder in ("one", "two"):
            reader.synthesise(tmp_path / folder, clips=4, seed=3)
        one, two = ([reader.read(s)[0] for s in reader.sources(tmp_path / f)] for f in ("one", "two"))
        assert [clip.id for clip in one] == [clip.id for clip in two]
        assert all(np.array_equal(a.frames, b.frames) for a, b in zip(one, two, strict=True))

    def synthesiser(self, component: Dataset) -> Any:
        """The reader, where it makes recordings in its own raw format; else the test is skipped."""
        reader = component.reader()
        if not hasattr(reader, "synthesise"):
            pytest.skip("the reader has no 'synthesise': recordings are made from its skeleton")
        return reader

    def test_a_damaged_file_is_told(self, component: Dataset, tmp_path: Path) -> None:
        """A file that holds something else is an error of the data that names the file."""
        reader = self.synthesiser(component)
        reader.synthesise(tmp_path, clips=2, seed=0)
        files = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "SYNTHETIC"]
        for path in files:
            path.write_bytes(b"\xff not a recording \x00")
        with pytest.raises(DataError) as told:
            read_clips(component, reader, tmp_path)
        assert any(path.name in str(told.value) for path in files), f"no file is named: {told.value}"
