"""Many recordings in one file: an npz, or a pickle of plain data, pyskl's among them."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.errors import DataError, did_you_mean

from ..common.unpickle import load_pickle, text_of
from .params import SCORE, SkeletonsParams
from .shape import Form

ENDINGS = (".npz", ".pkl", ".pickle")
X = ("x", "X", "data", "keypoint", "keypoints", "skeletons", "skeleton", "poses", "pose", "joints")
Y = ("y", "Y", "label", "labels", "target", "targets")
_PART = ("split", "train", "is_train")
_WHO = ("subject", "subjects", "performer", "performers")


@dataclass(frozen=True)
class Item:
    """A recording in a file of many.

    Attributes:
        id: Its id.
        label: Its class as the file has it.
        frames: Its coordinates, (T, M, V, C).
        train: Whether it is trained on; None where the file does not say.
        subject: Its performer as the file has it; None where it does not say.
    """

    id: str
    label: Any
    frames: np.ndarray
    train: bool | None = None
    subject: Any = None


def read_bundle(path: Path, form: Form) -> Iterator[Item]:
    """The recordings of a file.

    Raises:
        DataError: It is damaged or hostile, an array is missing, or something does not fit.
    """
    if path.suffix.lower() == ".npz":
        with open_npz(path) as content:
            yield from _of_arrays(content, path, form)
        return
    content = load_pickle(path)
    annotations = pyskl_annotations(content)
    if annotations is not None:
        yield from _of_pyskl(content, annotations, path, form)
    elif isinstance(content, Mapping):
        yield from _of_arrays(content, path, form)
    else:
        remedy = "Give a pyskl pickle, or one of named lists: coordinates and classes"
        raise DataError(f"holds a {type(content).__name__}", where=path, remedy=remedy)


def open_npz(path: Path) -> Any:
    """An npz file, whose arrays are read as they are wanted.

    Raises:
        DataError: It is none.
    """
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        what = f"cannot be read ({error})"
        raise DataError(what, where=path, remedy="Write it with numpy.savez, without objects") from error
    if not isinstance(found, np.lib.npyio.NpzFile):
        raise DataError("is no npz file", where=path, remedy="Write it with numpy.savez")
    return found


# --- named arrays --------------------------------------------------------------------------------


def _of_arrays(content: Mapping[str, Any], path: Path, form: Form) -> Iterator[Item]:
    names = list(content)
    for part in ("train", "test"):  # CTR-GCN's form: x_train, y_train, x_test, y_test
        if form.params.x is None and {"x_train", "x_test", "y_train", "y_test"} <= set(names):
            arrays = {"x": content[f"x_{part}"], "y": content[f"y_{part}"]}
            yield from _items(arrays, f"{path.stem}/{part}/", part == "train", path, form)
    if {"x_train", "x_test", "y_train", "y_test"} <= set(names) and form.params.x is None:
        return
    params = form.params
    wanted = {
        "x": _name(params.x, X, names, path, "coordinates"),
        "y": _name(params.y, Y, names, path, "classes"),
        "part": params.part or next((n for n in _PART if n in names), None),
        "who": params.who or next((n for n in _WHO if n in names), None),
        "ids": params.ids,
        "lengths": params.lengths,
    }
    arrays = {key: _array(content, name, path) for key, name in wanted.items() if name is not None}
    yield from _items(arrays, f"{path.stem}/", None, path, form)


def _name(given: str | None, usual: Sequence[str], names: list[str], path: Path, what: str) -> str:
    found = given or next((name for name in usual if name in names), None)
    if found is None or found not in names:
        said = f"has no array '{found}'" if found else f"has no array of {what} under a usual name"
        key = "x" if usual is X else "y"
        near = did_you_mean(found or usual[0], names)
        raise DataError(said, where=path, remedy=f"Set '{key}' of the data set. {near}")
    return found


def _array(content: Mapping[str, Any], name: str, path: Path) -> Any:
    try:
        return content[name]
    except KeyError as error:
        remedy = did_you_mean(name, list(content))
        raise DataError(f"has no array '{name}'", where=path, remedy=remedy) from error
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error, MemoryError) as error:
        what = f"the array '{name}' cannot be read ({str(error)[:80]})"
        raise DataError(what, where=path, remedy="Store numbers and texts, no objects") from error


def _items(
    arrays: Mapping[str, Any], start: str, train: bool | None, path: Path, form: Form
) -> Iterator[Item]:
    x = arrays["x"]
    count = len(x)
    for name, array in arrays.items():
        if len(array) != count:
            what = f"there are {count} recordings and {len(array)} values of '{name}'"
            raise DataError(what, where=path, remedy="Give one value for each recording")
    parts = None if "part" not in arrays else _parts(arrays["part"], path)
    labels = np.asarray(arrays["y"])
    labels = labels.argmax(1) if labels.ndim == 2 and labels.shape[1] > 1 else labels.reshape(count, -1)[:, 0]
    if form.params.axes and "N" in form.params.axes and isinstance(x, np.ndarray):
        x = np.moveaxis(x, form.params.axes.index("N"), 0)
    width = len(str(count))
    for number in range(count):
        where = f"{path}, recording {number}"
        frames = form.of_array(np.asarray(x[number]), where)
        yield Item(
            id=str(arrays["ids"][number]) if "ids" in arrays else f"{start}{number:0{width}d}",
            label=labels[number].item(),
            frames=_cut(frames, arrays["lengths"][number] if "lengths" in arrays else None, where),
            train=train if parts is None else bool(parts[number]),
            subject=_plain(arrays["who"][number]) if "who" in arrays else None,
        )


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _cut(frames: np.ndarray, length: Any, where: str) -> np.ndarray:
    """The frames that a recording has, without those that fill up the array."""
    if length is None:
        shown = np.flatnonzero(frames.any(axis=(1, 2, 3)))
        return frames[: shown[-1] + 1] if len(shown) else frames[:1]
    if not isinstance(length, int | np.integer) or not 0 < length <= len(frames):
        what = f"its length is {length}, and there is room for {len(frames)} frames"
        raise DataError(what, where=where, remedy="Give lengths in frames, at least 1")
    return frames[:length]


def _parts(part: Any, path: Path) -> np.ndarray:
    array = np.asarray(part)
    if array.dtype == bool:
        return array
    if array.dtype.kind in "iu" and np.isin(array, (0, 1)).all():
        return array == 1
    if array.dtype.kind == "U" and np.isin(array, ("train", "test", "val")).all():
        return array == "train"
    what = "the split holds other things than true and false, or 'train' and 'test'"
    raise DataError(what, where=path, remedy="Set 'part' to the name of another array")


# --- pyskl ---------------------------------------------------------------------------------------


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


def _of_pyskl(content: Any, annotations: list[Mapping[str, Any]], path: Path, form: Form) -> Iterator[Item]:
    part_of = _pyskl_split(content, form.params, path)
    for one in annotations:
        name = text_of(one.get("frame_dir"), "a recording", path)
        if part_of is not None and name not in part_of:
            continue
        where, points = f"{path}, '{name}'", one.get("keypoint")
        if not isinstance(points, np.ndarray) or points.ndim != 4:
            shape = points.shape if isinstance(points, np.ndarray) else None
            raise DataError(f"keypoint has the shape {shape}", where=where, remedy="Give (M, T, V, C)")
        frames = _people(points, one.get("keypoint_score"), where, form)
        yield Item(name, _plain(one.get("label")), frames, None if part_of is None else part_of[name])


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
