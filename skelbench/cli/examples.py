"""Small whole specs that use a component, checked before they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from skelbench.check.spec import check_spec
from skelbench.components import (
    Column,
    Component,
    Dataset,
    Engine,
    GraphModule,
    Layout,
    Metric,
    Operator,
    Slot,
    Strategy,
    Table,
)
from skelbench.errors import SpecError
from skelbench.host.registry import Registry
from skelbench.spec.resolve import Resolved
from skelbench.spec.schema import validate
from skelbench.spec.yaml import Marks, dump_yaml

Data = dict[str, Any]

_KNOWN = "ucla"
_CHANNELS = 16
_BLOCK = {"op": "stgcn_block", "channels": _CHANNELS, "graph": "adjacency"}
_DECISIONS: Data = {
    "choice": {"choice": {"label": "block", "from": [_BLOCK, {**_BLOCK, "kernel": 5}]}},
    "mix": {**_BLOCK, "graph": {"mix": {"label": "graph", "from": ["adjacency", "cheb.l2"]}}},
    "value": {**_BLOCK, "channels": {"value": {"label": "width", "from": [_CHANNELS, 2 * _CHANNELS]}}},
    "depth": {"depth": {"label": "blocks", "of": _BLOCK, "from": [1, 2]}},
}
"""By node kind, a node on skeletons with a decision of that kind."""
_TRELLIS: Data = {
    "trellis": {
        "head": "r2plus1d_block",
        "from": {"plain": "r2plus1d_block", "skip": "identity"},
        "stages": [{"widths": [16, 24], "layers": 1}, {"widths": [32, 48], "layers": 1}],
    }
}


def example_spec(component: Component, registry: Registry) -> str:
    """YAML of a small whole spec that uses a component.

    Args:
        component: What it uses.
        registry: What else it may name.

    Raises:
        SpecError: None is found that `skelbench check` accepts; says why.
    """
    problem = SpecError("No example: none is known for what it searches")
    for data in _candidates(component, registry):
        try:
            check_spec(Resolved(validate(data, Marks()), data, Marks(), "", ""), registry)
            return dump_yaml(data)
        except SpecError as error:
            problem = SpecError(f"No example: {error}")
    raise problem


def _candidates(component: Component, registry: Registry) -> Iterator[Data]:
    """Specs that may do, the likeliest first."""
    match component:
        case Operator(contract="video_input" | "video" | "video_head"):
            yield _video(component, registry)
        case Operator() | GraphModule():
            yield _spec(registry, **_network(component))
        case Strategy():
            yield from _searches(component, registry)
        case Engine():
            search = {"strategy": {"name": "random"}, "engine": {"name": component.name, **_given(component)}}
            yield _spec(registry, search=search)
        case Dataset():
            base = _video(None, registry) if component.modality == "video" else _spec(registry)
            yield base | {"data": _data(component)}
            yield base | {
                "data": _data(component),
                "train": {"validation": {"by": "random"}},
            }  # no performers
        case Metric():
            yield _spec(registry) | {"evaluate": {"metrics": [component.name]}}
        case Layout():
            yield from _on_layout(component, registry)
        case Column():
            raise SpecError("Not named in specs: `skelbench leaderboard` shows it")
        case Table():
            raise SpecError(f"Not named in specs: `skelbench bench {component.name}` searches it")


def _spec(registry: Registry, *, search: Data | None = None, **parts: Any) -> Data:
    """A spec on skeletons with some parts of its network given."""
    network = {"input": "data_bn", "body": [_BLOCK], "head": "mean_pool_linear"} | parts
    return {
        "skelbench": 1,
        "name": "example",
        "data": _data(_dataset(registry, skeletons=True)),
        "network": network,
        "search": search or {"strategy": {"name": "random"}},
    }


def _network(component: Operator | GraphModule) -> Data:
    """The part of a network where the component stands."""
    node = _node(component)
    if isinstance(component, GraphModule):
        return {"body": [{**_BLOCK, "graph": node}]}
    match component.contract:
        case "input" | "head":
            return {component.contract: node}
        case "cell":
            cell = {"layers": 3, "channels": _CHANNELS, "nodes": 2, "from": [node, "skip"]}
            cells = [{"op": "image_stem", "channels": 3 * _CHANNELS}, {"cell": cell}]
            return {"input": "skeleton_image", "body": cells}
        case "policy":
            models = {"first": _BLOCK, "second": _BLOCK}
            return {"body": [{"adaptive": {"policy": node, "from": models}}]}
    return {"body": [_BLOCK, node]}


def _node(component: Component) -> Any:
    given = _given(component)
    return {"op": component.name, **given} if given else component.name


def _video(component: Operator | None, registry: Registry) -> Data:
    parts: Data = {"input": "pixels", "body": [{"op": "video_stem", "channels": _CHANNELS}]}
    parts["head"] = "video_pool_linear"
    if component is not None:
        node = _node(component)
        part = {"video_input": "input", "video": "body", "video_head": "head"}[component.contract]
        parts[part] = [*parts["body"], node] if part == "body" else node
    return _spec(registry, **parts) | {"data": _data(_dataset(registry, skeletons=False))}


def _searches(component: Strategy, registry: Registry) -> Iterator[Data]:
    for weights, kinds in component.searches.items():
        search = {"strategy": {"name": component.name, "weights": weights, **_given(component)}}
        for kind in (kind for kind in _DECISIONS if kind in kinds):
            yield _spec(registry, search=search, body=[_DECISIONS[kind]])
        if "trellis" in kinds:
            video = _video(None, registry) | {"search": search}
            video["network"]["body"].append(_TRELLIS)
            yield video


def _on_layout(layout: Layout, registry: Registry) -> Iterator[Data]:
    for entry in registry.entries("dataset"):
        own = registry.find("layout", getattr(entry.component, "layout", ""))
        if isinstance(own, Layout) and len(own.joints) == len(layout.joints):
            yield _spec(registry) | {"data": {**_data(entry.component), "layout": layout.name}}
    data = {"name": "skeletons", "layout": layout.name, "split": {"share": 0.7}}
    yield _spec(registry) | {
        "data": {"dataset": data, "clip": {"frames": 32, "fill": "resize"}},
        "train": {"validation": {"by": "random"}},
    }


def _dataset(registry: Registry, *, skeletons: bool) -> Dataset:
    found = [entry.component for entry in registry.entries("dataset")]
    for component in sorted(found, key=lambda c: c.name != _KNOWN):
        if isinstance(component, Dataset) and (component.modality == "skeleton") == skeletons:
            return component
    raise SpecError(f"No example: there is no data set of {'skeletons' if skeletons else 'videos'}")


def _data(dataset: Any) -> Data:
    given = _given(dataset)
    named = {"name": dataset.name, **given} if given else dataset.name
    data = {"dataset": named, "protocol": dataset.protocols[0]}
    if dataset.modality == "video":
        return data | {"video": {"frames": 16, "resize": [128, 171], "crop": 112}}
    return data | {"clip": {"frames": 32, "fill": "resize"}}


# --- parameters ------------------------------------------------------------------------------


def _given(component: Component) -> Data:
    """A value for each parameter that has no default."""
    fields = component.params.model_fields.items()
    return {name: _value(name, field) for name, field in fields if field.is_required()}


def _value(name: str, field: FieldInfo) -> Any:
    """The field's own first example, else something small of its type."""
    if field.examples:
        return field.examples[0]
    for mark in field.metadata:
        if isinstance(mark, Slot):
            return "adjacency" if mark.kind == "graph_module" else _BLOCK
    if name == "channels":
        return _CHANNELS
    bounds = [getattr(m, b) + (b == "gt") for m in field.metadata for b in ("gt", "ge") if hasattr(m, b)]
    return _plain(field.annotation, max([1, *bounds]))


def _plain(annotation: Any, number: float) -> Any:
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return inside[0]
    if origin in (list, tuple):
        return [_plain(part, number) for part in inside if part is not Ellipsis]
    if inside:
        return _plain(inside[0], number)
    return {int: number, float: float(number), bool: True, str: "text"}.get(annotation)
