"""All about one component: its contract, its parameters with their types, and a spec that uses it."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from skelbench.cli.examples import example_spec
from skelbench.components import Component, Operator, Slot, Strategy
from skelbench.errors import SpecError
from skelbench.host.registry import Entry, Registry

CONTRACTS = {
    "input": "(N, C, T, V, M) -> (N*M, C', T', V'), or an image of all persons (N, C', T, M*V)",
    "skeleton": "(N, C, T, V) -> (N, C', T', V')",
    "head": "(N*M, C, T, V) -> (N, classes)",
    "cell": "(N, C, H, W) -> (N, C, ceil(H/stride), ceil(W/stride)), on an edge of a cell",
    "policy": "(N, C, T, V) -> (N, K, T), weights of K models for each frame, in an adaptive node",
    "video_input": "bytes (N, C, T, H, W) -> numbers (N, C, T, H, W)",
    "video": "(N, C, T, H, W) -> (N, C', T', H', W')",
    "video_head": "(N, C, T, H, W) -> (N, classes)",
}
"""What operators map, by contract."""
FORMS = {"ask_tell": "Search", "gradient": "GradientSearch", "oneshot": "OneShot"}
"""What strategies give, by form, in `skelbench.search`."""
_BOUNDS = {"gt": "> {}", "ge": ">= {}", "lt": "< {}", "le": "<= {}", "min_length": "at least {} long"}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a component.

    Attributes:
        name: Its name in specs.
        type: Its type in words.
        required: Whether a spec must give it.
        default: What it is where a spec does not.
        doc: What it means.
    """

    name: str
    type: str
    required: bool
    default: Any
    doc: str


@dataclass(frozen=True)
class Card:
    """A component, explained.

    Attributes:
        kind: Its kind.
        name: Its name in specs.
        summary: One line.
        plugin: The plugin that registers it.
        origin: The distribution of that plugin.
        contract: What its target does, with shapes.
        parameters: Its parameters.
        example: A whole small spec that uses it and that `skelbench check` accepts, or ``""``.
        note: What to do with the example, or why there is none.
    """

    kind: str
    name: str
    summary: str
    plugin: str
    origin: str
    contract: str
    parameters: tuple[Parameter, ...]
    example: str
    note: str


def make_card(entry: Entry, registry: Registry) -> Card:
    """The card of a registered component.

    Args:
        entry: The component and where it comes from.
        registry: What else the example may name.
    """
    component = entry.component
    try:
        example, note = example_spec(component, registry), "A spec that uses it:"
    except SpecError as error:
        example, note = "", str(error)
    return Card(
        kind=component.kind,
        name=component.name,
        summary=component.summary,
        plugin=entry.plugin,
        origin=entry.origin,
        contract=contract(component),
        parameters=parameters(component.params),
        example=example,
        note=note,
    )


def contract(component: Component) -> str:
    """What the component's target does, with shapes; the first line of its kind where that says it."""
    if isinstance(component, Operator):
        return "; ".join(f"{kept}: {CONTRACTS[kept]}" for kept in (component.contract, *component.also))
    if isinstance(component, Strategy):
        given = f"skelbench.search.{FORMS[component.form]}"
        return f"{component.form}: target(space, seed, **params) gives a {given}"
    return (inspect.getdoc(type(component)) or "").splitlines()[0].replace("`", "")


def parameters(model: type[BaseModel]) -> tuple[Parameter, ...]:
    """The fields of a parameter model, explained by its docstring."""
    docs = attribute_docs(model)
    return tuple(
        Parameter(
            name=name,
            type=_field_type(field),
            required=field.is_required(),
            default=None if field.is_required() else field.get_default(call_default_factory=True),
            doc=docs.get(name, ""),
        )
        for name, field in model.model_fields.items()
    )


def attribute_docs(model: type[BaseModel]) -> dict[str, str]:
    """What each field means: its description, or its lines under ``Attributes:`` in a docstring.

    A model that inherits fields also inherits what they mean.
    """
    docs: dict[str, str] = {}
    for base in reversed(model.__mro__):
        section = inspect.cleandoc(base.__doc__ or "").partition("Attributes:\n")[2]
        lines = re.findall(r"^    (\w+): (.*(?:\n {6,}.*)*)", section, re.M)
        docs |= {name: " ".join(text.replace("``", "").split()) for name, text in lines}
    return docs | {n: field.description for n, field in model.model_fields.items() if field.description}


def _field_type(field: FieldInfo) -> str:
    slots = [mark for mark in field.metadata if isinstance(mark, Slot)]
    if slots:
        return f"{slots[0].kind.replace('_', ' ')} node"
    return _bounded(_type(field.annotation), field.metadata)


def _type(annotation: Any) -> str:
    """An annotation in the words of specs."""
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _bounded(_type(inside[0]), inside[1:])
    if origin is Literal:
        return " | ".join(map(str, inside))
    if origin in (Union, UnionType):
        return " | ".join(map(_type, inside))
    if origin is tuple and Ellipsis not in inside:
        return f"[{', '.join(map(_type, inside))}]"
    if origin in (list, tuple, set, frozenset):
        return f"list of {_type(inside[0])}"
    if inside:
        return f"mapping of {_type(inside[0])} to {_type(inside[-1])}"
    named = str(getattr(annotation, "__name__", "anything"))
    return {NoneType: "null", Any: "anything"}.get(annotation, named)


def _bounded(text: str, metadata: Any) -> str:
    marks = [mark for own in metadata for mark in (own.metadata if isinstance(own, FieldInfo) else [own])]
    bounds = [form.format(getattr(m, b)) for m in marks for b, form in _BOUNDS.items() if hasattr(m, b)]
    return f"{text} {' and '.join(bounds)}" if bounds else text
