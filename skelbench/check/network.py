"""What operators on skeletons say of the joints, persons and frames that a spec declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from itertools import product
from typing import Any, Protocol, runtime_checkable

from skelbench.check.checked import Checked
from skelbench.components import BuildContext, Operator
from skelbench.errors import Problem, SpecError
from skelbench.space.nodes import NetworkNodes, Node, OpNode, SequenceNode, ValueNode
from skelbench.spec.yaml import Marks, Path, path_of

Fault = tuple[str, Path, str]
"""What is wrong, where in the spec, and a remedy."""


@runtime_checkable
class Fitting(Protocol):
    """What the parameters of an operator have besides where they know what a clip must be like."""

    def misfits(self, context: BuildContext) -> Iterator[tuple[str, str, str]]:
        """(what, parameter, remedy) of all that cannot be, of clips with these joints, persons and frames.

        ``channels`` of the context are those of the clips, which only an input sees.
        """


def network_misfits(network: NetworkNodes, context: BuildContext, *, some: bool = False) -> Iterator[Fault]:
    """Parameters of operators that do not fit the clips, each place once.

    Args:
        network: The network.
        context: The shape of a clip, and the skeleton.
        some: An operator is at fault only where none of its searched parameters fits, as an architecture
            of the space may do without the others.
    """
    told = set()
    for node in _operators(network):
        ways = [_misfits(node, params, context) for params in _given(node)]
        for fault in [] if some and not all(ways) else [fault for way in ways for fault in way]:
            if fault not in told:
                told.add(fault)
                yield fault


def _misfits(node: OpNode, params: Any, context: BuildContext) -> list[Fault]:
    found = params.misfits(context) if isinstance(params, Fitting) else ()
    place = path_of(node.place)
    return [(f"'{node.component.name}' {what}", (*place, key), remedy) for what, key, remedy in found]


def refuse_misfits(checked: Checked) -> None:
    """See that everything that a search may choose takes the clips.

    Raises:
        SpecError: Something does not; an architecture that does without it can still be trained.
    """
    if checked.dataset.modality != "video" and (problems := misfit_problems(checked, some=False)):
        raise SpecError.of(problems)


def misfit_problems(checked: Checked, *, some: bool) -> list[Problem]:
    """All of `network_misfits` of a spec's networks, with their lines."""
    networks, context = (checked.network, checked.search_network), checked.context()
    found = [fault for network in networks for fault in network_misfits(network, context, some=some)]
    marks = checked.resolved.marks
    return [Problem(what, marks.at(path), remedy) for what, path, remedy in dict.fromkeys(found)]


def frame_warnings(network: NetworkNodes, frames: int, marks: Marks) -> list[Problem]:
    """Strides that have no frame left to halve, and kernels that reach beyond the clip on both sides.

    Args:
        network: A network on skeletons.
        frames: Frames of a clip.
        marks: Where each value stands.
    """
    found: dict[str, Problem] = {}
    for node in network.body.children:
        for inner in _operators(node):
            stride, kernel = (_number(inner.params.get(key)) for key in ("stride", "kernel"))
            where = marks.at(path_of(inner.place))
            if stride > 1 and frames < stride:
                what = f"a stride of {stride} where {_frames(frames)} left"
                found[where] = Problem(what, where, "Take more frames (data.clip.frames) or fewer strides")
            elif kernel > 2 * frames - 1:
                what = f"a kernel of {kernel} frames where {_frames(frames)} left"
                what += ", so that its outer taps see only padding"
                found[where] = Problem(what, where, "Take more frames (data.clip.frames) or a smaller kernel")
        frames = -(-frames // _step(node))
    return list(found.values())


def _step(node: Node) -> int:
    """Frames that become one in an element of the body."""
    if isinstance(node, SequenceNode):
        steps = 1
        for child in node.children:
            steps *= _step(child)
        return steps
    return _number(node.params.get("stride")) if isinstance(node, OpNode) else 1


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 1


def _frames(count: int) -> str:
    return "1 frame is" if count == 1 else f"{count} frames are"


def _given(node: OpNode) -> Iterator[Any]:
    """The parameters of an operator, once for each way to choose those that are searched."""
    searched = {name: value.values for name, value in node.params.items() if isinstance(value, ValueNode)}
    for chosen in product(*searched.values()):
        params = node.params | dict(zip(searched, chosen, strict=True))
        yield node.component.params.model_construct(**params)


def _operators(node: Any) -> Iterator[OpNode]:
    """Every operator below a node, itself among them."""
    if isinstance(node, OpNode) and isinstance(node.component, Operator):
        yield node
    if isinstance(node, tuple | list):
        for one in node:
            yield from _operators(one)
    elif isinstance(node, Mapping):
        yield from _operators(tuple(node.values()))
    elif is_dataclass(node) and not isinstance(node, type) and type(node).__module__.endswith("space.nodes"):
        yield from _operators(tuple(getattr(node, one.name) for one in fields(node)))
