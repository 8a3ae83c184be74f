"""A step of VAR-NAS's supernet with sampled operators against all of them: time and memory.

Ratios are taken within one run on one machine; absolute figures go to the report only.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from skelbench_plugins.strategies.viterbi import Viterbi
from torch import nn

from skelbench.check.checked import Checked
from skelbench.check.spec import check_spec
from skelbench.host.registry import load_registry
from skelbench.space.build import OpenTrellis, SupernetSpace
from skelbench.space.trellises import Trellis
from skelbench.spec.resolve import load_spec

from .clock import fastest
from .memory import peak_bytes, saved_bytes

BATCH = 8
OPERATORS = {"one": 1, "two": 2, "all": None}


def checked() -> Checked:
    return check_spec(load_spec("varnas-shrec"), load_registry())


def supernet(spec: Checked) -> tuple[nn.Module, Trellis]:
    """The supernet in small, as a search trains it."""
    torch.manual_seed(0)
    space: nn.Module = SupernetSpace(spec.network, spec.context())
    (place,) = (name for name, module in space.named_modules() if isinstance(module, OpenTrellis))
    trellis = space.get_submodule(place).trellis
    space.set_submodule(place, trellis)
    return space, trellis


def weigh(spec: Checked, trellis: Trellis, operators: int | None) -> None:
    """The weights of a search that has not learned anything, over so many operators of each layer."""
    search = Viterbi(spec.space, seed=0, epochs=20, sampled=operators is not None)
    with torch.no_grad():
        trellis.take(search._sampled(search._shares(), operators or 0))


def clips(spec: Checked) -> tuple[torch.Tensor, torch.Tensor]:
    shape = spec.clip_shape(BATCH)
    return torch.randint(0, 256, shape, dtype=torch.uint8), torch.randint(spec.dataset.classes, (BATCH,))


def loss(network: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    return nn.functional.cross_entropy(network(batch[0]), batch[1])


def step(network: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    network.zero_grad()
    loss(network, batch).backward()


@pytest.fixture(scope="module")
def built() -> tuple[Checked, nn.Module, Trellis]:
    spec = checked()
    return spec, *supernet(spec)


def test_sampled_operators_make_a_step_faster_and_lighter(built: Any, benchmark: Any) -> None:
    spec, network, trellis = built
    batch = clips(spec)

    def run(operators: int | None) -> None:
        weigh(spec, trellis, operators)
        step(network, batch)

    seconds = fastest([partial(run, operators) for operators in OPERATORS.values()])
    kept, peaks = [], []
    for operators in OPERATORS.values():
        weigh(spec, trellis, operators)
        kept.append(saved_bytes(network, partial(loss, network, batch)))
        network.zero_grad()
        peaks.append(peak_bytes(partial(step, network, batch)))
    measures = {"ms": (seconds, 1e-3), "saved_mib": (kept, 2**20), "peak_mib": (peaks, 2**20)}
    for measure, (values, unit) in measures.items():
        figures = {name: value / unit for name, value in zip(OPERATORS, values, strict=True)}
        shares = {name: value / values[-1] for name, value in zip(OPERATORS, values, strict=True)}
        benchmark.extra_info[measure] = figures
        benchmark.extra_info[f"{measure}_of_all"] = shares
    benchmark.pedantic(run, args=(1,), rounds=1)
    assert seconds[0] < seconds[2]
    assert kept[0] < kept[1] < kept[2]
    assert peaks[0] < peaks[2]
