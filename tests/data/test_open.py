from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelbench.data import is_store, open_clips, split, write_store
from skelbench.data.holdout import by_chance, by_subject
from skelbench.errors import DataError
from skelbench.recipe import ValidationOptions

from .made import CHAIN, MadeReader, made_dataset, make_clips, write_sources

MANY = make_clips([5] * 60)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_sources(tmp_path / "raw")
    return tmp_path / "raw"


def opened(root: Path, name: str = "sgn", **options):
    return open_clips(made_dataset(), root, preprocess=name, layout=CHAIN, **options)


def test_memory_cache_and_store_give_the_same(tmp_path: Path, root: Path) -> None:
    write_store(tmp_path / "store", made_dataset(), MadeReader(), root, preprocess="none", layout=CHAIN)
    memory = opened(root)
    cached = opened(root, cache=tmp_path / "cache")
    stored = opened(tmp_path / "store")
    for other in (cached, stored):
        np.testing.assert_array_equal(memory.frames, other.frames)
        np.testing.assert_array_equal(memory.ids, other.ids)
        assert other.preprocess == "sgn"
    options = ValidationOptions(by="random")
    prints = {split(c, MadeReader(), "camera", options, 0).fingerprint for c in (memory, cached, stored)}
    assert len(prints) == 1


def test_the_cache_is_used_until_the_files_change(tmp_path: Path, root: Path) -> None:
    calls: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        calls.append((done, total))

    cache = tmp_path / "cache"
    opened(root, cache=cache, progress=progress)
    assert calls
    calls.clear()
    opened(root, cache=cache, progress=progress)
    assert not calls
    os.utime(root / "001.txt", ns=(1, 1))
    opened(root, cache=cache, progress=progress)
    assert calls
    assert len([path for path in cache.iterdir() if is_store(path)]) == 2


def test_processes_that_need_the_same_cache_wait_for_each_other(tmp_path: Path, root: Path) -> None:
    cache = tmp_path / "cache"
    with ThreadPoolExecutor(4) as pool:
        all_opened = list(pool.map(lambda _: opened(root, cache=cache), range(4)))
    for one in all_opened[1:]:
        np.testing.assert_array_equal(one.frames, all_opened[0].frames)


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path, root: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="the cache cannot be written"):
        opened(root, cache=tmp_path / "file" / "cache")


@pytest.mark.parametrize("beside", ["root", "nowhere"])
def test_a_marker_makes_recordings_synthetic(tmp_path: Path, root: Path, beside: str) -> None:
    if beside == "root":
        (root / "SYNTHETIC").write_text("")
    assert opened(root).synthetic is (beside == "root")
    assert opened(root, cache=tmp_path / "cache").synthetic is (beside == "root")


def test_a_missing_place_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere: no such file or folder\. Say where data set 'made' is"):
        opened(tmp_path / "nowhere")


def test_a_place_without_recordings_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing here"):
        opened(tmp_path)


def test_a_store_of_another_data_set_is_told(tmp_path: Path, root: Path) -> None:
    write_store(
        tmp_path / "s", made_dataset(name="other"), MadeReader(), root, preprocess="none", layout=CHAIN
    )
    with pytest.raises(DataError, match="holds data set 'other', not 'made'"):
        opened(tmp_path / "s")


def test_a_store_of_another_pre_processing_is_told(tmp_path: Path, root: Path) -> None:
    write_store(tmp_path / "s", made_dataset(), MadeReader(), root, preprocess="sgcn", layout=CHAIN)
    with pytest.raises(DataError, match=r"by 'sgcn', not 'sgn'\. Prepare a store from raw data"):
        opened(tmp_path / "s")


def test_a_layout_that_does_not_fit_is_told(root: Path) -> None:
    other = replace(CHAIN, joints=("a", "b", "c"))
    with pytest.raises(DataError, match="5 joints and layout 'chain' has 3"):
        open_clips(made_dataset(), root, preprocess="none", layout=other)


def test_an_unknown_pre_processing_is_told_before_reading(root: Path) -> None:
    with pytest.raises(DataError, match="unknown pre-processing 'sgm'"):
        opened(root, "sgm")


@given(st.sampled_from(["subject", "random"]), st.floats(0.1, 0.6), st.integers(0, 50))
def test_the_three_parts_share_nothing_and_leave_nothing_out(by, fraction: float, seed: int) -> None:
    options = ValidationOptions(by=by, fraction=fraction)
    parts = split(MANY, MadeReader(), "camera", options, seed)
    together = np.concatenate([parts.train, parts.validation, parts.test])
    assert np.array_equal(np.sort(together), np.arange(len(MANY)))
    assert np.array_equal(parts.whole_train, np.flatnonzero(MANY.cameras == 0))
    assert np.array_equal(parts.test, np.flatnonzero(MANY.cameras == 1))
    assert len(parts.validation)
    assert set(MANY.labels[parts.train]) == set(MANY.labels[parts.whole_train])
    if by == "subject":
        assert not set(MANY.subjects[parts.train]) & set(MANY.subjects[parts.validation])


@given(st.sampled_from(["subject", "random"]), st.floats(0.1, 0.3), st.floats(0.1, 0.3), st.integers(0, 50))
def test_a_third_part_comes_out_of_training_alone(by, fraction: float, share: float, seed: int) -> None:
    options = ValidationOptions(by=by, fraction=fraction)
    clips = replace(MANY, subjects=np.arange(len(MANY)) // 2 % 7)
    two = split(clips, MadeReader(), "camera", options, seed)
    three = split(clips, MadeReader(), "camera", options, seed, inference=share)
    assert len(two.inference) == 0
    assert len(three.inference)
    assert np.array_equal(three.validation, two.validation)
    assert np.array_equal(three.test, two.test)
    assert np.array_equal(np.union1d(three.train, three.inference), two.train)
    assert np.array_equal(three.whole_train, two.whole_train)
    assert not np.intersect1d(three.train, three.inference).size
    assert three.fingerprint == two.fingerprint
    if by == "subject":
        assert not set(clips.subjects[three.train]) & set(clips.subjects[three.inference])


def test_the_share_of_the_third_part_is_of_the_whole_training_split() -> None:
    clips = make_clips([1] * 600)
    options = ValidationOptions(by="random", fraction=0.2)
    parts = split(clips, MadeReader(), "camera", options, 0, inference=0.2)
    assert (len(parts.train), len(parts.validation), len(parts.inference)) == (180, 60, 60)


def test_the_fingerprint_does_not_depend_on_validation() -> None:
    prints = {
        split(MANY, MadeReader(), "camera", ValidationOptions(by="random"), s).fingerprint for s in (0, 1)
    }
    assert len(prints) == 1


@given(st.integers(0, 1000))
def test_performers_are_held_out_near_the_fraction(seed: int) -> None:
    subjects, labels = np.repeat(np.arange(10), 30), np.tile(np.arange(3), 100)
    held = by_subject(subjects, labels, 0.2, np.random.default_rng(seed))
    assert len(np.unique(subjects[held])) == 2
    assert held.sum() == 60


def test_one_performer_is_held_out_even_where_that_is_more_than_asked() -> None:
    subjects, labels = np.repeat([4, 7], [40, 20]), np.tile(np.arange(2), 30)
    held = by_subject(subjects, labels, 0.05, np.random.default_rng(0))
    assert set(subjects[held]) == {7}


def test_seeds_hold_out_different_performers() -> None:
    subjects, labels = np.repeat(np.arange(10), 3), np.tile(np.arange(3), 10)
    chosen = {tuple(by_subject(subjects, labels, 0.2, np.random.default_rng(s))) for s in range(10)}
    assert len(chosen) > 3


def test_the_only_performer_of_a_class_stays_in_training() -> None:
    subjects, labels = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 0, 1, 0, 2])
    for seed in range(20):
        held = by_subject(subjects, labels, 0.4, np.random.default_rng(seed))
        assert not held[subjects == 2].any()


def test_chance_holds_out_the_same_share_of_every_class() -> None:
    labels = np.repeat([0, 1, 2], [10, 20, 40])
    held = by_chance(np.full(70, -1), labels, 0.2, np.random.default_rng(0))
    assert np.bincount(labels[held]).tolist() == [2, 4, 8]


@pytest.mark.parametrize(
    ("subjects", "why"), [([-1, 0, 1, 2], "unknown"), ([3, 3, 3, 3], "no performer can be")]
)
def test_where_no_performer_can_be_held_out_the_remedy_is_chance(subjects: list[int], why: str) -> None:
    with pytest.raises(DataError, match=rf"{why}.*validation\.by to 'random'"):
        by_subject(np.array(subjects), np.zeros(4, int), 0.25, np.random.default_rng(0))


def test_single_recordings_cannot_be_held_out() -> None:
    with pytest.raises(DataError, match="every class has a single one"):
        by_chance(np.zeros(2), np.array([0, 1]), 0.5, np.random.default_rng(0))


@pytest.mark.parametrize(("camera", "name"), [(0, "test"), (1, "train")])
def test_an_empty_split_is_told(camera: int, name: str) -> None:
    clips = replace(MANY, cameras=np.full(len(MANY), camera))
    with pytest.raises(DataError, match=f"no recording of 'made' is in the {name} split of 'camera'"):
        split(clips, MadeReader(), "camera", ValidationOptions(), 0)
