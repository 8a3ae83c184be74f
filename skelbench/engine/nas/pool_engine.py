"""An execution engine of NNI's over a pool of workers; it starts no server."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from nni.nas.execution import ExecutionEngine
from nni.nas.execution.event import FinalMetricEvent, TrainingEndEvent
from nni.nas.space import ExecutableModelSpace, ModelStatus

from skelbench.engine.candidates import Evaluation
from skelbench.engine.machine import GO_ON
from skelbench.engine.workers.pool import Pool
from skelbench.engine.workers.work import Answer, answer
from skelbench.errors import WorkFailed
from skelbench.space.trials import Asked

Ended = Callable[[Asked, Answer], None]


class PoolEngine(ExecutionEngine):
    """Sends what each model asks for to a worker, and takes its answer as the model's metric.

    Args:
        pool: The workers.
        ended: Told of every answer, before NNI's listeners are.
    """

    def __init__(self, pool: Pool, ended: Ended) -> None:
        super().__init__()
        self._pool, self._ended = pool, ended
        self._models: list[Any] = []

    def submit_models(self, *models: ExecutableModelSpace) -> None:
        """Queue models; `wait_models` sees them carried out."""
        for model in models:
            model.status = ModelStatus.Training
            self._models.append(model)
            self._pool.submit(len(self._models) - 1, model.sample)  # as `TrialSpace.freeze` was given it

    def wait_models(self, *models: ExecutableModelSpace) -> None:
        """Wait until these models have ended, or all of them where none is given."""
        while any(not model.status.completed() for model in models or self._models):
            self.wait_any()

    def wait_any(self) -> None:
        """Wait until some model has ended.

        Raises:
            WorkFailed: One ended by a fault of the machine, which says nothing about it.
        """
        for number, given in self._pool.wait():
            if given.machine:
                raise WorkFailed(f"the machine failed a trial: {given.error}", remedy=GO_ON)
            model, ended = self._models[number], _as_evaluation(given)
            self._ended(model.sample, ended)
            if not ended.error:
                self.dispatch_model_event(FinalMetricEvent(model, ended.value.fitness))
            status = ModelStatus.Failed if ended.error else ModelStatus.Trained
            self.dispatch_model_event(TrainingEndEvent(model, status))

    def list_models(self, status: ModelStatus | None = None) -> Iterable[ExecutableModelSpace]:
        """Every model submitted so far, or those of a status."""
        return [model for model in self._models if status in (None, model.status)]

    def idle_worker_available(self) -> bool:
        """Whether a further model would be worked on at once."""
        return self._pool.idle > 0

    def budget_available(self) -> bool:
        """Always: the search ends itself."""
        return True

    def shutdown(self) -> None:
        """End the workers."""
        self._pool.close()

    def state_dict(self) -> dict[str, Any]:
        """Nothing: the journal holds the state."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Nothing: the journal holds the state."""


def _as_evaluation(answered: Answer) -> Answer:
    """The answer with an `Evaluation` as its value, or the failure to be one."""
    if answered.error:
        return answered
    found = answer(lambda: Evaluation.of(answered.value))
    return replace(found, seconds=answered.seconds)
