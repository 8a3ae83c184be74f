"""Reading the file of a record: JSON, and what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from skelbench.errors import Problem, RunFolderError, fault_in_words
from skelbench.results.files import disk, read_regular

MOST_BYTES = 64 * 2**20


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a record's file.

    Raises:
        RunFolderError: It cannot be read, or it is none; says the line.
    """
    with disk(path, "read the record"):
        content = read_regular(path, MOST_BYTES)
    remedy = "The file is damaged; run again, or remove it"
    try:
        data = json.loads(content)
    except json.JSONDecodeError as error:
        where = f"{path}:{error.lineno}"
        raise RunFolderError(f"the record is not JSON: {error.msg}", where=where, remedy=remedy) from error
    except (UnicodeDecodeError, RecursionError, ValueError) as error:  # also a number of 5,000 digits
        what = {UnicodeDecodeError: "not UTF-8 text", RecursionError: "nested too deeply"}
        reason = what.get(type(error), "not JSON: a number is too long")
        raise RunFolderError(f"the record is {reason}", where=path, remedy=remedy) from error
    if not isinstance(data, dict):
        raise RunFolderError("the record is not a JSON object", where=path, remedy=remedy)
    return data


def migrated(data: dict[str, Any]) -> dict[str, Any]:
    """A record of an earlier schema in the form of the present one; any other as it is.

    Version 1 lacks what a run's name follows from and how it came about: both stay unknown.
    """
    return {**data, "schema_version": 2} if data.get("schema_version") == 1 else data


def problems(path: Path, error: ValidationError) -> list[Problem]:
    """What pydantic found wrong with a record, with the file it stands in."""
    remedy = "The file was changed by hand or by another version; run again"
    found = []
    for fault in error.errors(include_url=False):
        place = ".".join(map(str, fault["loc"]))
        what = f"{place}: {fault_in_words(fault)}" if place else fault_in_words(fault)
        found.append(Problem(what, str(path), remedy))
    return found
