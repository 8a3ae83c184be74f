"""The schema of a spec, version 1: everything but what only the registry can know."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from skelbench.errors import SpecError
from skelbench.layouts import LayoutOptions
from skelbench.recipe import (
    ClipOptions,
    EvaluateOptions,
    Options,
    Stream,
    TrainOptions,
    VideoOptions,
)
from skelbench.spec.faults import problems
from skelbench.spec.published import DepartureSpec, ReportedSpec
from skelbench.spec.search_schema import ComponentSpec, RawNode, SearchSpec
from skelbench.spec.yaml import Marks

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.+-]*$", max_length=100)]
Part = Annotated[str, Field(min_length=1)]


class DatasetSpec(ComponentSpec):
    """A data set by name and parameters; one without parameters may be its name alone."""

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, given: Any) -> Any:
        if not isinstance(given, str | dict):
            raise ValueError("give the name of a data set, or a mapping of 'name' and its parameters")
        return {"name": given} if isinstance(given, str) else given


class DataSpec(Options):
    """What is recognised.

    Attributes:
        dataset: A registered data set: its name, or a mapping of ``name`` and its parameters.
        protocol: One of its protocols; None is its first.
        stream: The input stream.
        preprocess: A named pre-processing of whole recordings.
        layout: The skeleton layout: a registered one, or ``joints`` and ``bones``, here or in a file of their
            own; None is the data set's own.
        clip: How a recording of skeletons becomes a clip.
        video: How a video becomes one.
        root: Where the data lies; usually given with --data.
    """

    dataset: DatasetSpec
    protocol: str | None = None
    stream: Stream = "joint"
    preprocess: str = "none"
    layout: str | LayoutOptions | None = None
    clip: ClipOptions = ClipOptions()
    video: VideoOptions = VideoOptions()
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


class StartSpec(Options):
    """Trained weights that an architecture begins its training with.

    Attributes:
        weights: Name of an architecture of the spec -> part of its network -> part of this network, each
            a module's path such as ``body.0``.
        freeze: Share of the training in which everything loaded stays as it is.
    """

    weights: Annotated[dict[Name, dict[Part, Part]], Field(min_length=1)]
    freeze: Annotated[float, Field(ge=0, lt=1)] = 0.0


class ArchitectureSpec(Options):
    """A named architecture: choices in the spec's network, or a network of its own.

    Attributes:
        summary: One line.
        choices: A decision per label.
        network: Another network.
        start: Trained weights that it begins with; None: it begins afresh.
    """

    summary: str = ""
    choices: dict[str, Any] | None = None
    network: NetworkSpec | None = None
    start: StartSpec | None = None


class StageSpec(Options):
    """Runs of named architectures that ``skelbench run`` makes one after the other.

    Attributes:
        name: The stage's name.
        train: Names of architectures of the spec.
        streams: Train each of them on each of these; none: on the spec's own.
        fuse: For each architecture one fused row by each list of weights, a weight for every stream.
        fuse_of: What is added up: class ``probabilities``, or ``logits``.
    """

    name: Name
    train: tuple[Name, ...]
    streams: tuple[Stream, ...] = ()
    fuse: tuple[tuple[Annotated[float, Field(ge=0)], ...], ...] = ()
    fuse_of: Literal["probabilities", "logits"] = "probabilities"


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
        stages: Runs that make up the whole study, in order.
        reported: Published figures.
        departures: Where the spec differs from the publication.
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
    stages: tuple[StageSpec, ...] = ()
    reported: tuple[ReportedSpec, ...] = ()
    departures: tuple[DepartureSpec, ...] = ()

    def search_options(self) -> TrainOptions:
        """The recipe of the search: ``train`` with the changes under ``search.train``."""
        epochs = self.search.epochs if self.search.strategy.weights == "shared" else self.search.trial_epochs
        changed = merged(self.train.model_dump(mode="json"), {**self.search.train, "epochs": epochs})
        return TrainOptions.model_validate_json(json.dumps(changed), strict=True)


def merges(mine: Any, theirs: Any) -> bool:
    """Whether ``theirs`` changes ``mine`` key by key; else it replaces it whole.

    Both must be mappings. One that names another component (``name``, ``op``) starts afresh, as the
    parameters of the one before mean nothing to it.
    """
    if not (isinstance(mine, dict) and isinstance(theirs, dict)):
        return False
    return all(mine.get(key) == theirs[key] for key in ("name", "op") if key in theirs)


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """``base`` with ``changes``, merged as deep as `merges` allows."""
    out = dict(base)
    for key, value in changes.items():
        out[key] = merged(out[key], value) if merges(out.get(key), value) else value
    return out


def validate(data: Any, marks: Marks) -> Spec:
    """Check plain data against the schema.

    Raises:
        SpecError: Every fault, each with its place and a remedy.
    """
    if not isinstance(data, dict):
        raise SpecError("a spec is a mapping that begins with 'skelbench: 1'", where=marks.at(()))
    try:
        # As JSON, so that lists may become tuples while words do not become numbers.
        spec = Spec.model_validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        raise SpecError.of(problems(error, marks, Spec)) from error
    if "epochs" in spec.search.train:
        where = marks.at(("search", "train", "epochs"))
        raise SpecError("'search.train' has no 'epochs'", where=where, remedy="Set 'search.epochs'")
    try:
        spec.search_options()
    except ValidationError as error:
        raise SpecError.of(problems(error, marks, TrainOptions, ("search", "train"))) from error
    return spec
