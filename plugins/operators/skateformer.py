"""Attention within partitions of frames and joints.

The network of SkateFormer (Do and Kim, "SkateFormer: Skeletal-Temporal Transformer for Human Action
Recognition", ECCV 2024): joints stand in groups of a body part each, and the persons of a clip side by side.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from skelbench.components import BuildContext
from skelbench.errors import SpecError
from skelbench.layers import DropPath

_BASE = 10_000
_KERNEL = 7


class SkateEmbed(nn.Module):
    """Joints by body part and persons side by side, brought to a width, with their places in the clip.

    Three 1x1 convolutions with GELU between them, then a learned vector of the joint times sines and cosines
    of the frame: of ``2 t / T - 1`` for frame t of T. The released code takes the frames' places in the whole
    recording; those in the clip stand for them here.

    Args:
        context: Shape of a clip.
        channels: Output channels, even.
        parts: Joints of each body part, as many in each; empty: all joints in their order.

    Raises:
        SpecError: The body parts are not of one size.
    """

    time: Tensor
    order: Tensor

    def __init__(self, context: BuildContext, channels: int, parts: Sequence[Sequence[int]] = ()) -> None:
        super().__init__()
        chosen = parts or [range(context.joints)]
        if len({len(part) for part in chosen}) > 1:
            what = "body parts of as many joints each are wanted"
            raise SpecError(what, remedy="Leave joints out, or put them into other 'parts'")
        order = torch.tensor([joint for part in chosen for joint in part], device="cpu")
        self.register_buffer("order", order, persistent=False)
        first, second = 2 * context.channels, 3 * context.channels
        self.stem = nn.Sequential(
            nn.Conv2d(context.channels, first, 1),
            nn.GELU(),
            nn.Conv2d(first, second, 1),
            nn.GELU(),
            nn.Conv2d(second, channels, 1),
        )
        self.joint = nn.Parameter(torch.empty(channels, context.persons * len(order)))
        nn.init.trunc_normal_(self.joint, std=0.02)
        self.register_buffer("time", _waves(context.frames, channels), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V, M) -> (N, channels, T, M * V'), person by person."""
        x = x[:, :, :, self.order].transpose(3, 4).flatten(3)
        return self.stem(x) + self.time[:, :, None] * self.joint[:, None]


def _waves(frames: int, channels: int) -> Tensor:
    """Sines and cosines by turns of the place of a frame in its clip: (channels, T)."""
    with torch.device("cpu"):
        place = 2 * torch.arange(frames) / frames - 1
        pace = _BASE ** (-torch.arange(0, channels, 2) / channels)
        angle = pace[:, None] * place
        return torch.stack([angle.sin(), angle.cos()], 1).flatten(0, 1)


class SkateBlock(nn.Module):
    """Joints by learned graphs, frames by a convolution, both by attention in partitions; then an MLP.

    A linear map of the normalised features gives a quarter of its channels to each of the first two, and the
    queries, keys and values of four kinds of partition the rest: frames that are neighbours or lie ``T / 8``
    apart, with joints that are neighbours or lie far apart.

    Args:
        context: Channels, frames and joints.
        near: Neighbouring joints of a partition; None: all.
        far: Joints of a partition that lie apart; None: all.
        window: Frames of a partition; None, or where there are no more: all.
        groups: Groups of channels, each with a graph and temporal convolutions of its own.
        heads: Of attention, in each kind of partition.
        mlp: The width of the MLP in widths of the block.
        dropout: Share of attention dropped in training.
        drop_path: Share of samples that leave the block out in training.
        scale: Scores are divided by the root of the ``width`` of a head, or as released of the ``heads``.
        bias: A learned bias knows how many ``frames`` lie between two tokens; as released that of near joints
            is indexed by the ``tokens`` and knows joints instead.

    Raises:
        SpecError: The partitions do not divide frames, joints or channels.
    """

    def __init__(
        self,
        context: BuildContext,
        near: int | None = None,
        far: int | None = None,
        window: int | None = None,
        groups: int = 1,
        heads: int = 1,
        mlp: float = 4.0,
        dropout: float = 0.5,
        drop_path: float = 0.0,
        scale: str = "width",
        bias: str = "frames",
    ) -> None:
        super().__init__()
        width, joints, window = (
            context.channels,
            context.joints,
            min(window or context.frames, context.frames),
        )
        near, far = near or joints, far or joints
        _confirm(context, near, far, window, groups, heads)
        self.graph = nn.Parameter(torch.empty(groups, joints, joints))
        nn.init.trunc_normal_(self.graph, std=0.02)
        self.norm, self.mlp_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.split = nn.Linear(width, 2 * width)
        part = width // 4
        self.conv = nn.Conv2d(part, part, (_KERNEL, 1), padding=(_KERNEL // 2, 0), groups=groups)
        score = (heads if scale == "heads" else width // 8 // heads) ** -0.5
        self.attention = nn.ModuleList(
            PartitionAttention(window, count, heads, score, dropout, far_frames, far_joints, bias == "tokens")
            for far_frames in (False, True)
            for count, far_joints in ((near, False), (far, True))
        )
        self.join = nn.Linear(width, width)
        inside = round(mlp * width)
        self.mlp = nn.Sequential(nn.Linear(width, inside), nn.GELU(), nn.Linear(inside, width))
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) -> (N, C, T, V)."""
        y = x.permute(0, 2, 3, 1)  # (N, T, V, C)
        y = y + self.drop_path(self.join(self.mixed(self.split(self.norm(y)))))
        y = y + self.drop_path(self.mlp(self.mlp_norm(y)))
        return y.permute(0, 3, 1, 2)

    def mixed(self, x: Tensor) -> Tensor:
        """(N, T, V, 2 C) -> (N, T, V, C)."""
        width = x.shape[-1] // 2
        joints, frames, rest = x.split([width // 4, width // 4, 3 * width // 2], -1)
        heads = joints.unflatten(-1, (len(self.graph), -1))  # (N, T, U, H, C / 4 H)
        gathered = torch.einsum("ntuhc,hvu->ntvhc", heads, self.graph).flatten(-2)
        convolved = self.conv(frames.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        attended = [one(part) for one, part in zip(self.attention, rest.chunk(4, -1), strict=True)]
        return torch.cat([gathered, convolved, *attended], -1)


class PartitionAttention(nn.Module):
    """Attention among the tokens of each partition.

    Args:
        window: Frames of a partition.
        count: Joints of a partition.
        heads: Of attention.
        scale: Of scores.
        dropout: Share of attention dropped in training.
        far_frames: Frames of a partition lie as far apart as they can, else they are neighbours.
        far_joints: The same of joints, which the bias tells apart then.
        by_token: The bias of near joints is that of the tokens' numbers, as released.
    """

    index: Tensor

    def __init__(
        self,
        window: int,
        count: int,
        heads: int,
        scale: float,
        dropout: float,
        far_frames: bool,
        far_joints: bool,
        by_token: bool,
    ) -> None:
        super().__init__()
        self.sizes, self.far = (window, count), (far_frames, far_joints)
        self.scale, self.dropout = scale, dropout
        lags = 2 * window - 1
        shape = (lags, count, count, heads) if far_joints else (lags, heads)
        self.bias = nn.Parameter(torch.empty(shape))
        nn.init.trunc_normal_(self.bias, std=0.02)
        with torch.device("cpu"):
            token = torch.arange(window * count)
            frame, joint = token // count, token % count
            if by_token and not far_joints:
                frame = token % window
            lag = frame[:, None] - frame + window - 1
            place = (lag * count + joint[:, None]) * count + joint if far_joints else lag
        self.register_buffer("index", place, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, V, 3 C) -> (N, T, V, C)."""
        batch, frames, joints, _ = x.shape
        rows = self._partitions(x)  # (N, P, L, 3 C)
        heads = (part.unflatten(-1, (self.bias.shape[-1], -1)) for part in rows.chunk(3, -1))
        q, k, v = (part.transpose(2, 3).flatten(0, 1) for part in heads)
        bias = self.bias.flatten(0, -2)[self.index].permute(2, 0, 1).to(q.dtype)  # (H, L, L)
        dropout = self.dropout if self.training else 0.0
        y = functional.scaled_dot_product_attention(
            q, k, v, attn_mask=bias, dropout_p=dropout, scale=self.scale
        )
        return self._back(y.transpose(1, 2).flatten(2), batch, frames, joints)

    def _partitions(self, x: Tensor) -> Tensor:
        (window, count), (far_frames, far_joints) = self.sizes, self.far
        x = x.unflatten(2, (count, -1) if far_joints else (-1, count))
        x = x.unflatten(1, (window, -1) if far_frames else (-1, window))
        frames = (2, 1) if far_frames else (1, 2)  # which partition, and where in it
        joints = (4, 3) if far_joints else (3, 4)
        x = x.permute(0, frames[0], joints[0], frames[1], joints[1], 5)
        return x.flatten(3, 4).flatten(1, 2)

    def _back(self, y: Tensor, batch: int, frames: int, joints: int) -> Tensor:
        (window, count), (far_frames, far_joints) = self.sizes, self.far
        y = y.view(batch, frames // window, joints // count, window, count, -1)
        order = ((3, 1) if far_frames else (1, 3)) + ((4, 2) if far_joints else (2, 4))
        return y.permute(0, *order, 5).flatten(3, 4).flatten(1, 2)


def _confirm(context: BuildContext, near: int, far: int, window: int, groups: int, heads: int) -> None:
    remedy = "Take numbers that divide them, or change what stands before the block"
    for name, count, whole, of in (
        ("near", near, context.joints, "joints"),
        ("far", far, context.joints, "joints"),
        ("window", window, context.frames, "frames"),
    ):
        if whole % count:
            raise SpecError(f"'{name}' ({count}) does not divide the {whole} {of}", remedy=remedy)
    if context.channels % (8 * heads) or context.channels % (4 * groups):
        wanted = f"{4 * groups} (4 x groups) and {8 * heads} (8 x heads)"
        what = f"{context.channels} channels are no multiple of {wanted}"
        raise SpecError(what, remedy="Let what stands before it give one, or take fewer groups and heads")
