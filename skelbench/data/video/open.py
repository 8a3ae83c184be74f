"""From a folder to the videos of a protocol that a clip can be cut from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from skelbench.components import Dataset
from skelbench.data.border import Border
from skelbench.data.sources import Progress, is_synthetic
from skelbench.data.video.dataset import Extent, Video, VideoFile, VideoReader, Videos
from skelbench.data.video.index import Inspection, VideoIndex, look_into
from skelbench.errors import DataError, Problem
from skelbench.recipe import VideoOptions

_MOST_NAMED = 100
SKIP = "Mend it, or set data.video.skip_broken, which leaves such videos out"


def open_videos(
    component: Dataset,
    root: Path,
    protocol: str,
    options: VideoOptions,
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
    decode: bool = False,
) -> Videos:
    """The videos of a protocol, looked into but not decoded.

    Args:
        component: The data set.
        root: Where it lies.
        protocol: The protocol, which says what is listed.
        options: Say what a clip takes, and what is done about videos that cannot give it.
        cache: Folder in which the index of video files is kept; None looks into all of them anew.
        progress: Told how many videos have been looked into.
        decode: Decode every frame of them, unless the index says that it was done.

    Raises:
        DataError: Nothing is there, a list is damaged, or videos are missing, damaged, too short or
            too small and are not to be left out; each is named.
    """
    if not root.exists():
        remedy = f"Say where data set '{component.name}' is"
        raise DataError("no such file or folder", where=root, remedy=remedy)
    reader: VideoReader = component.reader()
    border = Border(component)
    listed = border.videos(reader, root, protocol)
    _check_listed(component, listed, root)
    found = _look_into(component, listed, root, cache, progress, decode)
    problems = {i: why for i, one in enumerate(found) if (why := unfit(one, component, options))}
    kept = [i for i in range(len(listed)) if i not in problems]
    if not kept or (problems and not options.skip_broken):
        raise _unusable(listed, problems)
    return Videos.of(
        [listed[i] for i in kept],
        [extent for i in kept if isinstance(extent := found[i], Extent)],
        dataset=component.name,
        class_names=border.class_names(reader, root),
        synthetic=is_synthetic(root, ()),
        left_out=[f"{listed[i].source.name}: {why}" for i, why in problems.items()],
    )


def unfit(found: Inspection, component: Dataset, options: VideoOptions) -> str:
    """Why no clip can be cut from a video, or nothing."""
    if isinstance(found, str):
        return found
    if found.frames < options.window:
        return f"has {found.frames} frames, and a clip spans {options.window}"
    size = (found.height, found.width)
    if component.frame_size not in (None, size):
        return f"has frames of {_shape(size)}, and those of the data set are {_shape(component.frame_size)}"
    in_training = options.resize or size
    at_test = (options.short_side,) if options.short_side else in_training
    smallest = min(*in_training, *at_test)
    if options.crop is not None and smallest < options.crop:
        return f"has frames of {_shape(size)}, too small to cut squares of {options.crop} out of them"
    return ""


def _shape(size: tuple[int, int] | None) -> str:
    return " x ".join(map(str, size or ()))


def _check_listed(component: Dataset, listed: Sequence[Video], root: Path) -> None:
    if not listed:
        raise DataError("no video is listed", where=root, remedy="Check that the download is complete")
    name, count = Counter(video.id for video in listed).most_common(1)[0]
    if count > 1:
        raise DataError(f"two videos have the id '{name}'", where=root, remedy="Remove one of the copies")


def _look_into(
    component: Dataset,
    listed: Sequence[Video],
    root: Path,
    cache: Path | None,
    progress: Progress | None,
    decode: bool,
) -> list[Inspection]:
    files = [video.source for video in listed if isinstance(video.source, VideoFile)]
    if cache is not None and len(files) == len(listed):
        return VideoIndex.under(cache, component.name, root).look_up(files, progress, decode=decode)
    found = dict(look_into([video.source for video in listed], progress, decode=decode))
    return [found[i] for i in range(len(listed))]


def _unusable(listed: Sequence[Video], problems: dict[int, str]) -> DataError:
    """One error for all videos that cannot be used."""
    total = Problem(f"{len(problems)} of {len(listed)} videos cannot be used", remedy=SKIP)
    named = [Problem(why, listed[i].source.name) for i, why in list(problems.items())[:_MOST_NAMED]]
    rest = len(problems) - len(named)
    more = [Problem(f"and {rest} more", remedy="`skelbench data check` names them all")] if rest else []
    return DataError.of([total, *named, *more])
