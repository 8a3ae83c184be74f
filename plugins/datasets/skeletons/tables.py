"""One recording in a file of its own: text or CSV, npy, or the JSON of the usual pose estimators."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from skelbench.errors import DataError, did_you_mean

from .people import frames_of
from .shape import Form, numbers

TEXTS = (".txt", ".csv", ".tsv", ".dat", ".xyz")
ENDINGS = (*TEXTS, ".npy", ".json")
_LARGEST = 1 << 29  # bytes: no single recording is larger


def read_recording(paths: Sequence[Path], form: Form) -> np.ndarray:
    """The frames of one recording, (T, M, V, C) float32.

    Args:
        paths: Its file, or a file for each frame.
        form: What it looks like.

    Raises:
        DataError: A file cannot be read, is of another form, or does not fit.
    """
    if len(paths) == 1:
        return _read(paths[0], form)
    return np.concatenate([_read(path, form) for path in paths])


def _read(path: Path, form: Form) -> np.ndarray:
    size = path.stat().st_size
    if size > _LARGEST:
        what = f"{size / 2**30:.1f} GiB are no single recording"
        raise DataError(what, where=path, remedy="Split it, or store all recordings as an npz file")
    if path.suffix.lower() == ".npy":
        return form.of_array(_npy(path), path)
    if path.suffix.lower() == ".json":
        return _of_json(load_json(path), path, form)
    if path.suffix.lower() in TEXTS:
        return _of_table(path, form)
    remedy = f"Files of one recording end in {', '.join(ENDINGS)}"
    raise DataError(f"'{path.suffix}' is no form that is read", where=path, remedy=remedy)


def _npy(path: Path) -> np.ndarray:
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"cannot be read ({error})", where=path, remedy="Write it with numpy.save") from error
    if not isinstance(found, np.ndarray):
        raise DataError("is no npy file", where=path, remedy="Write it with numpy.save")
    return found


# --- text ----------------------------------------------------------------------------------------


def read_table(path: Path) -> tuple[list[str], np.ndarray]:
    """The names in the first line, where it holds names, and the rows of numbers; what is empty is NaN.

    Raises:
        DataError: A row has another length, or a cell is no number; names the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError("is no text in UTF-8", where=path, remedy="Write it as plain text") from error
    lines = [
        (n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip(" ,;\t") and line[0] != "#"
    ]
    if not lines:
        raise DataError("the file is empty", where=path, remedy="Remove it")
    sign = next((s for s in ",;\t" if s in lines[0][1]), None)
    first = _cells(lines[0][1], sign)
    numbered = len(first) > 1 and first == [str(n) for n in range(len(first))]  # as pandas names columns
    header = first if numbered or all(_number(cell) is None for cell in first) else []
    body = lines[bool(header) :]
    if not body:
        raise DataError("there is no row under the header", where=path, remedy="Remove the file")
    cells = [_cells(line, sign) for _, line in body]
    try:  # one conversion of all cells, which tells nothing of where it failed
        return header, np.array(cells, dtype=np.float64)
    except ValueError:
        return header, np.array([_row(c, n, len(first), path) for c, (n, _) in zip(cells, body, strict=True)])


def _row(cells: list[str], number: int, width: int, path: Path) -> list[float]:
    if len(cells) != width:
        what = f"{len(cells)} values, where the first line has {width}"
        raise DataError(what, where=f"{path}:{number}", remedy="The file is cut short or damaged")
    values = [_number(cell) for cell in cells]
    if None in values:
        what = f"'{cells[values.index(None)][:40]}' is no number"
        raise DataError(what, where=f"{path}:{number}", remedy="Mend the line, or leave the column out")
    return [value for value in values if value is not None]


def _cells(line: str, sign: str | None) -> list[str]:
    if sign is None:
        return line.split()
    if '"' not in line:
        cells = [cell.strip() for cell in line.strip().split(sign)]
        return cells[:-1] if cells and not cells[-1] and sign != "\t" else cells
    return [cell.strip() for cell in next(csv.reader([line.strip()], delimiter=sign))]


def _number(cell: str) -> float | None:
    if cell.lower() in ("", "nan", "null", "none", "na"):
        return float("nan")
    try:
        return float(cell)
    except ValueError:
        return None


def _of_table(path: Path, form: Form) -> np.ndarray:
    header, rows = read_table(path)
    if form.params.header is None:
        return form.of_rows(rows, path)
    if not header:
        what = "the first line holds no names, and 'header' says how columns are named"
        raise DataError(what, where=path, remedy="Leave out 'header'")
    columns = [_column(name, header, path) for name in wanted_columns(form)]
    frames = rows[:, columns].reshape(len(rows), form.params.persons, len(form.joints), form.values)
    return form.of_array(frames, path)


def wanted_columns(form: Form) -> list[str]:
    """The names of all columns, by person, joint and channel.

    Raises:
        DataError: The pattern of names has an unknown part.
    """
    pattern, params = form.params.header or "", form.params
    if unknown := set(re.findall(r"\{(.*?)\}", pattern)) - {"channel", "joint", "name", "person"}:
        what = f"'header' has the part '{{{min(unknown)}}}'"
        remedy = "Its parts are {channel}, {joint} (a number), {name} and {person}"
        raise DataError(what, where=pattern, remedy=remedy)
    return [
        pattern.format(channel=channel, joint=number, name=name, person=person)
        for person in range(params.persons)
        for number, name in enumerate(form.joints)
        for channel in params.channels
    ]


def _column(name: str, header: list[str], path: Path) -> int:
    if name.rsplit("-", 1)[-1] == "" and name not in header:  # a channel that is not read
        return 0
    if name not in header:
        raise DataError(f"there is no column '{name}'", where=path, remedy=did_you_mean(name, header))
    return header.index(name)


# --- JSON ----------------------------------------------------------------------------------------


def load_json(path: Path) -> Any:
    """What a JSON file holds.

    Raises:
        DataError: It is damaged.
    """
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DataError(f"is no JSON ({error})", where=path, remedy="Make or fetch the file again") from error


def _of_json(content: Any, path: Path, form: Form) -> np.ndarray:
    people = frames_of(content, path)
    if people is not None:
        return form.of_people(*people, path)
    if isinstance(content, dict):
        arrays = [key for key, value in content.items() if isinstance(value, list) and value]
        name = form.params.x or (arrays[0] if len(arrays) == 1 else None)
        if name is None or name not in content:
            what = f"has no array '{name}'" if name else f"has {len(arrays)} arrays"
            raise DataError(what, where=path, remedy=f"Set x to one of: {', '.join(map(str, arrays[:9]))}")
        content = content[name]
    return form.of_array(numbers(content, path), path)


def label_in(path: Path) -> Any:
    """The class that a JSON file names itself, as Kinetics-Skeleton's do; None where it does not."""
    content = load_json(path)
    if not isinstance(content, dict):
        return None
    return next((content[key] for key in ("label_index", "label") if key in content), None)
