"""Tensors of a search that Adam moves, with all that is needed to go on from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from skelbench.errors import RunFolderError, WorkFailed

MOMENTS = ("exp_avg", "exp_avg_sq")
"""What Adam keeps of each tensor."""


class Learned:
    """The architecture weights of a search and Adam's moments of them.

    Args:
        labels: What each tensor belongs to.
        tensors: The tensors.
        lr: Adam's learning rate.
        betas: Adam's decay of the moments.
        weight_decay: Adam's.
    """

    def __init__(
        self,
        labels: Sequence[str],
        tensors: Sequence[Tensor],
        lr: float,
        betas: tuple[float, float],
        weight_decay: float,
    ) -> None:
        self._labels, self._tensors = list(labels), list(tensors)
        self._adam = torch.optim.Adam(self._tensors, lr, betas, weight_decay=weight_decay)
        for tensor in self._tensors:
            self._adam.state[tensor] = {
                "step": torch.zeros(()),
                **{moment: torch.zeros_like(tensor) for moment in MOMENTS},
            }

    def to(self, device: torch.device) -> None:
        """Move the tensors and Adam's moments; the tensors stay the same objects."""
        for tensor in self._tensors:
            tensor.data = tensor.data.to(device)
            kept = self._adam.state[tensor]
            kept.update({moment: kept[moment].to(device) for moment in MOMENTS})

    @property
    def steps(self) -> int:
        """Steps taken so far."""
        return int(self._adam.state[self._tensors[0]]["step"])

    def step(self, gradients: Sequence[Tensor], epoch: int) -> None:
        """One step of Adam.

        Raises:
            WorkFailed: A gradient is not finite.
        """
        if not all(bool(torch.isfinite(gradient).all()) for gradient in gradients):
            raise WorkFailed(
                f"the gradient of the architecture weights is not finite in epoch {epoch + 1}",
                where="search.strategy",
                remedy="Lower the learning rate of the supernet, or take first order (order: 1) where "
                "the strategy has a choice",
            )
        for tensor, gradient in zip(self._tensors, gradients, strict=True):
            tensor.grad = gradient
        self._adam.step()
        self._adam.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Any]:
        """The tensors with their labels, Adam's moments of them, and how many steps it took."""
        kept = [self._adam.state[tensor] for tensor in self._tensors]
        return {
            "labels": self._labels,
            "alphas": [tensor.tolist() for tensor in self._tensors],
            "steps": self.steps,
            **{moment: [one[moment].tolist() for one in kept] for moment in MOMENTS},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``, of a search of the same space with the same parameters.

        Raises:
            RunFolderError: It is of another space.
        """
        found = {name: [torch.tensor(row) for row in state.get(name, ())] for name in ("alphas", *MOMENTS)}
        wanted = [tensor.shape for tensor in self._tensors]
        fit = all([row.shape for row in rows] == wanted for rows in found.values())
        if state.get("labels") != self._labels or not fit:
            raise RunFolderError(
                "the stored alphas are of another space",
                where="search.strategy",
                remedy="Run it again with --no-resume",
            )
        for i, tensor in enumerate(self._tensors):
            kept = self._adam.state[tensor]
            kept["step"].fill_(state["steps"])
            tensor.data.copy_(found["alphas"][i])
            for moment in MOMENTS:
                kept[moment].copy_(found[moment][i])
