"""Policies of an adaptive node: which model each frame takes (Shi et al., ICCV 2021, "AdaSGN").

A policy maps features (N, C, T, V), of which the largest over joints counts, to the weights (N, K, T)
of the K models for each frame. In evaluation a model of weight 0 is left out.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from skelbench.components import BuildContext

Range = tuple[float, float]


class Learned(nn.Module):
    """A policy that learns by the straight-through Gumbel estimator (eq. 5 to 7).

    In training one model is drawn for each frame and gradients are those of the softened draw; in
    evaluation the most probable model is taken.

    Args:
        temperature: Of the softened draw in the first epoch and at the end of training; between them
            it falls by the same factor each epoch.
    """

    def __init__(self, temperature: Range) -> None:
        super().__init__()
        self.range, self.temperature = temperature, temperature[0]

    def set_progress(self, share: float) -> None:
        """Tell how much of the training is done, from 0 to 1."""
        first, last = self.range
        self.temperature = first * (last / first) ** share

    def scores(self, x: Tensor) -> Tensor:
        """Scores (N, K, T) of features (N, C, T)."""
        raise TypeError(f"{type(self).__name__} has no network")

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) -> (N, K, T), one of the K is 1 and the others are 0."""
        scores = self.scores(x.amax(3))
        if self.training:
            # In single precision at least: gradients of a cold softmax of few bits vanish.
            logs = scores.to(torch.promote_types(scores.dtype, torch.float32)).log_softmax(1)
            drawn: Tensor = functional.gumbel_softmax(logs, self.temperature, hard=True, dim=1)
            return drawn
        best = scores.argmax(1, keepdim=True)
        return torch.zeros_like(scores).scatter_(1, best, 1.0)


class ConvPolicy(Learned):
    """One convolution over three frames, the policy of the publication.

    Args:
        context: Channels of the features, and the number of choices.
        temperature: See `Learned`.
    """

    def __init__(self, context: BuildContext, temperature: Range = (5.0, 0.0226)) -> None:
        super().__init__(temperature)
        self.conv = nn.Conv1d(context.channels, context.choices, 3, padding=1)

    def scores(self, x: Tensor) -> Tensor:
        """Scores (N, K, T) of features (N, C, T)."""
        return self.conv(x)


class TwoConvPolicy(Learned):
    """Two convolutions over three frames with a ReLU between them.

    Args:
        context: Channels of the features, and the number of choices.
        hidden: Channels between the two.
        temperature: See `Learned`.
    """

    def __init__(self, context: BuildContext, hidden: int = 64, temperature: Range = (5.0, 0.0226)) -> None:
        super().__init__(temperature)
        self.layers = nn.Sequential(
            nn.Conv1d(context.channels, hidden, 3, padding=1),
            nn.ReLU(),
            nn.Conv1d(hidden, context.choices, 3, padding=1),
        )

    def scores(self, x: Tensor) -> Tensor:
        """Scores (N, K, T) of features (N, C, T)."""
        return self.layers(x)


class LstmPolicy(Learned):
    """An LSTM over frames from the first to the last, then a linear layer.

    Args:
        context: Channels of the features, and the number of choices.
        hidden: Channels of its state.
        temperature: See `Learned`.
    """

    def __init__(self, context: BuildContext, hidden: int = 64, temperature: Range = (5.0, 0.0226)) -> None:
        super().__init__(temperature)
        self.lstm = nn.LSTM(context.channels, hidden, batch_first=True)
        self.linear = nn.Linear(hidden, context.choices)

    def scores(self, x: Tensor) -> Tensor:
        """Scores (N, K, T) of features (N, C, T)."""
        x = x.transpose(1, 2)
        if x.device.type == "cpu":  # not every processor has it in bf16
            with torch.autocast("cpu", enabled=False):
                states, _ = self.lstm(x.to(self.linear.weight.dtype))
        else:
            states, _ = self.lstm(x)
        return self.linear(states).transpose(1, 2)


class TransformerPolicy(Learned):
    """One layer of self-attention among frames (Vaswani et al., NeurIPS 2017), then a linear layer.

    Args:
        context: Channels of the features, frames, and the number of choices.
        hidden: Channels within the layer.
        heads: Attention heads; they divide ``hidden``.
        temperature: See `Learned`.
    """

    def __init__(
        self,
        context: BuildContext,
        hidden: int = 64,
        heads: int = 4,
        temperature: Range = (5.0, 0.0226),
    ) -> None:
        super().__init__(temperature)
        self.heads = heads
        self.enter = nn.Linear(context.channels, hidden)
        self.position = nn.Parameter(torch.randn(context.frames, hidden) * 0.02)
        self.attend, self.join = nn.Linear(hidden, 3 * hidden), nn.Linear(hidden, hidden)
        self.before, self.between = nn.LayerNorm(hidden), nn.LayerNorm(hidden)
        self.widen = nn.Sequential(nn.Linear(hidden, 2 * hidden), nn.ReLU(), nn.Linear(2 * hidden, hidden))
        self.linear = nn.Linear(hidden, context.choices)

    def scores(self, x: Tensor) -> Tensor:
        """Scores (N, K, T) of features (N, C, T)."""
        z = self.enter(x.transpose(1, 2)) + self.position
        z = z + self.join(self._attention(self.before(z)))
        z = z + self.widen(self.between(z))
        return self.linear(z).transpose(1, 2)

    def _attention(self, z: Tensor) -> Tensor:
        parts = (part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in self.attend(z).chunk(3, 2))
        return functional.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2)


class RandomPolicy(nn.Module):
    """Every model is as likely in every frame: the baseline that shows what a policy learns.

    In evaluation the draw is the same for every batch of the same size, so that scores can be repeated.

    Args:
        context: The number of choices.
    """

    def __init__(self, context: BuildContext) -> None:
        super().__init__()
        self.choices = context.choices

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) -> (N, K, T), one of the K is 1 and the others are 0."""
        places = (x.shape[0], x.shape[2])
        if self.training:
            drawn = torch.randint(self.choices, places, device=x.device)
        else:  # drawn on the processor, so that every device draws the same
            drawn = torch.randint(self.choices, places, generator=torch.Generator().manual_seed(0))
        return functional.one_hot(drawn.to(x.device), self.choices).transpose(1, 2).to(x.dtype)


class FusePolicy(nn.Module):
    """All models on all frames, averaged: the baseline that saves nothing.

    Args:
        context: The number of choices.
    """

    def __init__(self, context: BuildContext) -> None:
        super().__init__()
        self.choices = context.choices

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) -> (N, K, T), all 1 / K."""
        return x.new_full((x.shape[0], self.choices, x.shape[2]), 1 / self.choices)
