"""What the adaptive nodes of a network chose, and what that cost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from torch import nn

from skelbench.check.checked import Checked
from skelbench.results.record_parts import AdaptiveUse
from skelbench.search import Sample
from skelbench.space.adaptive import Adaptive
from skelbench.space.network import build_network
from skelbench.training.cost import Cost, Macs, cost, cost_of_parts

Costs = Mapping[str, Mapping[str, Macs]]
"""For the path of each adaptive node, what each choice adds to what always runs."""


def counted_macs(checked: Checked) -> Callable[[Sample], float]:
    """What tells the MACs of an architecture of a spec for one clip, with all models of adaptive nodes."""

    @cache
    def of(text: str) -> float:
        network = build_network(checked.network, json.loads(text), checked.context())
        return float(cost(network, checked.clip_shape()).macs)

    return lambda sample: of(json.dumps(checked.space.canonical(sample)))


def forget_choices(network: nn.Module) -> None:
    """Let every adaptive node begin to count anew."""
    for _, node in _adaptive(network):
        node.forget()


def note_choices(network: nn.Module, evaluated: nn.Module) -> None:
    """Let the adaptive nodes of a network know what those of its copy chose."""
    for path, node in _adaptive(network):
        other = evaluated.get_submodule(path)
        if isinstance(other, Adaptive):
            node.taken, node.frames, node.last_gates = list(other.taken), other.frames, other.last_gates


def complexity(network: nn.Module, clip: tuple[int, ...]) -> dict[str, Any]:
    """Fields of a record: the size of a network, and what it costs with the choices that it made.

    Args:
        network: The network; its adaptive nodes have evaluated recordings since `forget_choices`.
        clip: The shape of one clip, (1, C, T, V, M).
    """
    counted, added = cost(network, clip), _added(network, clip)
    shares = {path: node.shares() for path, node in _adaptive(network)}
    saved = sum(
        macs.macs * (1 - shares[path][name])
        for path, choices in added.items()
        for name, macs in choices.items()
    )
    used = round(counted.macs - saved)
    adaptive = None
    if added:
        gmacs = {label: macs.macs / 1e9 for label, macs in _by_choice(counted, added).items()}
        taken = (share for choices in shares.values() for share in choices.values())
        labels = dict(zip(gmacs, taken, strict=True))
        adaptive = AdaptiveUse(
            shares={label: round(share, 6) for label, share in labels.items()}, gmacs=gmacs
        )
    return {"params": counted.params, "macs": used, "flops": 2 * used, "adaptive": adaptive}


def cost_by_choice(network: nn.Module, counted: Cost) -> dict[str, Macs]:
    """What a clip costs if every frame takes the same choice of one adaptive node.

    Args:
        network: The network; where it has several adaptive nodes, a choice has its node's path before
            it, and the other nodes run all their models.
        counted: The cost of the network, in which every model runs.
    """
    return _by_choice(counted, _added(network, counted.input_shape))


def _by_choice(counted: Cost, added: Costs) -> dict[str, Macs]:
    costs = {}
    for path, choices in added.items():
        everything = [sum(figures) for figures in zip(*choices.values(), strict=True)]
        for name, own in choices.items():
            label = name if len(added) == 1 else f"{path}.{name}"
            costs[label] = Macs(
                counted.macs - everything[0] + own.macs,
                counted.as_reported - everything[1] + own.as_reported,
            )
    return costs


def _adaptive(network: nn.Module) -> Iterator[tuple[str, Adaptive]]:
    return ((path, module) for path, module in network.named_modules() if isinstance(module, Adaptive))


def _added(network: nn.Module, clip: tuple[int, ...]) -> Costs:
    """The first model of a node always runs, so taking it adds nothing."""
    added = {}
    for path, node in _adaptive(network):
        parts = {name: f"{path}.models.{name}" for name in node.names}
        found = cost_of_parts(network, clip, list(parts.values()))
        added[path] = {name: found[part] for name, part in parts.items()} | {node.names[0]: Macs(0, 0)}
    return added
