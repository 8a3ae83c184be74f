"""Shipped networks prepared for inference: the same scores, and no normalisation left after a convolution."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from skelbench.check.spec import check_spec
from skelbench.host.registry import load_registry
from skelbench.layers import prepare_for_inference
from skelbench.space.network import build_network
from skelbench.spec.resolve import load_spec

NETWORKS = [
    ("sgcn", "2s-agcn"),
    ("sgcn", "st-gcn"),
    ("sgcn", "sgcn"),
    ("sarnas", "sarnas-cs"),
    ("varnas-shrec", "r2plus1d"),
    ("varnas-shrec", "random"),
]


@pytest.fixture(params=NETWORKS, ids=lambda pair: pair[1])
def network(request):
    """In double precision, its normalisations as if it had learned something, and clips for it."""
    space, name = request.param
    checked = check_spec(load_spec(space, profile="quick"), load_registry())
    torch.manual_seed(0)
    arch = checked.architectures[name]
    built = build_network(arch.network, arch.sample, checked.context()).double()
    for module in built.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            for values in (module.weight, module.running_var):
                nn.init.uniform_(values, 0.5, 1.5)
            for values in (module.bias, module.running_mean):
                nn.init.normal_(values, 0, 0.3)
    shape = checked.clip_shape(2)
    if checked.dataset.modality == "video":  # from bytes to numbers in single precision
        return built.float().eval(), torch.randint(0, 256, shape, dtype=torch.uint8)
    return built.eval(), torch.randn(shape, dtype=torch.double)


def norms(network):
    return [m for m in network.modules() if isinstance(m, nn.BatchNorm2d | nn.BatchNorm3d)]


@torch.no_grad()
def test_scores_are_the_same_without_a_normalisation_after_a_convolution(network):
    plain, x = network
    prepared = prepare_for_inference(plain)
    assert norms(plain)
    assert not norms(prepared)
    expected = plain(x)
    error = 1e-9 if expected.dtype == torch.double else 1e-5
    assert torch.allclose(prepared(x), expected, atol=error * float(expected.abs().max()))
    assert expected.std() > 0
