"""Seeds, and the environment that a run took place in."""

from __future__ import annotations

import os
import platform
import random
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import torch

from skelbench.training.cost import device_name


def seed_everything(seed: int) -> None:
    """Seed python, numpy and torch, and ask torch for deterministic algorithms where it has them.

    Runs with one seed agree to the last bit on the same machine with the same number of threads.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS repeats itself only with it
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Filling memory before it is written shows who reads it too early, and changes no result otherwise.
    memory: Any = torch.utils.deterministic
    memory.fill_uninitialized_memory = False


def package_version(name: str) -> str:
    """The installed version, or an empty string."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def environment(device: str = "cpu") -> dict[str, Any]:
    """Where a run takes place: the fields of a record's environment (nni is not imported for it).

    Args:
        device: What the run computes on.
    """
    return {
        "python": platform.python_version(),
        "torch": package_version("torch"),
        "nni": package_version("nni"),
        "skelbench": package_version("skelbench"),
        "device": device_name(device),
        "threads": torch.get_num_threads(),
    }
