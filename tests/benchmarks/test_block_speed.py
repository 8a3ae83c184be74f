"""Graph-convolution blocks: time beside what is kept for the backward pass, against plain ways in one run.

The bounds on memory are what released code keeps of the same networks and batches: 2s-AGCN 617 MiB, SGCN's
supernet with all modules 860 MiB (8 clips of 64 frames each), ST-GCN 268 MiB (4 clips).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import torch
from skelbench_plugins.operators import stgcn
from skelbench_plugins.operators.ends import DataBn
from skelbench_plugins.operators.graph_conv import graph_conv
from torch import Tensor, nn
from torch.nn import functional

from ..plugins.test_graph_conv import by_subset
from .clock import fastest
from .memory import peak_bytes, saved_bytes
from .nets import named, step
from .test_supernet_speed import build_supernet, mix_all

MIB = 2**20
ROUNDS = 5


def batch(clips: int, frames: int) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    return torch.randn(clips, 3, frames, 25, 2), torch.randint(60, (clips,))


def loss(network: nn.Module, clips: tuple[Tensor, Tensor]) -> Tensor:
    return functional.cross_entropy(network(clips[0]), clips[1])


@contextmanager
def published() -> Iterator[None]:
    """Blocks as they were published: subset by subset, the channels first in memory."""
    ours = stgcn.graph_conv, DataBn.forward

    def channels_first(module: DataBn, x: Tensor) -> Tensor:
        return ours[1](module, x).contiguous()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stgcn, "graph_conv", by_subset)
        patch.setattr(DataBn, "forward", channels_first)
        yield


def as_published(run: Callable[[], Any]) -> Any:
    with published():
        return run()


@pytest.mark.parametrize(("channels", "frames"), [(64, 64), (128, 32), (256, 16)])
def test_graph_convolution(benchmark: Any, channels: int, frames: int) -> None:
    torch.manual_seed(0)
    x, graph = torch.randn(16, channels, frames, 25), torch.randn(16, 3, 25, 25, requires_grad=True)
    weight = torch.randn(channels, 3 * channels, requires_grad=True)
    last = x.contiguous(memory_format=torch.channels_last)

    def run(conv: Callable[..., Tensor], x: Tensor) -> None:
        y = conv(x.requires_grad_(), graph, weight, None)
        y.backward(x)

    ways = {"plain": (by_subset, x), "ours": (graph_conv, last)}
    seconds = fastest([partial(run, *way) for way in ways.values()], ROUNDS)
    kept = [saved_bytes(nn.Module(), partial(conv, x, graph, weight, None)) for conv, x in ways.values()]
    benchmark.extra_info.update(zip((f"{way}_ms" for way in ways), (1e3 * s for s in seconds), strict=True))
    benchmark.extra_info.update(
        zip((f"{way}_saved_mib" for way in ways), (k / MIB for k in kept), strict=True)
    )
    benchmark.extra_info["ratio"] = seconds[1] / seconds[0]
    benchmark.pedantic(run, args=ways["ours"], rounds=1)
    assert kept[1] < 0.6 * kept[0]
    assert seconds[1] < 1.1 * seconds[0]


@pytest.mark.parametrize("name", ["2s-agcn", "st-gcn", "sgcn"])
def test_training_step_of_a_network(benchmark: Any, name: str) -> None:
    network, clips = named(name, frames=32), batch(8, 32)
    run, keep = partial(step, network, clips), partial(saved_bytes, network, partial(loss, network, clips))
    plain, ours = fastest([partial(as_published, run), run])
    kept, peaks = [as_published(keep), keep()], [as_published(partial(peak_bytes, run)), peak_bytes(run)]
    benchmark.extra_info.update(plain_ms=plain * 1e3, ours_ms=ours * 1e3, ratio=ours / plain)
    benchmark.extra_info.update(saved_mib=[k / MIB for k in kept], peak_mib=[p / MIB for p in peaks])
    benchmark.pedantic(run, rounds=1)
    assert kept[1] < kept[0]
    assert peaks[1] < peaks[0]


@pytest.mark.parametrize(("name", "clips", "released"), [("2s-agcn", 8, 617), ("st-gcn", 4, 268)])
def test_saved_activations_are_fewer_than_the_releases(
    benchmark: Any, name: str, clips: int, released: int
) -> None:
    network, given = named(name, frames=64), batch(clips, 64)
    kept = saved_bytes(network, partial(loss, network, given)) / MIB
    benchmark.extra_info["saved_mib"] = kept
    benchmark.pedantic(loss, args=(network, given), rounds=1)
    assert kept < released


def test_supernet_keeps_less_than_the_release(benchmark: Any) -> None:
    network, given = build_supernet(frames=64), batch(8, 64)
    mix_all(network)
    kept = saved_bytes(network, partial(loss, network, given)) / MIB
    benchmark.extra_info["saved_mib"] = kept
    benchmark.pedantic(loss, args=(network, given), rounds=1)
    assert kept < 860
