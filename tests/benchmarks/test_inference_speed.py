"""What preparing a network for inference saves: SGN's single models, prepared and as they are trained."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from skelbench.check.spec import check_spec
from skelbench.host.registry import load_registry
from skelbench.layers import prepare_for_inference
from skelbench.space.network import build_network
from skelbench.spec.resolve import load_spec

from .clock import fastest

ROUNDS = {64: 7, 1: 50}
"""By size of the batch."""


def model(name: str) -> nn.Module:
    """A single model for one person."""
    spec = check_spec(load_spec("sgn", sets=("data.clip.persons=1",)), load_registry())
    arch = spec.architectures[name]
    return build_network(arch.network, arch.sample, spec.context()).eval()


@pytest.mark.parametrize("batch", ROUNDS)
@pytest.mark.parametrize("name", ["sm0-25", "sm1-25", "sm1-9", "sm1-1"])
def test_prepared_is_no_slower(benchmark: Any, name: str, batch: int) -> None:
    torch.manual_seed(0)
    network = model(name)
    prepared = prepare_for_inference(network)
    x = torch.randn(batch, 3, 20, 25, 1)
    with torch.inference_mode():
        plain, faster = fastest([partial(network, x), partial(prepared, x)], ROUNDS[batch])
        benchmark.extra_info.update(plain_ms=plain * 1e3, prepared_ms=faster * 1e3, ratio=faster / plain)
        benchmark.pedantic(prepared, args=(x,), rounds=3)
    assert faster <= 1.1 * plain


@pytest.mark.parametrize(("space", "name"), [("sgcn", "2s-agcn"), ("varnas-shrec", "r2plus1d")])
def test_folded_normalisations_are_no_slower(benchmark: Any, space: str, name: str) -> None:
    spec = check_spec(load_spec(space, profile="quick"), load_registry())
    arch = spec.architectures[name]
    network = build_network(arch.network, arch.sample, spec.context()).eval()
    prepared, x = prepare_for_inference(network), torch.rand(spec.clip_shape(4))
    with torch.inference_mode():
        plain, faster = fastest([partial(network, x), partial(prepared, x)], rounds=9)
        benchmark.extra_info.update(plain_ms=plain * 1e3, prepared_ms=faster * 1e3, ratio=faster / plain)
        benchmark.pedantic(prepared, args=(x,), rounds=3)
    assert faster <= 1.1 * plain
