"""Parts of a network that do not learn before a share of the training is done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from torch import nn


class Frozen(nn.Module):
    """Keeps parameters as they are until a share of the training is done.

    It stands in a network without weights of its own, where the training tells it how far it is. What is
    frozen gets no gradient, so that no optimizer moves it; the running means of a normalisation follow the
    data all the same.

    Args:
        parameters: What is frozen.
        until: The share of the training at which it begins to learn.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], until: float) -> None:
        super().__init__()
        self.until = until
        self.held = list(parameters)  # in a list, they are not parameters of this module

    def set_progress(self, share: float) -> None:
        """Tell how much of the training is done, from 0 to 1."""
        for parameter in self.held:
            parameter.requires_grad_(share >= self.until)


@contextmanager
def frozen(network: nn.Module, parts: Iterable[nn.Module], until: float) -> Iterator[None]:
    """Within, ``network`` is trained with some of its parts frozen; afterwards it is as it was.

    Args:
        network: The network.
        parts: Parts of it; what does not learn anyway stays as it is.
        until: See `Frozen`.
    """
    keeper = Frozen([p for part in parts for p in part.parameters() if p.requires_grad], until)
    network.add_module("frozen", keeper)
    try:
        yield
    finally:
        del network.frozen
        keeper.set_progress(1)
