"""Graph convolutions: y = sum_k W_k (x . G_k) over a graph's K subsets, kept small for the backward pass.

Features are taken with the channels last in memory, (N, T, V, C): the joints of each frame are then the rows
of a matrix, all subsets are gathered in one product, and one more mixes the channels. What the first product
gives is K times as large as the input. It is not kept but computed again in the backward pass, which takes
about a tenth of the time of the convolution.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


def graph_conv(x: Tensor, graph: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """The graph convolution of features, which keeps nothing but its arguments for the backward pass.

    Args:
        x: (N, C, T, V), best with the channels last in memory.
        graph: (K, V, V) or (N, K, V, V); entry [k, i, j] weighs what joint j takes from joint i.
        weight: (O, K * C).
        bias: (O,).

    Returns:
        (N, O, T, V), the channels last in memory.
    """
    device = x.device.type
    if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device):
        dtype = torch.get_autocast_dtype(device)
        x, graph, weight = x.to(dtype), graph.to(dtype), weight.to(dtype)
        bias = None if bias is None else bias.to(dtype)
    rows = x.permute(0, 2, 3, 1)
    # Where nothing is kept, or others trace what is computed, autograd's own way serves.
    traced = torch.compiler.is_compiling()
    run = _GraphConv.apply if torch.is_grad_enabled() and not traced else _forward
    y: Tensor = run(rows, graph, weight, bias)
    return y.permute(0, 3, 1, 2)


def _forward(rows: Tensor, graph: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """(N, T, V, C) -> (N, T, V, O)."""
    return functional.linear(_gathered(rows, _by_target(graph)), weight, bias)


def _by_target(graph: Tensor) -> Tensor:
    """(K, V, V) or (N, K, V, V) -> (1 or N, 1, V * K, V): for each joint its subsets, then what they take."""
    joints = graph.shape[-1]
    return graph.movedim(-1, -3).reshape(-1, 1, graph.shape[-3] * joints, joints)


def _gathered(rows: Tensor, by_target: Tensor) -> Tensor:
    """(N, T, V, C) -> (N, T, V, K * C)."""
    return _per_frame(by_target, rows).view(*rows.shape[:3], -1)


def _per_frame(matrix: Tensor, rows: Tensor) -> Tensor:
    """One matrix (1 or N, 1, R, S) for all frames of a sample, times (N, T, S, C) -> (N, T, R, C).

    `torch.matmul` copies matrices of samples for every frame, which took two fifths of its time on
    processors, at 64 channels. It serves where what is computed is differentiated again or traced.
    """
    followed = torch.is_grad_enabled() or torch.compiler.is_compiling()
    if followed or len(matrix) == 1 or rows.device.type != "cpu":
        return torch.matmul(matrix, rows)
    batch, frames, _, channels = rows.shape
    out = rows.new_empty(batch, frames, matrix.shape[-2], channels)
    for sample in range(batch):
        torch.bmm(matrix[sample].expand(frames, -1, -1), rows[sample], out=out[sample])
    return out


class _GraphConv(torch.autograd.Function):
    """`_forward` with a backward pass that gathers again."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, graph: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(rows, graph, weight)
        ctx.biased = bias is not None
        return _forward(rows, graph, weight, bias)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        rows, graph, weight = ctx.saved_tensors
        need_rows, need_graph, need_weight, need_bias = ctx.needs_input_grad
        by_target, flat = _by_target(graph), grads[0].reshape(-1, len(weight))
        of_rows = of_graph = of_weight = of_bias = None
        if need_rows or need_graph:
            joints, channels = rows.shape[2:]
            of_gathered = (flat @ weight).view(*rows.shape[:2], -1, channels)
            if need_rows:
                of_rows = _per_frame(by_target.mT, of_gathered)
            if need_graph:
                pairs = torch.matmul(of_gathered, rows.mT)  # (N, T, V * K, V)
                pairs = pairs.sum(1 if graph.dim() == 4 else (0, 1))
                of_graph = pairs.unflatten(-2, (joints, -1)).movedim(-3, -1)
        if need_weight:
            of_weight = flat.T @ _gathered(rows, by_target).flatten(0, 2)
        if ctx.biased and need_bias:
            of_bias = flat.sum(0)
        return of_rows, of_graph, of_weight, of_bias


class PointConv(nn.Conv2d):
    """A 1x1 convolution as a linear layer of every position, the channels last in memory.

    The positions of its stride are taken first: with a stride, channels last, the backward pass of torch
    2.13's convolution ended the process on processors.

    Args:
        channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Step between frames.
    """

    folds = True

    def __init__(self, channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__(channels, out_channels, 1, (stride, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) -> (N, C', T / stride rounded up, V)."""
        rows = x[:, :, :: self.stride[0]].permute(0, 2, 3, 1)
        return functional.linear(rows, self.weight.flatten(1), self.bias).permute(0, 3, 1, 2)
