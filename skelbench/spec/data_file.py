"""A file that describes somebody's recordings, given with ``--data``, and layouts in files of their own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from skelbench.errors import SpecError
from skelbench.spec.yaml import Marks, Path, load_yaml

ENDINGS = (".yaml", ".yml")
_LAYOUTS: tuple[Path, ...] = (("data", "layout"), ("data", "dataset", "layout"))


def is_data_file(path: FilePath | None) -> bool:
    """Whether what is given as data is a description of data."""
    return path is not None and path.suffix.lower() in ENDINGS


def load_data_file(path: FilePath) -> tuple[dict[str, Any], Marks]:
    """The section ``data`` of a file, with where the recordings are.

    Args:
        path: The file: a mapping ``data``, as in a spec; ``root`` is relative to the file, and its folder
            where it is left out.

    Raises:
        SpecError: It cannot be read, or is of another form.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        remedy = "`skelbench data describe PATH` makes such a file"
        raise SpecError("the description of the data cannot be read", where=path, remedy=remedy) from error
    content, marks = load_yaml(text, str(path))
    data = content.get("data") if isinstance(content, dict) else None
    if not isinstance(data, dict) or "dataset" not in data:
        remedy = "Begin with 'data:' and name the 'dataset' in it, as `skelbench data describe PATH` does"
        raise SpecError("describes no data set", where=path, remedy=remedy)
    if not isinstance(data.get("root", ""), str):
        raise SpecError("'data.root' is a path", where=marks.at(("data", "root")))
    places = {("data", *place): line for place, line in marks.under(("data",)).items()}
    own = {**data, "root": str((path.parent / data.get("root", ".")).resolve())}
    return with_layouts({"data": own}, path.parent)["data"], Marks(places)


def with_layouts(data: Mapping[str, Any], folder: FilePath) -> dict[str, Any]:
    """A spec's data where every layout that is the name of a file is replaced by what stands in it.

    Args:
        data: A spec as plain data.
        folder: What names of files are relative to.

    Raises:
        SpecError: The file cannot be read.
    """
    out = dict(data)
    for *steps, key in _LAYOUTS:
        at: Any = out
        for step in steps:
            inner = at.get(step) if isinstance(at, dict) else None
            if not isinstance(inner, dict):
                at = None
                break
            at[step] = at = dict(inner)
        name = at.get(key) if isinstance(at, dict) else None
        if isinstance(name, str) and name.endswith(ENDINGS):
            at[key] = _layout(folder / name)
    return out


def _layout(path: FilePath) -> Any:
    try:
        content, _ = load_yaml(path.read_text(encoding="utf-8-sig"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        remedy = "Write 'joints' and 'bones' there, or name a layout of `skelbench list layout`"
        raise SpecError("the layout cannot be read", where=path, remedy=remedy) from error
    if isinstance(content, dict) and "joints" not in content and isinstance(content.get("layout"), dict):
        content = content["layout"]
    if not isinstance(content, dict):
        raise SpecError("is no layout", where=path, remedy="Write 'joints' and 'bones'")
    return {"name": path.stem, **content}
