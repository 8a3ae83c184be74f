"""Training steps on a GPU by precision and memory layout: time and peak memory, as ratios in one process."""

from __future__ import annotations

import statistics
import time
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from skelbench.check.spec import check_spec
from skelbench.host.registry import load_registry
from skelbench.space.network import build_network
from skelbench.spec.resolve import load_spec
from skelbench.training.devices import single_precision

DEVICE, STEPS, WARM_UP = "cuda", 7, 3
HALF = {"bf16": torch.bfloat16, "16": torch.float16}
SIZES = {
    ("sgcn", "2s-agcn"): (64, 3, 300, 25, 2),
    ("sgcn", "st-gcn"): (64, 3, 300, 25, 2),
    ("sgn", "sgn"): (64, 3, 20, 25, 2),
    ("esan", "esan"): (64, 3, 20, 25, 2),
    ("varnas", "r2plus1d-18"): (16, 3, 16, 112, 112),
}
VARIANTS = ("32", "32 last", "tf32", "tf32 last", "bf16", "bf16 last", "16", "32 again")

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")


def network(spec: str, name: str, last: bool) -> nn.Module:
    """A published network, with its weights channels last in memory if asked."""
    checked = check_spec(load_spec(spec), load_registry())
    architecture = checked.architectures[name]
    torch.manual_seed(0)
    net = build_network(architecture.network, architecture.sample, checked.context()).to(DEVICE).train()
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    for weight in net.parameters():
        if last and weight.dim() in formats:
            weight.data = weight.data.contiguous(memory_format=formats[weight.dim()])
    return net


def step(net: nn.Module, x: torch.Tensor, y: torch.Tensor, precision: str) -> None:
    """Forward, backward and the optimizer, which keeps its state in no variant."""
    half = HALF.get(precision)
    with torch.autocast(DEVICE, half or torch.bfloat16, enabled=half is not None):
        loss = functional.cross_entropy(net(x).float(), y)
    (loss * (1024 if precision == "16" else 1)).backward()
    with torch.no_grad():
        for weight in net.parameters():
            weight.grad = None


def measured(spec: str, name: str, variant: str, x: torch.Tensor, y: torch.Tensor) -> dict[str, float]:
    """Median and quartiles in milliseconds, and peak MiB."""
    precision, _, layout = variant.partition(" ")
    net, times = network(spec, name, layout == "last"), []
    with single_precision(precision == "tf32"):
        for number in range(WARM_UP + STEPS):
            if number == WARM_UP:
                torch.cuda.reset_peak_memory_stats()
            torch.cuda.synchronize()
            start = time.perf_counter()
            step(net, x, y, precision)
            torch.cuda.synchronize()
            times.append((time.perf_counter() - start) * 1e3)
    low, middle, high = statistics.quantiles(times[WARM_UP:], n=4)
    return {"ms": middle, "low": low, "high": high, "mib": torch.cuda.max_memory_allocated() / 2**20}


@pytest.mark.parametrize(("spec", "name"), SIZES, ids=[name for _, name in SIZES])
def test_training_steps(benchmark: Any, spec: str, name: str) -> None:
    shape, video = SIZES[spec, name], spec == "varnas"
    x = torch.randint(256, shape, dtype=torch.uint8) if video else torch.randn(shape)
    clips, labels = x.to(DEVICE), torch.randint(60, shape[:1], device=DEVICE)
    found = {variant: measured(spec, name, variant, clips, labels) for variant in VARIANTS}
    base = found["32"]
    for variant, row in found.items():
        benchmark.extra_info[variant] = row | {f"{k}_ratio": row[k] / base[k] for k in ("ms", "mib")}
    benchmark.pedantic(torch.cuda.synchronize, rounds=1)
    assert found["bf16"]["ms"] < base["ms"]
