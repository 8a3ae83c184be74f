"""CTR-GCN: time of a step against the released order of operations, in one run."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from skelbench.check.spec import check_spec
from skelbench.host.registry import load_registry
from skelbench.space.network import build_network
from skelbench.spec.resolve import load_spec

from .clock import fastest

WIDTHS = [3, *[64] * 4, *[128] * 3, *[256] * 3]
BATCH = (16, 3, 52, 20, 1)


def conv_bn(inputs: int, outputs: int, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 1, (stride, 1)), nn.BatchNorm2d(outputs)]


class Refined(nn.Module):
    """One subset: every frame embedded, then the mean; a graph for each channel, then the features."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        narrow = 8 if inputs == 3 else inputs // 8
        self.a, self.b = nn.Conv2d(inputs, narrow, 1), nn.Conv2d(inputs, narrow, 1)
        self.features, self.widen = nn.Conv2d(inputs, outputs, 1), nn.Conv2d(narrow, outputs, 1)

    def forward(self, x: Tensor, graph: Tensor, alpha: Tensor) -> Tensor:
        a, b = self.a(x).mean(2), self.b(x).mean(2)
        refined = self.widen(torch.tanh(a[..., None] - b[..., None, :])) * alpha + graph
        return torch.einsum("ncuv,nctv->nctu", refined, self.features(x))


class Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, residual: bool) -> None:
        super().__init__()
        same, share = inputs == outputs, outputs // 4
        self.subsets = nn.ModuleList(Refined(inputs, outputs) for _ in range(3))
        self.graph, self.alpha = nn.Parameter(torch.rand(3, 20, 20)), nn.Parameter(torch.zeros(1))
        self.bn = nn.BatchNorm2d(outputs)
        self.skip = nn.Identity() if same else nn.Sequential(*conv_bn(inputs, outputs))
        ahead = [[*conv_bn(outputs, share), nn.ReLU()] for _ in range(3)]
        last = [
            nn.Conv2d(share, share, (5, 1), (stride, 1), (2 * dilation, 0), (dilation, 1))
            for dilation in (1, 2)
        ]
        ends = [*last, nn.MaxPool2d((3, 1), (stride, 1), (1, 0))]
        rows = [[*a, end, nn.BatchNorm2d(share)] for a, end in zip(ahead, ends, strict=True)]
        self.branches = nn.ModuleList(nn.Sequential(*row) for row in [*rows, conv_bn(outputs, share, stride)])
        self.residual = nn.Identity() if same else nn.Sequential(*conv_bn(inputs, outputs, stride))
        self.has_residual = residual

    def forward(self, x: Tensor) -> Tensor:
        pairs = zip(self.subsets, self.graph, strict=True)
        y = self.bn(sum(subset(x, graph, self.alpha) for subset, graph in pairs))
        y = functional.relu(y + self.skip(x))
        y = torch.cat([branch(y) for branch in self.branches], 1)
        return functional.relu(y + self.residual(x) if self.has_residual else y)


class Released(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        sizes = pairwise(WIDTHS)
        blocks = [Block(c, d, 2 if i in (4, 7) else 1, i > 0) for i, (c, d) in enumerate(sizes)]
        self.bn, self.blocks, self.linear = nn.BatchNorm1d(60), nn.Sequential(*blocks), nn.Linear(256, 10)

    def forward(self, x: Tensor) -> Tensor:
        rows = self.bn(x[..., 0].permute(0, 3, 1, 2).flatten(1, 2))
        x = rows.unflatten(1, (20, 3)).permute(0, 2, 3, 1).contiguous()
        return self.linear(self.blocks(x).mean((2, 3)))


def test_a_step_takes_at_most_nine_tenths_of_the_released_order() -> None:
    checked = check_spec(load_spec("baselines-ucla"), load_registry())
    named = checked.architectures["ctr-gcn"]
    torch.manual_seed(0)
    x, y = torch.randn(BATCH), torch.randint(10, BATCH[:1])

    def step(network: nn.Module) -> None:
        network.zero_grad()
        functional.cross_entropy(network(x), y).backward()

    networks = [build_network(named.network, named.sample, checked.context()), Released()]
    ours, released = fastest([lambda network=network: step(network) for network in networks], rounds=5)
    assert ours < 0.9 * released, f"{ours:.2f} s against {released:.2f} s"
