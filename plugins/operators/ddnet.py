"""A small network on joint distances and motion at two scales: Yang et al., MMAsia 2019 ("DD-Net").

Features are (N M, C, T, 1): no joints are left behind the input. The Keras code released with the paper
normalises channels; the PyTorch port that many use normalises frames, divides distances by their mean over
the clip and does not centre positions, which ``port`` brings back.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

from skelbench.components import BuildContext

SLOPE = 0.2


class FrameConv(nn.Module):
    """LeakyReLU(BN(convolution over frames)): (N, C, T) -> (N, O, T).

    Args:
        channels: Input channels.
        out_channels: Output channels.
        kernel: Frames that it sees, odd.
        frames: Frames T to normalise one by one; None: channels are normalised.
    """

    def __init__(self, channels: int, out_channels: int, kernel: int, frames: int | None) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, out_channels, kernel, padding=kernel // 2, bias=False)
        self.by_frame = frames is not None
        self.bn = nn.BatchNorm1d(frames or out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Features of each frame."""
        y = self.conv(x)
        y = self.bn(y.transpose(1, 2)).transpose(1, 2) if self.by_frame else self.bn(y)
        return functional.leaky_relu(y, SLOPE)


class DistanceMotion(nn.Module):
    """Embeds distances between joints and their motion over one and over two frames, at half the frames.

    Args:
        context: Shape of a clip.
        embed: Channels of each of the three embeddings.
        dropout: Share of channels dropped in training.
        port: As in the PyTorch port.
    """

    pairs: Tensor

    def __init__(
        self, context: BuildContext, embed: int = 64, dropout: float = 0.1, port: bool = False
    ) -> None:
        super().__init__()
        frames, joints = context.frames, context.joints
        self.port = port
        pairs = torch.triu_indices(joints, joints, 1)
        self.register_buffer("pairs", pairs, persistent=False)
        moved = joints * context.channels
        half = (frames + 1) // 2
        self.distances = _stem(pairs.shape[1], embed, dropout, frames if port else None)
        self.slow = _stem(moved, embed, dropout, frames if port else None)
        self.fast = _stem(moved, embed, dropout, half if port else None)
        self.pool = nn.MaxPool1d(2, ceil_mode=True)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V, M) -> (N * M, 3 * embed, T / 2 rounded up, 1)."""
        points = x.permute(0, 4, 2, 3, 1).flatten(0, 1)  # (N M, T, V, C)
        distances = self.between_joints(points)
        if not self.port:
            points = points - points.mean((1, 2), keepdim=True)
        parts = (
            self.pool(self.distances(distances)),
            self.pool(self.slow(_motion(points))),
            self.fast(_motion(points[:, ::2])),
        )
        return torch.cat(parts, 1).unsqueeze(-1)

    def between_joints(self, points: Tensor) -> Tensor:
        """Distances of all pairs of joints: (N, T, V, C) -> (N, V (V - 1) / 2, T)."""
        first, second = self.pairs.unbind(0)
        apart = (points[:, :, first] - points[:, :, second]).norm(dim=-1)
        if self.port:
            mean = apart.mean((1, 2), keepdim=True)
            apart = (apart - mean) / mean.clamp(min=1e-6)
        return apart.transpose(1, 2)


class FrameConvs(nn.Module):
    """Two convolutions over three frames, and the largest of every two frames.

    Args:
        context: Channels and frames.
        channels: Output channels; None: as the input has.
        pool: Whether frames are halved.
        dropout: Share of channels dropped in training.
        port: As in the PyTorch port.
    """

    def __init__(
        self,
        context: BuildContext,
        channels: int | None = None,
        pool: bool = True,
        dropout: float = 0.0,
        port: bool = False,
    ) -> None:
        super().__init__()
        given, frames = channels or context.channels, context.frames if port else None
        self.convs = nn.Sequential(
            FrameConv(context.channels, given, 3, frames), FrameConv(given, given, 3, frames)
        )
        self.pool = nn.MaxPool1d(2, ceil_mode=True) if pool else nn.Identity()
        self.dropout = nn.Dropout1d(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) -> (N, O, T or T / 2 rounded up, V), each joint by itself."""
        joints = x.shape[-1]
        rows = x.permute(0, 3, 1, 2).flatten(0, 1)
        rows = self.dropout(self.pool(self.convs(rows)))
        return rows.unflatten(0, (-1, joints)).permute(0, 2, 3, 1)


class MaxDenseHead(nn.Module):
    """The largest over frames and joints, two hidden layers, a linear layer; scores of persons are averaged.

    Args:
        context: Channels, persons and classes.
        hidden: Channels of the hidden layers.
        dropout: Share of hidden channels dropped in training.
        port: As in the PyTorch port: hidden layers have a bias beside their normalisation.
    """

    def __init__(
        self, context: BuildContext, hidden: int = 128, dropout: float = 0.5, port: bool = False
    ) -> None:
        super().__init__()
        self.persons = context.persons
        self.first = _dense(context.channels, hidden, dropout, bias=port)
        self.second = _dense(hidden, hidden, dropout, bias=port)
        self.linear = nn.Linear(hidden, context.classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N * M, C, T, V) -> (N, classes)."""
        scores = self.linear(self.second(self.first(x.amax((2, 3)))))
        return scores.view(-1, self.persons, scores.shape[1]).mean(1)


def _stem(inputs: int, channels: int, dropout: float, frames: int | None) -> nn.Sequential:
    return nn.Sequential(
        FrameConv(inputs, 2 * channels, 1, frames),
        nn.Dropout1d(dropout),
        FrameConv(2 * channels, channels, 3, frames),
        nn.Dropout1d(dropout),
        FrameConv(channels, channels, 1, frames),
    )


def _dense(inputs: int, outputs: int, dropout: float, *, bias: bool) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            linear=nn.Linear(inputs, outputs, bias=bias),
            bn=nn.BatchNorm1d(outputs),
            activation=nn.LeakyReLU(SLOPE),
            dropout=nn.Dropout(dropout),
        )
    )


def _motion(points: Tensor) -> Tensor:
    """Changes from frame to frame, stretched over all frames: (N, T, V, C) -> (N, V * C, T)."""
    rows = points.flatten(2).transpose(1, 2)
    frames = rows.shape[2]
    if frames == 1:
        return torch.zeros_like(rows)
    return functional.interpolate(rows[..., 1:] - rows[..., :-1], frames, mode="linear", align_corners=False)
