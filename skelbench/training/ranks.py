"""One training on several devices: a process for each, the first of them the one that was there.

The processes meet through a file and talk to each other on this machine alone. Each takes its share of
every batch; gradients, figures and the statistics of normalisations are averaged (data parallelism).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, distributed, nn

from skelbench.errors import SkelbenchError, WorkFailed
from skelbench.host.processes import help_process
from skelbench.results.leftovers import MEETING
from skelbench.training.lightning import without_torchmetrics

with without_torchmetrics():
    from pytorch_lightning.plugins.environments import LightningEnvironment
    from pytorch_lightning.strategies import DDPStrategy
    from pytorch_lightning.utilities.rank_zero import rank_zero_only

PATIENCE = timedelta(hours=2)
"""How long processes wait for each other: for as long as the first one may validate."""


class Rank(LightningEnvironment):
    """Tells Lightning that the processes are there already."""

    def __init__(self, rank: int) -> None:
        super().__init__()
        self._rank = rank

    @property
    def creates_processes_externally(self) -> bool:
        """Lightning starts none."""
        return True

    def local_rank(self) -> int:
        """The number of this process."""
        return self._rank


def strategy(rank: int, network: nn.Module) -> DDPStrategy:
    """Lightning's strategy for one of several processes.

    Buffers are averaged after each epoch (`average_buffers`) instead of being those of the first device.
    Where modules follow the training or add to its loss, some weights may have no gradient in a step:
    they are frozen for a while, or belong to models that no frame has chosen.
    """
    changes = any(hasattr(part, "set_progress") or hasattr(part, "penalty") for part in network.modules())
    return DDPStrategy(
        cluster_environment=Rank(rank), find_unused_parameters=changes, broadcast_buffers=False
    )


@contextmanager
def joined(rank: int, count: int, meeting: Path, kind: str) -> Iterator[None]:
    """Within, this process is one of several that talk to each other.

    Args:
        rank: Its number.
        count: How many they are.
        meeting: A file that all of them can reach.
        kind: ``cpu`` or ``cuda``.
    """
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    if kind == "cuda":
        torch.cuda.set_device(rank)
    said: Any = rank_zero_only  # Lightning's own note of which process this is
    before, said.rank = getattr(said, "rank", 0), rank
    distributed.init_process_group(
        "nccl" if kind == "cuda" else "gloo",
        init_method=meeting.as_uri(),
        rank=rank,
        world_size=count,
        timeout=PATIENCE,
    )
    try:
        yield
    finally:
        distributed.destroy_process_group()
        said.rank = before


@contextmanager
def helped(count: int, kind: str, place: Path, work: Callable[..., None], *given: Any) -> Iterator[None]:
    """Within, this process is the first of several; the others run ``work(rank, *given)`` meanwhile.

    Args:
        count: How many they are.
        kind: ``cpu`` or ``cuda``.
        place: A folder for the file that they meet through.
        work: A function of a module.
        *given: What it needs; it is copied to each process.

    Raises:
        SkelbenchError: What is given cannot be sent to another process.
        WorkFailed: Another process died.
    """
    with TemporaryDirectory(prefix=MEETING, dir=place.resolve()) as folder:
        meeting = Path(folder) / "meeting"
        others = [_Other(rank, count, meeting, kind, work, given) for rank in range(1, count)]
        try:
            for other in others:
                other.wait_until_ready()
            with joined(0, count, meeting, kind):
                yield
            for other in others:
                other.process.join()
        except RuntimeError as error:  # what torch raises when another process is gone
            causes = [why for why in (other.why_it_ended() for other in others) if why]
            if not causes:
                raise
            raise WorkFailed(f"the training on another device ended: {causes[0]}") from error
        finally:
            for other in others:
                other.process.kill()  # signals that ask it to end are left to this process


class _Other:
    """Another process of a training, and what it tells."""

    def __init__(self, rank: int, count: int, meeting: Path, kind: str, work: Any, given: Any) -> None:
        context = get_context("spawn")
        self.rank = rank
        self._messages, telling = context.Pipe(duplex=False)
        self.process = context.Process(
            target=_begin, args=(os.getpid(), rank, count, meeting, kind, telling, work, given), daemon=True
        )
        try:
            self.process.start()
        except (TypeError, AttributeError, OSError) as error:  # pickle raises what it likes
            what = f"the network or its clips cannot be sent to another process: {error}"
            raise SkelbenchError(what, where="--devices", remedy="Use --devices 1") from error
        telling.close()

    def wait_until_ready(self) -> None:
        """Wait for it to have all it needs.

        Raises:
            WorkFailed: It ended instead.
        """
        try:
            self._messages.recv_bytes()
        except EOFError as error:
            raise WorkFailed(f"the process of device {self.rank} did not start") from error

    def why_it_ended(self) -> str:
        """The error that ended it; empty where it goes on."""
        self.process.join(timeout=5)
        if self.process.is_alive():
            return ""
        try:
            return self._messages.recv_bytes().decode()
        except EOFError:
            return "it was killed" if self.process.exitcode else ""


def _begin(
    parent: int,
    rank: int,
    count: int,
    meeting: Path,
    kind: str,
    telling: Any,
    work: Callable[..., None],
    given: Any,
) -> None:
    """The life of another process."""
    help_process(parent)
    telling.send_bytes(b"ready")
    try:
        with joined(rank, count, meeting, kind):
            work(rank, *given)
    except Exception as error:
        telling.send_bytes(f"{type(error).__name__}: {error}".encode())
        os._exit(1)  # the first process tells of it


# --- among the processes -------------------------------------------------------------------------


def several() -> bool:
    """Whether this process trains with others."""
    return distributed.is_available() and distributed.is_initialized()


def total(figures: Sequence[Any], device: torch.device) -> list[float]:
    """The sums of figures over all processes."""
    row = torch.stack([torch.as_tensor(figure, dtype=torch.float64, device=device) for figure in figures])
    if several():
        distributed.all_reduce(row)
    return [float(value) for value in row.tolist()]


@torch.no_grad()
def average_buffers(network: nn.Module) -> None:
    """Make the running statistics of all processes their mean."""
    if not several():
        return
    for buffer in network.buffers():
        if buffer.is_floating_point():
            distributed.all_reduce(buffer)
            buffer /= distributed.get_world_size()


def seed_epoch(seed: int, epoch: int) -> None:
    """Begin an epoch's random numbers (dropout), others in each process."""
    if several():
        mixed = torch.tensor([seed % 2**31, epoch, distributed.get_rank()], dtype=torch.int64)
        factors: Tensor = torch.tensor([1, 1_000_003, 7_919])
        torch.manual_seed(int((mixed * factors).sum()))
