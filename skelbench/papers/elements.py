"""Elements that are normalised and averaged in a forward pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch.overrides import TorchFunctionMode


class ElementCount(TorchFunctionMode):
    """Counts elements of batch normalisations and of global means while it is entered.

    Attributes:
        normalised: Elements that batch normalisations gave.
        averaged: Elements that means over rows and columns took.
    """

    def __init__(self) -> None:
        super().__init__()
        self.normalised = self.averaged = 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call the function and count."""
        output = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        if name == "batch_norm":
            self.normalised += output.numel()
        elif name in ("mean", "adaptive_avg_pool2d"):
            self.averaged += args[0].numel()
        return output
