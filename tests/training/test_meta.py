"""Passes of shapes import no compiler, and leave nothing of what stood for it."""

from __future__ import annotations

import subprocess
import sys

import torch

from skelbench.training.meta import COMPILER, shapes_alone

PASS = f"""
import sys, torch
from skelbench.training.meta import shapes_alone
norm = torch.nn.BatchNorm1d(3, device="meta").eval()
with shapes_alone():
    given = norm(torch.empty(2, 3, device="meta"))
    ((given / 2).softmax(1) != 0).any(1)
assert {COMPILER!r} not in sys.modules
import torch._dynamo
assert torch._dynamo.config.cache_size_limit > 0
with shapes_alone():
    assert norm(torch.empty(2, 3, device="meta")).shape == (2, 3)
assert torch._dynamo.__file__
print("passed")
"""


def test_the_compiler_is_not_imported_and_can_be_afterwards() -> None:
    done = subprocess.run([sys.executable, "-c", PASS], capture_output=True, text=True)
    assert done.stdout == "passed\n", done.stderr


def test_what_only_the_compiler_has_imports_it() -> None:
    with shapes_alone():
        import torch._dynamo as found

        assert found.config is not None
    assert sys.modules[COMPILER].__spec__ is not None


def test_no_gradient_is_taken() -> None:
    weight = torch.ones(2, requires_grad=True)
    with shapes_alone():
        assert not (weight * 2).requires_grad
    assert (weight * 2).requires_grad
