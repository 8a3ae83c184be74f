"""The gradient of a bilevel search in its architecture weights alpha.

Liu et al., "DARTS: Differentiable Architecture Search", ICLR 2019, Sections 2.3 and A.2; the same as
eq. 1-4 of SAR-NAS. The search wants

    min over alpha of  L_val(w', alpha)    with  w' = w - xi * grad_w L_train(w, alpha)

where w are the supernet's weights and xi is their learning rate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

Loss = Callable[[], Tensor]
"""Computes a loss anew, with the present w and alpha."""

STEP = 0.01
"""Length of the step in w by which the second derivative is taken (Liu et al., footnote 2)."""


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
    train_loss: Loss, validation_loss: Loss, alphas: Sequence[Tensor], shared: Sequence[Tensor], xi: float
) -> list[Tensor]:
    """The gradient of L_val(w', alpha), with w' one step of plain gradient descent away from w.

    ``d_alpha L_val(w', alpha) - xi * d^2_alpha,w L_train(w, alpha) . v``, with ``v = d_w' L_val(w', alpha)``.
    The product with the second derivative is the central difference of ``d_alpha L_train`` at
    ``w+ = w + eps * v`` and ``w- = w - eps * v`` with ``eps = 0.01 / ||v||``. All of w is moved in place
    and is afterwards what it was, bit by bit.

    Args:
        train_loss: L_train(w, alpha).
        validation_loss: L_val(w, alpha).
        alphas: The architecture weights.
        shared: w; leaf tensors.
        xi: The learning rate of w.

    Returns:
        A tensor for each of ``alphas``.
    """
    descent = gradient(train_loss, shared)
    with moved(shared, descent, -xi):
        slopes = gradient(validation_loss, [*alphas, *shared])
    direct, v = slopes[: len(alphas)], slopes[len(alphas) :]
    length = float(torch.stack([part.norm() for part in v]).norm())
    if length == 0.0:
        return direct
    eps = STEP / length
    with moved(shared, v, eps):
        above = gradient(train_loss, alphas)
    with moved(shared, v, -eps):
        below = gradient(train_loss, alphas)
    return [d - xi * (a - b) / (2 * eps) for d, a, b in zip(direct, above, below, strict=True)]


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
