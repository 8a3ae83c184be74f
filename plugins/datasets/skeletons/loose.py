"""Recordings in a folder that is no whole data set, as somebody has them who asks for their classes."""

from __future__ import annotations

from pathlib import Path

from skelbench.errors import DataError

from . import pattern, tables

_OPENPOSE = ("**/{frame:012d}_keypoints.json", "**/{name}_{frame:012d}_keypoints.json")
"""How OpenPose names the frames of a camera and of a video."""


def gathered(folder: Path, files: str | None) -> dict[str, tuple[Path, ...]]:
    """The files of each recording in a folder, by its id.

    They are named as the data set's are from some folder on: of ``{class}/{clip}/{frame}.json``, a folder may
    hold folders of clips, or the frames of one clip. Frames may be named as OpenPose does in any case.

    Args:
        folder: The folder.
        files: How the data set's files are named, see `SkeletonsParams`; None: they hold many recordings.

    Returns:
        Nothing where each file of the folder is a recording by itself.

    Raises:
        DataError: The data set has a file for each frame, and those of the folder are named otherwise.
    """
    framed = files is not None and pattern.FRAME in pattern.compiled(files).groupindex
    loose = [path for path in folder.iterdir() if path.suffix.lower() in tables.ENDINGS]
    steps = [] if files is None or (loose and not framed) else files.split("/")
    for wanted in ("/".join(steps[start:]) for start in range(len(steps))):
        found = [one for one in pattern.fitting(folder, wanted)[0] if _readable(one)]
        if found:
            return _named(folder, found)
    for wanted in _OPENPOSE:
        if found := pattern.fitting(folder, wanted)[0]:
            return _named(folder, found)
    if framed and any(path.suffix == Path(steps[-1]).suffix for path in loose):
        what = f"the data set has a file for each frame, and no file here is named as in '{steps[-1]}'"
        raise DataError(what, where=folder, remedy="Name the frames so, or give recordings with --npz")
    return {}


def _readable(one: pattern.Found) -> bool:
    return one.path.suffix.lower() in tables.ENDINGS


def _named(folder: Path, found: list[pattern.Found]) -> dict[str, tuple[Path, ...]]:
    """By id; where each recording of several frames has a folder of its own, by that folder."""
    parents = [one.path.parent for one in found]
    if len(set(parents)) < len(parents) or all(len(one.paths) == 1 for one in found):
        return {one.id: one.paths for one in found}
    names = [path.relative_to(folder).as_posix() for path in parents]
    whole = folder.resolve().name
    return {whole if name == "." else name: one.paths for name, one in zip(names, found, strict=True)}
