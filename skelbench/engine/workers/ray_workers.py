"""Workers on Ray: on this machine, or on a cluster that exists."""

from __future__ import annotations

import logging
import os
import pickle
import secrets
import subprocess
import sys
import warnings
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from functools import cache
from tempfile import mkdtemp
from typing import Any

from skelbench.engine.workers.local import AUTO, cores, environment, visible_devices
from skelbench.engine.workers.ray_guard import TOKEN
from skelbench.engine.workers.work import Answer, Evaluate, answer
from skelbench.errors import SkelbenchError, WorkFailed, described
from skelbench.host import stopping

LOCAL = "local"
_AUTH = "RAY_AUTH_MODE"
_LOOPBACK = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""Without clusters, for which other systems need this variable, Ray takes the loopback address."""
_GIB = 2**30
_STORE = 2**27
"""Bytes of Ray's object store, through which tasks and answers go."""


class RayWorkers:
    """Ray actors (implements `skelbench.engine.workers.work.Workers`).

    Args:
        address: ``local`` starts a Ray on this machine that listens on its loopback alone and ends with the
            search; else that of a cluster, as ``ray.init`` takes it.
        workers: How many; ``auto``: as many as the resources of the cluster are enough for.
        threads: Processor threads of each.
        gpus: GPUs of each, a share for several on one; None: one where the cluster has any.
        memory: GiB that are set apart for each; None: no account is taken of memory.

    Attributes:
        count: How many.
        advice: What speaks against so many, or an empty text.

    Raises:
        SkelbenchError: There is no such cluster, or no machine of it has room for a worker.
    """

    def __init__(
        self,
        address: str = LOCAL,
        workers: int | str = AUTO,
        threads: int = 1,
        gpus: float | None = None,
        memory: float | None = None,
    ) -> None:
        self._open = ExitStack()
        self._ray = _import_ray(address, self._open)
        try:
            if not self._ray.is_initialized():  # else it is the caller's, and stays open
                _connect(self._ray, address, self._open)
            nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
            if gpus is None:
                gpus = 1.0 if any(node.get("GPU") for node in nodes) else 0.0
            self._threads, self._wanted = threads, _wanted(threads, gpus, memory)
            room = sum(_room(node, self._wanted) for node in nodes)
            if not room:
                raise _no_room(self._wanted)
        except BaseException:
            self.close()
            raise
        self.count = room if isinstance(workers, str) else workers
        crowd = f"the cluster has room for {room} of {self.count} workers; the others wait for their turn"
        self.advice = crowd if self.count > room else ""
        self._sent: Any = None

    def start(self, evaluate: Evaluate, place: int) -> RayWorker:
        """Start an actor.

        Raises:
            WorkFailed: What it shall do cannot be sent to another process.
        """
        if self._sent is None:
            try:
                self._sent = self._ray.put(pickle.dumps(evaluate))
            except Exception as error:  # pickle has no one error for what it cannot do
                what = f"the trials cannot be sent to another process: {described(error)}"
                raise WorkFailed(what, remedy="Use the engine 'sequential'") from error
        variables = {name: str(self._threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
        actor = self._ray.remote(max_restarts=0, max_task_retries=0)(_Served).options(
            num_cpus=self._wanted["CPU"],
            num_gpus=self._wanted["GPU"],
            memory=self._wanted["memory"] or None,
            runtime_env={"env_vars": {**variables, "OMP_WAIT_POLICY": "PASSIVE"}},
        )
        return RayWorker(self._ray, actor.remote([self._sent]))

    def ready(self, workers: Sequence[RayWorker], timeout: float | None) -> Sequence[RayWorker]:
        """See `Workers.ready`."""
        pending = {worker.pending: worker for worker in workers if worker.pending is not None}
        done, _ = self._ray.wait(list(pending), num_returns=1, timeout=timeout)
        if done:  # and what else has ended by now
            done, _ = self._ray.wait(list(pending), num_returns=len(pending), timeout=0)
        return [pending[reference] for reference in done]

    def close(self) -> None:
        """End the Ray that was started, or the connection to a cluster."""
        self._sent = None
        self._open.close()


class RayWorker:
    """An actor.

    Args:
        ray: The module.
        actor: The handle of a `_Served`.

    Attributes:
        pending: What it is to answer.
    """

    def __init__(self, ray: Any, actor: Any) -> None:
        self._ray, self._actor, self._fate = ray, actor, "was lost"
        self.pending: Any = actor.begin.remote()

    def give(self, task: Any) -> None:
        """See `Worker.give`."""
        self.pending = self._actor.do.remote(task)

    def take(self) -> Answer | None:
        """See `Worker.take`."""
        pending, self.pending = self.pending, None
        try:
            received: Answer = self._ray.get(pending)
        except self._ray.exceptions.RayError as error:
            first, *more = [line.strip() for line in str(error).splitlines() if line.strip()]
            told = next((line for line in more if "Worker exit type" in line), "")
            self._fate = f"was lost: {first} {told.partition(' Some common causes')[0]}".strip()
            return None
        return received

    def fate(self) -> str:
        """See `Worker.fate`."""
        return self._fate

    def end(self) -> None:
        """See `Worker.end`."""
        with suppress(Exception):  # it, or the cluster, may be gone already
            self._ray.kill(self._actor, no_restart=True)


class _Served:
    """What an actor does; it opens what it needs when `begin` is called."""

    def __init__(self, sent: list[Any]) -> None:
        self._sent = sent

    def begin(self) -> Answer:
        import ray

        def opened() -> None:
            # What this search itself has sent; opened here, so that what it raises comes back as it is.
            self._evaluate = pickle.loads(ray.get(self._sent[0]))  # noqa: S301

        return answer(opened)

    def do(self, task: Any) -> Answer:
        return answer(lambda: self._evaluate(task))


def _import_ray(address: str, stack: ExitStack) -> Any:
    """Ray, which reads some of its settings when it is imported: those of a local one are set before.

    Raises:
        SkelbenchError: It is not installed.
    """
    settings = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    if address == LOCAL:
        # By the token nobody else on this machine is let in, and Ray writes none into the home folder.
        settings |= {_LOOPBACK: "0", TOKEN: _token()}
        if _AUTH not in os.environ:
            stack.callback(os.environ.pop, _AUTH, None)  # Ray sets it
    stack.enter_context(environment(settings))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import ray
    except ModuleNotFoundError as error:
        stack.close()
        what, remedy = "engine 'ray' needs Ray", "Install it: pip install 'skelbench[ray]'"
        raise SkelbenchError(what, where="search.engine", remedy=remedy) from error
    with suppress(AttributeError):  # it may have been imported, and read the variable, before
        ray._private.ray_constants.ENABLE_RAY_CLUSTER = address != LOCAL
    logging.getLogger("ray").setLevel(logging.ERROR)
    return ray


@cache
def _token() -> str:
    """One for all of this process, as Ray reads it once."""
    return secrets.token_hex(32)


def _connect(ray: Any, address: str, stack: ExitStack) -> None:
    """Start a Ray on this machine, or join a cluster; the stack ends it.

    Raises:
        SkelbenchError: The cluster does not answer.
    """
    options: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}
    if address == LOCAL:
        folder = mkdtemp(prefix="skelbench-ray-")
        guard = [sys.executable, "-m", "skelbench.engine.workers.ray_guard", folder]
        watching = subprocess.Popen(guard, stdin=subprocess.PIPE, start_new_session=True)
        stack.callback(watching.wait)
        stack.callback(watching.communicate)
        options |= {"num_cpus": cores(), "num_gpus": len(visible_devices()), "_temp_dir": folder}
        options |= {"include_dashboard": False, "object_store_memory": _STORE}
    stack.callback(ray.shutdown)
    try:
        with warnings.catch_warnings(), stopping.handlers_kept():
            warnings.simplefilter("ignore")
            ray.init(address=address, **options)
    except Exception as error:  # Ray has many
        what = f"Ray cannot be reached at '{address}': {described(error)}"
        remedy = "Start it there (ray start --head), or use --ray local"
        raise SkelbenchError(what, where="--ray", remedy=remedy) from error


def _wanted(threads: int, gpus: float, memory: float | None) -> dict[str, float]:
    """The resources of a worker, by Ray's names."""
    return {"CPU": threads, "GPU": gpus, "memory": int((memory or 0) * _GIB)}


def _room(node: dict[str, float], wanted: dict[str, float]) -> int:
    """How many workers fit on a machine."""
    return min(int(node.get(name, 0) // amount) for name, amount in wanted.items() if amount)


def _no_room(wanted: dict[str, float]) -> SkelbenchError:
    listed = [f"{wanted['CPU']:g} processor cores"]
    listed += [f"{wanted['GPU']:g} GPUs"] if wanted["GPU"] else []
    listed += [f"{wanted['memory'] / _GIB:g} GiB"] if wanted["memory"] else []
    what = f"no machine of the cluster has {', '.join(listed)} for a worker"
    remedy = "Lower threads, gpus or memory of search.engine"
    return SkelbenchError(what, where="search.engine", remedy=remedy)
