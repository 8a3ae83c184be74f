"""Batches between a loader and the device that computes with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import torch
from torch import Tensor


def on_device(batches: Iterable[Any], device: torch.device) -> Iterator[Any]:
    """Batches with their tensors on a device; to a GPU each is copied while the one before is in use.

    Copies go out of pinned memory on a stream of their own, so that neither processor nor GPU waits.
    """
    if device.type != "cuda":
        yield from (_moved(batch, device) for batch in batches)
        return
    stream, ahead = torch.cuda.Stream(device), None
    for batch in batches:
        following = _begun(batch, device, stream)
        if ahead is not None:
            yield _taken(*ahead)
        ahead = following
    if ahead is not None:
        yield _taken(*ahead)


def _moved(batch: Any, device: torch.device) -> Any:
    return tuple(part.to(device) if isinstance(part, Tensor) else part for part in batch)


def _begun(batch: Any, device: torch.device, stream: torch.cuda.Stream) -> tuple[Any, torch.cuda.Event]:
    """A batch whose copy is under way, and the event at its end."""
    with torch.cuda.stream(stream):
        moved = tuple(
            part.pin_memory().to(device, non_blocking=True) if isinstance(part, Tensor) else part
            for part in batch
        )
        return moved, stream.record_event()


def _taken(batch: Any, copied: torch.cuda.Event) -> Any:
    """The batch, for the stream that computes."""
    current = torch.cuda.current_stream()
    current.wait_event(copied)
    for part in batch:
        if isinstance(part, Tensor):
            part.record_stream(current)  # else its memory could be given away before it is read
    return batch


class LazyLoader:
    """A loader whose iterations begin at their first batch, and bring batches to a device.

    Lightning asks for the first iteration before it tells of the epoch; a loader that draws its
    order when it is asked would then draw that of the epoch it was left in.

    Args:
        loader: Batches.
        device: Where they are wanted; None leaves them where they are.
    """

    def __init__(self, loader: Any, device: torch.device | None = None) -> None:
        self._loader, self._device = loader, device

    def __len__(self) -> int:
        return len(self._loader)

    def __iter__(self) -> Iterator[Any]:
        yield from self._loader if self._device is None else on_device(self._loader, self._device)

    def set_epoch(self, epoch: int) -> None:
        """Pass the epoch on, if the loader wants to know it."""
        set_epoch = getattr(self._loader, "set_epoch", None)
        if set_epoch:
            set_epoch(epoch)


class KeptBatches:
    """A loader's batches, read when they are first wanted and kept for the next time.

    Args:
        loader: Batches.
        most: Only so many first ones; None: all.
    """

    def __init__(self, loader: Iterable[Any], most: int | None = None) -> None:
        self._loader, self._most = loader, most
        self._batches: list[Any] | None = None

    def __iter__(self) -> Iterator[Any]:
        if self._batches is None:
            self._batches = list(islice(self._loader, self._most))
        return iter(self._batches)
