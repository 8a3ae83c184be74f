"""Faults that pydantic finds, told with their places and the nearest valid keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError

from skelbench.errors import Problem, did_you_mean, fault_in_words
from skelbench.spec.yaml import Marks, Path

_SHOWN = 200
"""So many characters of a wrong value are shown."""


def problems(
    error: ValidationError, marks: Marks, model: type[BaseModel], base: Path = ()
) -> Iterable[Problem]:
    """A pydantic error as problems with places.

    Args:
        error: What pydantic found.
        marks: Places.
        model: The model that was validated.
        base: Where in the spec its data stands.
    """
    for fault in error.errors(include_url=False):
        path = (*base, *fault["loc"])
        name = ".".join(map(str, path))
        if fault["type"] == "extra_forbidden":
            remedy = did_you_mean(path[-1], _fields(model, fault["loc"][:-1]))
            yield Problem(f"unknown key '{name}'", marks.at(path), remedy)
        elif fault["type"] == "missing":
            yield Problem(f"the key '{name}' is missing", marks.at(path), f"Add '{path[-1]}'")
        else:
            given = fault["input"]
            plain = isinstance(given, str | int | float | bool) or given is None
            text = repr(given)
            shown = f" (it is {text[:_SHOWN]}{'...' if len(text) > _SHOWN else ''})" if plain else ""
            yield Problem(f"'{name}': {fault_in_words(fault)}{shown}", marks.at(path))


def _fields(model: Any, loc: tuple[str | int, ...]) -> list[str]:
    """The keys that are valid at ``loc`` of a model; indices and keys of mappings lead no deeper."""
    for step in loc:
        if step in model.model_fields:
            inner = _models(model.model_fields[step].annotation)
            if not inner:
                return []
            model = inner[0]
    return list(model.model_fields)


def _models(annotation: Any) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in getattr(annotation, "__args__", ()) for model in _models(inner)]
