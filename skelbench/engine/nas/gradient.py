"""Gradient searches: their weights learn beside those of a supernet (bilevel optimisation).

The passes of a search's step leave the supernet's weights and their optimizer as they were, and the
random numbers that its training goes on with. The running statistics of batch normalisation they do move:
those are read in evaluation only, and measured anew where an architecture is evaluated on the supernet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from skelbench.engine.candidates import Evaluation
from skelbench.engine.nas.supernet import Supernet
from skelbench.engine.validate import proposals_of
from skelbench.search import GradientSearch, Proposal, TensorWeights, as_weights
from skelbench.space.decisions import Decision
from skelbench.space.trellises import Trellis
from skelbench.training.cost import cost_of_parts

Batch = Sequence[Tensor]
_ROUND = 1_000_003
"""Keeps the order of clips of a second round apart from that of any epoch."""


class GradientModule(Supernet):
    """In each step lets the search's weights learn on their own batch, then trains the supernet's."""

    _search: GradientSearch
    batches: Iterator[Batch]
    _costs: dict[str, np.ndarray]

    def on_fit_start(self) -> None:
        """Bring the search to the supernet's device and count what the options cost."""
        super().on_fit_start()
        self._search.to(self.device)
        self._costs = option_costs(self.training_module.network, self._job.clip_shape)

    def on_train_epoch_start(self) -> None:
        """Begin the alpha batches of this epoch; a search that alternates learns from all of them now."""
        super().on_train_epoch_start()
        self.batches = endless(self._job.alphas, self.current_epoch)
        if self._alternates:
            for _ in range(len(self._job.alphas)):
                self._step_of_search(None)

    @property
    def _alternates(self) -> bool:
        return bool(getattr(self._search, "alternates", False))

    def _step_of_search(self, batch: Batch | None) -> None:
        # In bf16 the passes of a finite difference would see no difference, and autocast would hand
        # them its copies of the weights from before they were moved.
        with torch.autocast(self.device.type, enabled=False):
            self._search.step(self.current_epoch, Step(self, batch))

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """One step of the search, unless it alternates by epoch, then one of the shared weights."""
        if not self._alternates:
            self._step_of_search(batch)
        self.set_weights(self._search.training_weights(self.current_epoch), normalised=False)
        loss = self.training_module.training_step(batch, batch_idx)
        self.learn(loss, batch_idx)
        return loss

    def loss_under(self, weights: TensorWeights, batch: Batch) -> Tensor:
        """The recipe's loss of a batch with the options weighted by ``weights``.

        All losses of a step draw the same random numbers (dropout), those of the training step after
        them: two that are taken from each other differ by the weights alone.
        """
        self.set_weights(weights, tracked=True, normalised=False)
        with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
            return self.training_module.loss(self.training_module(batch[0]), batch[1])

    @property
    def costs(self) -> dict[str, np.ndarray]:
        """By label, the MACs of each option in all places of the label."""
        return self._costs

    @property
    def lr(self) -> float:
        """The present learning rate of the shared weights."""
        return float(self.trainer.optimizers[0].param_groups[0]["lr"])

    def judged(self, proposal: Proposal, leader: Evaluation | None = None) -> Evaluation:
        """A proposal on the inference clips, which nothing learns from."""
        if proposal.sample is None:
            raise TypeError("a gradient search proposes architectures, not weights")
        self.set_weights(as_weights(self._job.points, proposal.sample))
        return self.judged_on(self._job.inference or (), leader)

    def on_train_epoch_end(self) -> None:
        """Evaluate what the search asks for, where clips are held out for that; write down its figures."""
        super().on_train_epoch_end()
        proposals = proposals_of(self._search, self.current_epoch) if self._job.inference is not None else ()
        if proposals:
            self.evaluate(self.current_epoch, proposals)
        self._journal.generation(self.current_epoch, self._search.figures())


class Step:
    """One step's problem (implements `skelbench.search.Bilevel`).

    The alpha batch is fetched when it is first asked for, so that a search's warm-up costs none.

    Args:
        module: What trains the supernet.
        train: The step's training batch; None where the search alternates by epoch.
    """

    def __init__(self, module: GradientModule, train: Batch | None) -> None:
        self._module, self._train = module, train
        self._validation: Batch | None = None
        self.shared = [p for p in module.training_module.parameters() if p.requires_grad]
        self.lr = module.lr
        self.costs = module.costs

    def train_loss(self, weights: TensorWeights) -> Tensor:
        """The loss on the step's training batch.

        Raises:
            TypeError: The search alternates by epoch, so that no such batch stands beside its own.
        """
        if self._train is None:
            raise TypeError("a search that alternates by epoch has no training batch beside its own")
        return self._module.loss_under(weights, self._train)

    def validation_loss(self, weights: TensorWeights) -> Tensor:
        """The loss on the step's alpha batch."""
        return self._module.loss_under(weights, self.validation)

    @property
    def validation(self) -> Batch:
        """The step's alpha batch."""
        if self._validation is None:
            self._validation = alpha_batch(self._module)
        return self._validation


def alpha_batch(module: GradientModule) -> Batch:
    """The next batch of the clips from which the search's weights learn, on the supernet's device."""
    fetched = next(module.batches)
    return [part.to(module.device) if isinstance(part, Tensor) else part for part in fetched]


def endless(loader: Any, epoch: int) -> Iterator[Batch]:
    """Batches of an epoch; where they are fewer than the epoch's steps, further rounds of them."""
    turn = 0
    while True:
        loader.set_epoch(epoch + turn * _ROUND)
        yield from loader
        turn += 1


def option_costs(network: nn.Module, clip_shape: Sequence[int]) -> dict[str, np.ndarray]:
    """By label, the MACs of each option for one clip, summed over the places of the label.

    They have the shape of a gradient search's weights.
    """
    places = list(_places(network))
    wanted = [path for _, paths in places for path in paths.ravel() if path]
    found = cost_of_parts(network, clip_shape, wanted)
    costs: dict[str, np.ndarray] = {}
    for label, paths in places:
        macs = np.array([found[path].macs if path else 0 for path in paths.ravel()], dtype=float)
        costs[label] = costs.get(label, 0.0) + macs.reshape(paths.shape)
    return costs


def _places(network: nn.Module) -> Iterator[tuple[str, np.ndarray]]:
    """Each decision's label and the paths of what stands for its options, empty where tensors are chosen."""
    for name, module in network.named_modules():
        if isinstance(module, Decision):
            made = bool(module.candidates)
            yield (
                module.label,
                np.array(
                    [f"{name}.candidates.{i}" if made else "" for i in range(module.count)], dtype=object
                ),
            )
        elif isinstance(module, Trellis):
            for label, rows in module.places().items():
                yield label, np.array([[f"{name}.{path}" for path in row] for row in rows], dtype=object)
