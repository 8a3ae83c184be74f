"""What recordings have to do with a spec, before anything is trained on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from skelbench.check.checked import Checked
from skelbench.data.dataset import Clips, Recordings
from skelbench.data.open import open_clips, split
from skelbench.data.remarks import remarks
from skelbench.data.video.open import open_videos
from skelbench.errors import DataError

_FAR = 20.0
"""Coordinates beyond this are in millimetres or pixels, not in metres."""


def recording_facts(checked: Checked, root: Path) -> list[str]:
    """Read the recordings as a run would and say what it would find, in lines for people.

    Args:
        checked: The spec.
        root: Where the recordings are.

    Raises:
        DataError: They cannot be read, do not agree with the data set's description, or leave a part empty.
    """
    data, component = checked.spec.data, checked.dataset
    if not root.exists():
        raise DataError("no such file or folder", where=root, remedy="Correct --data, or 'root' in its file")
    recordings: Recordings
    if component.modality == "video":
        recordings = open_videos(component, root, checked.protocol, data.video)
    else:
        recordings = open_clips(component, root, preprocess=data.preprocess, layout=checked.layout)
    options = checked.spec.train.validation
    parts = split(recordings, component.reader(), checked.protocol, options, 0, checked.spec.search.inference)
    counts = f"{len(parts.train)} train, {len(parts.validation)} validation, {len(parts.test)} test"
    lengths = recordings.lengths
    found = [
        f"{checked.protocol}: {counts} recordings",
        f"frames: {lengths.min()} to {lengths.max()}, median {np.median(lengths):g}",
    ]
    found += _of_skeletons(checked, recordings) if isinstance(recordings, Clips) else []
    return found + remarks(recordings, np.isin(np.arange(len(recordings)), parts.whole_train))


def _of_skeletons(checked: Checked, clips: Clips) -> list[str]:
    clip, found = checked.spec.data.clip, []
    if short := int((clips.lengths < clip.frames).sum()):
        found.append(f"{short} of {len(clips)} recordings are shorter than a clip of {clip.frames} frames")
    axes = checked.dataset.axes or checked.dataset.channels
    coordinates = clips.frames[..., :axes]
    farthest = float(max(coordinates.max(), -coordinates.min()))  # without a copy, which may not fit memory
    if clip.normalise == "none" and farthest > _FAR:
        told = f"coordinates reach {farthest:.0f} and nothing brings them to a common scale"
        found.append(f"{told}: set data.clip.normalise: minmax_recording")
    persons = clip.persons or checked.dataset.persons
    seen = int(clips.frames.any(axis=(0, 2, 3)).sum())
    if seen < persons:
        found.append(f"clips have {persons} persons, and no recording shows more than {seen}")
    return found
