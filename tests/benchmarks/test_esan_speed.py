"""What a MAC of the published ESAN costs in time, against one of a plain SGN measured in the same run."""

from __future__ import annotations

import time
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from skelbench.check.spec import check_spec
from skelbench.host.registry import load_registry
from skelbench.space.network import build_network
from skelbench.spec.resolve import load_spec
from skelbench.training.cost import cost

BATCH, FRAMES, JOINTS, CLASSES = 64, 20, 25, 60
ROUNDS = 7


class Sgn(nn.Module):
    """The semantics-guided network of Zhang et al., CVPR 2020, for one person, written plainly."""

    def __init__(self) -> None:
        super().__init__()
        self.position = nn.ModuleList([nn.BatchNorm1d(3 * JOINTS), two_layers(3, 64, 64)])
        self.velocity = nn.ModuleList([nn.BatchNorm1d(3 * JOINTS), two_layers(3, 64, 64)])
        self.joint = two_layers(JOINTS, 64, 64)
        self.frame = two_layers(FRAMES, 64, 256)
        self.theta, self.phi = nn.Conv2d(128, 256, 1), nn.Conv2d(128, 256, 1)
        self.graph_convs = nn.ModuleList([GraphConv(128, 128), GraphConv(128, 256), GraphConv(256, 256)])
        self.over_time = nn.Sequential(
            nn.Conv2d(256, 256, (3, 1), padding=(1, 0)),
            nn.BatchNorm2d(256),
            nn.ReLU(),
            nn.Dropout2d(0.2),
            nn.Conv2d(256, 512, 1),
            nn.BatchNorm2d(512),
            nn.ReLU(),
        )
        self.linear = nn.Linear(512, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, T, V, 1) -> (N, classes)."""
        x = x[..., 0]
        velocity = functional.pad(x[:, :, 1:] - x[:, :, :-1], (0, 0, 1, 0))
        z = embedded(self.position, x) + embedded(self.velocity, velocity)
        joint = self.joint(torch.eye(JOINTS, device=x.device).view(1, JOINTS, 1, JOINTS))
        z = torch.cat([z, joint.expand(len(z), -1, FRAMES, -1)], 1)
        graph = (self.theta(z).permute(0, 2, 3, 1) @ self.phi(z).permute(0, 2, 1, 3)).softmax(-1)
        for graph_conv in self.graph_convs:
            z = graph_conv(z, graph)
        frame = self.frame(torch.eye(FRAMES, device=x.device).view(1, FRAMES, FRAMES, 1))
        z = self.over_time(z.amax(3, keepdim=True) + frame)
        return self.linear(z.amax((2, 3)))


class GraphConv(nn.Module):
    """ReLU(BN(W (G x) + W1 x))."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__()
        self.around, self.own = nn.Conv2d(inputs, channels, 1, bias=False), nn.Conv2d(inputs, channels, 1)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor, graph: Tensor) -> Tensor:
        """x (N, C, T, V), graph (N, T, V, V)."""
        gathered = (graph @ x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return functional.relu(self.bn(self.around(gathered) + self.own(x)))


def two_layers(inputs: int, hidden: int, channels: int) -> nn.Sequential:
    first, second = nn.Conv2d(inputs, hidden, 1), nn.Conv2d(hidden, channels, 1)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU())


def embedded(parts: nn.ModuleList, x: Tensor) -> Tensor:
    """Normalise each coordinate of each joint, then two layers: (N, 3, T, V) -> (N, 64, T, V)."""
    norm, layers = parts
    rows = norm(x.transpose(2, 3).flatten(1, 2))
    return layers(rows.unflatten(1, (3, JOINTS)).transpose(2, 3))


def esan(name: str) -> nn.Module:
    """A published network for one person."""
    spec = check_spec(load_spec("esan", sets=("data.clip.persons=1",)), load_registry())
    arch = spec.architectures[name]
    return build_network(arch.network, arch.sample, spec.context()).eval()


def milliseconds(networks: list[nn.Module], x: Tensor) -> list[float]:
    """The least processor time of each, the networks taking turns so that all see the same load."""
    times: list[list[float]] = [[] for _ in networks]
    with torch.inference_mode():
        for turn in range(ROUNDS + 1):
            for network, taken in zip(networks, times, strict=True):
                start = time.process_time()
                network(x)
                if turn:
                    taken.append((time.process_time() - start) * 1e3)
    return [min(taken) for taken in times]


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("name", ["esan", "esan-directed"])
def test_a_mac_takes_no_longer_than_sgns(benchmark: Any, one_thread: None, name: str) -> None:
    torch.manual_seed(0)
    network, sgn = esan(name), Sgn().eval()
    one = (1, 3, FRAMES, JOINTS, 1)
    gmacs = [cost(module, one).macs / 1e9 for module in (network, sgn)]
    assert cost(sgn, one).params == 691_048  # as published
    x = torch.randn(BATCH, *one[1:])
    ms = milliseconds([network, sgn], x)
    mine, plain = (taken / (BATCH * macs) for taken, macs in zip(ms, gmacs, strict=True))
    benchmark.extra_info.update(
        esan_ms=ms[0], sgn_ms=ms[1], esan_gmacs=gmacs[0], sgn_gmacs=gmacs[1], ratio_per_mac=mine / plain
    )
    with torch.inference_mode():
        benchmark.pedantic(network, args=(x,), rounds=3)
    assert mine <= plain
