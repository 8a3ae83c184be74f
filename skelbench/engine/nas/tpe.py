"""The tree-structured Parzen estimator, by NNI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from nni import NoMoreTrialError
from nni.algorithms.hpo.tpe_tuner import TpeTuner

from skelbench.engine.nas.nni_search import NniSearch, Raw


class Tpe(NniSearch):
    """Tree-structured Parzen estimator (Bergstra et al., NIPS 2011), by NNI's `TpeTuner`.

    Its own parameters are those of ``TpeParams``: startup (architectures drawn at random first),
    candidates (outcomes drawn for a decision, of which the most promising is taken), forgetting (at most
    so many trials count as good; of the others the worst so many weigh 1, better ones less), prior
    (weight of every outcome beside the trials) and gamma (of N trials, ``gamma * sqrt(N)`` count as good).
    """

    NAMES: ClassVar[Mapping[str, str]] = {
        "startup": "n_startup_jobs",
        "candidates": "n_ei_candidates",
        "forgetting": "linear_forgetting",
        "prior": "prior_weight",
        "gamma": "gamma",
    }

    def _start(self, seed: int) -> None:
        self._nni = TpeTuner("maximize", seed, self._settings)
        sizes = {label: len(found) for label, found in self._outcomes.items()}
        self._nni.update_search_space(
            {k: {"_type": "choice", "_value": list(range(n))} for k, n in sizes.items()}
        )

    def _next(self, number: int) -> Mapping[str, Any] | None:
        try:
            sample: Mapping[str, Any] = self._nni.generate_parameters(number)
        except NoMoreTrialError:
            return None
        return sample

    def _report(self, number: int, raw: Raw, fitness: float | None) -> None:
        if fitness is not None:
            self._nni.receive_trial_result(number, raw, fitness)
        self._nni.trial_end(number, fitness is not None)
