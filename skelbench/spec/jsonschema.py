"""The JSON Schema of specs, for editors."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from skelbench.spec.schema import Spec


def json_schema(names: dict[str, list[str]] | None = None) -> dict[str, Any]:
    """The JSON Schema of a spec, for editors.

    Args:
        names: Component names by kind, offered as completions.
    """
    schema = TypeAdapter(Spec).json_schema()
    schema["properties"]["extends"] = {"type": "string", "description": "A spec to begin from."}
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "skelbench search-space spec"
    schema["required"] = ["skelbench", "name"]
    schema["$defs"]["Node"] = _node_schema(names or {})
    network = schema["$defs"]["NetworkSpec"]["properties"]
    network["input"] = network["head"] = {"$ref": "#/$defs/Node"}
    network["body"]["items"] = {"$ref": "#/$defs/Node"}
    for kind, definition, key in (("dataset", "DataSpec", "dataset"), ("strategy", "StrategySpec", "name")):
        if names and names.get(kind):
            schema["$defs"][definition]["properties"][key]["examples"] = names[kind]
    return schema


def _node_schema(names: dict[str, list[str]]) -> dict[str, Any]:
    node = {"$ref": "#/$defs/Node"}
    nodes = {"type": "array", "items": node, "minItems": 1}
    named = {"type": "object", "additionalProperties": node, "minProperties": 1}
    components = sorted({*names.get("operator", []), *names.get("graph_module", [])})
    component = {"type": "string", **({"enum": components} if components else {})}
    label = {"type": "string", "description": "One label is one decision; '{i}' is the block's number."}

    def kind(key: str, **properties: Any) -> dict[str, Any]:
        inner = {
            "type": "object",
            "properties": {"label": label, **properties},
            "required": [k for k in ("of", "from") if k in properties],
            "additionalProperties": False,
        }
        return {
            "type": "object",
            "properties": {key: inner},
            "required": [key],
            "additionalProperties": False,
        }

    options = {"anyOf": [nodes, named]}
    counts = {"type": "array", "items": {"type": "integer", "minimum": 0}}
    op = {
        "type": "object",
        "properties": {"op": component, "repeat": {"type": "integer"}},
        "required": ["op"],
    }
    repeat = {
        "type": "object",
        "properties": {"repeat": {"type": "integer", "minimum": 1}, "body": nodes},
        "required": ["repeat", "body"],
    }
    total = {"type": "object", "properties": {"sum": nodes}, "required": ["sum"]}
    inputs = {
        "choose": {"type": "integer", "minimum": 1},
        "combine": {"enum": ["sum", "mean"]},
        "from": counts,
    }
    return {
        "anyOf": [
            component,
            nodes,
            op,
            repeat,
            total,
            kind("choice", **{"from": options}),
            kind("mix", **{"from": options}),
            kind("inputs", **inputs),
            kind("depth", **{"of": node, "from": counts}),
        ]
    }
