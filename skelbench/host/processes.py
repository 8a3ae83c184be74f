"""Processes that help another one: they leave signals to it and never outlive it."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path

from skelbench.host.stopping import STOPS

PR_SET_PDEATHSIG = 1


def help_process(parent: int) -> None:
    """Begin the life of a process that helps another.

    A signal to a whole group of processes, as ``timeout`` and SLURM send it, is the parent's business, who
    then ends this one. If the parent dies, however that happens, this process ends at once where the kernel
    is Linux, else within a second.

    Args:
        parent: The id of the other process, which has started this one.
    """
    for number in STOPS:
        signal.signal(number, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_watch, args=(parent,), daemon=True, name="parent").start()


def limit_memory(gib: float) -> None:
    """Let this process take so much more memory than it has (Linux); what asks for more fails.

    Args:
        gib: GiB of data, on processors.
    """
    has = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5]) * resource.getpagesize()
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (has + int(gib * 2**30), hard))


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
