"""Graph convolutions against the formula taken subset by subset: values, gradients, and what is kept."""

from __future__ import annotations

import pytest
import torch
from skelbench_plugins.operators.graph_conv import PointConv, graph_conv
from torch import nn
from torch.nn import functional

from tests.benchmarks.memory import saved_bytes

C, OUT, T, V, N = 5, 7, 6, 25, 3
FORMATS = pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])


def by_subset(x, graph, weight, bias=None):
    """As the published code has it: one convolution for each subset, all of them added up."""
    subsets = weight.unflatten(1, (-1, x.shape[1])).unbind(1)
    graphs = graph.movedim(-3, 0)[..., None, :, :] if graph.dim() == 4 else graph
    terms = [functional.conv2d(x @ one, w[..., None, None]) for one, w in zip(graphs, subsets, strict=True)]
    total = sum(terms[1:], start=terms[0])
    return total if bias is None else total + bias[:, None, None]


def given(batched, biased, dtype=torch.float64, memory=torch.contiguous_format):
    torch.manual_seed(0)
    x = torch.randn(N, C, T, V, dtype=dtype).contiguous(memory_format=memory)
    graph = torch.randn(*([N] if batched else []), 3, V, V, dtype=dtype)
    weight = torch.randn(OUT, 3 * C, dtype=dtype)
    bias = torch.randn(OUT, dtype=dtype) if biased else None
    return [None if value is None else value.requires_grad_() for value in (x, graph, weight, bias)]


def gradients(run, values, upward):
    run(*values).backward(upward)
    return [value.grad for value in values if value is not None]


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("biased", [False, True])
@FORMATS
class TestGraphConv:
    def test_follows_the_formula_and_its_gradients(self, batched, biased, memory):
        upward = torch.randn(N, OUT, T, V, dtype=torch.float64)
        found, expected = (given(batched, biased, memory=memory) for _ in range(2))
        assert torch.allclose(graph_conv(*found), by_subset(*expected), atol=1e-10)
        pairs = zip(gradients(graph_conv, found, upward), gradients(by_subset, expected, upward), strict=True)
        assert all(torch.allclose(one, other, atol=1e-10) for one, other in pairs)

    def test_gives_the_same_without_gradients(self, batched, biased, memory):
        values = given(batched, biased, memory=memory)
        with torch.no_grad():
            assert torch.equal(
                graph_conv(*values), graph_conv(*(v if v is None else v.clone() for v in values))
            )
        with torch.inference_mode():
            assert torch.allclose(graph_conv(*values), by_subset(*values), atol=1e-10)

    def test_channels_of_the_output_are_last_in_memory(self, batched, biased, memory):
        y = graph_conv(*given(batched, biased, memory=memory))
        assert y.is_contiguous(memory_format=torch.channels_last)

    def test_keeps_nothing_but_what_it_is_given(self, batched, biased, memory):
        x, graph, weight, bias = given(batched, biased, memory=memory)
        kept = saved_bytes(nn.Module(), lambda: graph_conv(x, graph, weight, bias))
        assert kept == 8 * (x.numel() + graph.numel() + weight.numel())

    def test_a_second_derivative_is_that_of_the_formula(self, batched, biased, memory):
        def curvature(run):
            values = [value for value in given(batched, biased, memory=memory) if value is not None]
            loss = run(*values, *[None] * (4 - len(values))).square().sum()
            first = torch.autograd.grad(loss, values, create_graph=True)
            return torch.autograd.grad(sum(grad.square().sum() for grad in first), values)

        pairs = zip(curvature(graph_conv), curvature(by_subset), strict=True)
        assert all(torch.allclose(one, other, rtol=1e-8) for one, other in pairs)


@pytest.mark.parametrize("batched", [False, True])
def test_mixed_precision_gives_the_same_but_for_rounding(batched):
    upward = torch.randn(N, OUT, T, V)
    exact, rough = (given(batched, biased=True, dtype=torch.float32) for _ in range(2))
    expected = gradients(graph_conv, exact, upward)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = graph_conv(*rough)
    y.backward(upward.to(y.dtype))
    assert y.dtype == torch.bfloat16
    for value, wanted in zip(rough, expected, strict=True):
        assert value.grad.dtype == torch.float32
        assert functional.cosine_similarity(value.grad.flatten(), wanted.flatten(), 0) > 0.999


@pytest.mark.parametrize("needed", range(4))
def test_only_the_gradients_that_are_asked_for_are_taken(needed):
    values = [
        value.detach().requires_grad_(place == needed)
        for place, value in enumerate(given(batched=True, biased=True))
    ]
    graph_conv(*values).sum().backward()
    assert [value.grad is not None for value in values] == [place == needed for place in range(4)]


@FORMATS
@pytest.mark.parametrize("stride", [1, 2, 3])
class TestPointConv:
    def pair(self, stride):
        torch.manual_seed(0)
        ours, plain = PointConv(8, 16, stride), nn.Conv2d(8, 16, 1, (stride, 1))
        plain.load_state_dict(ours.state_dict())
        return ours, plain

    def test_equals_the_convolution(self, memory, stride):
        x = torch.randn(4, 8, 7, 5)
        results = []
        for conv, given in zip(self.pair(stride), (x.contiguous(memory_format=memory), x), strict=True):
            given = given.clone().requires_grad_()
            y = conv(given)
            y.square().sum().backward()
            results.append([y, given.grad, conv.weight.grad, conv.bias.grad])
        assert all(torch.allclose(*pair, atol=1e-4) for pair in zip(*results, strict=True))

    @pytest.mark.parametrize("mixed", [False, True])
    def test_trains_at_the_size_that_ended_the_process(self, memory, stride, mixed):
        conv, _ = self.pair(stride)
        x = torch.randn(64, 8, 56, 56).contiguous(memory_format=memory).requires_grad_()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=mixed):
            conv(x).sum().backward()
        assert x.grad.isfinite().all()
