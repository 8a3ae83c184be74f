"""Adaptive networks with one choice forced on every frame."""

from __future__ import annotations

import copy

from torch import nn

from skelbench.errors import SkelbenchError, did_you_mean
from skelbench.space.adaptive import Adaptive


def choices_of(network: nn.Module) -> tuple[str, ...]:
    """The models that a network chooses among frame by frame; none where it chooses nothing."""
    found = (module.names for module in network.modules() if isinstance(module, Adaptive))
    return tuple(dict.fromkeys(name for names in found for name in names))


def forced(network: nn.Module, choice: str) -> nn.Module:
    """A copy of a network in which every frame takes one model, and no policy is run.

    Args:
        network: The network; it is left as it is.
        choice: The model's name in each of its adaptive nodes.

    Raises:
        SkelbenchError: The network chooses nothing, or a node has no such model.
    """
    if not choices_of(network):
        remedy = "Leave it out, or give a network with the node 'adaptive'"
        raise SkelbenchError("the network chooses nothing frame by frame", where="--force", remedy=remedy)
    network = copy.deepcopy(network)
    for path, module in list(network.named_modules()):
        if not isinstance(module, Adaptive):
            continue
        if choice not in module.names:
            what = f"the network has no choice '{choice}'"
            raise SkelbenchError(what, where="--force", remedy=did_you_mean(choice, module.names))
        parent, _, own = path.rpartition(".")
        setattr(network.get_submodule(parent), own, module.models[choice])
    return network
