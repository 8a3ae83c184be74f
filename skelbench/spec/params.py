"""Parameters of components, validated with their places."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from skelbench.components import Component
from skelbench.errors import Problem, described, did_you_mean, fault_in_words
from skelbench.spec.yaml import Marks, Path


def validated_params(
    component: Component,
    given: Mapping[str, Any],
    marks: Marks,
    path: Path,
    places: Mapping[str, Path] | None = None,
) -> tuple[dict[str, Any], list[Problem]]:
    """A component's parameters with their defaults filled in, strictly validated.

    Args:
        component: Whose parameters.
        given: Parameters as plain data.
        marks: Places in the spec.
        path: Where the parameters stand in the spec.
        places: Paths of parameters that stand elsewhere.

    Returns:
        The parameters and no problem, or nothing and all problems.
    """
    kind = component.kind.replace("_", " ")
    try:
        # As JSON, so that lists may become tuples while words do not become numbers.
        model = component.params.model_validate_json(json.dumps(given), strict=True)
    except ValidationError as error:
        return {}, [
            _problem(f"{kind} '{component.name}'", fault, component, marks, path, places or {})
            for fault in error.errors(include_url=False)
        ]
    except Exception as error:  # a stranger's validator may raise anything
        what = f"{kind} '{component.name}': its parameters cannot be checked: {described(error)}"
        return {}, [Problem(what, marks.at(path), "Mend or update the plugin that registers it")]
    return {name: getattr(model, name) for name in type(model).model_fields}, []


def _problem(
    owner: str, fault: Any, component: Component, marks: Marks, path: Path, places: Mapping[str, Path]
) -> Problem:
    loc: tuple[str | int, ...] = fault["loc"]
    name = ".".join(map(str, loc))
    first = str(loc[0]) if loc else ""
    where = marks.at(places.get(first, (*path, *loc)))
    if fault["type"] == "extra_forbidden":
        valid = list(component.params.model_fields) if len(loc) == 1 else []
        remedy = did_you_mean(loc[-1], valid) if valid else "It takes no parameters" if len(loc) == 1 else ""
        return Problem(f"{owner} has no parameter '{name}'", where, remedy)
    if fault["type"] == "missing":
        return Problem(f"{owner} needs the parameter '{name}'", where, f"Add '{name}'")
    message = fault_in_words(fault)
    given = fault["input"]
    shown = f" (it is {given!r})" if loc and isinstance(given, str | int | float | None) else ""
    return Problem(f"{owner}: {f'{name}: ' if name else ''}{message}{shown}", where)
