"""The modules that hold a network's modules: chains, sums, and choices of earlier outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torch import Tensor, nn


class Chain(nn.Sequential):
    """Modules one after the other; a `Take` among them chooses from all earlier outputs."""

    def forward(self, x: Tensor) -> Tensor:
        """Run through; an output is held only until the last `Take` that may ask for it."""
        last = {
            source: place
            for place, module in enumerate(self)
            if isinstance(module, Take)
            for source in module.sources
        }
        held = {0: x} if 0 in last else {}
        for place, module in enumerate(self):
            x = module(held) if isinstance(module, Take) else module(x)
            held = {source: output for source, output in held.items() if last[source] > place}
            if place + 1 in last:
                held[place + 1] = x
        return x


class Take(nn.Module):
    """Chooses among earlier outputs and sums (or averages) them."""

    def __init__(self, sources: Iterable[int], combine: str) -> None:
        super().__init__()
        self.sources = tuple(sources)
        self.combine = combine

    def forward(self, outputs: Mapping[int, Tensor]) -> Tensor:
        """The combination of the chosen ones of ``outputs``, by number; the chain's input has 0."""
        total = outputs[self.sources[0]]
        for index in self.sources[1:]:
            total = total + outputs[index]
        return total / len(self.sources) if self.combine == "mean" else total


class Sum(nn.ModuleList):
    """The sum of what its modules give for the same input (graphs broadcast over the batch)."""

    def forward(self, x: Tensor) -> Tensor:
        """The sum over modules."""
        total = self[0](x)
        for module in list(self)[1:]:
            total = total + module(x)
        return total
