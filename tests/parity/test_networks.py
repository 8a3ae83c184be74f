"""Networks with the weights of the golden files compute what the released code computes."""

from __future__ import annotations

import pytest

from tests.parity.compared import check_pass, network_of
from tests.parity.golden import golden

DOUBLE = {"logits": 1e-6, "loss": 1e-7, "outputs": 1e-6, "gradients": 1e-6, "parameters": 1e-6}
SINGLE = {"logits": 5e-5, "loss": 1e-5, "outputs": 3e-4, "gradients": 5e-3}
SGCN = {**SINGLE, "logits": 1e-5}  # whose golden files were computed in single precision
SGN = ["sgn", *(f"adasgn-sm{size}-{joints}" for size in (0, 1) for joints in (25, 9, 1))]
CELLS = ["sarnas-cs", "sarnas-cv", "darts-v1", "darts-v2"]


@pytest.mark.parametrize("limits", [DOUBLE, SINGLE], ids=["double", "single"])
@pytest.mark.parametrize("name", [*SGN, *(pytest.param(name, marks=pytest.mark.slow) for name in CELLS)])
def test_network_agrees_with_the_released_code(name, limits):
    given = golden(name)
    network = network_of(given)
    assert sum(p.numel() for p in network.parameters()) == given["parameters"]
    if limits is DOUBLE:
        network.double()
    for mode in ("train", "eval"):
        check_pass(network, given, mode, limits)


@pytest.mark.parametrize(
    "name",
    [
        "sgcn-searched",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("sgcn-agcn", "sgcn-stcheb")),
    ],
)
def test_graph_network_agrees_with_the_released_code(name):
    given = golden(name)
    network = network_of(given)
    for mode in ("train", "eval"):
        check_pass(network, given, mode, SGCN)
