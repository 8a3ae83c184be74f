"""The tree-structured Parzen estimator, by NNI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nni import NoMoreTrialError
from nni.algorithms.hpo.tpe_tuner import TpeTuner

from skelbench.engine.nas.chosen import Chosen, Raw
from skelbench.recipe import DeriveOptions
from skelbench.search import Space, WeightMode


class Tpe(Chosen):
    """Tree-structured Parzen estimator (Bergstra et al., NIPS 2011), by NNI's `TpeTuner`.

    Args:
        space: What is searched.
        seed: Of the algorithm's draws.
        weights: Without effect: every architecture has weights of its own.
        epochs: Without effect.
        derive: Without effect: candidates are architectures already.
        evaluations: How many different architectures are evaluated.
        startup: Architectures drawn at random first.
        candidates: Outcomes drawn for a decision, of which the most promising is taken.
        forgetting: At most so many trials count as good; of the others the worst so many weigh 1,
            better ones less.
        prior: Weight of every outcome beside the trials.
        gamma: Of N trials, ``gamma * sqrt(N)`` count as good.

    Raises:
        SpecError: A decision has too many outcomes.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int,
        weights: WeightMode,
        epochs: int,
        derive: DeriveOptions = DeriveOptions(),
        evaluations: int,
        startup: int,
        candidates: int,
        forgetting: int,
        prior: float,
        gamma: float,
    ) -> None:
        self._settings = {
            "n_startup_jobs": startup,
            "n_ei_candidates": candidates,
            "linear_forgetting": forgetting,
            "prior_weight": prior,
            "gamma": gamma,
        }
        super().__init__(space, seed, evaluations)

    def _start(self, seed: int) -> None:
        self._nni = TpeTuner("maximize", seed, self._settings)
        sizes = {label: len(found) for label, found in self._outcomes.items()}
        self._nni.update_search_space(
            {k: {"_type": "choice", "_value": list(range(n))} for k, n in sizes.items()}
        )

    def _next(self) -> Mapping[str, Any] | None:
        try:
            sample: Mapping[str, Any] = self._nni.generate_parameters(len(self._told))
        except NoMoreTrialError:
            return None
        return sample

    def _report(self, raw: Raw, fitness: float | None) -> None:
        number = len(self._told)
        if fitness is not None:
            self._nni.receive_trial_result(number, raw, fitness)
        self._nni.trial_end(number, fitness is not None)
