"""One architecture: its file, its network with nothing left open, and the hash of that network."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import to_jsonable_python

from skelbench.errors import Problem, SpecError
from skelbench.search import Sample
from skelbench.space.cell_syntax import split_edge
from skelbench.space.nodes import (
    AdaptiveNode,
    CellsNode,
    ChoiceNode,
    DepthNode,
    EdgesNode,
    ForkNode,
    InputsNode,
    KeptEdges,
    MixNode,
    NetworkNodes,
    Node,
    OpNode,
    SequenceNode,
    SumNode,
    TrellisNode,
    ValueNode,
)
from skelbench.spec.faults import problems
from skelbench.spec.yaml import Marks, dump_yaml, load_yaml

if TYPE_CHECKING:
    from skelbench.space.size import SearchSpace
    from skelbench.spec.resolve import Resolved
    from skelbench.spec.schema import StartSpec


class _File(BaseModel):
    """The form of ``architecture.yaml``."""

    model_config = ConfigDict(extra="forbid", strict=True)
    skelbench: Literal[1]
    name: str = "architecture"
    space: str = ""
    spec_hash: str = ""
    choices: dict[str, Any] = {}
    network: dict[str, Any] | None = None


@dataclass(frozen=True)
class Architecture:
    """An architecture as it stands in a file.

    Attributes:
        name: Its name.
        space: The spec that it was made with.
        spec_hash: That spec's hash; says where it comes from and binds to nothing.
        choices: A decision per label.
        network: A network of its own in node syntax, or None for that of the spec.
        marks: Where each value stands.
    """

    name: str
    space: str
    spec_hash: str
    choices: Sample
    network: dict[str, Any] | None = None
    marks: Marks = field(default_factory=Marks, compare=False, repr=False)

    @classmethod
    def of(cls, resolved: Resolved, space: SearchSpace, name: str, sample: Sample) -> Architecture:
        """An architecture of a spec's space.

        Args:
            resolved: The spec.
            space: Its space.
            name: What the architecture is called.
            sample: A decision for every active label.

        Raises:
            SpecError: ``sample`` is none of the space.
        """
        return cls(name, resolved.spec.name, resolved.hash, space.canonical(sample))

    @classmethod
    def read(cls, path: str | Path) -> Architecture:
        """Read an architecture file.

        Raises:
            SpecError: It cannot be read or is of another form; says the line.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SpecError(f"the architecture cannot be read: {error}", where=path) from error
        data, marks = load_yaml(text, str(path))
        if not isinstance(data, dict):
            raise SpecError("an architecture is a mapping that begins with 'skelbench: 1'", where=path)
        try:
            given = _File.model_validate(data)
        except ValidationError as error:
            raise SpecError.of(problems(error, marks, _File)) from error
        return cls(given.name, given.space, given.spec_hash, given.choices, given.network, marks)

    def to_yaml(self) -> str:
        """The text that `read` takes."""
        data = {"skelbench": 1, "name": self.name, "space": self.space, "spec_hash": self.spec_hash}
        own = {} if self.network is None else {"network": self.network}
        return dump_yaml({**data, "choices": self.choices, **own})

    def sample_in(self, space: SearchSpace) -> Sample:
        """The choices in the canonical form of ``space``.

        Raises:
            SpecError: Every label, option or missing decision that does not fit, with its line.
        """
        return fitted(space, self.choices, self.marks)


def fitted(space: SearchSpace, choices: Sample, marks: Marks, *path: str) -> Sample:
    """``choices`` in canonical form; faults get the places of ``marks`` under ``path``.

    Raises:
        SpecError: The choices do not fit ``space``.
    """
    faults = space.faults(choices)
    if faults:
        raise SpecError.of(
            Problem(problem.what, marks.at((*path, "choices", label)), problem.remedy)
            for label, problem in faults
        )
    return space.canonical(choices)


@dataclass(frozen=True)
class NamedArchitecture:
    """An architecture ready to be built.

    Attributes:
        name: Its name.
        summary: One line.
        network: The network that the choices are made in.
        sample: A decision for every active label, in canonical form.
        start: Trained weights that it begins with, or None.
    """

    name: str
    summary: str
    network: NetworkNodes
    sample: Sample
    start: StartSpec | None = None

    @property
    def hash(self) -> str:
        """See `architecture_hash`."""
        return architecture_hash(self.network, self.sample)

    def describe_text(self) -> str:
        """One line per decision, for reading."""
        width = max(map(len, self.sample), default=0)
        return "\n".join(f"{label:<{width}}  {_shown(value)}" for label, value in self.sample.items())


def _shown(value: Any) -> str:
    return " + ".join(map(str, value)) if isinstance(value, list) else str(value)


def architecture_hash(network: NetworkNodes, sample: Sample) -> str:
    """Sha256 (64 hex) of the network with nothing left open, however it came to be written.

    Args:
        network: The network.
        sample: A decision for every active label.
    """
    text = json.dumps(closed(network, sample), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def closed(network: NetworkNodes, sample: Sample) -> dict[str, Any]:
    """The network as plain data with every decision taken, in node syntax with all parameters.

    A chosen node stands for its choice, what a mix keeps is a sum.

    Args:
        network: The network.
        sample: A decision for every active label.
    """
    ends = {"input": network.input, "head": network.head}
    plain = {name: _plain(node, sample) for name, node in ends.items()}
    return {**plain, "body": _listed(network.body.children, sample)}


def _listed(nodes: tuple[Node, ...], sample: Sample) -> list[Any]:
    return [_plain(node, sample) for node in nodes]


def _plain(node: Node | ValueNode | EdgesNode | KeptEdges | ForkNode, sample: Sample) -> Any:
    match node:
        case OpNode():
            return {"op": node.component.name, **_params(_established(node), sample)}
        case SequenceNode():
            return _listed(node.children, sample)
        case SumNode():
            return {"sum": _listed(node.terms, sample)}
        case ChoiceNode():
            return _plain(dict(node.options)[sample[node.label]], sample)
        case MixNode():
            options = dict(node.options)
            return {"sum": [_plain(options[name], sample) for name in sample[node.label]]}
        case InputsNode():
            return {"inputs": sample[node.label], "combine": node.combine}
        case DepthNode():
            return _listed(node.repetitions[: sample[node.label]], sample)
        case ValueNode():
            return to_jsonable_python(sample[node.label])
        case EdgesNode():
            return list(sample[node.label])
        case KeptEdges():
            return list(node.options)
        case CellsNode():
            return {"cell": _cells(node, sample)}
        case AdaptiveNode():
            return {"adaptive": _adaptive(node, sample)}
        case ForkNode():
            return sample[node.label]
        case TrellisNode():
            return {"trellis": _path(node, sample)}


def _adaptive(node: AdaptiveNode, sample: Sample) -> dict[str, Any]:
    alpha = _plain(node.alpha, sample) if isinstance(node.alpha, ValueNode) else node.alpha
    return {
        "policy": _plain(node.policy, sample),
        "alpha": alpha,
        "alpha_scale": node.alpha_scale,
        "warmup": node.warmup,
        "from": {name: _plain(model, sample) for name, model in node.options},
    }


def _path(node: TrellisNode, sample: Sample) -> list[dict[str, Any]]:
    """The path's stages; a layer that does nothing counts like any other."""
    operators = dict(node.operators)
    return [
        {
            "head": {
                **_plain(stage.head, sample),
                "channels": _plain(stage.width, sample) // node.divide,
            },
            "layers": [_plain(operators[_plain(layer, sample)], sample) for layer in stage.layers],
        }
        for stage in node.stages
    ]


def _cells(node: CellsNode, sample: Sample) -> dict[str, Any]:
    """The stack with its genotype written out, and only the operators that stand in it."""
    layers = _plain(node.layers, sample) if isinstance(node.layers, ValueNode) else node.layers
    kinds = {"normal": node.normal, "reduce": node.reduce}
    genotype = {kind: [_plain(edges, sample) for edges in nodes] for kind, nodes in kinds.items() if nodes}
    used = {split_edge(edge)[0] for nodes in genotype.values() for edges in nodes for edge in edges}
    return {
        "layers": layers,
        "channels": node.channels,
        "reduce_at": list(node.reductions(layers)),
        "drop_path": node.drop_path,
        "from": {name: _plain(operator, sample) for name, operator in node.operators if name in used},
        "genotype": genotype,
    }


def _established(node: OpNode) -> Mapping[str, Any]:
    """The parameters but for those that came later (``late``) and have their default.

    So an operator may get a parameter without giving another name to every run that was made without it.
    """
    fields = node.component.params.model_fields
    late = {name: f.default for name, f in fields.items() if (f.json_schema_extra or {}).get("late")}  # type: ignore[union-attr]
    return {n: v for n, v in node.params.items() if n not in late or v != late[n]}


def _params(params: Mapping[str, Any], sample: Sample) -> dict[str, Any]:
    nodes = Node | ValueNode
    return {
        name: _plain(value, sample) if isinstance(value, nodes) else to_jsonable_python(value, fallback=repr)
        for name, value in params.items()
    }
