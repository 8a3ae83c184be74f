"""What the adaptive nodes of a network chose, and what that cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn

from skelbench.results.record import AdaptiveUse
from skelbench.space.adaptive import Adaptive
from skelbench.train.cost import Cost, cost, macs_of_parts


def forget_choices(network: nn.Module) -> None:
    """Let every adaptive node begin to count anew."""
    for _, node in _adaptive(network):
        node.forget()


def complexity(network: nn.Module, clip: tuple[int, ...]) -> dict[str, Any]:
    """Fields of a record: the size of a network, and what it costs with the choices that it made.

    Args:
        network: The network; its adaptive nodes have evaluated recordings since `forget_choices`.
        clip: The shape of one clip, (1, C, T, V, M).
    """
    counted = cost(network, clip)
    added = {path: _added(network, path, node, clip) for path, node in _adaptive(network)}
    used = {path: node.shares() for path, node in _adaptive(network)}
    macs = round(_with(counted, added, used))
    return {
        "params": counted.params,
        "macs": macs,
        "flops": 2 * macs,
        "adaptive": _use(counted, added, used) if added else None,
    }


def macs_by_choice(network: nn.Module, clip: tuple[int, ...]) -> dict[str, int]:
    """MACs of a clip if every frame takes the same choice of an adaptive node; others run everything."""
    counted = cost(network, clip)
    added = {path: _added(network, path, node, clip) for path, node in _adaptive(network)}
    return {label: round(macs) for label, macs in _by_choice(counted, added).items()}


def _adaptive(network: nn.Module) -> Iterator[tuple[str, Adaptive]]:
    return ((path, module) for path, module in network.named_modules() if isinstance(module, Adaptive))


def _added(network: nn.Module, path: str, node: Adaptive, clip: tuple[int, ...]) -> dict[str, int]:
    """MACs that each choice adds to what always runs; the first model is a part of that."""
    parts = {name: f"{path}.models.{name}" for name in node.names}
    macs = macs_of_parts(network, clip, list(parts.values()))
    first = node.names[0]
    return {name: 0 if name == first else macs[part] for name, part in parts.items()}


def _with(
    counted: Cost, added: Mapping[str, Mapping[str, int]], shares: Mapping[str, Mapping[str, float]]
) -> float:
    """MACs of a clip where each choice is taken by a share of the frames."""
    saved = (
        macs * (1 - shares[path].get(name, 0.0)) for path in shares for name, macs in added[path].items()
    )
    return counted.macs - sum(saved)


def _by_choice(counted: Cost, added: Mapping[str, Mapping[str, int]]) -> dict[str, float]:
    return {
        _label(added, path, name): _with(counted, added, {path: {name: 1.0}})
        for path, choices in added.items()
        for name in choices
    }


def _use(
    counted: Cost, added: Mapping[str, Mapping[str, int]], used: Mapping[str, Mapping[str, float]]
) -> AdaptiveUse:
    shares = {_label(added, path, name): round(s, 6) for path in used for name, s in used[path].items()}
    gmacs = {label: round(macs / 1e9, 9) for label, macs in _by_choice(counted, added).items()}
    return AdaptiveUse(shares=shares, gmacs=gmacs)


def _label(added: Mapping[str, Any], path: str, name: str) -> str:
    """A choice's name, with the node's path before it where there are several nodes."""
    return name if len(added) == 1 else f"{path}.{name}"
