"""Processes that help another one: what they may take."""

from __future__ import annotations

import subprocess
import sys

import pytest

LIMITED = """
from skelbench.host.processes import limit_memory
limit_memory(0.25)
kept = bytearray(2**26)
try:
    bytearray(2**30)
except MemoryError:
    print("refused", len(kept))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is one of Linux")
def test_more_memory_than_the_limit_is_refused_and_the_process_goes_on():
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, timeout=60)
    assert done.stdout == f"refused {2**26}\n", done.stderr
