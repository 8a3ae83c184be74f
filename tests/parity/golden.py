"""Golden numbers of the code that papers' authors released, and the weights that they belong to.

A file of ``golden/`` holds what one released network computes for weights and an input that follow from
seeds, and which of our parameters stands where each of its parameters stands:

* ``source``, ``commit``: The repository. ``precision``: what it ran in, always on float32 values.
* ``build``: What to build here; ``input``, ``targets``: The clips, standard normal from a seed.
* ``train``, ``eval``: Loss (plain cross-entropy), logits, gradient norms by module, and of modules' outputs
  (released name, ours, what to do with ours, shape) the mean, standard deviation and first elements. One
  pass in training mode comes first, dropout is off, and every batch normalisation forgets what came
  before that pass.
* ``params``: Rows of our parameter, what makes it of released ones, these (name, shape, kind and, where it
  is not that of the name, seed), and the gradient's norm in either mode.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

FOLDER = Path(__file__).parent / "golden"
Golden = Mapping[str, Any]


def golden(name: str) -> Golden:
    """A file by name."""
    read: Golden = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return read


def drawn(seed: int, shape: Sequence[int]) -> np.ndarray:
    """Standard normal numbers, rounded to single precision."""
    return np.random.RandomState(seed).standard_normal(tuple(shape)).astype(np.float32)


def filled(name: str, shape: Sequence[int], kind: str, seed: int | None = None) -> Tensor:
    """The value of a released parameter, in single precision.

    Args:
        name: Its name in the released code; the checksum of it is the seed unless one is given.
        shape: Its shape there.
        kind: ``gain`` and ``bias`` of any layer, ``mixture`` of joints, ``PA`` (a learned graph),
            ``alpha``, or ``weight``.
        seed: Of its own.
    """
    random = np.random.RandomState(zlib.crc32(name.encode()) if seed is None else seed)
    z = random.standard_normal(tuple(shape))
    match kind:
        case "gain":
            value = 1 + 0.1 * z
        case "bias" | "PA":
            value = 0.05 * z
        case "alpha":
            value = 0.5 * z
        case "mixture":
            value = z / np.sqrt(shape[0])
        case "weight":
            value = z / np.sqrt(z.size / shape[0])
        case _:
            raise ValueError(f"no rule fills a parameter of kind '{kind}'")
    return torch.from_numpy(value.astype(np.float32))


def made_of(parts: Sequence[Tensor], how: str) -> Tensor:
    """One of our tensors from released ones, or a released output from ours."""
    match how.split():
        case []:
            return parts[0]
        case ["swap"]:
            return parts[0].transpose(-1, -2)
        case ["drop", axis]:
            return parts[0].squeeze(int(axis))
        case ["add", axis]:
            return parts[0].unsqueeze(int(axis))
        case ["join", axis]:
            return torch.cat(list(parts), int(axis))
        case ["stack"]:
            return torch.stack(list(parts))
        case _:
            raise ValueError(f"no way to {how}")


def weights(given: Golden) -> dict[str, Tensor]:
    """The value of each of our parameters, by name."""
    return {ours: made_of([filled(*part) for part in parts], how) for ours, how, parts, *_ in given["params"]}


def clips(given: Golden, seed: int | None = None) -> Tensor:
    """The input as (N, C, T, V, M)."""
    about = given["input"]
    x = torch.from_numpy(drawn(about["seed"] if seed is None else seed, about["shape"]))
    match about["axes"]:
        case "N C T V M":
            return x
        case "N C T V":
            return x.unsqueeze(-1)
        case "N C T (M*V), person outer":
            return x.unflatten(3, (2, 25)).transpose(3, 4)
        case axes:
            raise ValueError(f"no way from '{axes}'")


def by_module(given: Golden) -> Iterator[tuple[str, list[str]]]:
    """Each released module with a gradient norm, and the names of our parameters that are of it."""
    released = {ours: parts[0][0] for ours, _, parts, *_ in given["params"]}
    for top in given["train"]["grad_norm"]:
        yield top, [ours for ours, name in released.items() if f"{name}.".startswith(f"{top}.")]
