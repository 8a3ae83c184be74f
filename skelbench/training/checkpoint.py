"""Checkpoints: written whole or not at all, read without executing anything."""

from __future__ import annotations

import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import nn

from skelbench.errors import RunFolderError
from skelbench.results.files import disk, sync_folder
from skelbench.results.leftovers import PREVIOUS
from skelbench.training.lightning import pl


def random_state() -> list[torch.Tensor]:
    """States of torch's generators (dropout draws from them): the processor's, then each GPU's."""
    return [torch.get_rng_state(), *(torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [])]


def set_random_state(states: list[torch.Tensor]) -> None:
    """Put the generators where `random_state` found them; GPUs only where there are as many."""
    torch.set_rng_state(states[0])
    if len(states) - 1 == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(states[1:])


def save(trainer: pl.Trainer, path: Path) -> None:
    """Store a checkpoint whole or not at all; the one before is kept beside it.

    Raises:
        RunFolderError: The disk is full or the folder cannot be written; the old file still stands.
    """
    partial = path.with_suffix(".partial")
    try:
        with disk(path, "write the checkpoint"):
            trainer.save_checkpoint(partial)  # of several processes the first writes, and all wait for it
            if trainer.is_global_zero:
                _keep(partial, path)
    finally:
        if trainer.is_global_zero:
            partial.unlink(missing_ok=True)


def _keep(partial: Path, path: Path) -> None:
    descriptor = os.open(partial, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if path.exists():
        os.replace(path, previous(path))
    os.replace(partial, path)
    sync_folder(path.parent)


def previous(path: Path) -> Path:
    """Where the checkpoint before the last one is kept."""
    return path.with_name(f"{path.stem}{PREVIOUS}{path.suffix}")


def newest(path: Path, tell: Callable[[str], None] = lambda line: None) -> Path | None:
    """The checkpoint to go on from: ``path``, or the one before it where that is damaged; None without any.

    Args:
        path: Where the last checkpoint is.
        tell: Told of a damaged one.

    Raises:
        RunFolderError: Both are damaged.
    """
    if not path.exists() and not previous(path).exists():
        return None
    try:
        stored(path)
    except RunFolderError as error:
        if not previous(path).exists():
            raise
        stored(previous(path))
        if path.exists():
            tell(f"warning: {error.problems[0].what}: {path}; going on from the one before it")
        return previous(path)
    return path


def stored(path: Path) -> dict[str, Any]:
    """What a checkpoint file holds; nothing in it is executed.

    Raises:
        RunFolderError: It is missing or damaged.
    """
    with disk(path, "read the checkpoint"):
        content = path.read_bytes()
    try:
        return torch.load(BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # torch has no one error for a damaged file
        raise RunFolderError(
            "the checkpoint is damaged", where=path, remedy="Remove it to train from the beginning"
        ) from error


def check_fits(state: dict[str, Any], module: nn.Module, path: Path) -> None:
    """See that stored weights have the names and shapes of the module's.

    Raises:
        RunFolderError: They have not.
    """
    wanted = {name: value.shape for name, value in module.state_dict().items()}
    if {name: value.shape for name, value in state.items()} != wanted:
        raise RunFolderError(
            "the checkpoint is of another network", where=path, remedy="Remove it to train from the beginning"
        )
