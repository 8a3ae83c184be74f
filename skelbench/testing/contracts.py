"""What each contract asks of an operator: the shapes that it takes and gives, in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from skelbench.components import NO_SKELETON, BuildContext, Contract
from skelbench.host.registry import Registry

BATCH, CHANNELS, FRAMES, PERSONS, CLASSES, CHOICES = 2, 8, 12, 2, 5, 3
HEIGHT, WIDTH = 16, 14
"""Rows and columns of a video."""
Shape = tuple[int, ...]
Sizes = tuple[int | None, ...]
"""A shape in which None leaves a size open."""


@dataclass(frozen=True)
class Shapes:
    """The shapes of one contract.

    Attributes:
        takes: The shape of an input, by the place in a network.
        gives: The shapes of the output that are allowed for it.
        rows: Rows of the batch that belong to one clip.
        video: Whether it is of videos.
        bytes: Whether the input is of bytes.
    """

    takes: Callable[[BuildContext], Shape]
    gives: Callable[[BuildContext], Sequence[Sizes]]
    rows: int = 1
    video: bool = False
    bytes: bool = False


def _inside(place: BuildContext) -> Shape:
    return (BATCH, *place.input_shape[1:])


def _clips(place: BuildContext) -> Shape:
    return (BATCH, *place.clip_shape[1:])


def _persons(place: BuildContext) -> Shape:
    return (BATCH * place.persons, *place.input_shape[1:])


def _folded_or_image(place: BuildContext) -> Sequence[Sizes]:
    folded = (BATCH * place.persons, None, None, None)
    return [folded, (BATCH, None, place.frames, place.persons * place.joints)]


def _strided(place: BuildContext) -> Sequence[Sizes]:
    rows, columns = (-(-size // place.stride) for size in (place.frames, place.joints))
    return [(BATCH, place.channels, rows, columns)]


def _classes(place: BuildContext) -> Sequence[Sizes]:
    return [(BATCH, place.classes)]


CONTRACTS: Mapping[Contract, Shapes] = {
    "input": Shapes(_clips, _folded_or_image),
    "skeleton": Shapes(_inside, lambda place: [(BATCH, None, None, None)]),
    "head": Shapes(_persons, _classes, rows=PERSONS),
    "cell": Shapes(_inside, _strided),
    "policy": Shapes(_inside, lambda place: [(BATCH, place.choices, place.frames)]),
    "video_input": Shapes(_clips, lambda place: [_clips(place)], video=True, bytes=True),
    "video": Shapes(_inside, lambda place: [(BATCH, None, None, None, None)], video=True),
    "video_head": Shapes(_inside, _classes, video=True),
}
"""Every contract."""


def context(registry: Registry, layout: str = "ntu25", contract: Contract = "skeleton") -> BuildContext:
    """A small place in a network, for tests.

    Args:
        registry: Where the layout comes from.
        layout: Its name; of no meaning in videos.
        contract: Of the operator that is to stand there.
    """
    video = CONTRACTS[contract].video
    skeleton = NO_SKELETON if video else registry.get("layout", layout)
    return BuildContext(
        channels=CHANNELS,
        frames=FRAMES,
        joints=len(skeleton.joints),
        persons=1 if video else PERSONS,
        classes=CLASSES,
        layout=skeleton,
        choices=CHOICES,
        height=HEIGHT if video else 0,
        width=WIDTH if video else 0,
    )


def an_input(contract: Contract, place: BuildContext) -> Tensor:
    """A random input of a contract's shape, the same each time."""
    shapes, random = CONTRACTS[contract], torch.Generator().manual_seed(0)
    if shapes.bytes:
        return torch.randint(256, shapes.takes(place), generator=random, dtype=torch.uint8)
    return torch.randn(shapes.takes(place), generator=random)


def fits(shape: Shape, allowed: Sizes) -> bool:
    """Whether a shape is one of those that ``allowed`` leaves open."""
    return len(shape) == len(allowed) and all(
        want in (None, size) for size, want in zip(shape, allowed, strict=True)
    )
