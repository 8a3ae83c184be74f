"""Training steps on a GPU by precision and memory layout: time and peak memory, as ratios in one process."""

from __future__ import annotations

import statistics
import time
from typing import Any

import pytest
import torch
from skelbench_plugins.operators.esan import EsanBlock
from torch import nn
from torch.nn import functional

from skelbench.check.spec import check_spec
from skelbench.host.registry import load_registry
from skelbench.space.network import build_network
from skelbench.spec.resolve import load_spec
from skelbench.training.batches import on_device
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
    ratios(benchmark, found)
    assert found["bf16"]["ms"] < found["32"]["ms"]


def times(work: Any, count: int = 21) -> dict[str, float]:
    """Median and quartiles in milliseconds of work that a GPU does, and its peak MiB."""
    found = []
    for number in range(WARM_UP + count):
        if number == WARM_UP:
            torch.cuda.reset_peak_memory_stats()
        torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        found.append((time.perf_counter() - start) * 1e3)
    low, middle, high = statistics.quantiles(found[WARM_UP:], n=4)
    return {"ms": middle, "low": low, "high": high, "mib": torch.cuda.max_memory_allocated() / 2**20}


def ratios(benchmark: Any, found: dict[str, dict[str, float]]) -> None:
    """Every row, and its time and memory as shares of the first one's."""
    base = next(iter(found.values()))
    for name, row in found.items():
        benchmark.extra_info[name] = row | {f"{k}_ratio": row[k] / base[k] for k in ("ms", "mib")}
    benchmark.pedantic(torch.cuda.synchronize, rounds=1)


@pytest.mark.parametrize("precision", ["32", "bf16"])
@pytest.mark.parametrize("kind", ["st", "t1"])
def test_fused_attention(benchmark: Any, monkeypatch: pytest.MonkeyPatch, kind: str, precision: str) -> None:
    """A training step of the attention network whose scores fill a table, and by the fused operation."""
    net = network("esan-ucla", f"type-{kind}", last=False)
    checked = check_spec(load_spec("esan-ucla"), load_registry())
    frames, joints = checked.context().frames, checked.context().joints
    x = torch.randn(64, 3, frames, joints, 1, device=DEVICE)
    y = torch.randint(10, (64,), device=DEVICE)
    fused = times(lambda: step(net, x, y, precision))
    with monkeypatch.context() as changed:
        changed.setattr(EsanBlock, "gather", lambda self, x, values: self.attention(x) @ values)
        found = {"table": times(lambda: step(net, x, y, precision)), "fused": fused}
    ratios(benchmark, found)


def test_pinned_copies(benchmark: Any) -> None:
    """Ten steps whose batches are copied between them, and out of pinned memory while others compute."""
    shape = SIZES["sgcn", "2s-agcn"]
    net = network("sgcn", "st-gcn", last=False)
    batches = [(torch.randn(shape), torch.randint(60, shape[:1])) for _ in range(10)]
    device = torch.device(DEVICE)

    def plain() -> None:
        for x, y in batches:
            step(net, x.to(device), y.to(device), "bf16")

    def pinned() -> None:
        for x, y in on_device(batches, device):
            step(net, x, y, "bf16")

    kept = [(x.to(device), y.to(device)) for x, y in batches]
    found = {
        "between": times(plain, 7),
        "pinned": times(pinned, 7),
        "already there": times(lambda: [step(net, x, y, "bf16") for x, y in kept], 7),
    }
    ratios(benchmark, found)
