"""The forward and backward pass of a network as one CUDA graph, which starts thousands of operations at once."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from skelbench.errors import SkelbenchError, WorkFailed
from skelbench.training.devices import device_kind


def check_graph(accelerator: str, devices: int = 1) -> None:
    """See that there is what computes a CUDA graph: one GPU.

    Raises:
        SkelbenchError: There is not.
    """
    if device_kind(accelerator) != "cuda":
        raise _none("it is a GPU's, and this training computes on a processor")
    if devices > 1:
        raise _none("one device computes it, and several share this training")


def check_graphable(network: nn.Module) -> None:
    """See that the steps of a training can be one CUDA graph.

    Raises:
        SkelbenchError: They differ from step to step.
    """
    for module in network.modules():
        if any(callable(getattr(module, name, None)) for name in ("penalty", "set_progress")):
            raise _none(f"{type(module).__name__} does not do the same in every step")


def _none(why: str) -> SkelbenchError:
    return SkelbenchError(f"there is no CUDA graph: {why}", where="--cuda-graph", remedy="Leave it out")


class GraphedForward:
    """A network that is recorded at its first batch and replayed for later ones of the same shape.

    Other shapes, and passes without gradients, run as ever. Recording leaves weights, running statistics and
    random numbers as they were, so that a training has the steps that it has without it.

    Args:
        network: (N, ...) -> (N, classes), the same operations in every step of training.
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._replay: Any = None
        self._shape: torch.Size | None = None

    def __call__(self, x: Tensor) -> Tensor:
        """Scores of a batch on a GPU."""
        if not (self._network.training and torch.is_grad_enabled()):
            return self._network(x)
        if self._replay is None:
            self._record(x)
        return self._replay(x) if x.shape == self._shape else self._network(x)

    def _record(self, x: Tensor) -> None:
        kept = [(buffer, buffer.clone()) for buffer in self._network.buffers()]
        drawn, drawn_here = torch.cuda.get_rng_state(x.device), torch.get_rng_state()
        half, enabled = torch.get_autocast_dtype("cuda"), torch.is_autocast_enabled("cuda")
        # Weights that autocast has cast are kept for one pass only, which a recording would outlive.
        with torch.autocast("cuda", half, enabled, cache_enabled=False):
            self._replay = torch.cuda.make_graphed_callables(
                _Recorded(self._network), (x.clone(),), allow_unused_input=True
            )
        self._shape = x.shape
        if not torch.equal(drawn_here, torch.get_rng_state()):
            what = "the network draws random numbers on the processor, which a CUDA graph would repeat"
            raise WorkFailed(what, remedy="Leave --cuda-graph out")
        torch.cuda.set_rng_state(drawn, x.device)
        with torch.no_grad():
            for buffer, before in kept:
                buffer.copy_(before)


class _Recorded(nn.Module):
    """Another module around a network: PyTorch exchanges the ``forward`` of what it records."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x)
