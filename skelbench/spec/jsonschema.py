"""The JSON Schema of specs, for editors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from skelbench.spec.schema import Spec

_Json = dict[str, Any]
_NODE: _Json = {"$ref": "#/$defs/Node"}
_NODES: _Json = {"type": "array", "items": _NODE, "minItems": 1}
_NAMED: _Json = {"type": "object", "additionalProperties": _NODE, "minProperties": 1}
_COUNT: _Json = {"type": "integer", "minimum": 1}
_WHOLE: _Json = {"type": "integer", "minimum": 0}
_NUMBERS: _Json = {"type": "array", "items": _WHOLE, "minItems": 1}
_LABEL: _Json = {"type": "string", "description": "One label is one decision; '{i}' is the block's number."}
_PARTIAL = ("DataSpec", "DatasetSpec", "NetworkSpec", "SearchSpec", "StrategySpec")


def json_schema(names: Mapping[str, Sequence[str]] | None = None) -> _Json:
    """The JSON Schema of a spec, for completion and early warnings; `skelbench check` knows more.

    Args:
        names: Component names by kind, offered as completions.
    """
    schema = TypeAdapter(Spec).json_schema()
    definitions = schema["$defs"]
    schema |= {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "skelbench spec"}
    schema["properties"]["extends"] = {"type": "string", "description": "A spec to begin from."}
    schema["required"] = ["skelbench", "name"]
    for name in _PARTIAL:  # the rest may come from the spec that is extended
        definitions[name].pop("required", None)
    for name in ("NetworkSpec", "SearchNetworkSpec"):
        network = definitions[name]["properties"]
        network["input"] = network["head"] = _NODE
        network["body"] = _NODES
    data = definitions["DataSpec"]["properties"]
    name = definitions["DatasetSpec"]["properties"]["name"]
    data["dataset"] = {"anyOf": [name, data["dataset"]]}
    definitions["Node"] = _node(names or {})
    for kind, owner, key in (
        ("dataset", "DatasetSpec", "name"),
        ("layout", "DataSpec", "layout"),
        ("strategy", "StrategySpec", "name"),
        ("engine", "ComponentSpec", "name"),
        ("metric", "EvaluateOptions", "metrics"),
    ):
        field = definitions[owner]["properties"][key]
        field.get("items", field)["examples"] = list((names or {}).get(kind, ()))
    return schema


def _node(names: Mapping[str, Sequence[str]]) -> _Json:
    """Whatever may stand where a module may."""
    components = sorted({*names.get("operator", ()), *names.get("graph_module", ())})
    component: _Json = {"type": "string", **({"enum": components} if components else {})}
    options = {"label": _LABEL, "from": {"anyOf": [_NODES, _NAMED]}}
    inputs = {"label": _LABEL, "from": _NUMBERS, "choose": _COUNT, "combine": {"enum": ["sum", "mean"]}}
    depth = {"label": _LABEL, "of": _NODE, "from": _NUMBERS}
    parameters: _Json = {"additionalProperties": True}
    cells: _Json = {"type": "array", "items": {"type": "array", "items": {"type": "string"}, "minItems": 1}}
    cell = {
        "label": {"type": "string"},
        "layers": {"anyOf": [_COUNT, _inner({"value": {"type": "object"}}, "value")]},
        "channels": _COUNT,
        "nodes": _COUNT,
        "choose": _COUNT,
        "from": options["from"],
        "reduce_at": {"type": "array", "items": {"type": "integer", "minimum": 0}},
        "drop_path": {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
        "genotype": _inner({"normal": cells, "reduce": cells}),
    }
    number = {"type": "number", "minimum": 0}
    adaptive = {
        "policy": _NODE,
        "from": _NAMED,
        "alpha": {"anyOf": [number, _inner({"value": {"type": "object"}}, "value")]},
        "alpha_scale": {"enum": ["gmacs", "released"]},
        "warmup": number | {"exclusiveMaximum": 1},
    }
    stage = _inner({"widths": _NUMBERS, "stride": {}, "layers": _WHOLE}, "widths")
    trellis = {
        "label": {"type": "string"},
        "head": _NODE,
        "from": options["from"],
        "divide": _COUNT,
        "stages": {
            "anyOf": [
                {"type": "array", "items": stage, "minItems": 1},
                {"type": "object", "additionalProperties": stage, "minProperties": 1},
            ]
        },
    }
    return {
        "anyOf": [
            component,
            _NODES,
            _form("op", component) | parameters,
            _form("choice", _inner(options, "from")),
            _form("mix", _inner(options, "from")),
            _form("sum", _NODES),
            _form("inputs", _inner(inputs, "from")),
            _form("depth", _inner(depth, "of", "from")),
            _form("cell", _inner(cell, "layers", "channels")),
            _form("adaptive", _inner(adaptive, "policy", "from")),
            _form("trellis", _inner(trellis, "head", "from", "stages")),
            _form("body", _NODES) | {"required": ["repeat", "body"]},
        ]
    }


def _form(key: str, content: _Json) -> _Json:
    """A node that is told by its key."""
    return _inner({key: content, "repeat": _COUNT}, key)


def _inner(properties: _Json, *required: str) -> _Json:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }
