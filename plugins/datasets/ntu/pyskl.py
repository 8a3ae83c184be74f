"""pyskl's prepared pickle, such as ``ntu60_3danno.pkl``, read without running anything in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.data import Clip
from skelbench.errors import DataError

from ..common.unpickle import load_pickle, text_of
from .clips import named_clips, whole
from .names import JOINTS, Edition, NtuName


@dataclass(frozen=True)
class PysklFile:
    """pyskl's pickle: ``split`` and ``annotations``, each with keypoint (M, T, V, 3).

    Attributes:
        path: The file.
    """

    path: Path


def pyskl_clips(path: Path, edition: Edition) -> Iterator[Clip]:
    """The clips of a file.

    Raises:
        DataError: It is damaged, hostile or no pyskl pickle, or its split or joints do not fit.
    """
    content = load_pickle(path)
    if isinstance(content, Mapping) and isinstance(content.get("split"), Mapping):
        _check_pyskl_split(content["split"], edition, path)
    for annotation in _annotations(content, path):
        name = text_of(annotation.get("frame_dir"), "a recording", path)
        label, points = annotation.get("label"), annotation.get("keypoint")
        if not isinstance(points, np.ndarray) or points.ndim != 4 or points.shape[2:] != (JOINTS, 3):
            shape = points.shape if isinstance(points, np.ndarray) else None
            raise DataError(
                f"'{name}' has keypoints of shape {shape}, not (M, T, {JOINTS}, 3)",
                where=path,
                remedy=f"Give a file with the {JOINTS} 3-D joints of NTU RGB+D",
            )
        total = annotation.get("total_frames", points.shape[1])
        if not whole(total) or points.shape[1] != total:
            raise DataError(f"'{name}' has {points.shape[1]} frames, not its total_frames", where=path)
        frames = points.transpose(1, 0, 2, 3)
        yield from named_clips(edition, name, label, frames, path)


def _annotations(content: Any, path: Path) -> Sequence[Mapping[str, Any]]:
    """The annotations of pyskl's ``{split, annotations}``, of a plain list, or a single one."""
    if isinstance(content, Mapping):
        content = [content] if "keypoint" in content else content.get("annotations")
    if not isinstance(content, list) or not all(isinstance(item, Mapping) for item in content):
        raise DataError(
            "holds no pyskl annotations", where=path, remedy="Give a pickle with 'split' and 'annotations'"
        )
    return content


def _check_pyskl_split(split: Mapping[str, Any], edition: Edition, path: Path) -> None:
    for protocol in edition.protocols:
        for part in ("train", "val"):
            names = split.get(f"{protocol}_{part}", [])
            if not isinstance(names, list | tuple):
                raise DataError(
                    f"its split '{protocol}_{part}' is no list of names", where=path, remedy="Fetch it again"
                )
            numbers = [NtuName.parse(text_of(name, "a recording", path), path) for name in names]
            if not (edition.trains_names(numbers, protocol) == (part == "train")).all():
                raise DataError(
                    f"its split '{protocol}_{part}' is not that of protocol '{protocol}' of {edition.name}",
                    where=path,
                    remedy=f"Give a file made from {edition.name}",
                )
