"""What the supernet saves: idle modules are skipped, and graphs are mixed before they are used.

Ratios are taken within one run on one machine; absolute times go to the report only.
"""

from __future__ import annotations

from functools import partial

import pytest
import torch
from skelbench_plugins.layouts import NTU25
from skelbench_plugins.operators.stgcn import GraphConv
from torch import nn

from skelbench.components import BuildContext
from skelbench.host.registry import load_registry
from skelbench.space.build import SupernetSpace, supernet_hook
from skelbench.space.decisions import Decision
from skelbench.space.nodes import MixNode, NetworkNodes, OpNode, SequenceNode, SumNode

from .clock import fastest
from .memory import saved_bytes

# 16 persons a step: with fewer, torch takes another way for 1x1 convolutions on one thread.
FRAMES, BATCH = 16, 8
CHANNELS = [64] * 4 + [128] * 3 + [256] * 3
STRIDES = [1, 1, 1, 1, 2, 1, 1, 2, 1, 1]
MODULES = [
    *("cheb.l", "cheb.l4n", "cheb.l4", "cheb.l3", "cheb.l2"),
    *("dynamic.s", "dynamic.t", "dynamic.st"),
]
SHIFTS = range(len(MODULES))


@pytest.fixture(scope="module")
def supernet() -> nn.Module:
    return build_supernet(FRAMES)


def build_supernet(frames: int) -> nn.Module:
    """SGCN's whole space for two persons of 25 joints, as a search trains it."""
    registry = load_registry()

    def op(kind: str, name: str, **params: object) -> OpNode:
        return OpNode(registry.get(kind, name), params)

    def graph(block: int) -> SumNode:
        options = tuple((name, op("graph_module", name)) for name in MODULES)
        return SumNode((op("graph_module", "learned"), MixNode(f"graph_{block}", options)))

    body = tuple(
        op(
            "operator",
            "stgcn_block",
            channels=c,
            stride=s,
            residual="auto" if i else "none",
            graph=graph(i + 1),
        )
        for i, (c, s) in enumerate(zip(CHANNELS, STRIDES, strict=True))
    )
    nodes = NetworkNodes(op("operator", "data_bn"), SequenceNode(body), op("operator", "mean_pool_linear"))
    torch.manual_seed(0)
    space = SupernetSpace(nodes, BuildContext(3, frames, 25, 2, 60, NTU25))
    for name, module in list(space.named_modules()):
        decision = supernet_hook(module, name, {}, {})
        if isinstance(decision, nn.Module):
            parent, _, child = name.rpartition(".")
            setattr(space.get_submodule(parent), child, decision)
    return space


def decisions(supernet: nn.Module) -> list[Decision]:
    return [module for module in supernet.modules() if isinstance(module, Decision)]


def mix_all(supernet: nn.Module) -> None:
    for decision in decisions(supernet):
        decision.active = None


def activate_one(supernet: nn.Module, shift: int) -> None:
    """One module per block; over all shifts every block has every module once, as in even draws."""
    for block, decision in enumerate(decisions(supernet)):
        decision.active = ((block + shift) % len(MODULES),)


def step(supernet: nn.Module, x: torch.Tensor, y: torch.Tensor) -> None:
    supernet.zero_grad()
    nn.functional.cross_entropy(supernet(x), y).backward()


@pytest.fixture(scope="module")
def clips() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.randn(BATCH, 3, FRAMES, 25, 2), torch.randint(60, (BATCH,))


def test_step_with_one_active_module_is_twice_as_fast(supernet, clips, benchmark):
    def everything() -> None:
        mix_all(supernet)
        step(supernet, *clips)

    def one(shift: int) -> None:
        activate_one(supernet, shift)
        step(supernet, *clips)

    everything()
    mixed, *single = fastest([everything, *(partial(one, shift) for shift in SHIFTS)])
    ratio = mixed / (sum(single) / len(single))
    benchmark.extra_info.update(all_ms=mixed * 1e3, one_ms=[s * 1e3 for s in single], ratio=ratio)
    benchmark.pedantic(one, args=(0,), rounds=1)
    assert ratio >= 2


def test_step_with_one_active_module_keeps_fewer_activations(supernet, clips, benchmark):
    def one(shift: int) -> int:
        activate_one(supernet, shift)
        return saved_bytes(supernet, loss)

    def loss() -> torch.Tensor:
        return nn.functional.cross_entropy(supernet(clips[0]), clips[1])

    mix_all(supernet)
    everything = saved_bytes(supernet, loss)
    singles = [one(shift) for shift in SHIFTS]
    share = sum(singles) / len(singles) / everything
    benchmark.extra_info.update(all_mib=everything / 2**20, one_mib=[s / 2**20 for s in singles], share=share)
    benchmark.pedantic(saved_bytes, args=(supernet, loss), rounds=1)
    assert share <= 0.7


def test_mixing_graphs_is_faster_than_mixing_features(benchmark):
    torch.manual_seed(0)
    x, conv = torch.randn(2 * BATCH, 64, FRAMES, 25), GraphConv(64, 64)
    graphs = [torch.rand(2 * BATCH, 3, 25, 25) for _ in MODULES]

    def features() -> torch.Tensor:
        return torch.stack([conv(x, graph) for graph in graphs]).sum(0)

    def mixed() -> torch.Tensor:
        return conv(x, torch.stack(graphs).sum(0))

    biases = (len(graphs) - 1) * conv.bias.sum(0).view(-1, 1, 1)
    assert torch.allclose(features(), mixed() + biases, atol=1e-3)
    slow, fast = fastest([lambda: features().sum().backward(), lambda: mixed().sum().backward()], rounds=5)
    benchmark.extra_info.update(features_ms=slow * 1e3, graphs_ms=fast * 1e3, ratio=slow / fast)
    benchmark.pedantic(mixed, rounds=5)
    assert slow / fast >= 3
