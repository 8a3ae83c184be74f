"""A description of somebody's recordings, guessed from their names and content, and tried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

import yaml
from pydantic import ValidationError

from skelbench.errors import DataError, SkelbenchError

from ..common.unpickle import load_pickle
from . import bundles, pattern, tables
from .arrays import Y
from .guess_form import FormGuess, guess_files
from .guess_many import guess_arrays, guess_pyskl
from .guess_names import guess_names
from .npz import Npz
from .params import SkeletonsParams
from .pyskl import pyskl_annotations
from .reader import SkeletonsReader

_LOOKED_INTO = 12
_TRIED = 25
_WIDTH = 110


def describe(path: Path) -> str | None:
    """YAML that reads the recordings in a file or folder, with what could not be decided as comments.

    Returns:
        None where nothing there is of a form that the data set ``skeletons`` reads.

    Raises:
        DataError: A file that was looked into is damaged.
    """
    files = [path] if path.is_file() else list(pattern.files(path))
    several = [file for file in files if file.suffix.lower() in bundles.ENDINGS]
    single = [file for file in files if file.suffix.lower() in tables.ENDINGS]
    if several and len(several) >= len(single):
        guess = _of_bundles(several, path)
    elif single and path.is_dir():
        guess = _of_files(single, path)
    else:
        return None
    _default_split(guess)
    _tried(guess, path)
    return _text(guess, path)


def _of_bundles(files: Sequence[Path], root: Path) -> FormGuess:
    guess, labels = FormGuess(), set[Any]()
    for file in files:
        found, own = _of_bundle(file)
        guess.values |= found.values
        guess.doubts, guess.layouts = found.doubts, found.layouts
        labels |= own
    if len(files) > 1:
        names = [file.relative_to(root).as_posix() for file in files]
        guess.values["files"] = _files_of_parts(names) or guess_names(names).pattern
    _classes(guess, labels)
    return guess


def _files_of_parts(names: Sequence[str]) -> str:
    """A pattern of files that differ in the part of the split alone."""
    for word in ("train", "Train"):
        for name in names:
            start, found, end = name.partition(word)
            if found and all(other.startswith(start) and other.endswith(end) for other in names):
                return f"{start}{{split}}{end}"
    return ""


def _of_bundle(file: Path) -> tuple[FormGuess, set[Any]]:
    if file.suffix.lower() == ".npz":
        npz = Npz(file)
        arrays = {name: npz.rows(name) for name in npz}
        return guess_arrays(arrays), _labels(arrays)
    content = load_pickle(file)
    annotations = pyskl_annotations(content)
    if annotations is not None:
        return guess_pyskl(content, annotations), {one.get("label") for one in annotations}
    if not isinstance(content, Mapping):
        raise DataError(
            f"holds a {type(content).__name__}", where=file, remedy="Give a mapping of named lists"
        )
    return guess_arrays(content), _labels(content)


def _labels(arrays: Mapping[str, Any]) -> set[Any]:
    names = [name for name in ("y_train", "y_test") if name in arrays]
    names = names or [name for name in Y if name in arrays][:1]
    flat = [one for name in names for one in arrays[name]]
    return {
        one.item() if hasattr(one, "item") and getattr(one, "ndim", 0) == 0 else one
        for one in flat
        if getattr(one, "ndim", 0) == 0
    }


def _of_files(files: Sequence[Path], root: Path) -> FormGuess:
    ending = Counter(file.suffix.lower() for file in files).most_common(1)[0][0]
    own = _of_one_depth([file for file in files if file.suffix.lower() == ending])
    labelled = ending == ".json" and tables.label_in(own[0]) is not None
    names = guess_names([file.relative_to(root).as_posix() for file in own], labelled)
    step = max(1, len(names.fit) // _LOOKED_INTO)
    looked = [root / name for name in names.fit[::step]]
    guess = guess_files([file for file in looked if file.stat().st_size][:_LOOKED_INTO] or looked[:1])
    guess.values = {"files": names.pattern, **guess.values}
    guess.doubts = [*(f"files: {doubt}" for doubt in names.doubts), *guess.doubts]
    found, _ = pattern.find(root, names.pattern)
    _classes(guess, {_class_of(one) for one in found})
    subjects = {one.parts[pattern.SUBJECT] for one in found if pattern.SUBJECT in one.parts}
    if subjects and "{split}" not in names.pattern:
        guess.values["split"] = {"folds": min(5, len(subjects))} if len(subjects) > 1 else {"share": 0.7}
        said = f"split: by {len(subjects)} performers; or subjects: [those who train]"
        guess.doubts.append(f"{said}, or leave_out: {len(subjects)}")
    if "{split}" in names.pattern:
        guess.values["split"] = {}
    return guess


def _of_one_depth(files: list[Path]) -> list[Path]:
    """The files at the commonest depth of folders: lists and labels often stand above the recordings."""
    depth = Counter(len(file.parts) for file in files).most_common(1)[0][0]
    return [file for file in files if len(file.parts) == depth]


def _class_of(found: pattern.Found) -> Any:
    """The class by the name of a file, or as a JSON file says it itself."""
    given = found.parts.get(pattern.LABEL, found.parts.get(pattern.CLASS))
    return tables.label_in(found.path) if given is None and found.path.suffix == ".json" else given


def _classes(guess: FormGuess, found: set[Any]) -> None:
    """How many classes there are, and what they are called in files."""
    labels = {one for one in found if one is not None}
    if not labels:
        guess.doubts.append("classes: nothing says the class of a recording, so say how many there are")
        return
    if all(isinstance(one, int) or str(one).isdecimal() for one in labels):
        numbers = sorted({int(one) for one in labels})
        guess.values["classes"] = len(numbers)
        if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
            guess.values["labels"] = numbers
        elif numbers[0]:
            guess.values["first_label"] = numbers[0]
        guess.doubts.append("classes: found, and without names; classes: [NAME, ...] gives them some")
        return
    guess.values["classes"] = len(labels)


def _default_split(guess: FormGuess) -> None:
    """A split where nothing was found; no entry where the files say it themselves."""
    if guess.values.get("split") == {}:
        del guess.values["split"]


def _tried(guess: FormGuess, root: Path) -> None:
    """Read some recordings as was guessed; what fails is one more doubt."""
    try:
        clips = _some(guess, root)
        if guess.layouts and clips:
            guess.nearest_layout([clip.frames for clip in clips])
        if "split" not in guess.values and any(clip.setup < 0 for clip in clips):
            guess.values["split"] = {"share": 0.7}
            guess.doubts.append("split: nothing says who is trained on; 70 % of the recordings are")
    except SkelbenchError as error:
        guess.doubts.append(f"not read yet: {error}")
    except ValidationError as error:
        guess.doubts.append(f"not read yet: {error.errors()[0]['msg']}")


def _some(guess: FormGuess, root: Path) -> list[Any]:
    reader = SkeletonsReader(**SkeletonsParams.model_validate(guess.values).model_dump(exclude_unset=True))
    sources = reader.sources(root)
    step = max(1, len(sources) // _TRIED)
    return [clip for source in sources[::step] for clip in reader.read(source)]


def _text(guess: FormGuess, path: Path) -> str:
    lines = [f"# {line}" for doubt in guess.doubts for line in wrap(doubt, _WIDTH)]
    head = ["data:", f"  root: {_word(str(path.resolve()))}", "  dataset:", "    name: skeletons"]
    keys = [f"    {key}: {_word(value)}" for key, value in guess.values.items()]
    return "\n".join([*lines, *head, *keys]) + "\n"


def _word(value: Any) -> str:
    """A value in one line of YAML."""
    return yaml.safe_dump(value, default_flow_style=True, width=10**6).strip().removesuffix("...").strip()
