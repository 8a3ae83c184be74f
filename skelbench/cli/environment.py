"""What libraries of torch read when they are loaded: threads, how these wait, when memory is given back."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

MMAP_THRESHOLD = 32 * 2**20
"""Bytes; the most that glibc takes. Smaller blocks come from the heap and stay mapped."""
TRIM_THRESHOLD = 512 * 2**20
"""Bytes that may lie free at the heap's end before they are given back."""
_MALLOPT = {"MALLOC_MMAP_THRESHOLD_": (-3, MMAP_THRESHOLD), "MALLOC_TRIM_THRESHOLD_": (-1, TRIM_THRESHOLD)}
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def prepare(threads: int | None = None) -> None:
    """Set the environment for this process and those that it starts; what the user has set stays.

    It has no effect where torch is loaded already, but for a number of threads that is asked for.

    Args:
        threads: Threads of one operation on processors; None is ``OMP_NUM_THREADS`` or, without it, as many
            as there are idle processors.
    """
    if threads is not None:
        os.environ["OMP_NUM_THREADS"] = str(threads)
    if "torch" in sys.modules:
        if threads is not None:
            sys.modules["torch"].set_num_threads(threads)
        return
    os.environ.setdefault("OMP_NUM_THREADS", str(idle_processors()))
    # A thread that spins while it waits for another takes the processor from whoever could go on.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for name, (option, value) in _MALLOPT.items():
        if name not in os.environ:
            os.environ[name] = str(value)  # for processes to come; glibc has read it for this one
            _mallopt(option, value)


def idle_processors() -> int:
    """Processors that this process may use less those that others keep busy, but one at least."""
    affinity = getattr(os, "sched_getaffinity", None)
    count = len(affinity(0)) if affinity else os.cpu_count() or 1
    try:
        busy = os.getloadavg()[0]
    except (AttributeError, OSError):
        busy = 0.0
    return max(1, min(round(count - busy), int(_quota())))


def _quota() -> float:
    """Processors that the control group of a container grants, infinite without a limit."""
    try:
        limit, period = _QUOTA.read_text().split()
        return float(sys.maxsize) if limit == "max" else max(1.0, int(limit) / int(period))
    except (OSError, ValueError):
        return float(sys.maxsize)


def _mallopt(option: int, value: int) -> None:
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(option, value)
