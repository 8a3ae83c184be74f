"""What a network costs: parameters, MACs and FLOPs of one clip, and the time of a forward pass."""

from __future__ import annotations

import copy
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from skelbench.errors import SkelbenchError
from skelbench.training.convention import ModuleMacs
from skelbench.training.meta import shapes_alone


class CostRow(TypedDict):
    """The cost of one block.

    Attributes:
        name: Its path in the network, ``body.3``.
        params: Its parameters.
        macs: Its MACs.
        as_reported: Its MACs as `ModuleMacs` counts them.
        output_shape: The shape that it gives.
    """

    name: str
    params: int
    macs: int
    as_reported: int
    output_shape: tuple[int, ...]


@dataclass(frozen=True)
class Cost:
    """The cost of a network for one input.

    Attributes:
        params: All parameters, shared ones once.
        macs: Multiply-accumulates of convolutions and matrix products; work by element is not counted.
        flops: Two per MAC.
        as_reported: MACs as `ModuleMacs` counts them, for comparison with papers that count so.
        input_shape: What was counted.
        rows: One per block, in the order of the network.
    """

    params: int
    macs: int
    flops: int
    as_reported: int
    input_shape: tuple[int, ...]
    rows: tuple[CostRow, ...]


@dataclass(frozen=True)
class Latency:
    """The time of a forward pass.

    Attributes:
        ms: Median in milliseconds.
        iqr: Distance between the quartiles in milliseconds.
        device: Name of the device.
        threads: CPU threads that torch used.
        repeats: Passes that were timed.
    """

    ms: float
    iqr: float
    device: str
    threads: int
    repeats: int


def cost(module: nn.Module, input_shape: Sequence[int]) -> Cost:
    """Count without computing: shapes alone run through a copy that has no data.

    Args:
        module: The network; it is left as it is.
        input_shape: One clip with all its persons, (1, C, T, V, M).

    Raises:
        SkelbenchError: The network does not take such an input.
    """
    shape = tuple(input_shape)
    hollow = _without_data(module)
    try:
        (flops, as_reported), rows = _counted(hollow, shape, _blocks(hollow))
    except (RuntimeError, ValueError, IndexError) as error:
        raise SkelbenchError(
            f"the network does not take an input of {' x '.join(map(str, shape))}: {error}",
            remedy="Give the shape (1, C, T, V, M) that it was built for",
        ) from error
    return Cost(_params(module), flops // 2, flops, as_reported, shape, tuple(rows))


class Macs(NamedTuple):
    """MACs by two conventions.

    Attributes:
        macs: As `Cost.macs`.
        as_reported: As `Cost.as_reported`.
    """

    macs: int
    as_reported: int


def cost_of_parts(module: nn.Module, input_shape: Sequence[int], names: Sequence[str]) -> dict[str, Macs]:
    """The MACs of some modules inside another in one pass, however deep they stand.

    Args:
        module: The network; it is left as it is.
        input_shape: One clip with all its persons, (1, C, T, V, M).
        names: Their paths, as ``named_modules`` gives them; a part that is not run costs nothing.
    """
    hollow = _without_data(module)
    parts = ((name, hollow.get_submodule(name)) for name in names)
    _, rows = _counted(hollow, tuple(input_shape), parts)
    found = dict.fromkeys(names, Macs(0, 0))
    for row in rows:
        before = found[row["name"]]
        found[row["name"]] = Macs(before.macs + row["macs"], before.as_reported + row["as_reported"])
    return found


def _counted(
    hollow: nn.Module, shape: tuple[int, ...], parts: Iterable[tuple[str, nn.Module]]
) -> tuple[tuple[int, int], list[CostRow]]:
    """One pass of shapes alone.

    Returns:
        The FLOPs of all of it and its MACs as `ModuleMacs` counts them, and a row each time that one of
        ``parts`` has run.
    """
    products, modules = FlopCounterMode(display=False), ModuleMacs()
    rows: list[CostRow] = []

    def totals() -> tuple[int, int]:
        return int(products.get_total_flops()), modules.total

    for name, part in parts:
        _watch(name, part, totals, rows)
    with shapes_alone(), products, modules:
        hollow(torch.empty(shape, device="meta"))
    return totals(), rows


def _without_data(module: nn.Module) -> nn.Module:
    """A copy in evaluation mode whose parameters and buffers are on the meta device."""
    memo: dict[int, Any] = {}
    for parameter in module.parameters():
        memo[id(parameter)] = nn.Parameter(
            torch.empty_like(parameter, device="meta"), requires_grad=parameter.requires_grad
        )
    for buffer in module.buffers():
        memo[id(buffer)] = torch.empty_like(buffer, device="meta")
    return copy.deepcopy(module, memo).eval()


def _blocks(module: nn.Module, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The network's children, sequences opened."""
    for name, child in module.named_children():
        if isinstance(child, nn.Sequential):
            yield from _blocks(child, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", child


def _watch(name: str, block: nn.Module, totals: Callable[[], tuple[int, int]], rows: list[CostRow]) -> None:
    """Let ``block`` add its row to ``rows`` when it has run."""
    before: list[tuple[int, int]] = []

    def note(*_: object) -> None:
        before.append(totals())

    def finish(block: nn.Module, _: object, output: torch.Tensor) -> None:
        flops, as_reported = (after - start for after, start in zip(totals(), before.pop(), strict=True))
        shape = tuple(output.shape)
        rows.append(
            CostRow(
                name=name,
                params=_params(block),
                macs=flops // 2,
                as_reported=as_reported,
                output_shape=shape,
            )
        )

    block.register_forward_pre_hook(note)
    block.register_forward_hook(finish)


def _params(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def latency(
    module: nn.Module,
    clips: torch.Tensor,
    device: str | torch.device = "cpu",
    warmup: int = 5,
    repeats: int = 20,
) -> Latency:
    """Time forward passes of one clip each in evaluation mode, without gradients.

    The module is back on its device and in its mode afterwards.

    Args:
        module: The network.
        clips: (n, C, T, V, M), n at least 1; each pass takes the next one, as the time of a network that
            chooses frame by frame depends on the clip.
        device: Where to run it.
        warmup: Passes before the timed ones.
        repeats: Timed passes.

    Raises:
        SkelbenchError: ``repeats`` is below 1.
    """
    if repeats < 1:
        raise SkelbenchError(f"{repeats} passes cannot be timed", remedy="Time one at least")
    target = torch.device(device)
    home = next((p.device for p in module.parameters()), target)
    training = module.training
    module.to(target).eval()
    try:
        seconds = _time(module, clips.to(target), warmup, repeats)
    finally:
        module.to(home).train(training)
    low, middle, high = np.percentile(np.array(seconds) * 1e3, [25, 50, 75])
    return Latency(float(middle), float(high - low), device_name(target), torch.get_num_threads(), repeats)


def _time(module: nn.Module, clips: torch.Tensor, warmup: int, repeats: int) -> list[float]:
    seconds = []
    with torch.inference_mode():
        for step in range(warmup + repeats):
            x = clips[step % len(clips)].unsqueeze(0)
            _wait(x.device)
            start = time.perf_counter()
            module(x)
            _wait(x.device)
            if step >= warmup:
                seconds.append(time.perf_counter() - start)
    return seconds


def _wait(device: torch.device) -> None:
    """Wait for work under way on an accelerator; calls return before it is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def device_name(device: str | torch.device = "cpu") -> str:
    """What the maker calls a device, ``NVIDIA H200`` or the processor's model."""
    target = torch.device(device)
    if target.type == "cuda":
        return torch.cuda.get_device_name(target)
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
