"""Figures that others reported, read from ``reported.yaml`` and from the ``reported:`` of specs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError

from skelbench.errors import Problem, RunFolderError, fault_in_words
from skelbench.results.files import disk
from skelbench.results.part import Name, Part

Percent = Annotated[float, Field(ge=0, le=100)]
Positive = Annotated[float, Field(gt=0)]
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Publication(Part):
    """Where figures are printed.

    Attributes:
        cite: Authors, venue and year.
        url: Where it can be read.
        unit: What it calls its costs, empty where it prints none.
        counts: What its costs count, and of which input.
    """

    cite: str
    url: str
    unit: str = ""
    counts: str = ""


class Place(Part):
    """Where in a publication a figure is printed, and what stands beside it.

    Attributes:
        of: Which publication of the file.
        table: Number of the table as it is printed.
        page: Page of the publication, counted from 1, None where it is not known.
        params_m: Parameters in millions, as printed.
        cost: Complexity as printed, in 1e9 of the publication's unit.
    """

    of: str
    table: str
    page: Annotated[int, Field(gt=0)] | None = None
    params_m: Positive | None = None
    cost: Positive | None = None


class Reported(Part):
    """One figure from publications.

    Attributes:
        dataset: Name of the data set.
        protocol: Name of the evaluation protocol.
        stream: Input stream; fused streams are joined with ``+``.
        model: Name of the architecture; in a spec, the spec's name where it is left out.
        space: Name of the search space, empty for a network that was not searched.
        strategy: The search strategy, empty for a network that was not searched.
        network: Spec and architecture built the same, as in ``esan#esan``, empty where there is none.
        top1: Top-1 accuracy in percent.
        top5: Top-5 accuracy in percent.
        params_m: Parameters in millions, as reported.
        as_reported: The publication's own complexity figure, in its own words and units.
        views: Clips per recording whose scores were averaged, None where it is not said.
        places: Where it is printed; the first is whose numbers count.
        source: The publication and the place in it, made from ``places`` where there are some.
        url: Links, one for each of the publications in ``source``, with blanks between.
        cost: Complexity in 1e9 of what ``counts`` says.
        counts: The unit of ``cost``, what it counts, and of which input.
    """

    dataset: Name
    protocol: Name
    stream: Name
    model: str
    space: str = ""
    strategy: str = ""
    network: Annotated[str, Field(pattern="^([^#]+#[^#]+)?$")] = ""
    top1: Percent
    top5: Percent | None = None
    params_m: Positive | None = None
    as_reported: str = ""
    views: Annotated[int, Field(gt=0)] | None = None
    places: tuple[Place, ...] = ()
    source: str
    url: str = ""
    cost: Positive | None = None
    counts: str = ""


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
    return _validate(
        path, rows, str(data.get("name", "")), _publications(path, data.get("publications") or {})
    )


def without_repeats(rows: Iterable[Reported]) -> list[Reported]:
    """The rows with each figure once: the first of those that agree in model, protocol, stream and top-1."""
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


def _publications(path: Path, given: Any) -> dict[str, Publication]:
    if not isinstance(given, dict):
        raise RunFolderError(
            "'publications' is no table", where=path, remedy="Give each a name, `cite` and `url`"
        )
    found, problems = {}, []
    for name, fields in given.items():
        try:
            found[str(name)] = Publication.model_validate(fields)
        except ValidationError as error:
            problems += _problems(path, f"publications.{name}", error)
    if problems:
        raise RunFolderError.of(problems)
    return found


def _validate(
    path: Path, rows: list[Any], name: str, publications: Mapping[str, Publication]
) -> list[Reported]:
    found: list[Reported] = []
    problems: list[Problem] = []
    for index, row in enumerate(rows):
        where = f"reported[{index}]"
        fields = {"model": name, **row} if name and isinstance(row, dict) else row
        if isinstance(row, dict) and row.get("places"):
            fields = {"source": "", **fields}
        try:
            figure = Reported.model_validate(fields)
        except ValidationError as error:
            problems += _problems(path, where, error)
            continue
        unknown = {place.of for place in figure.places} - set(publications)
        problems += [Problem(f"{where}.places: there is no publication '{of}'", str(path)) for of in unknown]
        found.append(figure if unknown else _placed(figure, publications))
    if problems:
        raise RunFolderError.of(problems)
    return found


def _placed(figure: Reported, publications: Mapping[str, Publication]) -> Reported:
    """A figure with its source in words, and the first complexity that stands beside it."""
    if not figure.places:
        return figure
    said: dict[str, list[str]] = {}
    for place in figure.places:
        page = f", page {place.page}" if place.page else ""
        said.setdefault(place.of, []).append(f"Table {place.table}{page}")
    costs = [place for place in figure.places if place.cost]
    first = publications[costs[0].of] if costs else None
    printed = {f"{place.cost:g} {publications[place.of].unit}": None for place in costs}
    sizes = {f"{place.params_m:g} M": None for place in figure.places if place.params_m}
    return figure.model_copy(
        update={
            "source": "; ".join(f"{publications[of].cite}, {', '.join(where)}" for of, where in said.items()),
            "url": " ".join(publications[of].url for of in said),
            "params_m": next((place.params_m for place in figure.places if place.params_m), None),
            "as_reported": ", ".join([*sizes, *printed]),
            "cost": costs[0].cost if costs else None,
            "counts": f"{first.unit}: {first.counts}" if first else "",
        }
    )


def _problems(path: Path, where: str, error: ValidationError) -> list[Problem]:
    return [
        Problem(f"{where}.{'.'.join(map(str, fault['loc']))}: {fault_in_words(fault)}", str(path))
        for fault in error.errors(include_url=False)
    ]
