"""What a training computes on and in: devices that exist, precisions that they have."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from skelbench.errors import SkelbenchError, did_you_mean
from skelbench.recipe import Precision

ACCELERATORS = ("auto", "cpu", "gpu", "cuda")
LIGHTNING = {"32": "32-true", "tf32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}
"""Lightning's names of precisions."""


def check_devices(accelerator: str, devices: int = 1) -> None:
    """See that there is what is asked for.

    Args:
        accelerator: ``auto`` (a GPU where there is one), ``cpu``, ``gpu`` or ``cuda``, which are one.
        devices: How many; on processors, processes.

    Raises:
        SkelbenchError: There is not.
    """
    if accelerator not in ACCELERATORS:
        raise SkelbenchError(
            f"there is no accelerator '{accelerator}'",
            where="--accelerator",
            remedy=did_you_mean(accelerator, ACCELERATORS),
        )
    if accelerator in ("gpu", "cuda") and not torch.cuda.is_available():
        raise SkelbenchError(
            "PyTorch sees no GPU here",
            where="--accelerator",
            remedy="Use --accelerator cpu; `skelbench doctor` says what is there",
        )
    gpu = device_kind(accelerator) == "cuda"
    most = torch.cuda.device_count() if gpu else os.cpu_count() or 1
    if not 1 <= devices <= most:
        what = f"{devices} devices are asked for, and there are {most} {'GPUs' if gpu else 'processors'}"
        raise SkelbenchError(what, where="--devices", remedy=f"Give a number from 1 to {most}")


def device_kind(accelerator: str) -> str:
    """``cuda`` or ``cpu``: torch's name of what an accelerator computes on here."""
    return "cuda" if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available() else "cpu"


def precision_name(wanted: Precision, accelerator: str = "auto") -> str:
    """What is computed in: ``32``, ``tf32``, ``bf16`` or ``16``; ``auto`` is settled for the device.

    On one thread of a processor with AVX-512 bf16, training (9, 1) convolutions on (64, 64, 32, 20)
    took half the time of single precision. Scores are always taken in single precision.

    Raises:
        SkelbenchError: The device does not compute in it.
    """
    gpu = device_kind(accelerator) == "cuda"
    if wanted in ("tf32", "16") and not gpu:
        raise SkelbenchError(
            f"precision {wanted} needs a GPU", where="train.precision", remedy="Use 32, bf16 or auto"
        )
    if wanted != "auto":
        return wanted
    if gpu:
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "32"
    return "bf16" if torch.cpu._is_avx512_bf16_supported() else "32"


@contextmanager
def single_precision(tf32: bool = False) -> Iterator[None]:
    """Within, GPUs compute in single precision as it is, or with the 10-bit mantissas of TF32.

    PyTorch by itself takes TF32 for convolutions and not for matrix products.
    """
    places: tuple[Any, ...] = (torch.backends.cudnn, torch.backends.cuda.matmul)
    before = [place.allow_tf32 for place in places]
    try:
        for place in places:
            place.allow_tf32 = tf32
        yield
    finally:
        for place, allowed in zip(places, before, strict=True):
            place.allow_tf32 = allowed
