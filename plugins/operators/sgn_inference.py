"""SGN's modules rewritten for evaluation: the same values in fewer and larger products.

What does not depend on the input is computed once, batch normalisation becomes part of the product
beside it, and features are rows (frame, joint) of channels, which is how channels-last memory has them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

# On a CPU so many rows go through all layers at a time: the next layer finds them in the cache.
ROWS = 3200


class PreparedJoints(nn.Module):
    """`SgnJoints` with the joint types as a table; one product mixes and normalises the coordinates.

    Args:
        module: A `SgnJoints` in evaluation mode.

    Raises:
        ValueError: It is in training mode.
    """

    coordinates: Tensor
    shift: Tensor
    table: Tensor

    @torch.no_grad()
    def __init__(self, module: Any) -> None:
        super().__init__()
        self.register_buffer("table", module.joint(module.one_hot)[0, :, 0].T.contiguous())
        count = len(self.table)
        norms = [_scale_and_shift(norm) for norm, _ in (module.position, module.velocity)]
        self.position, self.velocity = module.position[1], module.velocity[1]
        # One row for each joint w that is given and channel c: the sum over v of M[v, w] x[c, v], normalised.
        scale, shift = (torch.cat(parts).unflatten(0, (-1, count)) for parts in zip(*norms, strict=True))
        mixture = torch.eye(count).to(scale) if module.mixture is None else module.mixture.weight
        channels = torch.eye(len(scale)).to(scale)
        weight = torch.einsum("cd,cw,vw->wcdv", channels, scale, mixture)
        self.register_buffer("coordinates", weight.flatten(2).flatten(0, 1))
        self.register_buffer("shift", shift.T.flatten())

    def forward(self, x: Tensor) -> Tensor:
        """(N, 2 C, T, V), positions before velocities, -> (N, channels, T, joints), channels last."""
        frames = x.transpose(1, 2).flatten(2).flatten(0, 1)  # (N T, 2 C V)
        joints, half = self.table.shape
        z = x.new_empty(len(frames), joints, 2 * half)
        z[..., half:] = self.table
        size = _block(x, joints)
        for start in range(0, len(frames), size):
            block = slice(start, start + size)
            z[block, :, :half] = self.embed(frames[block])
        return z.unflatten(0, (len(x), x.shape[2])).permute(0, 3, 1, 2)

    def embed(self, frames: Tensor) -> Tensor:
        """(frames, 2 C V) -> (frames, joints, channels / 2)."""
        coordinates = functional.linear(frames, self.coordinates, self.shift)
        position, velocity = coordinates.unflatten(1, (len(self.table), -1)).chunk(2, 2)
        return _two_layers(self.position, position) + _two_layers(self.velocity, velocity)


class PreparedSpatial(nn.Module):
    """`SgnSpatial` with theta and phi as one form: row i of G is the softmax over j of (A x_i + a) . x_j.

    With A = Phi^T Theta and a = Phi^T (bias of theta); what else the product of theta and phi has is the
    same for all j, and a softmax over j does not change by it. Of one joint no graph is computed.

    Args:
        module: A `SgnSpatial` in evaluation mode.

    Raises:
        ValueError: It is in training mode.
    """

    form: Tensor
    linear: Tensor

    @torch.no_grad()
    def __init__(self, module: Any) -> None:
        super().__init__()
        theta, phi = module.theta.weight.flatten(1), module.phi.weight.flatten(1)
        self.register_buffer("form", phi.T @ theta)
        self.register_buffer("linear", phi.T @ module.theta.get_parameter("bias"))
        self.layers = nn.ModuleList(PreparedLayer(layer) for layer in module.layers)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) -> (N, channels of the last layer, T, 1)."""
        rows = x.permute(0, 2, 3, 1).flatten(0, 1).contiguous()  # (N T, V, C)
        y = torch.cat([self.frames(part) for part in rows.split(_block(x, x.shape[3]))])
        return y.unflatten(0, (len(x), x.shape[2])).transpose(1, 2).unsqueeze(3)

    def frames(self, x: Tensor) -> Tensor:
        """(frames, V, C) -> (frames, channels of the last layer)."""
        graph = None
        if x.shape[1] > 1:
            scores = functional.linear(x, self.form, self.linear) @ x.transpose(1, 2)
            graph = scores.softmax(2)
        for layer in self.layers:
            x = layer(x, graph)
        return x.amax(1)


class PreparedLayer(nn.Module):
    """`GraphLayer` without its normalisation, and its two products as one where the graph is 1.

    Args:
        layer: A `GraphLayer` in evaluation mode.

    Raises:
        ValueError: It is in training mode.
    """

    gathered: Tensor
    own: Tensor
    both: Tensor
    bias: Tensor

    @torch.no_grad()
    def __init__(self, layer: Any) -> None:
        super().__init__()
        scale, shift = _scale_and_shift(layer.bn)
        gathered, own = (conv.weight.flatten(1) * scale[:, None] for conv in (layer.gathered, layer.own))
        self.register_buffer("gathered", gathered)
        self.register_buffer("own", own)
        self.register_buffer("both", gathered + own)
        self.register_buffer("bias", layer.own.get_parameter("bias") * scale + shift)

    def forward(self, x: Tensor, graph: Tensor | None) -> Tensor:
        """(frames, V, C) and the graph (frames, V, V), None of one joint, -> (frames, V, channels)."""
        if graph is None:
            return functional.linear(x, self.both, self.bias).relu_()
        gathered = (graph @ x).flatten(0, 1)
        y = functional.linear(x.flatten(0, 1), self.own, self.bias).addmm_(gathered, self.gathered.T)
        return y.relu_().unflatten(0, graph.shape[:2])


class PreparedHead(nn.Module):
    """`SgnHead` with the frames as a table, and without normalisation and dropout.

    Args:
        module: A `SgnHead` in evaluation mode.

    Raises:
        ValueError: It is in training mode.
    """

    table: Tensor

    @torch.no_grad()
    def __init__(self, module: Any) -> None:
        super().__init__()
        _refuse_training(module)
        self.persons, self.linear = module.persons, module.linear
        self.register_buffer("table", module.frame(module.one_hot))
        layers: Any = module.layers
        self.first = fuse_conv_bn_eval(layers[0], layers[1]).to(memory_format=torch.channels_last)
        self.second = fuse_conv_bn_eval(layers[4], layers[5]).to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        """(N * M, C, T, V) -> (N, classes)."""
        frames = (x.amax(3, keepdim=True) + self.table).contiguous(memory_format=torch.channels_last)
        persons = self.second(self.first(frames).relu_()).amax((2, 3)).relu_()
        return self.linear(persons.unflatten(0, (-1, self.persons)).mean(1))


def _block(x: Tensor, joints: int) -> int:
    """How many frames of so many joints go through all layers at a time, where x is."""
    return max(1, ROWS // joints if x.device.type == "cpu" else x.shape[0] * x.shape[2])


def _scale_and_shift(norm: Any) -> tuple[Tensor, Tensor]:
    """What a batch normalisation multiplies by and adds in evaluation.

    Raises:
        ValueError: It is in training mode, and does something else.
    """
    _refuse_training(norm)
    scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
    return scale, norm.bias - norm.running_mean * scale


def _refuse_training(module: nn.Module) -> None:
    if module.training:
        raise ValueError(f"{type(module).__name__} can be prepared for inference in evaluation mode only")


def _two_layers(layers: Any, rows: Tensor) -> Tensor:
    """Two 1x1 convolutions, each with ReLU, of rows."""
    for index in (0, 2):
        rows = functional.linear(rows, layers[index].weight.flatten(1), layers[index].bias).relu_()
    return rows
