"""Short names for exactly which recordings, labels, split and raw coordinates were used."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from skelbench.data.dataset import Clips, Recordings
from skelbench.data.video.dataset import Videos
from skelbench.errors import DataError

_SHORT = 12


@dataclass(frozen=True, kw_only=True)
class TracedClips(Clips):
    """Recordings that remember their raw coordinates' digest after pre-processing.

    Attributes:
        raw_digest: `raw_digest` of the recordings before any pre-processing.
    """

    raw_digest: str = ""


def trace(clips: Clips, digest: str | None = None) -> TracedClips:
    """The same recordings with ``digest``, or with their own while they are still raw."""
    known = digest or raw_digest(clips)
    fields = {name: getattr(clips, name) for name in Clips.__dataclass_fields__}
    return TracedClips(**fields, raw_digest=known)


def recording_digest(frames: np.ndarray) -> bytes:
    """SHA-256 of one recording's shape and coordinates, (T, M, V, C)."""
    data = np.ascontiguousarray(frames, dtype="<f4")
    digest = hashlib.sha256(str(data.shape).encode())
    digest.update(data.data)
    return digest.digest()


def combined_digest(ids: Iterable[str], labels: Iterable[int], digests: Iterable[bytes]) -> str:
    """One digest of recordings given in the order of their ids, as 64 hex digits."""
    whole = hashlib.sha256()
    for name, label, digest in zip(ids, labels, digests, strict=True):
        whole.update(f"{name}\0{label}\0".encode())
        whole.update(digest)
    return whole.hexdigest()


def raw_digest(clips: Recordings) -> str:
    """Digest of ids, labels and raw coordinates; equal for recordings in memory and in a store.

    Of videos it is of ids, labels, numbers of frames and sizes of the files: nothing is decoded for it, and
    a file that was coded anew is other data. Of videos in memory it is of every pixel.

    Raises:
        DataError: The coordinates are pre-processed and the raw ones were not remembered.
    """
    if isinstance(clips, Videos):
        marks = [f"{extent.frames}\0{extent.mark}\n".encode() for extent in clips.extents]
        return combined_digest(clips.ids, clips.labels, marks)
    if not isinstance(clips, Clips):
        raise TypeError(f"{type(clips).__name__} are neither skeletons nor videos")
    if isinstance(clips, TracedClips) and clips.raw_digest:
        return clips.raw_digest
    if clips.preprocess != "none":
        raise DataError(
            f"the raw coordinates of these '{clips.preprocess}' recordings are unknown",
            remedy="Take the fingerprint of the raw recordings, or open them by open_clips",
        )
    digests = (recording_digest(clips.clip(i).frames) for i in range(len(clips)))
    return combined_digest(clips.ids, clips.labels, digests)


def split_fingerprint(clips: Recordings, is_train: np.ndarray) -> str:
    """Fingerprint of a protocol's split: ids, labels, raw coordinates and who is in train, 64 hex digits.

    Validation is not part of it: results on the same test recordings stay comparable however
    validation was drawn.

    Args:
        clips: The recordings.
        is_train: Which of them the protocol trains on, (n,) bool.
    """
    digest = hashlib.sha256(raw_digest(clips).encode())
    digest.update(np.asarray(is_train, dtype=np.uint8).tobytes())
    return digest.hexdigest()


def short(fingerprint: str) -> str:
    """The first 12 hex digits, for tables."""
    return fingerprint[:_SHORT]
