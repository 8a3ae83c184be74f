"""From a folder to recordings, and from recordings to train, validation and test."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from skelbench.components import Dataset, Layout
from skelbench.data.archives import unpacked_size
from skelbench.data.border import Border, train_mask
from skelbench.data.dataset import Clips, Reader, Recordings
from skelbench.data.fingerprint import split_fingerprint, trace
from skelbench.data.holdout import by_chance, by_subject
from skelbench.data.lock import one_at_a_time
from skelbench.data.preprocess import check_layout, find
from skelbench.data.preprocess import preprocess as apply_preprocess
from skelbench.data.sources import Progress, listing_fingerprint, read_clips
from skelbench.data.store import described_by, is_store, open_store, write_store
from skelbench.data.video.dataset import VideoReader, Videos
from skelbench.errors import DataError
from skelbench.recipe import ValidationOptions

EMPTY_PART = "Add the missing recordings, or choose another protocol"
_IN_MEMORY = 1 << 30


@dataclass(frozen=True)
class Split:
    """Indices of recordings, sorted; no two parts share any.

    Attributes:
        train: To train on.
        validation: Held out of the protocol's training split.
        test: The protocol's test split.
        fingerprint: See `skelbench.data.fingerprint.split_fingerprint`.
        inference: Held out of the training split as well, where a search asks for a third part.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    fingerprint: str
    inference: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @property
    def whole_train(self) -> np.ndarray:
        """The protocol's training split: train, validation and inference together."""
        return np.sort(np.concatenate([self.train, self.validation, self.inference]))


def open_clips(
    component: Dataset,
    root: Path,
    *,
    preprocess: str,
    layout: Layout,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Clips:
    """Recordings of a data set, pre-processed.

    Args:
        component: The data set.
        root: A store, or raw or prepared files that the data set's reader knows.
        preprocess: A name of `skelbench.data.preprocess.PREPROCESSES`.
        layout: The skeleton.
        cache: Folder for stores made of raw files, found again while the files are unchanged;
            None reads them into memory, and more than a GiB into a file that nobody finds again.
        progress: Told how many sources are read.

    Raises:
        DataError: Nothing is there, it is another data set's, it does not fit, or it is damaged.
    """
    find(preprocess)
    if not root.exists():
        raise DataError(
            "no such file or folder", where=root, remedy=f"Say where data set '{component.name}' is"
        )
    if not is_store(root) and cache is not None:
        root = _cached(component, root, preprocess, layout, cache, progress)
    if is_store(root):
        clips = open_store(root)
        if clips.dataset != component.name:
            raise DataError(
                f"the store holds data set '{clips.dataset}', not '{component.name}'",
                where=root,
                remedy=f"Give a store or the raw files of '{component.name}'",
            )
    else:
        clips = _read(component, root, preprocess, layout, progress)
    check_layout(clips, layout)
    return apply_preprocess(clips, preprocess, layout)


def training_part(recordings: Recordings, reader: Reader | VideoReader, protocol: str) -> np.ndarray:
    """Which recordings the protocol trains on, (n,) bool; of videos their lists have said it.

    Raises:
        DataError: The protocol does not fit the recordings.
    """
    if isinstance(recordings, Videos):
        return recordings.train
    return train_mask(reader, recordings, protocol)  # type: ignore[arg-type]


def split(
    recordings: Recordings,
    reader: Reader | VideoReader,
    protocol: str,
    validation: ValidationOptions,
    seed: int,
    inference: float | None = None,
) -> Split:
    """Split recordings by a protocol and hold parts out of its training split.

    Args:
        recordings: The recordings.
        reader: Knows the protocol.
        protocol: Its name.
        validation: How much is held out, and how.
        seed: Seed of what is held out.
        inference: Share of the training split that is held out for a third part, in the same way. What is
            held out for validation does not depend on it.

    Raises:
        DataError: The protocol is unknown or leaves a split empty, or nothing can be held out.
    """
    is_train = training_part(recordings, reader, protocol)
    whole, test = np.flatnonzero(is_train), np.flatnonzero(~is_train)
    for name, members in (("train", whole), ("test", test)):
        if not len(members):
            raise DataError(
                f"no recording of '{recordings.dataset}' is in the {name} split of '{protocol}'",
                remedy=EMPTY_PART,
            )
    hold_out = by_subject if validation.by == "subject" else by_chance
    rng = np.random.default_rng(seed)

    def held_out(members: np.ndarray, share: float) -> np.ndarray:
        return hold_out(recordings.subjects[members], recordings.labels[members], share, rng)

    held = held_out(whole, validation.fraction)
    train, third = whole[~held], np.zeros(0, dtype=np.int64)
    if inference is not None:
        also = held_out(train, inference * len(whole) / len(train))
        train, third = train[~also], train[also]
    return Split(train, whole[held], test, split_fingerprint(recordings, is_train), third)


def _read(
    component: Dataset, root: Path, preprocess: str, layout: Layout, progress: Progress | None
) -> Clips:
    reader = Border(component, layout).reader()
    if unpacked_size(root) <= _IN_MEMORY:
        return trace(read_clips(component, reader, root, layout=layout, progress=progress))
    with TemporaryDirectory(prefix="skelbench-") as folder:
        store = Path(folder, "store")
        write_store(store, component, reader, root, preprocess=preprocess, layout=layout, progress=progress)
        return open_store(store)  # what is mapped stays until nobody looks at it


def _cached(
    component: Dataset,
    root: Path,
    preprocess: str,
    layout: Layout,
    cache: Path,
    progress: Progress | None,
) -> Path:
    key = hashlib.sha256(
        f"{described_by(component, layout)}\0{listing_fingerprint(root)}".encode()
    ).hexdigest()
    store = cache / f"{component.name}-{preprocess}-{key[:16]}"
    with one_at_a_time(store):
        if not is_store(store):
            reader = Border(component, layout).reader()
            write_store(
                store, component, reader, root, preprocess=preprocess, layout=layout, progress=progress
            )
    return store
