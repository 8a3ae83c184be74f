"""Counting module by module agrees with arithmetic by hand, on each kind of module alone."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from skelbench.training.convention import ModuleMacs
from skelbench.training.cost import cost

N, C, T, V = 1, 4, 6, 5
ELEMENTS = N * C * T * V
INPUT = (N, C, T, V)


def as_reported(module: nn.Module, shape: tuple[int, ...] = INPUT) -> int:
    return cost(module, shape).as_reported


class Calls(nn.Module):
    """A network of one function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (nn.Conv2d(C, 6, 1, bias=False), C * 6 * T * V),
        (nn.Conv2d(C, 6, 1), (C + 1) * 6 * T * V),
        (nn.Conv2d(C, 6, (3, 1), padding=(1, 0)), (3 * C + 1) * 6 * T * V),
        (nn.Conv2d(C, 6, (3, 1), stride=(2, 1)), (3 * C + 1) * 6 * 2 * V),
        (nn.Conv2d(C, 6, 1, groups=2), (C // 2 + 1) * 6 * T * V),
        (nn.Conv2d(C, C, 3, padding=1, groups=C, bias=False), 9 * C * T * V),
        (nn.ConvTranspose2d(C, 6, 2, stride=2), 4 * C * 6 * T * V + 6 * 2 * T * 2 * V),
        (nn.ConvTranspose2d(C, 6, 2, stride=2, groups=2, bias=False), 4 * C * 3 * T * V),
        (nn.Linear(V, 7), (V + 1) * 7 * C * T),
        (nn.Linear(V, 7, bias=False), V * 7 * C * T),
    ],
)
def test_layers_cost_their_macs_and_their_biases(module, expected):
    assert as_reported(module) == expected


@settings(max_examples=20)
@given(st.integers(1, 8), st.integers(1, 8), st.sampled_from([1, 3, 9]), st.integers(1, 30), st.booleans())
def test_a_convolution_without_bias_costs_what_it_costs_in_macs(inputs, outputs, kernel, frames, bias):
    conv = nn.Conv2d(inputs, outputs, (kernel, 1), padding=(kernel // 2, 0), bias=bias)
    counted = cost(conv, (2, inputs, frames, 5))
    assert counted.as_reported == counted.macs + bias * 2 * outputs * frames * 5


@pytest.mark.parametrize(
    "module",
    [
        *(nn.BatchNorm2d(C), nn.GroupNorm(2, C), nn.LayerNorm(V), nn.InstanceNorm2d(C, affine=True)),
        nn.Sequential(nn.Flatten(1, 2), nn.BatchNorm1d(C * T)),
    ],
)
def test_normalisation_costs_two_per_element(module):
    assert as_reported(module) == 2 * ELEMENTS


@pytest.mark.parametrize("module", [nn.BatchNorm2d(C, affine=False), nn.InstanceNorm2d(C)])
def test_normalisation_without_scale_costs_one_per_element(module):
    assert as_reported(module) == ELEMENTS


@pytest.mark.parametrize(
    "module",
    [
        *(nn.ReLU(), nn.ReLU(inplace=True), nn.LeakyReLU(), nn.PReLU(), nn.ELU()),
        *(Calls(functional.relu), Calls(functional.relu_), Calls(torch.relu), Calls(Tensor.relu_)),
    ],
    ids=str,
)
def test_relus_cost_one_per_element(module):
    assert as_reported(module) == ELEMENTS


@pytest.mark.parametrize(
    "module",
    [
        *(nn.MaxPool2d(3, 2, 1), nn.MaxPool2d(2, return_indices=False), nn.AvgPool2d(3, 1, 1)),
        *(
            nn.AdaptiveMaxPool2d((T, 1)),
            nn.AdaptiveAvgPool2d(1),
            Calls(lambda x: functional.max_pool2d(x, 2)),
        ),
        *(Calls(lambda x: x.amax(3)), Calls(lambda x: torch.amax(x, (2, 3))), Calls(lambda x: x.amax(dim=2))),
        Calls(lambda x: functional.max_pool2d(x, 2, return_indices=True)[0]),
        Calls(lambda x: functional.adaptive_max_pool1d(x[0], 1)),
    ],
    ids=str,
)
def test_pools_cost_one_per_element_that_they_take(module):
    assert as_reported(module) == ELEMENTS


@pytest.mark.parametrize(
    "function",
    [
        *(lambda x: x @ x.transpose(2, 3), lambda x: torch.bmm(x[0], x[0].transpose(1, 2))),
        *(lambda x: torch.einsum("nctv,nctw->nvw", x, x), lambda x: x @ x.new_empty(V, V)),
        *(lambda x: functional.softmax(x, 3), lambda x: x.mean((2, 3)), lambda x: x + 2 * x),
        *(torch.sigmoid, functional.dropout),
    ],
)
def test_products_of_matrices_and_all_else_cost_nothing(function):
    assert as_reported(Calls(function)) == 0


def test_arguments_may_be_named():
    weight, scale = torch.empty(6, C, 1, 1), torch.ones(C)
    x = torch.empty(INPUT)
    with ModuleMacs() as counter:
        torch.conv2d(input=x, weight=weight, bias=torch.empty(6))
        functional.batch_norm(x, running_mean=scale, running_var=scale, weight=scale, bias=scale)
    assert counter.total == (C + 1) * 6 * T * V + 2 * ELEMENTS


def test_it_counts_only_while_entered_and_changes_no_result():
    module, x = nn.Sequential(nn.Conv2d(C, 6, 1), nn.BatchNorm2d(6), nn.ReLU()).eval(), torch.randn(INPUT)
    expected = module(x)
    with ModuleMacs() as counter:
        assert torch.equal(module(x), expected)
    once = counter.total
    module(x)
    assert once == counter.total == (C + 1 + 2 + 1) * 6 * T * V


def test_module_is_left_as_it_is():
    module = nn.Sequential(nn.Conv2d(C, 6, 1), nn.BatchNorm2d(6), nn.ReLU(inplace=True)).train()
    before = copy.deepcopy(module.state_dict())
    assert as_reported(module) == as_reported(module)
    assert module.training
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert not any(parameter.is_meta for parameter in module.parameters())


def test_rows_sum_to_the_total():
    module = nn.Sequential(nn.Conv2d(C, 6, 1), nn.Sequential(nn.BatchNorm2d(6), nn.ReLU()), nn.Flatten())
    counted = cost(module, INPUT)
    assert [row["as_reported"] for row in counted.rows] == [ELEMENTS * 6 * (C + 1) // C, 360, 180, 0]
    assert counted.as_reported == sum(row["as_reported"] for row in counted.rows)


def test_every_person_counts():
    class Persons(nn.Module):
        """A convolution of each person, and a layer for the mean of them."""

        def __init__(self):
            super().__init__()
            self.conv, self.linear = nn.Conv2d(C, 6, 1), nn.Linear(6, 3)

        def forward(self, x: Tensor) -> Tensor:
            x = x.permute(0, 4, 1, 2, 3).flatten(0, 1)
            return self.linear(self.conv(x).amax((2, 3)).mean(0, keepdim=True))

    once, shared = (C + 1 + 1) * 6 * T * V, (6 + 1) * 3
    assert as_reported(Persons(), (*INPUT, 1)) == once + shared
    assert as_reported(Persons(), (*INPUT, 2)) == 2 * once + shared
