"""The supernet in a worker: its weights stand still while candidates are evaluated on it."""

from __future__ import annotations

from pathlib import Path

import torch
from nni.nas.oneshot.pytorch.strategy import OneShotStrategy

from skelbench.engine.candidates import Evaluation
from skelbench.engine.nas.candidate_pool import Candidate
from skelbench.engine.nas.experiment import quiet_nni
from skelbench.engine.nas.supernet import set_weights
from skelbench.engine.nas.supernet_job import SupernetJob, TrainingModule
from skelbench.space.build import SupernetSpace, supernet_hook
from skelbench.training.batches import KeptBatches
from skelbench.training.devices import single_precision
from skelbench.training.lightning import pl
from skelbench.training.trainer import quiet


class FrozenSupernet:
    """Evaluates candidates as `skelbench.engine.nas.supernet.Supernet` does after the epoch.

    Args:
        space: The space with all its modules.
        job: How the supernet is trained, and what candidates are validated on.
        device: Where to compute.
        tf32: Whether the supernet computes in TF32.
    """

    def __init__(self, space: SupernetSpace, job: SupernetJob, device: torch.device, tf32: bool) -> None:
        self._job, self._device, self._tf32 = job, device, tf32
        self._module = TrainingModule(job.options, len(job.loader))
        with quiet_nni():
            self._module.set_model(OneShotStrategy(mutation_hooks=[supernet_hook]).mutate_model(space))
        with quiet():
            self._precision = pl.Trainer(**job.trainer).precision_plugin
        self._frozen: Path | None = None

    def evaluate(self, candidate: Candidate) -> Evaluation:
        """What a candidate is worth."""
        if candidate.frozen != self._frozen:
            self._take(candidate)
        set_weights(self._module, candidate.weights)
        with single_precision(self._tf32), self._precision.forward_context():
            return self._job.comparison.on_supernet(
                self._module, self._job.validation, self._calibration, candidate.leader
            )

    def _take(self, candidate: Candidate) -> None:
        """The weights of an epoch, mapped into memory; what is written to them here stays in this process."""
        state = torch.load(candidate.frozen, map_location="cpu", mmap=True, weights_only=True)
        self._module.load_state_dict(state, assign=True)
        self._module.to(self._device)
        self._module.begin_epoch(candidate.epoch)
        self._job.loader.set_epoch(candidate.epoch)
        self._calibration = KeptBatches(self._job.loader, self._job.comparison.calibration_batches)
        self._frozen = candidate.frozen
