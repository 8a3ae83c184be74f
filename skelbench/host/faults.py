"""What makes a registered component useless, said before anything trips over it."""

from __future__ import annotations

import re
from dataclasses import fields
from functools import cache
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from skelbench.components import KINDS, Component, Dataset, Layout
from skelbench.errors import fault_in_words

_TAKEN = {
    "operator": ("op", "repeat"),
    "graph_module": ("op", "repeat"),
    "strategy": ("name", "weights"),
    "engine": ("name",),
    "dataset": ("name",),
}
"""Keys that stand beside a component's parameters in specs."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def fault(component: object, wanted: type[Component]) -> str | None:
    """What is wrong with a component, as words after "the hook gave"; None where nothing is.

    Args:
        component: What a hook gave.
        wanted: What it should have given.
    """
    if not isinstance(component, wanted):
        return f"{component!r}, not a {wanted.__name__}"
    if not isinstance(component.name, str) or not _NAME.fullmatch(component.name):
        return f"a {wanted.__name__} the bad name {component.name!r}: take letters, digits, '.', '_' and '-'"
    if not (isinstance(component.params, type) and issubclass(component.params, BaseModel)):
        return f"'{component.name}' params that are not a model: derive them from skelbench.components.Params"
    if isinstance(component.target, str) and component.target and ":" not in component.target:
        return f"'{component.name}' the target '{component.target}': write 'module:attribute'"
    _complete(component.params)
    return _field_fault(component, wanted) or _content_fault(component)


def _complete(params: type[BaseModel]) -> None:
    """Have pydantic find the types and the defaults of a model, which raises what it raises."""
    params.model_rebuild()
    for own in params.model_fields.values():
        own.get_default(call_default_factory=True)


def _field_fault(component: Component, wanted: type[Component]) -> str | None:
    """The first field that does not hold what its annotation says."""
    try:
        given = {own.name: getattr(component, own.name) for own in fields(wanted)}
        _schema(wanted.kind).model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = first["loc"][0]
        message = fault_in_words(first)
        return f"'{component.name}' {name}={getattr(component, str(name))!r}: {message}"
    return None


@cache
def _schema(kind: str) -> type[BaseModel]:
    """The fields of a kind of component, as a model that takes nothing else for them."""
    hints = get_type_hints(KINDS[kind], include_extras=True)
    config = ConfigDict(strict=True, arbitrary_types_allowed=True)
    types: dict[str, Any] = {own.name: (hints[own.name], ...) for own in fields(KINDS[kind])}
    return create_model(kind, __config__=config, **types)


def _content_fault(component: Component) -> str | None:
    taken = [name for name in _TAKEN.get(component.kind, ()) if name in component.params.model_fields]
    if taken:
        return f"'{component.name}' a parameter '{taken[0]}', which means something else in specs"
    match component:
        case Dataset(protocols=()):
            return f"'{component.name}' no protocol"
        case Dataset(modality="skeleton", layout="none"):
            return f"'{component.name}' skeletons without a layout: name one"
        case Layout():
            known = range(len(component.joints))
            used = {component.root, *(component.torso or ()), *(j for bone in component.inward for j in bone)}
            strange = sorted(joint for joint in used if joint not in known)
            if strange:
                return f"'{component.name}' joint {strange[0]}, where there are {len(known)}, counted from 0"
    return None
