"""The forward and backward pass of a training step as one CUDA graph, started at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from skelbench.errors import SkelbenchError, WorkFailed
from skelbench.recipe import TrainOptions
from skelbench.training.devices import device_kind, precision_name

Work = Callable[[], None]

_WARM_UP = 3
"""Runs before a recording, in which libraries choose their algorithms and take their memory."""


def check_graph(accelerator: str, devices: int, options: TrainOptions) -> None:
    """See that a training's steps can be CUDA graphs: on one GPU, each with a loss of its own.

    Raises:
        SkelbenchError: They cannot.
    """
    if device_kind(accelerator) != "cuda":
        raise _none("it is a GPU's, and this training computes on a processor")
    if devices > 1:
        raise _none("one device computes it, and several share this training")
    if options.accumulate > 1 or precision_name(options.precision, accelerator) == "16":
        raise _none("a loss that is scaled, by train.accumulate or half precision, is not in it")


def check_graphable(network: nn.Module) -> None:
    """See that the steps of a network can be one CUDA graph.

    Raises:
        SkelbenchError: They differ from step to step.
    """
    for module in network.modules():
        if any(callable(getattr(module, name, None)) for name in ("penalty", "set_progress")):
            raise _none(f"{type(module).__name__} does not do the same in every step")


def _none(why: str) -> SkelbenchError:
    return SkelbenchError(f"there is no CUDA graph: {why}", where="--cuda-graph", remedy="Leave it out")


def cuda_graph(work: Work) -> Work:
    """Record what some work asks of the GPU, after warming up, and return what does the same again."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(_WARM_UP):
            work()
    torch.cuda.current_stream().wait_stream(aside)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay


class GraphedStep:
    """Forward pass, loss and gradients of a step, recorded at the first batch and replayed for later ones.

    Recording leaves weights, running statistics and random numbers as they were, so that a training has the
    steps that it has without it.

    Args:
        network: (N, ...) -> (N, classes), the same operations in every step of training.
        loss: Of scores (N, classes) and labels (N,).
        record: How work is recorded; see `cuda_graph`.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: Callable[[Tensor, Tensor], Tensor],
        record: Callable[[Work], Work] = cuda_graph,
    ) -> None:
        self._network, self._loss_of, self._recorder = network, loss, record
        self._replay: Work | None = None
        self._parameters = [one for one in network.parameters() if one.requires_grad]

    def fits(self, x: Tensor) -> bool:
        """Whether a batch (N, ...) has the shape of those that are replayed, or is the first."""
        return self._replay is None or x.shape == self._x.shape

    def __call__(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Scores (N, classes), until the next step, and a loss whose backward pass hands gradients out."""
        if self._replay is None:
            self._replay = self._recorded(x, y)
        self._x.copy_(x)
        self._y.copy_(y)
        self._replay()
        loss: Any = _HandOut.apply(self._anchor, self)
        return self.scores, loss

    def _recorded(self, x: Tensor, y: Tensor) -> Work:
        self._x, self._y = x.clone(), y.clone()
        self._anchor = torch.zeros((), device=x.device, requires_grad=True)
        kept = [(buffer, buffer.clone()) for buffer in self._network.buffers()]
        drawn, drawn_here = _drawn(x.device), torch.get_rng_state()
        replay = self._recorder(self._compute)
        if x.is_cuda and not torch.equal(drawn_here, torch.get_rng_state()):
            what = "the network draws random numbers on the processor, which a CUDA graph would repeat"
            raise WorkFailed(what, remedy="Leave --cuda-graph out")
        _set_drawn(x.device, drawn)
        with torch.no_grad():
            for buffer, before in kept:
                buffer.copy_(before)
        return replay

    def _compute(self) -> None:
        kind = self._x.device.type
        half, enabled = torch.get_autocast_dtype(kind), torch.is_autocast_enabled(kind)
        # Weights that autocast has cast are kept for one pass only, which a recording would outlive.
        with torch.autocast(kind, half, enabled, cache_enabled=False):
            scores = self._network(self._x)
            loss = self._loss_of(scores, self._y)
        found = torch.autograd.grad(loss, self._parameters, allow_unused=True)
        self.gradients = [_laid_out(one, weight) for one, weight in zip(found, self._parameters, strict=True)]
        self.scores, self.loss = scores.detach(), loss.detach()

    def hand_out(self) -> None:
        """Give the latest step's gradients to the weights."""
        for parameter, gradient in zip(self._parameters, self.gradients, strict=True):
            parameter.grad = gradient


class _HandOut(torch.autograd.Function):
    """The loss of a replayed step; its backward pass has been computed already."""

    @staticmethod
    def forward(context: Any, anchor: Tensor, step: GraphedStep) -> Tensor:
        context.step = step
        return step.loss.clone()

    @staticmethod
    def backward(context: Any, *scale: Tensor) -> tuple[None, None]:
        context.step.hand_out()
        return None, None


def _laid_out(gradient: Tensor | None, weight: Tensor) -> Tensor | None:
    """A gradient in memory as its weight is, as backward passes leave it and fused optimizers need it."""
    if gradient is None or gradient.stride() == weight.stride():
        return gradient
    return torch.empty_like(weight).copy_(gradient)


def _drawn(device: torch.device) -> Tensor:
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def _set_drawn(device: torch.device, state: Tensor) -> None:
    if device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    else:
        torch.set_rng_state(state)
