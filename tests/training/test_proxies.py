"""Zero-cost proxies: what they are of networks small enough to see it, and that they leave networks alone."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from skelbench.training.proxies import PROXIES, rate


class Flat(nn.Module):
    """A linear layer on flattened clips, with an activation or none."""

    def __init__(self, activation: nn.Module | None = None) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 2, bias=False)
        self.activation = activation or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.linear(x.flatten(1)))


X = torch.randn(4, 3, 2, 1, 1, generator=torch.Generator().manual_seed(0))
Y = torch.tensor([0, 1, 0, 1])


def test_synflow_is_the_sum_over_weights_of_what_flows_through_them():
    network = Flat()
    wanted = float(
        network.linear.weight.detach().abs().sum()
    )  # ones go in, and each weight's gradient is one
    assert rate("synflow", network, X, Y) == pytest.approx(wanted, rel=1e-6)


def test_the_norm_of_the_gradient_is_that_of_the_loss():
    network = Flat()
    chances = torch.softmax(network(X), 1).detach()
    gradient = (chances - torch.eye(2)[Y]).T @ X.flatten(1) / 4
    assert rate("grad_norm", network, X, Y) == pytest.approx(float(gradient.norm()), rel=1e-5)


def test_patterns_of_activations_are_compared():
    network = Flat(nn.ReLU())
    with torch.no_grad():
        on = (network(X) > 0).double()
    alike = on @ on.T + (1 - on) @ (1 - on).T
    wanted = float(torch.linalg.slogdet(alike).logabsdet)
    assert rate("naswot", network, X, Y) == pytest.approx(max(wanted, -1e6))
    assert rate("naswot", Flat(), X, Y) == -1e6, "nothing is on or off"


def test_a_layer_whose_activations_tell_clips_apart_is_worth_more():
    torch.manual_seed(0)
    wide = nn.Sequential(nn.Flatten(), nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 2))
    assert rate("naswot", wide, X, Y) > rate("naswot", Flat(nn.ReLU()), X, Y)


@pytest.mark.parametrize("proxy", PROXIES)
def test_a_network_is_left_as_it_was(proxy):
    network = Flat(nn.ReLU()).eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    figure = rate(proxy, network, X, Y)
    assert math.isfinite(figure)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not network.training
    assert all(weight.grad is None for weight in network.parameters())
    assert rate(proxy, network, X, Y) == figure
