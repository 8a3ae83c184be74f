"""Channel-wise topology refinement: Chen et al., ICCV 2021 ("CTR-GCN")."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from skelbench.components import BuildContext

from ..graphs.fixed import SUBSETS
from .blocks import SubsetConv, gathered, out_channels, shortcut

NARROW, FEWEST = 16, 8
"""An input of fewer channels than the first refines in as many as the second."""


class CtrUnit(nn.Module):
    """ReLU(BN(sum_k (W_k x) G_k) + skip), where each channel of each clip has a graph of its own.

    G_k = A_k + alpha Q_k, where A is the graph that all channels share and Q_k[c, i, j] a linear map from
    R channels of tanh(a_j - b_i) (eq. 4 to 6). The embeddings a and b are means over frames of linear maps;
    here they are linear maps of the mean over frames, which is the same and needs no feature of a frame.

    Args:
        context: Channels of the input.
        graph: The shared graph A.
        channels: Output channels; None: those of the block around it.
        reduction: Input channels for each of the R channels.
    """

    def __init__(
        self, context: BuildContext, graph: nn.Module, channels: int | None = None, reduction: int = 8
    ) -> None:
        super().__init__()
        inputs, channels = context.channels, out_channels(context, channels)
        narrow = FEWEST if inputs < NARROW else max(1, inputs // reduction)
        self.graph = graph
        self.embed = nn.Conv1d(inputs, 2 * SUBSETS * narrow, 1)
        self.refine = nn.ModuleList(nn.Conv2d(narrow, channels, 1) for _ in range(SUBSETS))
        self.alpha = nn.Parameter(torch.zeros(1))
        self.conv = SubsetConv(inputs, channels)
        self.bn = nn.BatchNorm2d(channels)
        self.skip = shortcut(inputs, channels)
        self._begin(narrow)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) -> (N, O, T, V)."""
        y = gathered(self.conv(x), self.topology(x))
        return functional.relu_(self.bn(y).add_(self.skip(x)))

    def topology(self, x: Tensor) -> list[Tensor]:
        """The graphs of each subset: (N, O, V, V), entry [.., i, j] what joint j takes from joint i."""
        sources, targets = self.embed(x.mean(2)).unflatten(1, (SUBSETS, 2, -1)).unbind(2)
        differences = torch.tanh(targets[..., None, :] - sources[..., :, None]).unbind(1)
        shared = self.graph(x)
        shared = shared if shared.dim() == 4 else shared[None]  # (N or 1, K, V, V)
        pairs = zip(self.refine.children(), differences, strict=True)
        return [self._refined(conv, d) + shared[:, k, None] for k, (conv, d) in enumerate(pairs)]

    def _refined(self, conv: nn.Module, differences: Tensor) -> Tensor:
        """alpha Q_k; alpha scales the few weights instead of a matrix for each channel."""
        weight, bias = (self.alpha * parameter for parameter in conv.parameters())
        return functional.conv2d(differences, weight, bias)

    def _begin(self, narrow: int) -> None:
        """The unit begins as its skip connection, on the shared graph alone."""
        self.conv.begin_by_fan_out()
        for name, parameter in (*self.embed.named_parameters(), *self.refine.named_parameters()):
            if name.endswith("weight"):
                fan_out = narrow if parameter is self.embed.weight else len(parameter)
                nn.init.normal_(parameter, 0, (2 / fan_out) ** 0.5)
            else:
                nn.init.zeros_(parameter)
        nn.init.constant_(self.bn.weight, 1e-6)
