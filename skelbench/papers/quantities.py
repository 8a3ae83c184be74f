"""What can be computed of a paper: each quantity by name, from specs alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import torch
from torch import nn

from skelbench.check.checked import Checked
from skelbench.check.spec import check_spec
from skelbench.engine.describe import describe_spec
from skelbench.errors import SkelbenchError, did_you_mean
from skelbench.host.registry import load_registry
from skelbench.papers.elements import ElementCount
from skelbench.space.network import build_network
from skelbench.space.nodes import CellsNode, SequenceNode
from skelbench.spec.resolve import load_spec
from skelbench.training.cost import cost
from skelbench.training.meta import shapes_alone


def compute(name: str, arguments: Mapping[str, Any]) -> float | int:
    """A quantity by name.

    Raises:
        SkelbenchError: There is no such quantity, or it does not take these arguments.
    """
    if name not in QUANTITIES:
        raise SkelbenchError(f"there is no quantity '{name}'", remedy=did_you_mean(name, QUANTITIES))
    try:
        return QUANTITIES[name](**arguments)
    except TypeError as error:
        raise SkelbenchError(f"quantity '{name}': {error}", remedy="Mend the claim") from error


@cache
def _described(spec: str, arch: str | None, sets: tuple[str, ...]) -> dict[str, Any]:
    return describe_spec(spec, arch, sets=sets)


@cache
def _checked(spec: str) -> Checked:
    return check_spec(load_spec(spec), load_registry())


def space_size(spec: str) -> int:
    """How many architectures a space has."""
    return _checked(spec).space.size()


def params(spec: str, arch: str, sets: Sequence[str] = (), times: int = 1, per: float = 1e6) -> float:
    """Parameters of as many networks, in ``per``."""
    return float(times * _described(spec, arch, tuple(sets))["params"] / per)


def more_params(spec: str, arch: str, than: Sequence[str], per: float = 1e6) -> float:
    """By how many parameters an architecture exceeds itself with the changes ``than``."""
    return params(spec, arch, per=per) - params(spec, arch, than, per=per)


def gmacs(spec: str, arch: str, sets: Sequence[str] = (), times: int = 1) -> float:
    """GMACs of convolutions and matrix products for one clip with all its persons."""
    return float(times * _described(spec, arch, tuple(sets))["macs"] / 1e9)


def module_gmacs(spec: str, arch: str, sets: Sequence[str] = (), times: int = 1) -> float:
    """GMACs as module by module counters give them, see `skelbench.training.convention.ModuleMacs`."""
    return float(times * _described(spec, arch, tuple(sets))["as_reported"] / 1e9)


def shared_gmacs(spec: str, arch: str, shares: Sequence[float], sets: Sequence[str] = ()) -> float:
    """Module GMACs of a clip whose frames took the choices with these shares (percent).

    The first choice is computed for every frame, as the policy looks at its features.
    """
    totals = [one["as_reported"] for one in _described(spec, arch, tuple(sets))["by_choice"].values()]
    added = sum(share / 100 * (total - totals[0]) for share, total in zip(shares, totals, strict=True))
    return float((totals[0] + added) / 1e9)


def photograph_gflops(spec: str, arch: str, layers: int, side: int) -> float:
    """MACs, two per normalised and one per averaged element, in 1e9, of cells on a square picture.

    Args:
        spec: A spec of cells.
        arch: One of its architectures.
        layers: Cells in the stack, whatever the architecture has.
        side: Rows and columns of the picture.
    """
    checked = _checked(spec)
    given = checked.architectures[arch]
    deep = [replace(n, layers=layers) if isinstance(n, CellsNode) else n for n in given.network.body.children]
    network = replace(given.network, body=SequenceNode(tuple(deep)))
    context = replace(checked.context(), frames=side, joints=side, persons=1)
    with torch.device("meta"):
        built = build_network(network, given.sample, context).eval()
    shape = (1, context.channels, side, side, 1)
    with shapes_alone(), ElementCount() as elements:
        built(torch.empty(shape, device="meta"))
    return float((cost(built, shape).macs + 2 * elements.normalised + elements.averaged) / 1e9)


def modules_kept(spec: str, arch: str, label: str = "") -> int:
    """How many options an architecture keeps, of one decision or of all."""
    sample = _checked(spec).architectures[arch].sample
    return sum(len(kept) for name, kept in sample.items() if label in ("", name))


def options(spec: str, label: str) -> int:
    """How many options a decision has."""
    return next(len(point.options) for point in _checked(spec).space.points if point.label == label)


def decisions(spec: str, beginning: str = "", ending: str = "") -> int:
    """How many decisions of a space have such labels."""
    labels = [point.label for point in _checked(spec).space.points]
    return sum(label.startswith(beginning) and label.endswith(ending) for label in labels)


def cell_edges(spec: str, kind: str) -> int:
    """The edges that a cell may have: pairs of a node and a state before it."""
    points = [p for p in _checked(spec).space.points if p.label.startswith(f"{kind}.")]
    return sum(len({option.partition("(")[2] for option in map(str, p.options)}) for p in points)


def cell_operators(spec: str, kind: str) -> int:
    """The operators of an edge, of which the one that stands for no edge is none."""
    points = [p for p in _checked(spec).space.points if p.label.startswith(f"{kind}.")]
    return len({option.partition("(")[0] for p in points for option in map(str, p.options)})


def receptive_field(spec: str, arch: str, dilation: int) -> int:
    """The frames that a temporal convolution of this dilation in an architecture sees."""
    checked = _checked(spec)
    given = checked.architectures[arch]
    with torch.device("meta"):
        network = build_network(given.network, given.sample, checked.context())
    convs = (m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Conv3d))
    temporal = (m for m in convs if m.kernel_size[0] > 1 and m.kernel_size[-1] == 1)
    seen = {1 + (m.kernel_size[0] - 1) * m.dilation[0] for m in temporal if m.dilation[0] == dilation}
    if len(seen) != 1:
        raise SkelbenchError(f"'{arch}' has {len(seen)} receptive fields of dilation {dilation}")
    return seen.pop()


def recordings(dataset: str, protocol: str, part: str) -> int:
    """Recordings in the ``train`` or ``test`` part of the complete data set, or in ``both``."""
    train, test = load_registry().get("dataset", dataset).reader().expected(protocol)
    return int({"train": train, "test": test, "both": train + test}[part])


QUANTITIES: dict[str, Callable[..., float | int]] = {
    quantity.__name__: quantity
    for quantity in (
        space_size, params, more_params, gmacs, module_gmacs, shared_gmacs, photograph_gflops, modules_kept,
        options, decisions, cell_edges, cell_operators, receptive_field, recordings,
    )
}  # fmt: skip
