"""An efficient self-attention network for skeletons: Qin et al., Scientific Reports 2022 ("ESAN" here).

The published sizes, 0.89 M and 1.00 M parameters, are met by convolutions without bias and by
batch normalisation of the input and before the last ReLU of a block, which the paper leaves open.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from skelbench.components import BuildContext, Layout


class EsanEmbed(nn.Module):
    """Embeds joints and bones, their change over time, the joint type and the frame index (eq. 1 to 7).

    A person is a sequence by itself, where the paper lets the persons take turns in one sequence. In
    a frame that a person is absent from, the first one that is there takes their place, so that a
    recording of one person gives the same sequence M times and its scores are those of one sequence.

    Args:
        context: Shape of a clip, and the layout that gives the bones.
        channels: Output channels, even: half embed the coordinates, half the joint type.
        representation: ``J`` (joints), ``B`` (bones) or ``J+B`` (both, one after the other).
    """

    parents: Tensor

    def __init__(self, context: BuildContext, channels: int = 128, representation: str = "J+B") -> None:
        super().__init__()
        self.representation = representation
        inputs = context.channels * (2 if representation == "J+B" else 1)
        half = channels // 2
        self.position = _coordinates(inputs, context.joints, half)
        self.motion = _coordinates(inputs, context.joints, half)
        self.joint = OneHotEmbed(context.joints, half, along="joints")
        self.frame = OneHotEmbed(context.frames, channels, along="frames")
        self.register_buffer("parents", _parents(context.layout), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V, M) -> (N * M, channels, T, V), channels last in memory, as attention needs them."""
        x = fill_absent(x).permute(0, 4, 1, 2, 3).flatten(0, 1)
        x = self.represent(x)
        change = functional.pad(x[:, :, 1:] - x[:, :, :-1], (0, 0, 1, 0))
        z = self.position(x) + self.motion(change)
        joint = self.joint().expand(z.shape[0], -1, z.shape[2], -1)
        z = torch.cat([z, joint], 1) + self.frame()
        return z.contiguous(memory_format=torch.channels_last)

    def represent(self, x: Tensor) -> Tensor:
        """Joints, bones or both: (N, C, T, V) -> (N, C or 2C, T, V); the root's bone is zero (eq. 1)."""
        if self.representation == "J":
            return x
        bones = x - x[..., self.parents]
        return bones if self.representation == "B" else torch.cat([x, bones], 1)


class JointNorm(nn.BatchNorm1d):
    """Batch normalisation of every channel of every joint: (N, C, T, V) -> (N, C, T, V)."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise over clips and frames."""
        rows = super().forward(x.transpose(2, 3).flatten(1, 2))
        return rows.unflatten(1, (x.shape[1], x.shape[3])).transpose(2, 3)


class OneHotEmbed(nn.Module):
    """Two layers that embed the one-hot index of each joint or frame.

    Args:
        count: Joints or frames.
        channels: Output channels.
        along: ``joints`` or ``frames``.
    """

    one_hot: Tensor

    def __init__(self, count: int, channels: int, along: str) -> None:
        super().__init__()
        self.layers = _two_layers(count, channels)
        place = (1, count, 1, count) if along == "joints" else (1, count, count, 1)
        self.register_buffer("one_hot", torch.eye(count).view(place), persistent=False)

    def forward(self) -> Tensor:
        """(1, channels, 1, V) for joints, (1, channels, T, 1) for frames."""
        return self.layers(self.one_hot)


class EsanBlock(nn.Module):
    """Self-attention among joints, frames or both: y = ReLU(BN(h(f . g(x)) + residual(x))) (eq. 8 to 10).

    f = softmax(theta(x)^T phi(x)) weighs what each place takes from each source. Places and sources
    are, by type (Table 1):

    ====== ================================== =============
    ``st`` joints of all frames               (N, TV, TV)
    ``s1`` joints, in each frame by itself    (N, T, V, V)
    ``s2`` joints, once for all frames        (N, V, V)
    ``t1`` frames, of each joint by itself    (N, V, T, T)
    ``t2`` frames, once for all joints        (N, T, T)
    ``v``  as ``s1``                          (N, T, V, V)
    ====== ================================== =============

    The first five follow Fig. 4 without a bottleneck; where the channels change, h and a 1x1
    convolution in the residual change them. ``v`` is the published network's block (Fig. 5): no h,
    and a 3x1 convolution over frames is the residual.

    Args:
        context: Channels of the input.
        channels: Output channels.
        type: ``st``, ``s1``, ``s2``, ``t1``, ``t2`` or ``v``.
        directed: Whether phi has weights of its own; else it is theta, and the scores are symmetric.
        scale: ``none``, as the paper writes it; ``root``: scores are divided by the square root of the
            number of products they are a sum of (Vaswani et al., NeurIPS 2017); ``mean``: they are
            averaged over the frames of ``s2`` or the joints of ``t2`` and divided by the root of the
            channels alone. Before any training the entropy of undirected ``s2`` and ``t2`` in blocks 2
            to 4 is below 1 % of its maximum with ``none``, 20 to 44 % with ``root``, and with ``mean``
            about that of ``s1`` with ``root``, 90 %.
    """

    def __init__(
        self,
        context: BuildContext,
        channels: int,
        type: str = "v",
        directed: bool = False,
        scale: str = "none",
    ) -> None:
        super().__init__()
        inputs = context.channels
        self.kind = type
        places = {"s2": context.frames, "t2": context.joints}.get(type, 1)
        scales = {"none": 1.0, "root": (inputs * places) ** -0.5, "mean": inputs**-0.5 / places}
        self.scale = scales[scale]
        self.theta = _conv(inputs, inputs)
        self.phi = _conv(inputs, inputs) if directed else None
        self.residual: nn.Module
        if type == "v":
            self.g, self.h = _conv(inputs, channels), None
            self.residual = _conv(inputs, channels, kernel=3)
        else:
            self.g, self.h = _conv(inputs, inputs), _conv(inputs, channels)
            self.residual = nn.Identity() if inputs == channels else _conv(inputs, channels)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) -> (N, channels, T, V)."""
        values = self.g(x)
        y = _from_places(self.gather(x, _to_places(values, self.kind)), values.shape, self.kind)
        y = y if self.h is None else self.h(y)
        return functional.relu(self.bn(y + self.residual(x)), inplace=True)

    def gather(self, x: Tensor, values: Tensor) -> Tensor:
        """f . g(x) of an input (N, C, T, V) and rows of g(x): (N, ..., places, features).

        One fused operation where it is the faster one, which it is not for the few or wide rows of
        ``s1``, ``s2``, ``t2`` and ``v``.
        """
        if self.kind not in ("st", "t1"):
            return self.attention(x) @ values
        rows = (*self.pairs(x), values)
        q, k, v = (part.view(part.shape[0], -1, *part.shape[-2:]) for part in rows)
        return functional.scaled_dot_product_attention(q, k, v, scale=self.scale).view_as(values)

    def attention(self, x: Tensor) -> Tensor:
        """f of an input (N, C, T, V), shaped by the type; it sums to 1 over the sources, the last axis."""
        return self.scores(x).softmax(-1)

    def scores(self, x: Tensor) -> Tensor:
        """theta(x)^T phi(x) of an input (N, C, T, V), scaled."""
        places, sources = self.pairs(x)
        products = places @ sources.transpose(-1, -2)
        return products if self.scale == 1.0 else products * self.scale

    def pairs(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Rows of theta(x), for each place, and of phi(x), for each source; the same if undirected."""
        places = _to_places(self.theta(x), self.kind)
        return places, places if self.phi is None else _to_places(self.phi(x), self.kind)


class EsanHead(nn.Module):
    """The largest value over joints, a 3x1 convolution, the largest over frames, and class scores.

    The scores of a clip are the mean over its persons. The last layer is linear, so it is applied
    once to the mean of their features.

    Args:
        context: Channels, persons and classes.
    """

    def __init__(self, context: BuildContext) -> None:
        super().__init__()
        self.persons = context.persons
        self.conv = _conv(context.channels, context.channels, kernel=3)
        self.bn = nn.BatchNorm2d(context.channels)
        self.linear = nn.Linear(context.channels, context.classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N * M, C, T, V) -> (N, classes)."""
        frames = functional.relu(self.bn(self.conv(x.amax(3, keepdim=True))))
        return self.linear(frames.amax((2, 3)).unflatten(0, (-1, self.persons)).mean(1))


def fill_absent(x: Tensor, *, whole_clips: bool = False) -> Tensor:
    """Put the first person of a frame in the place of those who are absent, all zero, in it.

    Args:
        x: Clips, (N, C, T, V, M).
        whole_clips: Put the first person of a clip in the place of those who are absent from all of it
            instead, and leave those who are there for a while as they are.

    Returns:
        The same shape; frames, or clips, that show nobody stay zero.
    """
    present = (x != 0).any(1).any(2)  # (N, T, M)
    if whole_clips:
        present = present.any(1, keepdim=True).expand_as(present)
    first = present.int().argmax(2, keepdim=True)
    source = torch.where(present, torch.arange(x.shape[4], device=x.device), first)
    return x.gather(4, source[:, None, :, None].expand_as(x))


def _to_places(x: Tensor, type: str) -> Tensor:
    """(N, C, T, V) to rows of features, one for each place that attends: (N, ..., places, features)."""
    match type:
        case "st":
            return x.flatten(2).transpose(1, 2)
        case "s1" | "v":
            return x.permute(0, 2, 3, 1)
        case "s2":
            return x.permute(0, 3, 2, 1).flatten(2)
        case "t1":
            return x.permute(0, 3, 2, 1)
        case "t2":
            return x.permute(0, 2, 3, 1).flatten(2)
    raise ValueError(f"there is no block type '{type}'; the types are st, s1, s2, t1, t2 and v")


def _from_places(rows: Tensor, shape: torch.Size, type: str) -> Tensor:
    """The reverse of `_to_places`, back to ``shape`` (N, C, T, V)."""
    batch, channels, frames, joints = shape
    if type in ("s2", "t1"):
        return rows.reshape(batch, joints, frames, channels).permute(0, 3, 2, 1)
    return rows.reshape(batch, frames, joints, channels).permute(0, 3, 1, 2)


def _coordinates(inputs: int, joints: int, channels: int) -> nn.Sequential:
    return nn.Sequential(JointNorm(inputs * joints), _two_layers(inputs, channels))


def _two_layers(inputs: int, channels: int) -> nn.Sequential:
    """ReLU(W ReLU(W x)), eq. 4 and 5."""
    return nn.Sequential(_conv(inputs, channels), nn.ReLU(), _conv(channels, channels), nn.ReLU())


def _conv(inputs: int, channels: int, kernel: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, channels, (kernel, 1), padding=(kernel // 2, 0), bias=False)


def _parents(layout: Layout) -> Tensor:
    """The parent of each joint, (V,); the root is its own, which makes its bone zero."""
    parents = list(range(len(layout.joints)))
    for child, parent in layout.inward:
        parents[child] = parent
    return torch.tensor(parents)
