"""How long the first thing takes that a new user does: the quick profile on synthetic recordings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch

SPEC = Path(__file__).parents[2] / "spaces" / "sgcn.yaml"


def test_the_quick_profile(benchmark, tmp_path):
    command = [sys.executable, "-c", "from skelbench.cli.app import main; main()", "run", str(SPEC)]

    def run() -> str:
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    row = benchmark.pedantic(run, rounds=1)
    benchmark.extra_info["threads"] = torch.get_num_threads()
    assert "synthetic" in row
