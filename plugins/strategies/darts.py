"""DARTS: differentiable architecture search, of Liu et al., ICLR 2019, as SAR-NAS uses it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from skelbench.recipe import DeriveOptions
from skelbench.search import Bilevel, Point, Proposal, Sample, Space, TensorWeights, WeightMode, decode

from .alphas import Alphas, relative_cost
from .bilevel import Difference, exact_product, first_order, relative_error, second_order
from .learned import Learned
from .params import DartsParams
from .refusals import refuse_empty, refuse_mere_warmup


class Darts:
    """A search whose alphas descend the validation loss of a supernet.

    The supernet weighs options by the softmax of their alphas, see `Alphas`. "Nothing" has the place
    of the operator ``zero`` in the paper: it takes weight from an input, and no architecture keeps it.

    Args:
        space: What is searched.
        seed: Of the first alphas.
        weights: Always ``shared``.
        epochs: Supernet epochs.
        derive: How the weights of a ``mix`` become an architecture.
        params: See `DartsParams`.

    Raises:
        SpecError: There is nothing to search, or the warm-up takes all epochs.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int,
        weights: WeightMode = "shared",
        epochs: int,
        derive: DeriveOptions = DeriveOptions(),
        **params: Any,
    ) -> None:
        self._params = given = DartsParams(**params)
        refuse_empty(space)
        refuse_mere_warmup(epochs, given.warmup_epochs)
        self._space, self._derive = space, derive
        self._alphas = Alphas(space.points, given.start, seed)
        self._tensors = self._alphas.tensors
        labels = [label for label, several in self._alphas.vectors.items() for _ in several]
        self._learned = Learned(labels, self._tensors, given.lr, given.betas, given.weight_decay)
        self._error: tuple[int, float] | None = None

    def to(self, device: torch.device) -> None:
        """Move the alphas and Adam's moments of them."""
        self._alphas.to(device)
        self._learned.to(device)

    def training_weights(self, epoch: int) -> TensorWeights:
        """The weights of the present alphas."""
        with torch.no_grad():
            return self._alphas.weights()

    def step(self, epoch: int, problem: Bilevel) -> None:
        """One step of Adam on the alphas; none in the warm-up.

        Raises:
            WorkFailed: The gradient is not finite.
        """
        if epoch < self._params.warmup_epochs:
            return
        gradients = self._gradients(problem)
        if self._params.measure_error and (self._error is None or self._error[0] != epoch):
            self._error = epoch, relative_error(gradients, self._gradients(problem, exact=True))
        self._learned.step(gradients, epoch)

    def ask(self, epoch: int) -> Sequence[Proposal]:
        """Nothing: the alphas are the answer."""
        return ()

    def tell(self, proposals: Sequence[Proposal], fitness: Sequence[float | None]) -> None:
        """Nothing was asked."""

    def best(self) -> Proposal:
        """The options of the largest weights.

        Of a node the inputs whose best option, "nothing" aside, has the largest weight, each with it.
        """
        weights = {label: weight.cpu().numpy() for label, weight in self.training_weights(0).items()}
        return Proposal(self._space.canonical(decode(self._space.points, weights, self._derive)))

    def figures(self) -> dict[str, Any]:
        """How decided the alphas are, and what they stand for.

        ``entropy`` is that of a softmax in nats, averaged over all of them, and ``entropies`` by label;
        ``alpha_steps`` how many steps the alphas have taken;
        ``genotype`` is the answer so far; ``alphas`` the softmax by label, of nodes a list for each
        input with "nothing" last; ``skips`` by cell the share of the chosen edges that are skip
        connections. There is a ``warning`` where that share exceeds ``most_skips``. ``gradient_error``,
        where it is asked for, is how far the epoch's first gradient was off the exact one of second order.
        """
        genotype = self.best().sample or {}
        shares = self._alphas.shares()
        entropies = {label: [_entropy(share) for share in several] for label, several in shares.items()}
        rounded = {label: [share.round(4).tolist() for share in several] for label, several in shares.items()}
        skips = _skips(self._space.points, genotype)
        return {
            "entropy": _mean([entropy for several in entropies.values() for entropy in several]),
            "alpha_steps": self._learned.steps,
            "entropies": {label: _mean(several) for label, several in entropies.items()},
            "genotype": genotype,
            "alphas": {p.label: rounded[p.label][slice(None) if p.groups else 0] for p in self._space.points},
            "skips": {cell: round(share, 4) for cell, share in skips.items()},
            **_collapse(skips, self._params.most_skips),
            **({} if self._error is None else {"gradient_error": round(self._error[1], 6)}),
        }

    def state(self) -> dict[str, Any]:
        """The alphas with their labels, Adam's moments of them, and how many steps it took."""
        return self._learned.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``, of a search of the same space with the same parameters.

        Raises:
            RunFolderError: It is of another space.
        """
        self._learned.restore(state)

    def _gradients(self, problem: Bilevel, *, exact: bool = False) -> list[Tensor]:
        """Of the loss of the alphas: the validation loss, and the cost where it has a weight.

        With ``exact`` of second order and without a difference, whatever the parameters say.
        """
        points, cost_weight = self._space.points, self._params.cost_weight

        def train_loss() -> Tensor:
            return problem.train_loss(self._alphas.weights())

        def validation_loss() -> Tensor:
            weights = self._alphas.weights()
            loss = problem.validation_loss(weights)
            return loss + cost_weight * relative_cost(points, weights, problem.costs) if cost_weight else loss

        if self._params.order == 1 and not exact:
            return first_order(validation_loss, self._tensors)
        differ = self._params.difference
        product = exact_product if exact or differ == "exact" else Difference(differ)
        return second_order(train_loss, validation_loss, self._tensors, problem.shared, problem.lr, product)


def _entropy(share: np.ndarray) -> float:
    kept = share[share > 0]
    return float(-(kept * np.log(kept)).sum())


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 6)


def _skips(points: Sequence[Point], genotype: Sample) -> dict[str, float]:
    """By cell, which share of its chosen edges are skip connections."""
    chosen: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    for point in points:
        if point.kind == "cell" and point.label in genotype:
            cell = point.label.rpartition(".")[0] or point.label
            names = [edge.partition("(")[0] for edge in genotype[point.label]]
            chosen[cell] += len(names)
            skipped[cell] += names.count("skip")
    return {cell: skipped[cell] / count for cell, count in chosen.items()}


def _collapse(skips: Mapping[str, float], most: float) -> dict[str, str]:
    """The warning, where there is something to warn of."""
    cells = [f"{cell} ({share:.0%} of its edges)" for cell, share in skips.items() if share > most]
    if not cells:
        return {}
    return {"warning": f"the search has collapsed to skip connections in {' and '.join(cells)}"}
