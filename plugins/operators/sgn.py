"""The semantics-guided network: Zhang et al., CVPR 2020 ("SGN"), and its single models with fewer joints.

Shi et al., ICCV 2021 ("AdaSGN") put a learned mixture of the joints before the network (eq. 3) and give
the spatial module two sizes. What the papers leave open is as in the code released with them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from skelbench.components import BuildContext
from skelbench.errors import SpecError

from .esan import JointNorm, fill_absent
from .mixtures import Groups, JointMixture, groups_of
from .sgn_inference import PreparedHead, PreparedJoints, PreparedSpatial
from .sgn_params import person_misfits


class SgnJoints(nn.Module):
    """Embeds position and velocity of each joint, or of learned mixtures of joints, and its type beside them.

    Frames do not meet in it: an output frame depends on that frame of the input alone.

    Args:
        context: Channels of the input, positions and velocities together, and the layout.
        channels: Output channels, even: half embed the coordinates, half the joint type.
        joints: Joints after a learned mixture of the layout's; None: the layout's own, unmixed.
        groups: The joints that each mixed one begins as the mean of, instead of ``joints``.
        freeze: Share of the training before the mixture begins to learn.

    Raises:
        SpecError: The joints or groups do not fit the layout.
    """

    one_hot: Tensor

    def __init__(
        self,
        context: BuildContext,
        channels: int = 128,
        joints: int | None = None,
        groups: Groups | None = None,
        freeze: float = 0.25,
    ) -> None:
        super().__init__()
        self.mixture: JointMixture | None = None
        if joints is not None or groups is not None:
            self.mixture = JointMixture(groups_of(context.layout, joints, groups), context.joints, freeze)
        count, half = (self.mixture.weight.shape[1] if self.mixture else context.joints), channels // 2
        self.position = _coordinates(context.channels // 2, count, half)
        self.velocity = _coordinates(context.channels // 2, count, half)
        self.joint = _two_layers(count, half, half)
        self.register_buffer("one_hot", torch.eye(count).view(1, count, 1, count), persistent=False)
        _initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 2 C, T, V), positions before velocities, -> (N, channels, T, joints)."""
        return self.embed(*self.mix(x).chunk(2, 1))

    def mix(self, x: Tensor) -> Tensor:
        """The mixtures of the joints in (N, C, T, V)."""
        return x if self.mixture is None else self.mixture(x)

    def embed(self, position: Tensor, velocity: Tensor) -> Tensor:
        """Two of (N, C, T, V) -> (N, channels, T, V), channels last in memory, as products need them."""
        z = self.position(position) + self.velocity(velocity)
        joint = self.joint(self.one_hot).expand(z.shape[0], -1, z.shape[2], -1)
        return torch.cat([z, joint], 1).contiguous(memory_format=torch.channels_last)

    def for_inference(self) -> nn.Module:
        """The same in evaluation, faster; it takes over parts of this module."""
        return PreparedJoints(self)


class SgnEmbed(SgnJoints):
    """`SgnJoints` of clips of joints: it makes the velocities itself, of joints that are mixed already.

    A person is a sequence by itself. One who is absent from a whole clip gives way to the one who is
    there, so that the mean over all persons is the mean over those present; with ``persons="all"``
    zeros go through the network as in the released code.

    Args:
        context: Shape of a clip, and the layout.
        channels: As in `SgnJoints`.
        persons: ``present`` or ``all``.
        **params: The others of `SgnJoints`.

    Raises:
        SpecError: The joints or groups do not fit the layout, or ``present`` has more than two persons.
    """

    def __init__(
        self, context: BuildContext, channels: int = 128, persons: str = "present", **params: Any
    ) -> None:
        refuse_to_fill("sgn_embed", context, persons)
        super().__init__(replace(context, channels=2 * context.channels), channels, **params)
        self.clip = SgnClip(context, persons)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V, M) -> (N * M, channels, T, joints)."""
        x = self.mix(fold_persons(x, self.clip.fill))
        return self.embed(x, velocity_of(x))

    def for_inference(self) -> nn.Module:
        """The same in evaluation, faster; it takes over parts of this module."""
        return nn.Sequential(self.clip, super().for_inference())


class SgnClip(nn.Module):
    """Positions and velocities of the joints of each person, for modules that see one frame at a time.

    Args:
        context: Shape of a clip.
        persons: As in `SgnEmbed`.

    Raises:
        SpecError: ``present`` has more than two persons.
    """

    def __init__(self, context: BuildContext, persons: str = "present") -> None:
        super().__init__()
        refuse_to_fill("sgn_clip", context, persons)
        self.fill = persons == "present"

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V, M) -> (N * M, 2 C, T, V)."""
        x = fold_persons(x, self.fill)
        return torch.cat([x, velocity_of(x)], 1)


def refuse_to_fill(operator: str, context: BuildContext, persons: str) -> None:
    """See that absent persons can be left out.

    Raises:
        SpecError: They cannot.
    """
    for what, _, remedy in person_misfits(persons, context):
        raise SpecError(f"{operator} {what}", remedy=remedy)


def fold_persons(x: Tensor, fill: bool) -> Tensor:
    """(N, C, T, V, M) -> (N * M, C, T, V); with ``fill`` the absent of two gives way to the other."""
    x = fill_absent(x, whole_clips=True) if fill else x
    return x.permute(0, 4, 1, 2, 3).flatten(0, 1)


def velocity_of(x: Tensor) -> Tensor:
    """The change of (N, C, T, V) since the frame before; none in the first."""
    return functional.pad(x[:, :, 1:] - x[:, :, :-1], (0, 0, 1, 0))


class SgnSpatial(nn.Module):
    """Graph convolutions on one graph per frame, then the largest value over joints.

    The graph of a frame is G = softmax(theta(x)^T phi(x)), not scaled, and all layers share it.

    Args:
        context: Channels of the input.
        layers: Output channels of each graph convolution.
        hidden: Channels of theta and phi.
    """

    def __init__(
        self, context: BuildContext, layers: Sequence[int] = (128, 256, 256), hidden: int = 256
    ) -> None:
        super().__init__()
        self.theta = nn.Conv2d(context.channels, hidden, 1)
        self.phi = nn.Conv2d(context.channels, hidden, 1)
        widths = (context.channels, *layers)
        self.layers = nn.ModuleList(GraphLayer(*pair) for pair in zip(widths, layers, strict=False))
        _initialise(self)
        for module in self.layers.modules():
            if isinstance(module, GraphLayer):
                nn.init.zeros_(module.gathered.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) -> (N, channels of the last layer, T, 1)."""
        graph = self.graph(x)
        for layer in self.layers:
            x = layer(x, graph)
        return x.amax(3, keepdim=True)

    def for_inference(self) -> nn.Module:
        """The same in evaluation, faster."""
        return PreparedSpatial(self)

    def graph(self, x: Tensor) -> Tensor:
        """G of an input (N, C, T, V): (N, T, V, V); it sums to 1 over the sources, the last axis."""
        places, sources = self.theta(x).permute(0, 2, 3, 1), self.phi(x).permute(0, 2, 1, 3)
        return (places @ sources).softmax(-1)


class GraphLayer(nn.Module):
    """A graph convolution with a path around the graph: y = ReLU(BN(W(G x) + W1 x)).

    Args:
        inputs: Channels of the input.
        channels: Output channels.
    """

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__()
        self.gathered = nn.Conv2d(inputs, channels, 1, bias=False)
        self.own = nn.Conv2d(inputs, channels, 1)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor, graph: Tensor) -> Tensor:
        """(N, C, T, V) and the graph (N, T, V, V) -> (N, channels, T, V)."""
        gathered = (graph @ x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return functional.relu(self.bn(self.gathered(gathered) + self.own(x)), inplace=True)


class SgnHead(nn.Module):
    """Embeds the frame index, convolves over frames, takes the largest over them, and gives class scores.

    The scores of a clip are the mean over its persons. The last layer is linear, so it is applied
    once to the mean of their features.

    Args:
        context: Channels, frames, persons and classes; the largest of several joints is taken.
        features: Channels after the second convolution.
        hidden: Channels between the two layers that embed the frame index.
        dropout: Share of channels dropped in training between the convolutions.
    """

    one_hot: Tensor

    def __init__(
        self, context: BuildContext, features: int = 512, hidden: int = 64, dropout: float = 0.2
    ) -> None:
        super().__init__()
        channels, frames = context.channels, context.frames
        self.persons = context.persons
        self.frame = _two_layers(frames, hidden, channels)
        self.register_buffer("one_hot", torch.eye(frames).view(1, frames, frames, 1), persistent=False)
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, (3, 1), padding=(1, 0)),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Dropout2d(dropout),
            nn.Conv2d(channels, features, 1),
            nn.BatchNorm2d(features),
            nn.ReLU(),
        )
        self.linear = nn.Linear(features, context.classes)
        _initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """(N * M, C, T, V) -> (N, classes)."""
        frames = self.layers(x.amax(3, keepdim=True) + self.frame(self.one_hot))
        persons = frames.amax((2, 3))
        return self.linear(persons.unflatten(0, (-1, self.persons)).mean(1))

    def for_inference(self) -> nn.Module:
        """The same in evaluation, faster; it takes over parts of this module."""
        return PreparedHead(self)


def _coordinates(inputs: int, joints: int, channels: int) -> nn.Sequential:
    return nn.Sequential(JointNorm(inputs * joints), _two_layers(inputs, channels, channels))


def _two_layers(inputs: int, hidden: int, channels: int) -> nn.Sequential:
    """ReLU(W ReLU(W x))."""
    return nn.Sequential(nn.Conv2d(inputs, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, channels, 1), nn.ReLU())


def _initialise(module: nn.Module) -> None:
    """Draw the weights of convolutions from N(0, 2 / (kernel * output channels)), as the released code."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.normal_(part.weight, 0, math.sqrt(2 / (math.prod(part.kernel_size) * part.out_channels)))
