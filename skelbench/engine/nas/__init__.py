"""NNI's NAS engine: the only place that imports its experiments, strategies, tuners and evaluators.

Searches (`skelbench.search`) know nothing of NNI. Two NNI strategies carry them: one submits each
proposal as a trial of its own (`trials`), the other trains one supernet and evaluates proposals on it
(`supernet`).
"""

from __future__ import annotations

# First, as it imports NNI without the warnings of its import.
from skelbench.engine.nas.experiment import run_experiment, sequential_engine  # isort: split

from skelbench.engine.nas.candidate_pool import Candidate, CandidatePool
from skelbench.engine.nas.frozen import FrozenSupernet
from skelbench.engine.nas.gradient import GradientModule
from skelbench.engine.nas.oneshot import learns_weights, oneshot_class, search_by_oneshot
from skelbench.engine.nas.supernet import SEARCH_STATE, SupernetModule, search_on_supernet
from skelbench.engine.nas.supernet_job import SupernetJob
from skelbench.engine.nas.trials import search_by_trials

__all__ = [
    "SEARCH_STATE",
    "Candidate",
    "CandidatePool",
    "FrozenSupernet",
    "GradientModule",
    "SupernetJob",
    "SupernetModule",
    "learns_weights",
    "oneshot_class",
    "run_experiment",
    "search_by_oneshot",
    "search_by_trials",
    "search_on_supernet",
    "sequential_engine",
]
