"""Blocks that know how far apart all joints lie, by the topology of the clip's skeleton.

The topology branch of BlockGCN (Zhou et al., "BlockGCN: Redefine Topology Awareness for Skeleton-Based Action
Recognition", CVPR 2024), and the embedding that its network begins with.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from skelbench.components import BuildContext
from skelbench.errors import SpecError

from .blocks import out_channels

_EXACT = "donot_use_mm_for_euclid_dist"


class JointEmbed(nn.Module):
    """A linear map of each joint's coordinates and a vector for its place, then normalised by joint.

    Args:
        context: Shape of a clip.
        channels: Output channels; None: those of the module around it.
    """

    def __init__(self, context: BuildContext, channels: int | None = None) -> None:
        super().__init__()
        width = out_channels(context, channels)
        self.linear = nn.Linear(context.channels, width)
        self.place = nn.Parameter(torch.randn(1, context.joints, width))
        self.bn = nn.BatchNorm1d(context.persons * context.joints * width)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V, M) -> (N * M, channels, T, V), the channels last in memory."""
        batch, _, frames, joints, persons = x.shape
        y = self.linear(x.permute(0, 4, 2, 3, 1)) + self.place  # (N, M, T, V, C)
        rows = y.permute(0, 1, 3, 4, 2).reshape(batch, -1, frames)  # features by person, joint, channel
        rows = self.bn(rows).view(batch * persons, joints, -1, frames)
        return rows.permute(0, 2, 3, 1).contiguous(memory_format=torch.channels_last)


class Topology(nn.Module):
    """What the connected components of a skeleton are like while ever longer distances connect joints.

    Joints begin as components of their own, and two components become one at the length of the shortest link
    between them: the lengths w of a minimum spanning tree (persistent homology of dimension 0). Each of the
    learned functions gives ``sum over w of exp(-s_1^2 c_1^2 - s_2^2 (c_2 - w)^2)``.

    Args:
        functions: F.
        scaled: Distances are brought to [0, 1] over the ``clip``, or as released over the ``batch``, which
            lets the scores of a clip depend on the others.
        between: Links are as long as ``joints`` are apart, or as released as ``rows`` of the matrix of these
            distances are from each other.
    """

    def __init__(self, functions: int, scaled: str = "clip", between: str = "joints") -> None:
        super().__init__()
        self.scaled, self.between = scaled, between
        self.centres = nn.Parameter(torch.rand(functions, 2))
        self.sharpness = nn.Parameter(torch.full((functions, 2), 3.0))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V, M) -> (N, F)."""
        lengths = self.lengths(x)[:, :, None]  # (N, V - 1, 1)
        (c0, c1), (s0, s1) = self.centres.unbind(1), self.sharpness.unbind(1)
        return torch.exp(-((s0 * c0) ** 2) - (s1 * (c1 - lengths)) ** 2).sum(1)

    @torch.no_grad()
    def lengths(self, x: Tensor) -> Tensor:
        """At which lengths components of (N, C, T, V, M) join: (N, V - 1), in no order.

        Persons stand for their mean, and frames for theirs.
        """
        places = x.float().mean((2, 4)).transpose(1, 2)  # (N, V, C)
        distance = torch.cdist(places, places, compute_mode=_EXACT)
        if self.scaled == "clip":
            distance = distance / distance.amax((1, 2), keepdim=True).clamp_min(1e-12)
        else:
            least, most = distance.min(), distance.max()
            distance = (distance - least) / (most - least).clamp_min(1e-12)
        if self.between == "rows":
            distance = torch.cdist(distance, distance, compute_mode=_EXACT)
        return spanning_lengths(distance)


def spanning_lengths(distance: Tensor) -> Tensor:
    """The links of a minimum spanning tree, by Prim's algorithm in all samples at once.

    Args:
        distance: Between nodes, (N, V, V).

    Returns:
        (N, V - 1), in the order in which nodes join the first one.
    """
    nearest = distance[:, 0]
    joined = torch.zeros_like(nearest, dtype=torch.bool)
    joined[:, 0] = True
    lengths = []
    for _ in range(distance.shape[1] - 1):
        length, node = nearest.masked_fill(joined, torch.inf).min(1, keepdim=True)
        lengths.append(length)
        joined = joined.scatter(1, node, True)
        nearest = torch.minimum(nearest, distance.take_along_dim(node[..., None], 1).squeeze(1))
    return torch.cat(lengths, 1)


class RowNorm(nn.BatchNorm1d):
    """Normalises rows by each other, and a row that stands alone, which has no spread, by those before it."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C) -> (N, C)."""
        if not self.training or len(x) > 1:
            return super().forward(x)
        return functional.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
        )


class TopologyBlocks(nn.Module):
    """An embedding and blocks, each of which begins with what the clip's `Topology` adds to its channels.

    Before a block of C channels ``x + ReLU(BN(W a + b))``, with a map of a to C channels of its own. The
    topology is that of the coordinates that the network is given, in a stream of bones that of bones; the
    released code looks at joints in any stream.

    Args:
        context: Shape of a clip.
        embed: (N, C, T, V, M) -> (N * M, width, T, V).
        blocks: One after the other, from ``width`` channels on.
        width: Channels that the embedding gives.
        functions: See `Topology`.
        scaled: Likewise.
        between: Likewise.
        persons: ``own``: every person of a clip gets its clip's topology; ``tiled``, as released: of N clips
            the i-th row of persons gets that of clip i mod N, which is another's where there are two persons.

    Raises:
        SpecError: A block does not follow the one before it.
    """

    def __init__(
        self,
        context: BuildContext,
        embed: nn.Module,
        blocks: nn.Module,
        width: int = 128,
        functions: int = 64,
        scaled: str = "clip",
        between: str = "joints",
        persons: str = "own",
    ) -> None:
        super().__init__()
        self.embed, self.persons, self.tiled = embed, context.persons, persons == "tiled"
        self.topology = Topology(functions, scaled, between)
        self.blocks = nn.ModuleList(blocks if isinstance(blocks, nn.Sequential) else [blocks])
        shape = (1, width, context.frames, context.joints)
        widths = list(_widths(self.blocks, shape))
        self.maps = nn.ModuleList(nn.Linear(functions, width) for width in widths)
        self.bns = nn.ModuleList(RowNorm(width) for width in widths)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V, M) -> (N * M, C', T', V)."""
        known = self.topology(x)
        if self.persons > 1:
            known = known.repeat(self.persons, 1) if self.tiled else known.repeat_interleave(self.persons, 0)
        y = self.embed(x)
        for number, block in enumerate(self.blocks):
            y = block(y + self._added(number, known)[:, :, None, None])
        return y

    def _added(self, number: int, known: Tensor) -> Tensor:
        # Few clips are normalised by each other here, which short mantissas would leave to chance.
        kind = known.device.type
        single = (
            torch.autocast(kind, enabled=False) if torch.amp.is_autocast_available(kind) else nullcontext()
        )
        with single:
            return functional.relu_(self.bns[number](self.maps[number](known)))


def _widths(blocks: nn.ModuleList, shape: tuple[int, ...]) -> Iterator[int]:
    """The channels before each block, found without computing."""
    for number, block in enumerate(blocks, 1):
        yield shape[1]
        kept = {**dict(block.named_parameters()), **dict(block.named_buffers())}
        state = {name: torch.empty_like(tensor, device="meta") for name, tensor in kept.items()}
        training = block.training
        try:
            with torch.no_grad():
                given = functional_call(block.eval(), state, torch.empty(shape, device="meta"))
        except (RuntimeError, ValueError, IndexError, TypeError, AttributeError) as error:
            size = " x ".join(map(str, shape))
            what = f"block {number} of 'blocks' does not take an input of {size}: {error}"
            raise SpecError(what, remedy="Change its parameters or the block before it") from error
        finally:
            block.train(training)
        shape = tuple(given.shape)
