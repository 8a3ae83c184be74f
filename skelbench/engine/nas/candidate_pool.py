"""Candidates on a supernet, evaluated by workers on a copy of its weights that stands still."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from skelbench.engine.candidates import Evaluation
from skelbench.engine.workers.pool import Pool
from skelbench.engine.workers.work import Answer
from skelbench.errors import WorkFailed
from skelbench.results.files import disk
from skelbench.search import Weights

FROZEN = "frozen.pt"


@dataclass(frozen=True)
class Candidate:
    """A candidate on its way to a worker.

    Attributes:
        epoch: The epoch after which it is evaluated.
        frozen: The file that holds the supernet's weights; workers map it into memory.
        weights: What the supernet is set to.
        leader: What it must not be worse than, or it is rejected early.
    """

    epoch: int
    frozen: Path
    weights: Weights
    leader: Evaluation | None = None


class CandidatePool:
    """Hands out the candidates of a generation, and gives what they are worth in their own order.

    Args:
        pool: Workers that evaluate each `Candidate`.
        folder: Where the weights are put for them.
    """

    def __init__(self, pool: Pool, folder: Path) -> None:
        self._pool, self._folder = pool, folder
        self._frozen: tuple[int, Path] | None = None

    def evaluate(
        self,
        module: nn.Module,
        epoch: int,
        candidates: Sequence[Weights],
        leader: Evaluation | None = None,
    ) -> Iterator[tuple[Evaluation, float]]:
        """Each candidate's worth and the seconds that it took, whichever worker had it and when it ended.

        Args:
            module: Holds the supernet; its weights are copied once for each epoch.
            epoch: The epoch that has ended.
            candidates: What the supernet is set to.
            leader: See `Candidate`.

        Raises:
            WorkFailed: A candidate cannot be evaluated.
            RunFolderError: The weights cannot be written.
        """
        frozen = self._freeze(module, epoch)
        for number, weights in enumerate(candidates):
            self._pool.submit(number, Candidate(epoch, frozen, weights, leader))
        ended: dict[int, Answer] = {}
        for number in range(len(candidates)):
            while number not in ended:
                ended |= dict(self._pool.wait())
            yield _evaluation(ended.pop(number), epoch)

    def _freeze(self, module: nn.Module, epoch: int) -> Path:
        """Another file for each epoch: workers may have mapped the one before."""
        if self._frozen is None or self._frozen[0] != epoch:
            self.clear()
            path = self._folder / f"{epoch}-{FROZEN}"
            state = {name: value.cpu() for name, value in module.state_dict().items()}
            with disk(path, "write the supernet's weights"):
                torch.save(state, path)
            self._frozen = epoch, path
        return self._frozen[1]

    def clear(self) -> None:
        """Remove what was put into the folder, also by a run that was interrupted."""
        self._frozen = None
        for path in self._folder.glob(f"*-{FROZEN}"):
            path.unlink(missing_ok=True)


def _evaluation(answer: Answer, epoch: int) -> tuple[Evaluation, float]:
    if answer.error:
        what = f"a candidate cannot be evaluated after epoch {epoch + 1}: {answer.error}"
        remedy = "The same command goes on from this epoch; with no --workers it goes on in one process"
        raise WorkFailed(what, remedy=remedy) from WorkFailed(answer.traceback)
    return Evaluation.of(answer.value), answer.seconds
