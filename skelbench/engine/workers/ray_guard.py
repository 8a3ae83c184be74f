"""Sees that nothing of a Ray started for one search outlives it; a process of its own, from its first line.

Ray's own processes end with the one that started them, but for some that linger for minutes where that is
killed. All of them carry the search's token in their environment, by which they are found here.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

TOKEN = "RAY_AUTH_TOKEN"
PATIENCE = 10.0


def main(folder: str) -> None:
    """Wait until the other end of standard input is gone, then end what is left and remove the folder."""
    sys.stdin.buffer.read()
    end = time.monotonic() + PATIENCE
    while (left := list(carriers(os.environ[TOKEN]))) and time.monotonic() < end:
        for pid in left:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
    shutil.rmtree(folder, ignore_errors=True)


def carriers(token: str) -> Iterator[int]:
    """Processes that were started with a token, but for this one; of Linux, elsewhere none."""
    wanted = f"{TOKEN}={token}".encode()
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            pid = int(path.parent.name)
            if pid not in (os.getpid(), os.getppid()) and wanted in path.read_bytes().split(b"\0"):
                yield pid


if __name__ == "__main__":
    main(sys.argv[1])
