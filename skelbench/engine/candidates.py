"""What a candidate is worth: its answers on the validation clips, and the fitness that they come to."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from torch import nn

from skelbench.engine.rejection import Rejection
from skelbench.results.answers import ClipAnswers
from skelbench.results.health import Fitness
from skelbench.spec.search_schema import SearchSpec
from skelbench.training.calibrate import batch_statistics, recalibrated
from skelbench.training.evaluate import answers


@dataclass(frozen=True)
class Evaluation:
    """A candidate's fitness, and the answers that it comes from.

    Attributes:
        fitness: Higher is better.
        answers: Clip by clip; None where only the fitness is known.
        rejected: Whether it was rejected before it had seen all clips.
    """

    fitness: float
    answers: ClipAnswers | None = None
    rejected: bool = False

    @classmethod
    def of(cls, value: Any) -> Evaluation:
        """An evaluation as it is, or one of a mere number.

        Raises:
            TypeError: It is neither.
            ValueError: Likewise.
        """
        return value if isinstance(value, Evaluation) else cls(float(value))


@dataclass(frozen=True)
class Comparison:
    """How candidates are compared; the fields are those of a spec's search.

    Attributes:
        fitness: What by.
        normalisation: What batch normalisation takes in a candidate on a supernet.
        calibration_batches: Training batches by which it is measured anew.
        rejection: When a candidate on a supernet is rejected early; None: never.
    """

    fitness: Fitness = "accuracy"
    normalisation: Literal["recalibrated", "batch", "running"] = "recalibrated"
    calibration_batches: int = 8
    rejection: Rejection | None = None

    @classmethod
    def of(cls, search: SearchSpec) -> Comparison:
        """What a spec says."""
        early = search.reject_early
        rejection = None if early is None else Rejection(search.fitness, early.p, early.first, early.looks)
        return cls(search.fitness, search.normalisation, search.calibration_batches, rejection)

    def on_supernet(
        self,
        network: nn.Module,
        validation: Iterable[Any],
        training: Iterable[Any],
        leader: Evaluation | None = None,
    ) -> Evaluation:
        """Evaluate the candidate that a supernet is set to.

        Args:
            network: The supernet, or what holds it; it is left as it was.
            validation: Batches (x, y, index).
            training: Training batches, of which some are taken for the normalisation.
            leader: What the candidate must not be worse than, or it is rejected early.
        """
        with self._normalised(network, training):
            if self.rejection is None or leader is None or leader.answers is None:
                return self.judged(answers(network, validation))
            found = answers(network, validation, self.rejection.watch(leader.answers))
            if len(found.right) == len(leader.answers.right):
                return self.judged(found)
            worse = self.rejection.worse_by(found, leader.answers)
            return Evaluation(leader.fitness - worse, found, rejected=True)

    def by_itself(self, network: nn.Module, validation: Iterable[Any]) -> Evaluation:
        """Evaluate a network that was trained by itself."""
        return self.judged(answers(network, validation))

    def judged(self, found: ClipAnswers) -> Evaluation:
        """The fitness of some answers.

        Accuracy is in percent, with up to a hundredth of the worth of one clip added, more as cross-entropy
        falls, so that it breaks ties and nothing else. Cross-entropy is in nats, with its sign changed.
        """
        if self.fitness == "cross_entropy":
            return Evaluation(-found.cross_entropy, found)
        part = 0.01 / (1.0 + found.cross_entropy)
        return Evaluation(found.top1 + part * 100.0 / len(found.right), found)

    def _normalised(self, network: nn.Module, training: Iterable[Any]) -> AbstractContextManager[None]:
        if self.normalisation == "recalibrated":
            return recalibrated(network, islice(training, self.calibration_batches))
        return batch_statistics(network) if self.normalisation == "batch" else nullcontext()
