"""The one in-memory form of a data set, and what a data-set plugin's reader must do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np


@dataclass(frozen=True)
class Clip:
    """One recording.

    Attributes:
        id: The sample id, unique in its data set (``S001C001P001R001A001``).
        label: The 0-based class.
        frames: Coordinates, (T, M, V, C) float32; absent persons are zero.
        subject: The performer, or -1 where unknown.
        camera: The camera or view, or -1.
        setup: The set-up (NTU: height and distance of the cameras), or -1.
    """

    id: str
    label: int
    frames: np.ndarray
    subject: int = -1
    camera: int = -1
    setup: int = -1


@dataclass(frozen=True, kw_only=True)
class Recordings(ABC):
    """What is known of many recordings, whatever they are of.

    Attributes:
        dataset: Name of the data set.
        class_names: One name per class.
        ids: Sample ids, (n,) str.
        labels: Classes, (n,) int64.
        subjects: (n,) int32, -1 unknown.
        cameras: (n,) int32, -1 unknown.
        setups: (n,) int32, -1 unknown.
        synthetic: Whether the recordings were made by `skelbench data synth`.
    """

    dataset: str
    class_names: tuple[str, ...]
    ids: np.ndarray
    labels: np.ndarray
    subjects: np.ndarray
    cameras: np.ndarray
    setups: np.ndarray
    synthetic: bool = False

    def __len__(self) -> int:
        return len(self.ids)

    @property
    @abstractmethod
    def lengths(self) -> np.ndarray:
        """Frames of each recording, (n,) int64."""


@dataclass(frozen=True)
class _Mapped:
    """The place of a memory-mapped array in its file."""

    path: str
    offset: int
    dtype: str
    shape: tuple[int, ...]

    @classmethod
    def of(cls, array: np.ndarray) -> np.ndarray | _Mapped:
        """The place of an array that is a whole file's; any other array as it is."""
        if not isinstance(array, np.memmap) or array.filename is None or isinstance(array.base, np.memmap):
            return array
        return cls(str(array.filename), array.offset, array.dtype.str, array.shape)

    @staticmethod
    def opened(array: np.ndarray | _Mapped) -> np.ndarray:
        """The array itself."""
        if isinstance(array, np.ndarray):
            return array
        return np.memmap(array.path, array.dtype, "r", array.offset, array.shape)


@dataclass(frozen=True, kw_only=True)
class Clips(Recordings):
    """Many recordings of skeletons in one flat array, in memory or memory-mapped.

    Attributes:
        layout: Name of the skeleton layout.
        offsets: (n + 1,) int64: recording i has frames offsets[i]..offsets[i + 1].
        frames: (sum T, M, V, C) float32.
        preprocess: The named pre-processing already applied, ``none`` for raw coordinates.
        left_out: What the reader did not read, see `LeavesOut`.
    """

    layout: str
    offsets: np.ndarray
    frames: np.ndarray
    preprocess: str = "none"
    left_out: tuple[str, ...] = ()

    def __getstate__(self) -> dict[str, Any]:
        """For another process: frames of a file are not copied, it maps them by itself."""
        return {**self.__dict__, "frames": _Mapped.of(self.frames)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, frames=_Mapped.opened(state["frames"]))

    @property
    def lengths(self) -> np.ndarray:
        """Frames of each recording, (n,) int64."""
        return np.diff(self.offsets)

    def clip(self, index: int) -> Clip:
        """Recording ``index``; its frames are a view."""
        start, stop = self.offsets[index], self.offsets[index + 1]
        return Clip(
            str(self.ids[index]),
            int(self.labels[index]),
            self.frames[start:stop],
            int(self.subjects[index]),
            int(self.cameras[index]),
            int(self.setups[index]),
        )

    def with_frames(self, frames: np.ndarray, preprocess: str) -> Clips:
        """The same recordings with other coordinates of the same lengths."""
        return replace(self, frames=frames, preprocess=preprocess)

    @classmethod
    def of(
        cls,
        clips: Iterable[Clip],
        *,
        dataset: str,
        layout: str,
        class_names: Sequence[str],
        synthetic: bool = False,
        left_out: Sequence[str] = (),
    ) -> Clips:
        """Gather recordings of equal (M, V, C) into one flat array in memory."""
        listed = sorted(clips, key=lambda clip: clip.id)
        lengths = [len(clip.frames) for clip in listed]
        return cls(
            dataset=dataset,
            layout=layout,
            class_names=tuple(class_names),
            ids=np.array([clip.id for clip in listed], dtype=str),
            labels=np.array([clip.label for clip in listed], dtype=np.int64),
            subjects=np.array([clip.subject for clip in listed], dtype=np.int32),
            cameras=np.array([clip.camera for clip in listed], dtype=np.int32),
            setups=np.array([clip.setup for clip in listed], dtype=np.int32),
            offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            frames=np.concatenate([clip.frames for clip in listed]).astype(np.float32, copy=False),
            synthetic=synthetic,
            left_out=tuple(left_out),
        )


class Reader(Protocol):
    """What the target of a `skelbench.components.Dataset` of skeletons makes: all that is peculiar to it."""

    class_names: tuple[str, ...]

    def sources(self, root: Path) -> Sequence[Any]:
        """The readable things under ``root``, one per recording or per prepared file.

        Raises:
            DataError: There is nothing under ``root`` that this reader knows.
        """

    def read(self, source: Any) -> Sequence[Clip]:
        """The recordings of one source (none where the owners list it as unusable).

        Raises:
            DataError: The file is truncated or malformed; says where.
        """

    def is_train(self, clips: Clips, protocol: str) -> np.ndarray:
        """(n,) bool: which recordings the protocol trains on; the others are its test split.

        A reader of prepared files that fix the split themselves raises DataError for others.
        """

    def expected(self, protocol: str) -> tuple[int, int] | None:
        """The complete data set's (train, test) counts, or None where unknown."""


@runtime_checkable
class Synthesiser(Protocol):
    """What a reader has besides where it makes synthetic recordings in its own raw format.

    Of a reader without it, recordings are made from the layout and kept in a store.
    """

    def synthesise(self, root: Path, *, clips: int, seed: int, classes: int | None = None) -> None:
        """Write ``clips`` synthetic recordings under ``root``.

        ``classes`` limits the classes that occur (the first ones); a marker file
        ``SYNTHETIC`` beside them makes the loaded clips carry ``synthetic=True``.
        """


@runtime_checkable
class LeavesOut(Protocol):
    """What a reader has besides where it may leave out what is there.

    Attributes:
        dropped: What the last `Reader.sources` left out and why, in lines for people.
    """

    dropped: tuple[str, ...]


@runtime_checkable
class FileReader(Protocol):
    """What a reader has besides where a file can be read whose name and place tell no class.

    ``skelbench predict`` then takes such files; a reader without it reads what `Reader.sources` finds.

    Attributes:
        patterns: The names of such files (``*.json``); one that begins with ``!`` says which are none.
    """

    patterns: tuple[str, ...]

    def frames(self, path: Path) -> np.ndarray:
        """The coordinates in one file, (T, M, V, C) float32.

        Raises:
            DataError: It is truncated or malformed; says where.
        """


@runtime_checkable
class FolderReader(FileReader, Protocol):
    """A `FileReader` of whose recordings one may be several files, or stand below folders of any name."""

    def gathered(self, folder: Path) -> Mapping[str, Sequence[Path]]:
        """The files of each recording in a folder, by its id; empty where each file is one by itself.

        Raises:
            DataError: The files are none of this data set's.
        """

    def joined(self, paths: Sequence[Path]) -> np.ndarray:
        """The coordinates in the files of one recording, (T, M, V, C) float32.

        Raises:
            DataError: One is truncated or malformed; says which.
        """


@runtime_checkable
class BundleReader(Protocol):
    """What a reader has besides where a file may hold many recordings whose classes nobody knows.

    Attributes:
        bundles: The names of such files (``*.npz``).
    """

    bundles: tuple[str, ...]

    def unlabelled(self, path: Path) -> Iterable[tuple[str, np.ndarray]]:
        """Each recording by its id, (T, M, V, C) float32, one after the other.

        Raises:
            DataError: The file is damaged or of another form.
        """
