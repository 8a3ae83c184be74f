"""A path through a trellis, learned by gradients and decoded by Viterbi: VAR-NAS (Zhou et al., ACML 2021)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from skelbench.recipe import DeriveOptions
from skelbench.search import Bilevel, Point, Proposal, Sample, Space, TensorWeights, WeightMode, weight_shape

from .bilevel import first_order
from .learned import Learned
from .params import ViterbiParams
from .paths import trellises
from .refusals import refuse_empty, refuse_mere_warmup

_DRAWN = 1_000_003
"""Keeps the draws of neighbouring seeds apart."""


class Viterbi:
    """A search whose path and operator weights descend the validation loss of a supernet.

    Betas lead from each width of a stage to each of the next, and further ones weigh the widths of the last
    stage; alphas weigh the operators of each layer on each width. The supernet runs under their softmax. The
    answer has the widths of the best path by Viterbi's algorithm and on each the operators of the largest
    alphas.

    Args:
        space: What is searched: one trellis or several.
        seed: Of the first weights, and of the operators drawn.
        weights: Always ``shared``.
        epochs: Supernet epochs.
        derive: Of no meaning here.
        params: See `ViterbiParams`.

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
        self._params = given = ViterbiParams(**params)
        refuse_empty(space)
        refuse_mere_warmup(epochs, given.warmup_epochs)
        self.alternates = given.alternate == "epoch"
        self._space, self._epochs, self._seed = space, epochs, seed
        self._trellises = trellises(space.points)
        self._scores = _first_scores(space.points, given.start, seed)
        self._learned = Learned(
            list(self._scores), list(self._scores.values()), given.lr, given.betas, given.weight_decay
        )
        layers = [layer for one in self._trellises for stage in one.stages for layer in stage.layers]
        self._layers = {layer.label for layer in layers}
        self._costs: Mapping[str, np.ndarray] | None = None
        self._draws = 0
        self._best: tuple[float, Sample] | None = None

    def to(self, device: torch.device) -> None:
        """Move the architecture weights and Adam's moments of them."""
        self._learned.to(device)

    def training_weights(self, epoch: int) -> TensorWeights:
        """The shares of the present weights, of each layer those of one operator if they are sampled."""
        with torch.no_grad():
            return self._sampled(self._shares(), operators=1)

    def step(self, epoch: int, problem: Bilevel) -> None:
        """One step of Adam on the architecture weights; none in the warm-up.

        Raises:
            WorkFailed: A gradient is not finite.
        """
        self._costs = problem.costs
        if epoch < self._params.warmup_epochs:
            return

        def loss() -> Tensor:
            shares = self._shares()
            price = self._price(shares, problem.costs)
            return problem.validation_loss(self._sampled(shares, operators=2)) + price

        self._learned.step(first_order(loss, list(self._scores.values())), epoch)

    def ask(self, epoch: int) -> Sequence[Proposal]:
        """In the last epochs the path that would be the answer now."""
        return [self._answer()] if epoch >= self._epochs - self._params.evaluate_epochs else ()

    def tell(self, proposals: Sequence[Proposal], fitness: Sequence[float | None]) -> None:
        """Keep the best path; of equal ones the later."""
        for proposal, value in zip(proposals, fitness, strict=True):
            if value is None or proposal.sample is None:
                continue
            if self._best is None or value >= self._best[0]:
                self._best = (value, proposal.sample)

    def best(self) -> Proposal:
        """The path of the present weights, or the one that was evaluated best."""
        if self._params.final == "best" and self._best is not None:
            return Proposal(self._best[1])
        return self._answer()

    def figures(self) -> dict[str, Any]:
        """How decided the weights are, and what they stand for.

        ``width_entropy`` and ``layer_entropy`` are those of a softmax in nats, averaged over all of betas and
        alphas, ``entropy`` over both; ``alpha_steps`` how many steps they have taken; ``expected_mmacs`` the
        mean cost of a path; ``path`` the architecture so far; ``best_paths`` by trellis the best paths of
        widths, each with its score (in mode ``product`` the logarithm); ``shares`` the softmax by label.
        """
        tracked = self._shares()
        shares = _numbers(tracked)
        entropies = {label: _entropy(share) for label, share in shares.items()}
        widths = [entropy for label, entropy in entropies.items() if label not in self._layers]
        layers = [entropy for label, entropy in entropies.items() if label in self._layers]
        return {
            "entropy": _mean([*widths, *layers]),
            "alpha_steps": self._learned.steps,
            "width_entropy": _mean(widths),
            **({"layer_entropy": _mean(layers)} if layers else {}),
            **self._expected(tracked),
            "path": self._path(shares),
            "best_paths": self._best_paths(shares),
            "shares": {label: share.round(4).tolist() for label, share in shares.items()},
        }

    def state(self) -> dict[str, Any]:
        """The weights, Adam's moments of them, where the draws of operators are, and the best evaluation."""
        best = None if self._best is None else list(self._best)
        return {**self._learned.state(), "seed": self._seed, "draws": self._draws, "best": best}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``, of a search of the same space with the same parameters.

        Raises:
            RunFolderError: It is of another space.
        """
        self._learned.restore(state)
        self._seed, self._draws = state["seed"], state["draws"]
        self._best = None if state["best"] is None else (float(state["best"][0]), dict(state["best"][1]))

    # --- weights -----------------------------------------------------------------------------

    def _shares(self) -> dict[str, Tensor]:
        """The softmax of all scores; gradients flow to them."""
        return {label: scores.softmax(-1) for label, scores in self._scores.items()}

    def _sampled(self, shares: Mapping[str, Tensor], operators: int) -> Mapping[str, Tensor]:
        """The shares, of layers over so many drawn operators if they are sampled."""
        if not self._params.sampled:
            return shares
        generator = torch.Generator().manual_seed(self._seed * _DRAWN + self._draws)
        self._draws += 1
        return {
            label: _over_drawn(self._scores[label], share, operators, generator)
            if label in self._layers
            else share
            for label, share in shares.items()
        }

    def _price(self, shares: Mapping[str, Tensor], costs: Mapping[str, np.ndarray]) -> Tensor | float:
        """Lambda times the logarithm of the expected cost; 0 where all is free."""
        if not self._params.cost_weight:
            return 0.0
        mmacs = self._mmacs(shares, costs)
        if not bool(mmacs > 0):
            return 0.0
        return self._params.cost_weight * mmacs.log() / math.log(self._params.cost_base)

    def _mmacs(self, shares: Mapping[str, Tensor], costs: Mapping[str, np.ndarray]) -> Tensor:
        return torch.stack([one.expected_mmacs(shares, costs) for one in self._trellises]).sum()

    # --- what they stand for -----------------------------------------------------------------

    def _answer(self) -> Proposal:
        return Proposal(self._path(_numbers(self._shares())))

    def _path(self, shares: Mapping[str, np.ndarray]) -> Sample:
        sample: Sample = {}
        for one in self._trellises:
            (path,) = one.paths(shares, self._params.mode, top=1)
            sample |= one.decoded(path, shares)
        return self._space.canonical(sample)

    def _best_paths(self, shares: Mapping[str, np.ndarray]) -> list[list[dict[str, Any]]]:
        return [
            [
                {"widths": _widths(one.stages, path.states), "score": round(path.score, 6)}
                for path in one.paths(shares, self._params.mode, self._params.paths)
            ]
            for one in self._trellises
        ]

    def _expected(self, shares: Mapping[str, Tensor]) -> dict[str, float]:
        """The mean cost of a path, once a step has told the costs."""
        if self._costs is None:
            return {}
        return {"expected_mmacs": round(self._mmacs(shares, self._costs).item(), 3)}


def _first_scores(points: Sequence[Point], start: float, seed: int) -> dict[str, Tensor]:
    """By label, the scores of whose rows the softmax is taken."""
    generator = torch.Generator().manual_seed(seed)
    scores: dict[str, Tensor] = {}
    for point in points:
        shape = weight_shape(points, point)
        scores[point.label] = (start * torch.randn(shape, generator=generator)).requires_grad_()
        if point.out:
            scores[point.out] = (start * torch.randn(shape[-1:], generator=generator)).requires_grad_()
    return scores


def _numbers(shares: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    return {label: share.detach().cpu().double().numpy() for label, share in shares.items()}


def _over_drawn(scores: Tensor, shares: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """The softmax over ``count`` options of each row, drawn by their shares; the others are 0."""
    count = min(count, shares.shape[-1])
    rows = shares.detach().cpu().reshape(-1, shares.shape[-1])
    drawn = torch.multinomial(rows, count, generator=generator).reshape(*shares.shape[:-1], count)
    drawn = drawn.to(scores.device)
    return torch.zeros_like(shares).scatter(-1, drawn, scores.gather(-1, drawn).softmax(-1))


def _widths(stages: Sequence[Any], states: Sequence[int]) -> list[Any]:
    return [stage.width.options[state] for stage, state in zip(stages, states, strict=True)]


def _entropy(shares: np.ndarray) -> float:
    """The mean entropy of the rows."""
    logarithms = np.log(np.where(shares > 0, shares, 1.0))
    return float(-(shares * logarithms).sum(-1).mean())


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 6)
