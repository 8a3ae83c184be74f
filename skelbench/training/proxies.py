"""Zero-cost proxies: what an untrained network is worth, guessed from one batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from skelbench.recipe import Proxy
from skelbench.training.cost import cost

PROXIES: tuple[Proxy, ...] = get_args(Proxy)


def rate(proxy: Proxy, network: nn.Module, x: Tensor, y: Tensor) -> float:
    """A proxy's figure of an untrained network, higher is better; the network is left as it was.

    Args:
        proxy: ``params`` and ``macs`` of one clip; ``grad_norm``, the sum over weights of the norm of the
            loss's gradient, and ``synflow`` (Tanaka et al., NeurIPS 2020), both as Abdelfattah et al. (ICLR
            2021) take them; ``naswot``, the log of the determinant of how alike activation patterns of clips
            are (Mellor et al., ICML 2021).
        network: The network.
        x: Clips, (N, C, T, V, M) or (N, C, T, H, W).
        y: Their classes, (N,) int64.
    """
    if proxy in ("params", "macs"):
        counted = cost(network, (1, *x.shape[1:]))
        return float(counted.params if proxy == "params" else counted.macs)
    return _BY_GRADIENTS[proxy](deepcopy(network), x, y)


def _grad_norm(network: nn.Module, x: Tensor, y: Tensor) -> float:
    network.train()
    functional.cross_entropy(network(x), y).backward()
    return sum(float(w.grad.norm()) for w in network.parameters() if w.grad is not None)


def _synflow(network: nn.Module, x: Tensor, y: Tensor) -> float:
    """The flow of ones through the absolute weights, in double precision: it grows with every layer."""
    network.double().eval()  # normalisations take nothing from a batch of ones
    with torch.no_grad():
        for weight in network.parameters():
            weight.abs_()
    network(torch.ones_like(x[:1], dtype=torch.float64)).sum().backward()
    return sum(float((w * w.grad).detach().abs().sum()) for w in network.parameters() if w.grad is not None)


def _naswot(network: nn.Module, x: Tensor, y: Tensor) -> float:
    network.train()
    with torch.no_grad(), _Patterns(len(x)) as patterns:
        network(x)
    if patterns.alike is None:
        return _SINGULAR
    return max(_SINGULAR, float(torch.linalg.slogdet(patterns.alike).logabsdet))


_BY_GRADIENTS: Mapping[str, Callable[[nn.Module, Tensor, Tensor], float]] = {
    "grad_norm": _grad_norm,
    "synflow": _synflow,
    "naswot": _naswot,
}
_SINGULAR = -1e6
"""Stands for the log of a determinant of zero: nothing tells the clips apart."""
_ACTIVATIONS = {"relu", "relu_", "leaky_relu", "leaky_relu_", "gelu", "silu", "hardswish", "elu"}


class _Patterns(TorchFunctionMode):
    """Adds up for each pair of clips how many activations are on in both or off in both.

    Args:
        clips: How many.
    """

    def __init__(self, clips: int) -> None:
        super().__init__()
        self._clips = clips
        self.alike: Tensor | None = None

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = func(*args, **kwargs or {})
        if getattr(func, "__name__", "") in _ACTIVATIONS and given.numel() % self._clips == 0:
            on = (given > 0).reshape(self._clips, -1).double()
            alike = on @ on.T + (1 - on) @ (1 - on).T
            self.alike = alike if self.alike is None else self.alike + alike
        return given
