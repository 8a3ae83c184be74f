"""From a folder to recordings, and from recordings to train, validation and test."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skelbench.components import Dataset, Layout
from skelbench.data.dataset import Clips, Reader
from skelbench.data.fingerprint import split_fingerprint, trace
from skelbench.data.holdout import by_chance, by_subject
from skelbench.data.preprocess import check_layout, find
from skelbench.data.preprocess import preprocess as apply_preprocess
from skelbench.data.sources import Progress, listing_fingerprint, read_clips
from skelbench.data.store import is_store, open_store, write_store
from skelbench.errors import DataError
from skelbench.recipe import ValidationOptions


@dataclass(frozen=True)
class Split:
    """Indices of recordings, sorted; the three share none.

    Attributes:
        train: To train on.
        validation: Held out of the protocol's training split.
        test: The protocol's test split.
        fingerprint: See `skelbench.data.fingerprint.split_fingerprint`.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    fingerprint: str

    @property
    def whole_train(self) -> np.ndarray:
        """The protocol's training split: train and validation together."""
        return np.sort(np.concatenate([self.train, self.validation]))


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
            None reads them into memory.
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
        clips = trace(read_clips(component, component.load()(), root, progress=progress))
    check_layout(clips, layout)
    return apply_preprocess(clips, preprocess, layout)


def split(clips: Clips, reader: Reader, protocol: str, validation: ValidationOptions, seed: int) -> Split:
    """Split recordings by a protocol and hold validation out of its training split.

    Args:
        clips: The recordings.
        reader: Knows the protocol.
        protocol: Its name.
        validation: How much is held out, and how.
        seed: Seed of what is held out.

    Raises:
        DataError: The protocol is unknown or leaves a split empty, or nothing can be held out.
    """
    is_train = np.asarray(reader.is_train(clips, protocol), dtype=bool)
    whole, test = np.flatnonzero(is_train), np.flatnonzero(~is_train)
    for name, members in (("train", whole), ("test", test)):
        if not len(members):
            raise DataError(
                f"no recording of '{clips.dataset}' is in the {name} split of '{protocol}'",
                remedy="Add the missing recordings, or choose another protocol",
            )
    hold_out = by_subject if validation.by == "subject" else by_chance
    rng = np.random.default_rng(seed)
    held = hold_out(clips.subjects[whole], clips.labels[whole], validation.fraction, rng)
    return Split(whole[~held], whole[held], test, split_fingerprint(clips, is_train))


def _cached(
    component: Dataset,
    root: Path,
    preprocess: str,
    layout: Layout,
    cache: Path,
    progress: Progress | None,
) -> Path:
    store = cache / f"{component.name}-{preprocess}-{listing_fingerprint(root)[:16]}"
    with _alone(store):
        if not is_store(store):
            reader = component.load()()
            write_store(
                store, component, reader, root, preprocess=preprocess, layout=layout, progress=progress
            )
    return store


@contextmanager
def _alone(store: Path) -> Iterator[None]:
    """Let one process at a time make a store; the lock goes with its process, however that ends."""
    try:
        store.parent.mkdir(parents=True, exist_ok=True)
        lock = store.with_name(f"{store.name}.lock").open("w")
    except OSError as error:
        raise DataError(f"the cache cannot be written: {error.strerror}", where=store.parent) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
