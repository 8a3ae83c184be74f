"""What a plugin hands over: frozen descriptions of components, cheap to list, built late.

A target is a callable or a string ``"module:attribute"``, imported only when the component is built.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict

from skelbench.errors import PluginError, SkelbenchError, WorkFailed, described

_MEND = "Mend or update the plugin that registers it; `skelbench --debug` shows the traceback"
Target = str | Callable[..., Any]
NodeKind = Literal["choice", "mix", "inputs", "value", "depth", "cell", "trellis"]
"""A kind of decision that a network may leave open."""
ALL_NODE_KINDS: frozenset[NodeKind] = frozenset(get_args(NodeKind))
"""All of them, as a strategy over independent trials can search."""
Contract = Literal["input", "skeleton", "head", "cell", "policy", "video_input", "video", "video_head"]
"""What an operator maps, see `Operator`."""


class Params(BaseModel):
    """Base of every component's parameter model: unknown names are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    def declared(self) -> Mapping[str, Any]:
        """Of a data set: the fields of its description that the parameters stand for."""
        return {}


@dataclass(frozen=True)
class Slot:
    """Marks a parameter that holds a network node, as in ``graph: Annotated[Any, Slot("graph_module")]``.

    Attributes:
        kind: The component kind that may stand there: ``operator`` or ``graph_module``.
        contract: The contract of an operator that may stand there; None: any.
        at: Where the module stands in the operator around it: at its ``input``, or at its ``output``, where
            it gets the channels that its parameter ``channels`` names, and its ``stride`` in the context.
    """

    kind: Literal["operator", "graph_module"]
    contract: Contract | None = None
    at: Literal["input", "output"] = "input"
    channels: str = "channels"

    def context(self, outer: BuildContext, params: Mapping[str, Any]) -> BuildContext:
        """What a module in the slot is told, from the ``outer`` operator's context and its ``params``."""
        channels = params.get(self.channels) or outer.channels
        inner = {} if self.at == "input" else {"channels": channels, "stride": params.get("stride", 1)}
        return replace(outer, out_channels=channels, **inner)


def slots_of(component: Component) -> dict[str, Slot]:
    """The parameters of a component that hold modules."""
    fields = component.params.model_fields.items()
    return {name: mark for name, field in fields for mark in field.metadata if isinstance(mark, Slot)}


@dataclass(frozen=True, kw_only=True)
class Component:
    """A named thing that a spec can use.

    Attributes:
        name: The name in specs; dots group names (``cheb.l3``).
        summary: One line for lists and help.
        target: What builds it: a callable or ``"module:attribute"``.
        params: The pydantic model of its parameters (checking, help, docs).
    """

    kind: ClassVar[str] = "component"
    name: str
    summary: str = ""
    target: Target = ""
    params: type[BaseModel] = Params

    def load(self) -> Any:
        """Import and return the target.

        Raises:
            PluginError: The module or the attribute is missing, or the module cannot be imported.
        """
        if not isinstance(self.target, str):
            return self.target
        module, _, attribute = self.target.partition(":")
        try:
            return getattr(importlib.import_module(module), attribute)
        except (Exception, SystemExit) as error:  # a stranger's module may raise anything
            raise PluginError(
                f"{self.kind} '{self.name}' cannot be loaded from '{self.target}': {described(error)}",
                remedy=_MEND,
            ) from error

    def make(self, *args: Any, **params: Any) -> Any:
        """What the target gives for some arguments.

        Raises:
            SkelbenchError: It cannot be loaded, it fails (`WorkFailed`), or it raises one of that kind.
        """
        target = self.load()
        try:
            return target(*args, **params)
        except SkelbenchError:
            raise
        except Exception as error:  # see load
            raise WorkFailed(f"{self.kind} '{self.name}' fails: {described(error)}", remedy=_MEND) from error


@dataclass(frozen=True, kw_only=True)
class Operator(Component):
    """A module of the network: ``target(context, **params) -> torch.nn.Module``.

    Attributes:
        contract: The tensors it maps; ``skelbench list operator NAME`` shows their shapes.
        reach: On videos, the parameter that says how many frames the outer taps of its kernels are away.
        also: Further contracts that it keeps.
    """

    kind: ClassVar[str] = "operator"
    contract: Contract = "skeleton"
    reach: str = ""
    also: tuple[Contract, ...] = ()


@dataclass(frozen=True, kw_only=True)
class GraphModule(Component):
    """Makes a graph: module (N, C, T, V) -> (K, V, V) where fixed, (N, K, V, V) where it depends on x."""

    kind: ClassVar[str] = "graph_module"


@dataclass(frozen=True, kw_only=True)
class Layout(Component):
    """A skeleton: its joints and the bones between them.

    Attributes:
        joints: Joint names in order, V of them.
        inward: Bones as 0-based (child, parent) pairs, pointing to the centre.
        root: The joint without a parent; its bone is zero.
        torso: (hip, spine, left shoulder, right shoulder), used to centre and to rotate; None: not known.
    """

    kind: ClassVar[str] = "layout"
    joints: tuple[str, ...]
    inward: tuple[tuple[int, int], ...]
    root: int
    torso: tuple[int, int, int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class Strategy(Component):
    """A way to search: ``target(space, seed, **params)`` gives a search (`skelbench.search`).

    Attributes:
        searches: The node kinds that it can search with weights ``shared`` in a supernet, and with ``own``.
        form: ``ask_tell`` for a `Search`, ``gradient`` for a `GradientSearch`, ``oneshot`` for a `OneShot`.
        asks_ahead: Whether it may be asked again before it is told (own weights).
    """

    kind: ClassVar[str] = "strategy"
    searches: Mapping[str, frozenset[NodeKind]] = field(default_factory=dict)
    form: Literal["ask_tell", "gradient", "oneshot"] = "ask_tell"
    asks_ahead: bool = False


@dataclass(frozen=True, kw_only=True)
class Engine(Component):
    """How trials are executed: ``target(**params)`` gives NNI's execution-engine configuration.

    With ``workers`` it takes their number under that name and gives worker processes instead.
    """

    kind: ClassVar[str] = "engine"
    workers: bool = False


@dataclass(frozen=True, kw_only=True)
class Dataset(Component):
    """A data set: ``target(**params)`` gives a `skelbench.data.Reader`, or a `VideoReader` of videos.

    Attributes:
        layout: The name of its layout, of skeletons; ``own_layout``: itself, of no registered name.
        classes: How many classes it has.
        channels: Channels of one joint (3 for x, y, z) or of one pixel (3 for colours).
        axes: How many of a joint's channels are coordinates; None: all.
        subjects: Whether performers are known.
        persons: The most persons kept in a clip.
        frame_size: Rows and columns where all videos have the same, else None.
        stream: What a video shows, as records name it; of skeletons a spec chooses the stream.
        protocols: Names of its evaluation protocols, default first.
        forms: The raw and prepared forms that its reader takes, for help.
        made: How many synthetic recordings a run without data makes.
        describer: Gives for a path the YAML that reads what is there, or None (`skelbench data describe`).
        given: The parameters in use, see `with_params`.
    """

    kind: ClassVar[str] = "dataset"
    modality: Literal["skeleton", "video"] = "skeleton"
    layout: str = "none"
    own_layout: Layout | None = None
    classes: int
    channels: int = 3
    axes: int | None = None
    subjects: bool = True
    persons: int = 1
    frame_size: tuple[int, int] | None = None
    stream: str = "rgb"
    protocols: tuple[str, ...]
    forms: tuple[str, ...] = ()
    made: int = 240
    describer: Target = ""
    given: Mapping[str, Any] = field(default_factory=dict)

    def with_params(self, params: Mapping[str, Any]) -> Dataset:
        """The data set with parameters; ``classes``, ``channels``, ``frame_size`` among them describe it."""
        described = {n: params[n] for n in ("classes", "channels", "frame_size") if n in params}
        if issubclass(self.params, Params):
            described |= self.params.model_validate(dict(params)).declared()
        return replace(self, given=dict(params), **described)

    def reader(self) -> Any:
        """Its reader; errors as for `make`."""
        return self.make(**self.given)


@dataclass(frozen=True, kw_only=True)
class Metric(Component):
    """A figure of merit: ``target(scores (n, classes), labels (n,)) -> float`` in percent."""

    kind: ClassVar[str] = "metric"


@dataclass(frozen=True, kw_only=True)
class Column(Component):
    """A further leaderboard column, after the fixed ones: ``target(record) -> str | float | None``."""

    kind: ClassVar[str] = "column"


@dataclass(frozen=True, kw_only=True)
class Table(Component):
    """Trained networks to replay strategies on; ``file`` is ``package:folder/name.npz``, or a path."""

    kind: ClassVar[str] = "table"
    file: str


NO_SKELETON = Layout(name="none", joints=(), inward=(), root=0)
"""The layout where there are videos and no skeletons."""


@dataclass(frozen=True)
class BuildContext:
    """What a module is told about its place when it is built.

    Attributes:
        channels, frames: Channels C and frames T of its input.
        joints, persons: Joints V of its input and persons M in a clip; 0 and 1 in videos.
        classes: Classes to tell apart.
        layout: The skeleton layout; `NO_SKELETON` in videos.
        out_channels: In a slot, the channels that the operator around it gives; else None.
        stride: On an edge of a cell, and in a slot at an operator's output, the step of what it gives.
        choices: For a policy, how many models it chooses among.
        shared: Whether it is a candidate of a supernet, trained beside others.
        height, width: Rows and columns of the pictures of a video, H and W; 0 for skeletons.
    """

    channels: int
    frames: int
    joints: int
    persons: int
    classes: int
    layout: Layout
    out_channels: int | None = None
    stride: int = 1
    choices: int = 1
    shared: bool = False
    height: int = 0
    width: int = 0

    @property
    def clip_shape(self) -> tuple[int, ...]:
        """One clip as a network takes it: (1, C, T, V, M), of a video (1, C, T, H, W)."""
        return self.input_shape if self.height else (*self.input_shape, self.persons)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The input of a module inside a network: (1, C, T, V), of a video (1, C, T, H, W)."""
        ends = (self.height, self.width) if self.height else (self.joints,)
        return (1, self.channels, self.frames, *ends)


_ALL = (Operator, GraphModule, Layout, Strategy, Engine, Dataset, Metric, Column, Table)
KINDS: dict[str, type[Component]] = {component.kind: component for component in _ALL}
