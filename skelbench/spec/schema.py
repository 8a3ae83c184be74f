"""The schema of a spec, version 1: everything but what only the registry can know."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from skelbench.errors import Problem, SpecError, did_you_mean
from skelbench.recipe import (
    ClipOptions,
    DeriveOptions,
    EvaluateOptions,
    Options,
    Positive,
    Stream,
    TrainOptions,
)
from skelbench.spec.yaml import Marks, Path

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")]
RawNode = Any
Percent = Annotated[float, Field(ge=0, le=100)]


class DataSpec(Options):
    """What is recognised.

    Attributes:
        dataset: A registered data set.
        protocol: One of its protocols; None is its first.
        stream: The input stream.
        preprocess: A named pre-processing of whole recordings.
        layout: The skeleton layout; None is the data set's own.
        clip: How a recording becomes a clip.
        root: Where the data lies; usually given with --data.
    """

    dataset: str
    protocol: str | None = None
    stream: Stream = "joint"
    preprocess: str = "none"
    layout: str | None = None
    clip: ClipOptions = ClipOptions()
    root: str | None = None


class NetworkSpec(Options):
    """The three parts of a network; nodes are checked against the registry.

    Attributes:
        input: (N, C, T, V, M) -> (N*M, C, T, V).
        body: Nodes one after the other.
        head: (N*M, C, T, V) -> (N, classes).
    """

    input: RawNode
    body: list[RawNode]
    head: RawNode


class Chosen(BaseModel):
    """A component by name; all other keys are its parameters.

    Attributes:
        name: A registered name.
    """

    model_config = ConfigDict(extra="allow", frozen=True)
    name: str

    @property
    def params(self) -> dict[str, Any]:
        """The parameters as written."""
        return dict(self.model_extra or {})


class StrategySpec(Chosen):
    """The search strategy.

    Attributes:
        weights: ``shared``: candidates are evaluated on one supernet; ``own``: each is trained.
    """

    weights: Literal["shared", "own"] = "shared"


class SearchSpec(Options):
    """How the space is searched.

    Attributes:
        strategy: Which strategy.
        epochs: Epochs of the supernet (shared weights).
        trial_epochs: Epochs of each trial (own weights).
        active: In a supernet step, ``single`` drawn candidate per decision or ``all`` of them.
        engine: NNI's execution engine.
        derive: How weights become one architecture.
        train: Changes of the recipe for the search, in the form of ``train``.
    """

    strategy: StrategySpec
    epochs: Positive = 50
    trial_epochs: Positive = 10
    active: Literal["single", "all"] = "single"
    engine: Chosen = Chosen(name="sequential")
    derive: DeriveOptions = DeriveOptions()
    train: dict[str, Any] = Field(default_factory=dict)


class ArchitectureSpec(Options):
    """A named architecture: choices in the spec's network, or a network of its own.

    Attributes:
        summary: One line.
        choices: A decision per label.
        network: Another network.
    """

    summary: str = ""
    choices: dict[str, Any] | None = None
    network: NetworkSpec | None = None


class ReportedSpec(Options):
    """A figure from a publication, for the leaderboards.

    Attributes:
        dataset: Data set.
        protocol: Protocol.
        stream: Stream, fused ones joined with ``+``.
        model: The model; None is the spec's name.
        top1: Top-1 in percent.
        top5: Top-5 in percent.
        params_m: Millions of parameters.
        as_reported: Complexity in the publication's own words.
        source: The publication and the place in it.
    """

    dataset: str
    protocol: str
    stream: str = "joint"
    model: str | None = None
    space: str | None = None
    strategy: str | None = None
    top1: Percent
    top5: Percent | None = None
    params_m: float | None = None
    as_reported: str | None = None
    views: Positive | None = None
    source: str


class Spec(Options):
    """A search space with everything around it.

    Attributes:
        skelbench: Version of the spec language.
        name: Name of the space.
        summary: One line.
        data: See `DataSpec`.
        network: See `NetworkSpec`.
        search: See `SearchSpec`.
        train: The recipe of the final training.
        evaluate: How the final scores are taken.
        profiles: Named changes, applied with --profile.
        architectures: Named architectures.
        reported: Published figures.
    """

    skelbench: Literal[1]
    name: Name
    summary: str = ""
    data: DataSpec
    network: NetworkSpec
    search: SearchSpec
    train: TrainOptions = TrainOptions()
    evaluate: EvaluateOptions = EvaluateOptions()
    profiles: dict[str, dict[str, Any]] = Field(default_factory=dict)
    architectures: dict[Name, ArchitectureSpec] = Field(default_factory=dict)
    reported: tuple[ReportedSpec, ...] = ()

    def search_options(self) -> TrainOptions:
        """The recipe of the search: ``train`` with the changes under ``search.train``."""
        epochs = self.search.epochs if self.search.strategy.weights == "shared" else self.search.trial_epochs
        return TrainOptions.model_validate(
            merged(self.train.model_dump(), {**self.search.train, "epochs": epochs})
        )


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Mappings merged key by key; anything else is replaced."""
    out = dict(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = merged(out[key], value) if both else value
    return out


def validate(data: Any, marks: Marks) -> Spec:
    """Check plain data against the schema.

    Raises:
        SpecError: Every fault, each with its place and a remedy.
    """
    if not isinstance(data, dict):
        raise SpecError("a spec is a mapping that begins with 'skelbench: 1'", where=marks.at(()))
    try:
        spec = Spec.model_validate(data)
    except ValidationError as error:
        raise SpecError.of(problems(error, marks, Spec)) from error
    try:
        spec.search_options()
    except ValidationError as error:
        raise SpecError.of(problems(error, marks, TrainOptions, ("search", "train"))) from error
    return spec


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
            shown = (
                f" (it is {given!r})" if isinstance(given, str | int | float | bool) or given is None else ""
            )
            yield Problem(f"'{name}': {fault['msg']}{shown}", marks.at(path))


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
