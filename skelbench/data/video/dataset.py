"""The one in-memory form of videos: what is known of each, and a way to its frames."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from skelbench.data.dataset import Recordings
from skelbench.data.video.reader import probe, read_frames, resize_frames


@dataclass(frozen=True)
class Extent:
    """How much there is of a video.

    Attributes:
        frames: Frames that a decode gives.
        height: Rows of a frame as stored.
        width: Columns of it.
        mark: What the fingerprint of the data knows of the content: the size of a file in bytes, or
            the SHA-256 of frames in memory.
    """

    frames: int
    height: int
    width: int
    mark: str


class VideoSource(Protocol):
    """Where the frames of a video are."""

    @property
    def name(self) -> str:
        """What to call it in messages."""

    def extent(self) -> Extent:
        """How much there is of it.

        Raises:
            DataError: It is missing or damaged.
        """

    def read(
        self,
        indices: np.ndarray,
        *,
        short_side: int | None = None,
        size: tuple[int, int] | None = None,
    ) -> np.ndarray:
        """Frames by their 0-based numbers, (n, H, W, C) uint8; the arguments are those of `read_frames`.

        Raises:
            DataError: A wanted frame is damaged or not there.
        """


@dataclass(frozen=True)
class VideoFile:
    """A video file; its frames are decoded each time they are wanted.

    Attributes:
        path: The file.
    """

    path: Path

    @property
    def name(self) -> str:
        """Its path."""
        return str(self.path)

    def extent(self) -> Extent:
        """See `VideoSource`; decodes no more than the first frame where the packets can be trusted."""
        info = probe(self.path)
        return Extent(info.frames, info.height, info.width, str(self.path.stat().st_size))

    def read(
        self,
        indices: np.ndarray,
        *,
        short_side: int | None = None,
        size: tuple[int, int] | None = None,
    ) -> np.ndarray:
        """See `VideoSource`; RGB."""
        return read_frames(self.path, indices, short_side=short_side, size=size)


@dataclass(frozen=True, eq=False)
class VideoArray:
    """A video in memory.

    Attributes:
        name: What to call it.
        frames: (T, H, W, C) uint8, C of 1 or 3.
    """

    name: str
    frames: np.ndarray

    def extent(self) -> Extent:
        """See `VideoSource`."""
        content = np.ascontiguousarray(self.frames)
        digest = hashlib.sha256(str(content.shape).encode())
        digest.update(content.data)
        count, height, width = self.frames.shape[:3]
        return Extent(count, height, width, digest.hexdigest())

    def read(
        self,
        indices: np.ndarray,
        *,
        short_side: int | None = None,
        size: tuple[int, int] | None = None,
    ) -> np.ndarray:
        """See `VideoSource`."""
        return resize_frames(self.frames[indices], short_side=short_side, size=size)


@dataclass(frozen=True)
class Video:
    """One video of a data set, as its lists tell of it; nothing of it has been read.

    Attributes:
        id: The sample id, unique in its data set.
        label: The 0-based class.
        source: Where its frames are.
        train: Whether the protocol trains on it; else it is of the test split.
        subject: The performer, or the group of recordings that belong together, or -1 where unknown.
        camera: The camera or view, or -1.
        setup: The set-up, or -1.
    """

    id: str
    label: int
    source: VideoSource
    train: bool
    subject: int = -1
    camera: int = -1
    setup: int = -1


class VideoReader(Protocol):
    """What the target of a `skelbench.components.Dataset` of videos makes: all that is peculiar to it.

    Attributes:
        class_names: One name per class.
    """

    class_names: tuple[str, ...]

    def videos(self, root: Path, protocol: str) -> Sequence[Video]:
        """Every video of a protocol's two parts, whether or not it is there.

        Raises:
            DataError: There is nothing under ``root`` that this reader knows, or a list is damaged.
        """

    def expected(self, protocol: str) -> tuple[int, int] | None:
        """The complete data set's (train, test) counts, or None where unknown."""

    def synthesise(self, root: Path, *, clips: int, seed: int, classes: int | None = None) -> None:
        """Write ``clips`` synthetic videos under ``root`` in the data set's own form, lists with them.

        ``classes`` limits the classes that occur (the first ones); a marker file ``SYNTHETIC`` in the
        folder makes them carry ``synthetic=True``.
        """


@dataclass(frozen=True, kw_only=True)
class Videos(Recordings):
    """Many videos that can be used, their frames left where they are.

    Attributes:
        sources: Where the frames of each are.
        extents: How much there is of each.
        train: Which of them the protocol trains on, (n,) bool.
        left_out: Why each video that is listed and cannot be used is not among them.
    """

    sources: tuple[VideoSource, ...]
    extents: tuple[Extent, ...]
    train: np.ndarray
    left_out: tuple[str, ...] = ()

    @property
    def lengths(self) -> np.ndarray:
        """Frames of each video, (n,) int64."""
        return np.array([extent.frames for extent in self.extents], dtype=np.int64)

    @classmethod
    def of(
        cls,
        videos: Sequence[Video],
        extents: Sequence[Extent],
        *,
        dataset: str,
        class_names: Sequence[str],
        synthetic: bool = False,
        left_out: Sequence[str] = (),
    ) -> Videos:
        """Gather videos, sorted by id."""
        order = sorted(range(len(videos)), key=lambda i: videos[i].id)
        listed = [videos[i] for i in order]
        return cls(
            dataset=dataset,
            class_names=tuple(class_names),
            ids=np.array([video.id for video in listed], dtype=str),
            labels=np.array([video.label for video in listed], dtype=np.int64),
            subjects=np.array([video.subject for video in listed], dtype=np.int32),
            cameras=np.array([video.camera for video in listed], dtype=np.int32),
            setups=np.array([video.setup for video in listed], dtype=np.int32),
            synthetic=synthetic,
            sources=tuple(video.source for video in listed),
            extents=tuple(extents[i] for i in order),
            train=np.array([video.train for video in listed], dtype=bool),
            left_out=tuple(left_out),
        )
