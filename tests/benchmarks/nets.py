"""Networks that several benchmarks time."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from skelbench.check.spec import check_spec
from skelbench.host.registry import load_registry
from skelbench.space.network import build_network
from skelbench.spec.resolve import load_spec


def named(name: str, space: str = "sgcn", frames: int = 64) -> nn.Module:
    """An architecture of a shipped space, with the same weights each time."""
    spec = check_spec(load_spec(space, sets=(f"data.clip.frames={frames}",)), load_registry())
    arch = spec.architectures[name]
    torch.manual_seed(0)
    return build_network(arch.network, arch.sample, spec.context())


def step(network: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    """Forward and backward."""
    network.zero_grad()
    functional.cross_entropy(network(batch[0]), batch[1]).backward()
