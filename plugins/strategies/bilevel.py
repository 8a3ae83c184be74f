"""The gradient of a bilevel search in its architecture weights alpha.

Liu et al., "DARTS: Differentiable Architecture Search", ICLR 2019, Sections 2.3 and A.2; the same as
eq. 1-4 of SAR-NAS. The search wants

    min over alpha of  L_val(w', alpha)    with  w' = w - xi * grad_w L_train(w, alpha)

where w are the supernet's weights and xi is their learning rate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

Loss = Callable[[], Tensor]
"""Computes a loss anew, with the present w and alpha."""

Product = Callable[[Loss, Sequence[Tensor], Sequence[Tensor], Sequence[Tensor]], list[Tensor]]
"""Of a loss, alpha, w and a vector v in the shape of w: ``d^2_alpha,w L . v``, in the shape of alpha."""


def first_order(validation_loss: Loss, alphas: Sequence[Tensor]) -> list[Tensor]:
    """The gradient for xi = 0: w is taken for its own optimum.

    Args:
        validation_loss: L_val(w, alpha).
        alphas: The architecture weights.

    Returns:
        ``d_alpha L_val(w, alpha)``, a tensor for each of ``alphas``; zero where the loss does not
        depend on it.
    """
    return gradient(validation_loss, alphas)


def second_order(
    train_loss: Loss,
    validation_loss: Loss,
    alphas: Sequence[Tensor],
    shared: Sequence[Tensor],
    xi: float,
    product: Product,
) -> list[Tensor]:
    """The gradient of L_val(w', alpha), with w' one step of plain gradient descent away from w.

    ``d_alpha L_val(w', alpha) - xi * d^2_alpha,w L_train(w, alpha) . v``, with ``v = d_w' L_val(w', alpha)``.
    All of w is moved in place and is afterwards what it was, bit by bit.

    Args:
        train_loss: L_train(w, alpha).
        validation_loss: L_val(w, alpha).
        alphas: The architecture weights.
        shared: w; leaf tensors.
        xi: The learning rate of w.
        product: Multiplies v by the second derivatives of the training loss.

    Returns:
        A tensor for each of ``alphas``.
    """
    descent = gradient(train_loss, shared)
    with moved(shared, descent, -xi):
        slopes = gradient(validation_loss, [*alphas, *shared])
    direct, v = slopes[: len(alphas)], slopes[len(alphas) :]
    bent = product(train_loss, alphas, shared, v)
    return [d - xi * b for d, b in zip(direct, bent, strict=True)]


@dataclass(frozen=True)
class Difference:
    """Second derivatives times a vector v, by the central difference of ``d_alpha L`` at ``w +- eps * v``.

    Attributes:
        step: Length of ``eps * v``, 0.01 in the paper (footnote 2). A longer step errs more by what bends
            within it, a shorter one by the rounding of its losses.
    """

    step: float

    def __call__(
        self, loss: Loss, alphas: Sequence[Tensor], shared: Sequence[Tensor], v: Sequence[Tensor]
    ) -> list[Tensor]:
        """A tensor for each of ``alphas``; zero where v is."""
        length = float(torch.stack([part.norm() for part in v]).norm())
        if length == 0.0:
            return [torch.zeros_like(alpha) for alpha in alphas]
        eps = self.step / length
        with moved(shared, v, eps):
            above = gradient(loss, alphas)
        with moved(shared, v, -eps):
            below = gradient(loss, alphas)
        return [(a - b) / (2 * eps) for a, b in zip(above, below, strict=True)]


def exact_product(
    loss: Loss, alphas: Sequence[Tensor], shared: Sequence[Tensor], v: Sequence[Tensor]
) -> list[Tensor]:
    """The same by differentiating ``d_w L . v`` once more: without a step, at the memory of both passes."""
    slopes = torch.autograd.grad(loss(), shared, create_graph=True, allow_unused=True, materialize_grads=True)
    along = torch.stack([(slope * part).sum() for slope, part in zip(slopes, v, strict=True)]).sum()
    return gradient(lambda: along, alphas)


def relative_error(found: Sequence[Tensor], exact: Sequence[Tensor]) -> float:
    """How far a gradient is off, as a share of the length of the exact one."""
    off = torch.stack([(a - b).norm() for a, b in zip(found, exact, strict=True)]).norm()
    return float(off / torch.stack([one.norm() for one in exact]).norm())


def gradient(loss: Loss, inputs: Sequence[Tensor]) -> list[Tensor]:
    """The loss's gradient in ``inputs``, zero in those it does not depend on; no ``.grad`` is touched."""
    return list(torch.autograd.grad(loss(), inputs, allow_unused=True, materialize_grads=True))


@contextmanager
def moved(tensors: Sequence[Tensor], directions: Sequence[Tensor], length: float) -> Iterator[None]:
    """Move tensors by ``length * directions``, and put them back exactly, whatever happens meanwhile."""
    before = [tensor.detach().clone() for tensor in tensors]
    try:
        with torch.no_grad():
            for tensor, direction in zip(tensors, directions, strict=True):
                tensor.add_(direction, alpha=length)
        yield
    finally:
        # Adding and taking away again would leave rounding errors.
        with torch.no_grad():
            for tensor, kept in zip(tensors, before, strict=True):
                tensor.copy_(kept)
