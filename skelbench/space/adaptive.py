"""For each frame one of several models, chosen while the network runs (Shi et al., ICCV 2021, "AdaSGN")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

RELEASED_DIVISOR = 5.0
"""What the code released with AdaSGN divides the costs of the choices by."""


def released_scale(gmacs: Sequence[float]) -> list[float]:
    """Costs as the code released with AdaSGN has them in its loss: the first is 0, the others a fifth.

    Args:
        gmacs: Of each model in the convention of that publication (`Cost.as_reported`).
    """
    return [0.0, *(value / RELEASED_DIVISOR for value in gmacs[1:])]


class Adaptive(nn.Module):
    """Several models of which a policy chooses one for each frame.

    The first model always runs: its features tell the policy what to choose (eq. 4, 5). In training
    every model sees every frame, so that batch statistics are those of all frames; a model that is
    chosen nowhere in a batch gets no gradient, so that no optimizer moves it. In evaluation the frames
    of the whole batch are gathered by choice, and a model runs on those that chose it, once.

    Args:
        models: (N, C, T, V) -> (N, C', T, V') by name, all of the same output shape; frames may not
            meet in them.
        policy: (N, C', T, V') -> (N, K, T): for each frame the weights of the K models. A model of
            weight 0 is left out in evaluation.
        costs: What each model costs in the loss for one sequence if every frame takes it: its GMACs
            (eq. 12), or those by `released_scale`.
        alpha: Weight of the mean cost of the frames in the loss (eq. 10, 12).
        warmup: Share of the training in which alpha rises from 0.
    """

    costs: Tensor
    taken: list[int]
    frames: int

    def __init__(
        self,
        models: Mapping[str, nn.Module],
        policy: nn.Module,
        costs: Sequence[float],
        alpha: float = 0.0,
        warmup: float = 0.0,
    ) -> None:
        super().__init__()
        self.names = tuple(models)
        self.models = nn.ModuleDict(models)
        self.policy = policy
        self.alpha, self.warmup, self.ramp = alpha, warmup, 1.0
        self.register_buffer("costs", torch.tensor(costs), persistent=False)
        self.forget()
        self.last_gates: Tensor | None = None
        self._spent: Tensor | None = None

    def set_progress(self, share: float) -> None:
        """Tell how much of the training is done, from 0 to 1."""
        self.ramp = min(1.0, share / self.warmup) if self.warmup else 1.0

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) -> (N, C', T, V')."""
        features = [self.models[name] for name in self.names]
        first = features[0](x)
        if x.is_meta:  # shapes alone: nothing is chosen, so that everything is counted
            return first + sum(model(x) for model in features[1:]) + 0 * self.policy(first).sum()
        gates = self.policy(first)
        if self.training:
            self._spent = (gates * self.costs[:, None]).sum(1).mean()
            return self._masked(x, first, gates)
        self._spent = None
        return self._gathered(x, first, gates)

    def _masked(self, x: Tensor, first: Tensor, gates: Tensor) -> Tensor:
        """Every model on every frame, weighted; the policy learns from all, the models where chosen."""
        out = first * _over_features(gates[:, 0])
        chosen = (
            (gates.detach() != 0).any(2).any(0).tolist()
            if torch.is_grad_enabled()
            else [False] * gates.shape[1]
        )
        for index, name in enumerate(self.names[1:], start=1):
            with torch.set_grad_enabled(torch.is_grad_enabled() and chosen[index]):
                features = self.models[name](x)
            out = out + features * _over_features(gates[:, index])
        return out

    def _gathered(self, x: Tensor, first: Tensor, gates: Tensor) -> Tensor:
        """Each model on the frames that give it weight, scattered back."""
        counts = self._note(gates.detach())
        out = first * _over_features(gates[:, 0])
        if not any(counts[1:]):
            return out
        out, frames = _frames(out), _frames(x)
        weights = gates.transpose(0, 1).flatten(1)
        groups = weights.nonzero()[:, 1].split(counts)  # nonzero goes through one model after the other
        for index, (name, group) in enumerate(zip(self.names, groups, strict=True)):
            if index and len(group):
                features = self.models[name](frames[group])
                out.index_add_(0, group, features * weights[index, group, None, None, None])
        return out.squeeze(2).unflatten(0, (len(x), -1)).transpose(1, 2)

    def penalty(self) -> Tensor:
        """What the choices of the latest training batch add to the loss, once (eq. 10, 12)."""
        spent, self._spent = self._spent, None
        return self.costs.new_zeros(()) if spent is None else self.alpha * self.ramp * spent

    # --- what was chosen ---------------------------------------------------------------------

    def _note(self, gates: Tensor) -> list[int]:
        """Count the frames that each model runs on."""
        counts: list[int] = (gates != 0).sum((0, 2)).tolist()
        self.taken = [before + now for before, now in zip(self.taken, counts, strict=True)]
        self.frames += gates.shape[0] * gates.shape[2]
        self.last_gates = gates
        return counts

    def forget(self) -> None:
        """Begin to count anew what is chosen in evaluation."""
        self.taken, self.frames = [0] * len(self.names), 0

    def shares(self) -> dict[str, float]:
        """Share of the frames evaluated since `forget` that ran each model for its weight in the output."""
        return {name: taken / max(1, self.frames) for name, taken in zip(self.names, self.taken, strict=True)}


def _frames(x: Tensor) -> Tensor:
    """(N, C, T, V) -> (N * T, C, 1, V), each frame by itself."""
    return x.transpose(1, 2).flatten(0, 1).unsqueeze(2)


def _over_features(gate: Tensor) -> Tensor:
    """(N, T) to be multiplied with (N, C, T, V)."""
    return gate[:, None, :, None]
