"""Many recordings in a pickle of pyskl's: annotations of (M, T, V, C), and perhaps splits of names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.errors import DataError

from ..common.unpickle import text_of
from .arrays import Item, plain
from .params import SCORE, SkeletonsParams
from .shape import Form


def pyskl_annotations(content: Any) -> list[Mapping[str, Any]] | None:
    """The annotations of pyskl's ``{split, annotations}``, of a list, or a single one, else None."""
    if isinstance(content, Mapping):
        content = [content] if "frame_dir" in content else content.get("annotations")
    pyskl = isinstance(content, list) and content and all(isinstance(one, Mapping) for one in content)
    return content if pyskl and "keypoint" in content[0] else None


def split_names(content: Any) -> tuple[str, ...]:
    """The splits that a pyskl pickle has: ``xsub`` for ``xsub_train``, an empty text for ``train``."""
    split = content.get("split") if isinstance(content, Mapping) else None
    names = [name for name in split or () if isinstance(name, str)] if isinstance(split, Mapping) else []
    return tuple(dict.fromkeys(n.removesuffix("train").rstrip("_") for n in names if n.endswith("train")))


class Pyskl:
    """The recordings of a pickle of annotations.

    Args:
        content: What the pickle holds.
        path: The file.
        form: What a recording looks like.
        labelled: Whether only what a split lists is wanted.
    """

    def __init__(self, content: Any, path: Path, form: Form, labelled: bool = True) -> None:
        self.content, self.path, self.form, self.labelled = content, path, form, labelled
        self._annotations = pyskl_annotations(content) or []

    def labels(self) -> list[Any]:
        """The class of every recording."""
        return [plain(one.get("label")) for one in self._annotations]

    def unlisted(self) -> int:
        """How many recordings are in no part of the file's split.

        Raises:
            DataError: The split is none.
        """
        part_of = _pyskl_split(self.content, self.form.params, self.path)
        if part_of is None:
            return 0
        names = [text_of(one.get("frame_dir"), "a recording", self.path) for one in self._annotations]
        return sum(name not in part_of for name in names)

    def close(self) -> None:
        """There is no open file."""

    def pieces(self) -> list[range | None]:
        """All recordings, which are in memory anyway."""
        return [None]

    def items(self, piece: range | None = None) -> Iterator[Item]:
        """All recordings, in any piece.

        Raises:
            DataError: One does not fit, or the split is none.
        """
        path, form = self.path, self.form
        part_of = _pyskl_split(self.content, form.params, path) if self.labelled else None
        for one in self._annotations:
            name = text_of(one.get("frame_dir"), "a recording", path)
            if part_of is not None and name not in part_of:
                continue
            where, points = f"{path}, '{name}'", one.get("keypoint")
            if not isinstance(points, np.ndarray) or points.ndim != 4:
                shape = points.shape if isinstance(points, np.ndarray) else None
                raise DataError(f"keypoint has the shape {shape}", where=where, remedy="Give (M, T, V, C)")
            frames = _people(points, one.get("keypoint_score"), where, form)
            yield Item(name, plain(one.get("label")), frames, None if part_of is None else part_of[name])


def _people(points: np.ndarray, score: Any, where: str, form: Form) -> np.ndarray:
    """Persons (M, T, V, C) and perhaps scores, as frames; of too many those that are surest."""
    names = ["x", "y", "z"][: points.shape[3]]
    scored = isinstance(score, np.ndarray) and score.shape == points.shape[:3]
    if scored:
        points, names = np.concatenate([points, score[..., None]], axis=3), [*names, SCORE]
        if len(points) > form.params.persons:
            best = np.argsort(-points[..., -1].mean(axis=(1, 2)), kind="stable")
            points = points[np.sort(best[: form.params.persons])]
    missing = [name for name in form.params.kept if name not in names]
    if missing or points.shape[2] != len(form.joints):
        what = f"key points of {points.shape[2]} joints with {', '.join(names)}"
        remedy = f"Set channels: [{', '.join(names)}], and a layout of {points.shape[2]} joints"
        raise DataError(what, where=where, remedy=remedy)
    if len(points) > form.params.persons:
        what = f"{len(points)} persons, and {form.params.persons} are declared"
        raise DataError(what, where=where, remedy=f"Set persons: {len(points)}")
    kept = points[..., [names.index(name) for name in form.params.kept]]
    out = np.zeros((points.shape[1], form.params.persons, *kept.shape[2:]), dtype=np.float32)
    out[:, : len(kept)] = kept.transpose(1, 0, 2, 3)
    return form.filled(out, where)


def _pyskl_split(content: Any, params: SkeletonsParams, path: Path) -> dict[str, bool] | None:
    """Whether each recording that a split lists is trained on; None where there is no split."""
    names = split_names(content)
    if not names:
        return None
    name = params.split.name if params.split.name is not None else (names[0] if len(names) == 1 else None)
    if name is None or name not in names:
        what = f"there is no split '{name}'" if name else f"there are {len(names)} splits"
        remedy = f"Set split: {{name: ...}} to one of: {', '.join(names)}"
        raise DataError(what, where=path, remedy=remedy)
    part_of: dict[str, bool] = {}
    for part, listed in content["split"].items():
        if not isinstance(part, str) or not isinstance(listed, list | tuple):
            raise DataError("its split is no mapping of lists", where=path, remedy="Make it again")
        start, _, end = part.rpartition("_")
        if start != name or end not in ("train", "val", "test"):
            continue
        for one in listed:
            one = text_of(one, "a recording", path)
            if part_of.setdefault(one, end == "train") != (end == "train"):
                remedy = "Let each recording be in one part"
                raise DataError(f"'{one}' is in both parts of its split", where=path, remedy=remedy)
    return part_of
