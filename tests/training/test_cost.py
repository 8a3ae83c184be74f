"""Costs agree with counting by hand, and counting leaves the network alone."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from skelbench.errors import SkelbenchError
from skelbench.training.cost import cost, latency

WIDTHS = st.integers(1, 8)


class Mixed(nn.Module):
    """One of each counted operation."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 6, (3, 1), padding=(1, 0), groups=2)
        self.linear = nn.Linear(6, 5)
        self.graph = nn.Parameter(torch.randn(7, 7))

    def forward(self, x):
        x = self.conv(x) @ self.graph
        x = torch.einsum("nctv,nctw->ncvw", x, x)
        return self.linear(x.mean((2, 3)))


def conv_macs(inputs, outputs, kernel, positions):
    return inputs * outputs * kernel * positions


def test_every_product_is_counted_once():
    counted = cost(Mixed(), (1, 4, 9, 7))
    conv = conv_macs(2, 6, 3, 9 * 7)
    graph = 6 * 9 * 7 * 7
    einsum = 6 * 7 * 9 * 7
    linear = 6 * 5
    assert counted.macs == conv + graph + einsum + linear
    assert counted.flops == 2 * counted.macs
    assert counted.params == (2 * 6 * 3 + 6) + (6 * 5 + 5) + 49


@settings(max_examples=20, deadline=None)
@given(
    st.integers(1, 8), st.integers(1, 8), st.sampled_from([1, 3, 9]), st.integers(1, 30), st.integers(1, 2)
)
def test_convolution_follows_the_formula(inputs, outputs, kernel, frames, stride):
    conv = nn.Conv2d(inputs, outputs, (kernel, 1), (stride, 1), (kernel // 2, 0))
    steps = -(-frames // stride)
    assert cost(conv, (1, inputs, frames, 5)).macs == conv_macs(inputs, outputs, kernel, steps * 5)


def test_rows_open_sequences_and_sum_to_the_total():
    net = nn.Sequential(
        nn.Conv2d(3, 4, 1), nn.Sequential(nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1)), nn.Flatten()
    )
    counted = cost(net, (1, 3, 5, 6))
    assert [row["name"] for row in counted.rows] == ["0", "1.0", "1.1", "2"]
    assert sum(row["macs"] for row in counted.rows) == counted.macs
    assert sum(row["params"] for row in counted.rows) == counted.params
    assert [row["output_shape"] for row in counted.rows][-2:] == [(1, 2, 5, 6), (1, 60)]


def test_shared_parameters_count_once():
    layer = nn.Linear(3, 3)
    counted = cost(nn.Sequential(layer, layer), (1, 3))
    assert counted.params == 12
    assert counted.macs == 18


def test_module_is_left_unchanged():
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)).train()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    tensors = {name: tensor.data_ptr() for name, tensor in net.named_parameters()}
    cost(net, (1, 3, 5, 6))
    assert net.training
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())
    assert {name: tensor.data_ptr() for name, tensor in net.named_parameters()} == tensors
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())


def test_large_networks_are_counted_without_memory():
    with torch.device("meta"):
        net = nn.Linear(1_000_000, 1_000_000)  # 4 TB if it were real
    assert cost(net, (1, 1_000_000)).macs == 10**12


def test_input_that_does_not_fit_says_so():
    with pytest.raises(SkelbenchError, match="does not take an input of 1 x 5 x 6 x 7") as caught:
        cost(nn.Conv2d(3, 4, 1), (1, 5, 6, 7))
    assert "(1, C, T, V, M)" in str(caught.value)


def test_latency_is_positive_and_restores_the_mode():
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)).train()
    measured = latency(net, torch.randn(2, 3, 5, 6), warmup=1, repeats=4)
    assert measured.ms > 0
    assert measured.iqr >= 0
    assert measured.device
    assert measured.threads == torch.get_num_threads()
    assert net.training
    assert net[1].num_batches_tracked == 0


def test_latency_draws_no_random_numbers_of_the_run():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    latency(nn.Identity(), torch.zeros(1, 2), warmup=0, repeats=1)
    assert torch.equal(torch.rand(1), expected)


def test_latency_of_no_pass_is_refused():
    with pytest.raises(SkelbenchError, match="cannot be timed"):
        latency(nn.Identity(), torch.zeros(1), repeats=0)


def test_latency_grows_with_work():
    small, large = nn.Linear(8, 8), nn.Linear(3000, 3000)
    clips = torch.zeros(1, 64, 3000)
    assert latency(large, clips, repeats=5).ms > latency(small, clips[..., :8], repeats=5).ms


def test_latency_takes_one_clip_after_the_other():
    seen = []

    class Note(nn.Module):
        def forward(self, x):
            seen.append((tuple(x.shape), float(x[0, 0])))

    latency(Note(), torch.arange(3.0)[:, None], warmup=2, repeats=4)
    assert seen == [((1, 1), float(value)) for value in (0, 1, 2, 0, 1, 2)]
