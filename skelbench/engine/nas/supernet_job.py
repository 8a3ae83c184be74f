"""What it takes to train a supernet, and the training module that holds it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from nni.nas.evaluator.pytorch import LightningModule

from skelbench.engine.candidates import Comparison
from skelbench.engine.nas.candidate_pool import CandidatePool
from skelbench.errors import RunFolderError
from skelbench.recipe import TrainOptions
from skelbench.search import Point
from skelbench.training.checkpoint import stored
from skelbench.training.module import ClipClassifier

AFRESH = "Remove it to search from the beginning"


@dataclass(frozen=True)
class SupernetJob:
    """What it takes to train a supernet.

    Attributes:
        points: The decisions of the space.
        options: The supernet's recipe.
        trainer: Keyword arguments of the Lightning trainer.
        loader: Training batches.
        validation: Validation batches (x, y, index), gone through again and again.
        inference: Batches on which a gradient search's architectures are evaluated, or None: of clips that
            neither the supernet nor the search learns from.
        active: ``single`` trains one drawn candidate per decision and step (Peng et al. 2020,
            eq. 15), ``all`` the weighted sum of all (eq. 8).
        seed: Seed of the draws.
        clip_shape: The shape of one clip, (1, C, T, V, M).
        alphas: Batches for the weights of a gradient search, of clips that are not trained on.
        checkpoint: A checkpoint to go on from, or None.
        comparison: How candidates are compared.
        workers: Evaluate the candidates of a generation side by side; None: this process does.
    """

    points: Sequence[Point]
    options: TrainOptions
    trainer: dict[str, Any]
    loader: Any
    validation: Iterable[Any]
    active: Literal["single", "all"]
    seed: int
    clip_shape: Sequence[int] = ()
    alphas: Any = None
    inference: Iterable[Any] | None = None
    checkpoint: Path | None = None
    comparison: Comparison = field(default_factory=Comparison)
    workers: CandidatePool | None = None


class TrainingModule(ClipClassifier, LightningModule):
    """The classifier as NNI's one-shot modules want to see it."""

    @property
    def model(self) -> torch.nn.Module | None:
        """The supernet."""
        return self.network


def resumption(job: SupernetJob) -> dict[str, Any]:
    """Arguments by which Lightning goes on from the job's checkpoint; none where there is none.

    Raises:
        RunFolderError: The checkpoint is damaged.
    """
    if job.checkpoint is None:
        return {}
    content: Any = stored(job.checkpoint)
    if not (isinstance(content, dict) and isinstance(content.get("state_dict"), dict)):
        raise RunFolderError("the checkpoint holds no supernet", where=job.checkpoint, remedy=AFRESH)
    return {"ckpt_path": str(job.checkpoint), "weights_only": True}
