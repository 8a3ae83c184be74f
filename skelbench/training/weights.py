"""Files of weights: torch's own, and safetensors, in which nothing can be executed."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor, nn

from skelbench.errors import RunFolderError, SkelbenchError
from skelbench.results.files import disk, write_atomic

_INSTALL = "pip install 'skelbench[export]'"


def store_weights(network: nn.Module, path: Path) -> None:
    """Store a network's weights and buffers as torch does, whole or not at all.

    Raises:
        RunFolderError: The disk is full or not writable.
    """
    buffer = BytesIO()  # writing to a full disk itself, torch raises what does not say so
    torch.save(network.state_dict(), buffer)
    write_atomic(path, buffer.getvalue())


def save_weights(weights: Mapping[str, Tensor], path: Path, told: Mapping[str, str]) -> None:
    """Write weights whole or not at all.

    Args:
        weights: By name; each gets memory of its own in the file.
        path: The file.
        told: What stands in the file's header.

    Raises:
        SkelbenchError: safetensors is missing.
        RunFolderError: The disk is full or not writable.
    """
    try:
        from safetensors.torch import save
    except ImportError as error:
        raise SkelbenchError("safetensors must be installed for this", remedy=_INSTALL) from error
    apart = {name: weight.detach().cpu().contiguous().clone() for name, weight in weights.items()}
    write_atomic(path, save(apart, metadata={"format": "pt", **told}))


def read_weights(path: Path) -> dict[str, Tensor]:
    """Weights by name.

    Raises:
        SkelbenchError: safetensors is missing.
        RunFolderError: The file is missing or damaged.
    """
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load
    except ImportError as error:
        raise SkelbenchError("safetensors must be installed for this", where=path, remedy=_INSTALL) from error
    with disk(path, "read the weights"):
        content = path.read_bytes()
    try:
        return load(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise RunFolderError(
            f"the weights are damaged: {error}", where=path, remedy="Export them again"
        ) from error
