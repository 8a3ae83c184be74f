"""Figures that others reported, read from ``reported.yaml`` and from the ``reported:`` of specs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError

from skelbench.errors import Problem, RunFolderError, fault_in_words
from skelbench.results.files import disk
from skelbench.results.part import Name, Part

Percent = Annotated[float, Field(ge=0, le=100)]
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Reported(Part):
    """One figure from a publication.

    Attributes:
        dataset: Name of the data set.
        protocol: Name of the evaluation protocol.
        stream: Input stream; fused streams are joined with ``+``.
        model: Name of the architecture; in a spec, the spec's name where it is left out.
        space: Name of the search space, empty for a network that was not searched.
        strategy: The search strategy, empty for a network that was not searched.
        top1: Top-1 accuracy in percent.
        top5: Top-5 accuracy in percent.
        params_m: Parameters in millions.
        as_reported: The publication's own complexity figure, in its own words and units.
        views: Clips per recording whose scores were averaged.
        source: The publication and the place in it.
    """

    dataset: Name
    protocol: Name
    stream: Name
    model: str
    space: str = ""
    strategy: str = ""
    top1: Percent
    top5: Percent | None = None
    params_m: Annotated[float, Field(gt=0)] | None = None
    as_reported: str = ""
    views: Annotated[int, Field(gt=0)] | None = None
    source: str


def read_reported(path: Path) -> list[Reported]:
    """The rows under ``reported:`` of a YAML file, be it ``reported.yaml`` or a spec.

    Raises:
        RunFolderError: The file cannot be read, or a row is faulty; names all faulty rows.
    """
    with disk(path, "read the reported figures"):
        text = path.read_text(encoding="utf-8")
    if "reported:" not in text:
        return []
    data = _parse(path, text)
    rows = data.get("reported") or []
    if not isinstance(rows, list):
        raise RunFolderError("'reported' is not a list", where=path, remedy="Give one mapping a row")
    return _validate(path, rows, str(data.get("name", "")))


def without_repeats(rows: Iterable[Reported]) -> list[Reported]:
    """The rows with each figure once: the first of those that agree in model, place and top-1."""
    first: dict[tuple[str, str, str, str, float], Reported] = {}
    for row in rows:
        first.setdefault((row.dataset, row.protocol, row.stream, row.model, row.top1), row)
    return list(first.values())


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        data = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else path
        what = f"the file is not YAML: {getattr(error, 'problem', error)}"
        raise RunFolderError(what, where=where, remedy="Mend the file") from error
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits, a thousand brackets
        what = "the file is not YAML: a number is too long, or it is nested too deeply"
        raise RunFolderError(what, where=path, remedy="Mend the file") from error
    return data if isinstance(data, dict) else {}


def _validate(path: Path, rows: list[Any], name: str) -> list[Reported]:
    found: list[Reported] = []
    problems: list[Problem] = []
    for index, row in enumerate(rows):
        fields = {"model": name, **row} if name and isinstance(row, dict) else row
        try:
            found.append(Reported.model_validate(fields))
        except ValidationError as error:
            problems += _problems(path, index, error)
    if problems:
        raise RunFolderError.of(problems)
    return found


def _problems(path: Path, index: int, error: ValidationError) -> list[Problem]:
    return [
        Problem(f"reported[{index}].{'.'.join(map(str, fault['loc']))}: {fault_in_words(fault)}", str(path))
        for fault in error.errors(include_url=False)
    ]
