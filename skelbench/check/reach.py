"""Options of a trellis that cannot do at their input what their name says: dead taps, and doubles."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any

from skelbench.check.checked import Checked
from skelbench.check.network import frame_warnings
from skelbench.errors import Problem
from skelbench.space.nodes import Node, OpNode, SequenceNode, StageNode, TrellisNode
from skelbench.spec.yaml import path_of


def reach_warnings(checked: Checked) -> list[Problem]:
    """Each stage of a trellis in which kernels reach beyond the clip, or two options are the same.

    A kernel whose outer taps are as many frames away as the stage has sees only padding there: what is left
    of it has no extent in time, whatever its dilation.

    Args:
        checked: The spec; on skeletons, see `skelbench.check.network.frame_warnings`.
    """
    if checked.dataset.modality != "video":
        frames, marks = checked.context().frames, checked.resolved.marks
        return frame_warnings(checked.network, frames, marks)
    problems = []
    for stage, operators, frames in _stages(checked):
        dead = [name for name, operator in operators if _reach(operator) >= frames]
        if dead and stage.layers:
            where = checked.resolved.marks.at(path_of(stage.head.place))
            what = (
                f"'{stage.name}' has {_frames(frames)}, so that the outer taps of {' and '.join(dead)} "
                f"see only padding{_doubled(operators, frames)}"
            )
            remedy = "Halve the frames later or keep more of them, or leave these options out"
            problems.append(Problem(what, where, remedy))
    return problems


def distinct_size(checked: Checked) -> int:
    """How many architectures differ: options of a layer that are the same at its input count once."""
    size = checked.space.size()
    for stage, operators, frames in _stages(checked):
        same = sum(len(group) - 1 for group in _groups(operators, frames))
        for _ in stage.layers if same else ():
            size = size // len(operators) * (len(operators) - same)
    return size


Operators = tuple[tuple[str, OpNode], ...]


def _stages(checked: Checked) -> Iterator[tuple[StageNode, Operators, int]]:
    """Every stage of the body's trellises with its operators and the frames behind its head."""
    if checked.dataset.modality != "video":
        return
    frames = checked.context().frames
    for node in checked.network.body.children:
        if isinstance(node, TrellisNode):
            for stage in node.stages:
                frames = ceil(frames / _stride(stage.head))
                yield stage, node.operators, frames
        else:
            frames = ceil(frames / _stride(node))


def _stride(node: Node) -> int:
    """Frames from one output to the next."""
    if isinstance(node, SequenceNode):
        product = 1
        for child in node.children:
            product *= _stride(child)
        return product
    stride: Any = node.params.get("stride", 1) if isinstance(node, OpNode) else 1
    first = stride[0] if isinstance(stride, tuple | list) else stride
    return first if isinstance(first, int) else 1


def _reach(operator: OpNode) -> int:
    """Frames from a kernel's middle to its outer taps; 0 of an operator that has no such kernel."""
    name = getattr(operator.component, "reach", "")
    found = operator.params.get(name, 1) if name else 0
    return found if isinstance(found, int) else 0


def _groups(operators: Operators, frames: int) -> list[list[str]]:
    """The options that are the same: of one operator, dead, and alike but for how far they reach."""
    alike: dict[str, list[str]] = {}
    for name, operator in operators:
        if _reach(operator) >= frames:
            rest = {k: v for k, v in operator.params.items() if k != getattr(operator.component, "reach", "")}
            alike.setdefault(f"{operator.component.name} {sorted(rest.items())}", []).append(name)
    return [group for group in alike.values() if len(group) > 1]


def _doubled(operators: Operators, frames: int) -> str:
    return "".join(f"; {' and '.join(group)} are the same" for group in _groups(operators, frames))


def _frames(count: int) -> str:
    return f"{count} frame" if count == 1 else f"{count} frames"
