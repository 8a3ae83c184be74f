"""Kinetics-400 with COCO's 17 key points, as pyskl gives it away in pickles.

Duan, Wang, Chen, Lin: PYSKL: towards good practices for skeleton action recognition, ACM MM 2022;
detected by Faster R-CNN and HRNet. A pickle of ``split`` and ``annotations`` either holds the key points
itself, or, as ``k400_hrnet.pkl`` does, names a file of them in the folder ``kpfiles`` beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.data import Clip, Clips
from skelbench.errors import DataError

from ..common.unpickle import load_pickle, text_of
from .points import detected, tracked
from .poses import CLASSES, MOST_FRAMES, NUMBERED, PARTS, is_train, sample_id
from .synthetic import write_pickle

_KPFILES = "kpfiles"


@dataclass(frozen=True, eq=False)
class PoseSource:
    """Annotations whose key points are in one file.

    Attributes:
        path: The pickle of the annotations.
        kpfile: The pickle that holds their key points, or None where they hold them themselves.
        annotations: Each with the part that its recording is in.
    """

    path: Path
    kpfile: Path | None
    annotations: tuple[tuple[str, Mapping[str, Any]], ...]


class KineticsCocoReader:
    """Reads pyskl's 2-D pickle; joints are (x, y, score), x and y as shares of the image, y down.

    Attributes:
        class_names: Numbered, for the file does not name the classes.
        dropped: What the last `sources` left out: annotations that neither ``train`` nor ``val`` lists.
    """

    class_names: tuple[str, ...] = NUMBERED

    def __init__(self) -> None:
        self.dropped: tuple[str, ...] = ()

    def sources(self, root: Path) -> Sequence[PoseSource]:
        """The annotations of a pickle, or of the one pickle in a folder.

        Raises:
            DataError: There is no pickle or more than one, or it is damaged, hostile or of another form.
        """
        path = _pickle(root)
        content = load_pickle(path)
        part_of = _parts(content, path)
        annotations = _annotations(content, path)
        used = [(part_of[one["frame_dir"]], one) for one in annotations if one["frame_dir"] in part_of]
        if not used:
            raise DataError("its split lists none of its annotations", where=path, remedy="Fetch it again")
        unlisted = len(annotations) - len(used)
        told = f"{unlisted} recordings are left out, which neither 'train' nor 'val' of the split lists"
        self.dropped = (told,) if unlisted else ()
        return list(_sources(path, used))

    def read(self, source: PoseSource) -> Sequence[Clip]:
        """The recordings of a source, two persons each.

        Raises:
            DataError: An annotation is malformed, or its key points are missing or of another form.
        """
        points = {} if source.kpfile is None else _kpfile(source.kpfile, source.path)
        return [_clip(part, one, points, source) for part, one in source.annotations]

    def is_train(self, clips: Clips, protocol: str) -> np.ndarray:
        """``val``: the recordings of the split ``train``, (n,) bool; see `kinetics_poses.is_train`."""
        return is_train(clips, protocol)

    def expected(self, protocol: str) -> tuple[int, int] | None:
        """Unknown: videos go from the web, and copies of the data set differ."""
        return None

    def synthesise(self, root: Path, *, clips: int, seed: int, classes: int | None = None) -> None:
        """Write made-up recordings as one pickle; see `kinetics_synthetic.write_pickle`."""
        write_pickle(root, clips=clips, seed=seed, classes=classes)


def _pickle(root: Path) -> Path:
    found = [root] if root.is_file() else sorted(root.glob("*.pkl"))
    if len(found) != 1:
        shown = ", ".join(path.name for path in found[:3]) or "none"
        raise DataError(
            f"not one pickle here ({shown})", where=root, remedy="Give pyskl's 2-D pickle of Kinetics-400"
        )
    return found[0]


def _parts(content: Any, path: Path) -> dict[str, str]:
    """The part of each recording that the split of a file lists."""
    split = content.get("split") if isinstance(content, Mapping) else None
    if not isinstance(split, Mapping) or not all(isinstance(split.get(part), list) for part in PARTS):
        raise DataError(
            "holds no split of 'train' and 'val'",
            where=path,
            remedy="Give pyskl's pickle of Kinetics-400 with 'split' and 'annotations'",
        )
    listed = {part: [text_of(name, "a recording", path) for name in split[part]] for part in PARTS}
    both = set(listed["train"]) & set(listed["val"])
    if both:
        raise DataError(f"'{min(both)}' is in both train and val", where=path, remedy="Fetch it again")
    return {name: part for part in PARTS for name in listed[part]}


def _annotations(content: Mapping[str, Any], path: Path) -> list[Mapping[str, Any]]:
    found = content.get("annotations")
    if not isinstance(found, list) or not all(
        isinstance(one, Mapping) and isinstance(one.get("frame_dir"), str) for one in found
    ):
        raise DataError(
            "holds no annotations with a frame_dir", where=path, remedy="Give pyskl's pickle of Kinetics-400"
        )
    return found


def _sources(path: Path, used: list[tuple[str, Mapping[str, Any]]]) -> Iterator[PoseSource]:
    """Annotations with key points one by one, the others together with those of the same file."""
    grouped: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    for part, one in used:
        if "keypoint" in one:
            yield PoseSource(path, None, ((part, one),))
        elif isinstance(one.get("raw_file"), str):
            # Only the name counts: the folder in it is that of the machine that wrote the file.
            grouped.setdefault(Path(one["raw_file"]).name, []).append((part, one))
        else:
            raise DataError(
                f"'{one['frame_dir']}' has neither 'keypoint' nor 'raw_file'",
                where=path,
                remedy="Give pyskl's pickle of Kinetics-400",
            )
    for name, members in sorted(grouped.items()):
        yield PoseSource(path, path.parent / _KPFILES / name, tuple(members))


def _kpfile(kpfile: Path, path: Path) -> Mapping[str, Any]:
    if not kpfile.is_file():
        raise DataError(
            "the key points are missing", where=kpfile, remedy=f"Put pyskl's {_KPFILES} beside {path.name}"
        )
    content = load_pickle(kpfile)
    if not isinstance(content, Mapping):
        raise DataError("holds no key points by recording", where=kpfile, remedy="Fetch it again")
    return content


def _clip(part: str, one: Mapping[str, Any], points: Mapping[str, Any], source: PoseSource) -> Clip:
    name, label = one["frame_dir"], one.get("label")
    place = source.path if source.kpfile is None else source.kpfile
    try:
        if not isinstance(label, int | np.integer) or not 0 <= label < CLASSES:
            raise ValueError(f"label {_number(label)} is none of 0 to {CLASSES - 1}")
        total = one.get("total_frames")
        if not isinstance(total, int | np.integer) or not 0 < total <= MOST_FRAMES:
            raise ValueError(f"total_frames {_number(total)} is none of 1 to {MOST_FRAMES}")
        if source.kpfile is None:
            frames = tracked(one, int(total))
        else:
            frames = detected(one, points.get(name), int(total))
    except ValueError as error:
        raise DataError(
            f"'{name}': {error}", where=place, remedy="Give pyskl's 2-D pickle of Kinetics-400"
        ) from error
    return Clip(sample_id(part, name), int(label), frames)


def _number(value: Any) -> str:
    """A number as text; what is none is only named by its kind, for it may be endless."""
    return (
        str(value) if isinstance(value, int | float | np.number | None) else f"of type {type(value).__name__}"
    )
