"""Whether AdaSGN's time follows its MACs: frames grouped by choice against all models run and masked."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from skelbench.check.spec import check_spec
from skelbench.engine.complexity import complexity, forget_choices
from skelbench.host.registry import load_registry
from skelbench.layers import prepare_for_inference
from skelbench.space.network import build_network
from skelbench.spec.resolve import load_spec

from .clock import fastest

BATCH, FRAMES, CLIP = 64, 20, (1, 3, 20, 25, 1)
CHOICES = 6
S1, B25 = 0, 5


class Told(nn.Module):
    """A policy that gives clip n the choices (N, T) that it was told, once for a smaller batch."""

    def __init__(self, choices: Tensor) -> None:
        super().__init__()
        self.gates = nn.functional.one_hot(choices, CHOICES).transpose(1, 2).float()

    def forward(self, x: Tensor) -> Tensor:
        return self.gates[: len(x)]


def network(name: str) -> nn.Module:
    """An architecture of AdaSGN's spec for one person."""
    spec = check_spec(load_spec("adasgn", sets=("data.clip.persons=1",)), load_registry())
    arch = spec.architectures[name]
    return build_network(arch.network, arch.sample, spec.context()).eval()


def told(adaptive: nn.Module, choices: Tensor) -> nn.Module:
    """The same network with these choices (N, T) instead of its policy's."""
    node: Any = adaptive.get_submodule("body.0")
    node.policy = Told(choices)
    return adaptive


def masked(adaptive: nn.Module, x: Tensor) -> Tensor:
    """Every model on every frame, then the chosen one's features, as published code computes it."""
    net: Any = adaptive
    node = net.body[0]
    x = net.input(x)
    features = [model(x) for model in node.models.values()]
    gates = node.policy(features[0])
    return net.head(sum(f * gates[:, k, None, :, None] for k, f in enumerate(features)))


def uniform(*choices: int, batch: int = BATCH) -> Tensor:
    """The choices one after the other over all frames of all clips, (N, T)."""
    return torch.tensor(choices).repeat(batch * FRAMES // len(choices) + 1)[: batch * FRAMES].view(batch, -1)


@pytest.fixture(scope="module")
def pair() -> tuple[nn.Module, nn.Module]:
    """AdaSGN as it is trained, and the same weights prepared."""
    torch.manual_seed(0)
    plain = network("adasgn")
    return plain, prepare_for_inference(plain)


@pytest.mark.parametrize(
    ("choices", "times"), [((S1,), 20.0), ((S1, B25), 3.5), (tuple(range(CHOICES)), 3.5)], ids=str
)
def test_grouped_against_masked(
    benchmark: Any, pair: tuple[nn.Module, nn.Module], choices: Sequence[int], times: float
) -> None:
    plain, prepared = (told(one, uniform(*choices)) for one in pair)
    x = torch.randn(BATCH, *CLIP[1:])
    with torch.inference_mode():
        assert torch.allclose(prepared(x), masked(plain, x), atol=1e-4)
        runs = [partial(masked, plain, x), partial(masked, prepared, x), partial(prepared, x)]
        published, same, grouped = fastest(runs, 5)
        benchmark.extra_info.update(masked_ms=published * 1e3, grouped_ms=grouped * 1e3)
        benchmark.extra_info.update(ratio=published / grouped, ratio_prepared=same / grouped)
        benchmark.pedantic(prepared, args=(x,), rounds=2)
    assert published >= times * grouped


def test_all_of_the_largest_is_no_slower_than_sgn(benchmark: Any, pair: tuple[nn.Module, nn.Module]) -> None:
    adaptive, sgn = told(pair[1], uniform(B25)), network("sgn")
    x = torch.randn(BATCH, *CLIP[1:])
    with torch.inference_mode():
        runs = [partial(sgn, x), partial(prepare_for_inference(sgn), x), partial(adaptive, x)]
        plain, prepared, grouped = fastest(runs, 5)
        benchmark.extra_info.update(ratio=grouped / plain, ratio_prepared=grouped / prepared)
        benchmark.pedantic(adaptive, args=(x,), rounds=2)
    assert grouped <= plain


def test_time_follows_macs(benchmark: Any, pair: tuple[nn.Module, nn.Module]) -> None:
    plain, prepared = pair
    rng, x = torch.Generator().manual_seed(0), torch.randn(BATCH, *CLIP[1:])
    seconds, gmacs = [], []
    with torch.inference_mode():
        for _ in range(10):
            shares = torch.distributions.Dirichlet(torch.full((CHOICES,), 0.4)).sample()
            choices = torch.multinomial(shares, BATCH * FRAMES, True, generator=rng).view(BATCH, FRAMES)
            told(plain, choices)
            told(prepared, choices)
            forget_choices(plain)
            plain(x)
            gmacs.append(complexity(plain, CLIP)["macs"] / 1e9)
            seconds.append(fastest([partial(prepared, x)], 3)[0])
        benchmark.pedantic(prepared, args=(x,), rounds=2)
    squared = float(np.corrcoef(gmacs, seconds)[0, 1] ** 2)
    benchmark.extra_info.update(r_squared=squared, gmacs=gmacs, seconds=seconds)
    assert squared > 0.95


def test_one_clip(benchmark: Any, pair: tuple[nn.Module, nn.Module]) -> None:
    x = torch.randn(*CLIP)
    small, large = (told(prepare_for_inference(pair[0]), uniform(choice, batch=1)) for choice in (S1, B25))
    with torch.inference_mode():
        least, most = fastest([partial(small, x), partial(large, x)], 40)
        benchmark.extra_info.update(s1_ms=least * 1e3, b25_ms=most * 1e3, ratio=most / least)
        benchmark.pedantic(small, args=(x,), rounds=20)
    assert most >= 3 * least
