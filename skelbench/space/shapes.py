"""Shapes of modules, found without computing, and what a node asks of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import nn
from torch.func import functional_call

from skelbench.components import BuildContext
from skelbench.errors import SpecError
from skelbench.training.meta import shapes_alone


def at_shape(context: BuildContext, shape: tuple[int, ...], place: str = "") -> BuildContext:
    """The context of a module whose input has ``shape``: (N, C, T, V), of videos (N, C, T, H, W).

    Raises:
        SpecError: The module at ``place`` gave something else.
    """
    if len(shape) != len(context.input_shape):
        wanted = "(N, C, T, H, W)" if context.height else "(N, C, T, V)"
        what = f"the module gives {' x '.join(map(str, shape))}, which is not {wanted}"
        raise SpecError(what, where=place, remedy="Mend the operator, or put another in its place")
    _, channels, frames, *ends = shape
    context = replace(context, channels=channels, frames=frames, out_channels=None, stride=1)
    if len(ends) == 1:
        return replace(context, joints=ends[0])
    return replace(context, height=ends[0], width=ends[1])


def sizes(shape: tuple[int, ...]) -> str:
    """A shape without the samples, in words."""
    return " x ".join(map(str, shape[1:]))


def output_shape(module: nn.Module, shape: tuple[int, ...], place: str) -> tuple[int, ...]:
    """The shape that ``module`` gives for an input of ``shape``, found without computing.

    Raises:
        SpecError: The module does not take such an input.
    """
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    meta = {name: torch.empty_like(tensor, device="meta") for name, tensor in tensors.items()}
    training = {part: part.training for part in module.modules()}
    try:
        module.eval()  # in training, normalisation takes no single value per channel
        with shapes_alone():
            return tuple(functional_call(module, meta, torch.empty(shape, device="meta")).shape)
    except (RuntimeError, ValueError, IndexError, TypeError, AttributeError) as error:
        size = " x ".join(map(str, shape))
        raise SpecError(
            f"the module does not take an input of {size}: {error}",
            where=place,
            remedy="Change its parameters or what stands before it",
        ) from error
    finally:
        for part, mode in training.items():
            part.training = mode


def frame_wise_shape(models: Mapping[str, nn.Module], context: BuildContext, place: str) -> tuple[int, ...]:
    """The output shape (1, C, T, V) that models have in common, of which one frame is chosen at a time.

    Raises:
        SpecError: Their shapes differ, or are not those of frames by themselves.
    """
    shapes = {}
    for name, module in models.items():
        whole, single = (
            output_shape(module, (1, context.channels, count, context.joints), place)
            for count in (context.frames, 1)
        )
        if whole[2] != context.frames or single != (*whole[:2], 1, *whole[3:]):
            what = f"'{name}' does not give one frame for each that it gets, so none can be chosen"
            raise SpecError(what, where=place, remedy="Put modules that join frames after the adaptive node")
        shapes[name] = whole
    if len(set(shapes.values())) > 1:
        listed = ", ".join(f"{name} {' x '.join(map(str, shape[1:]))}" for name, shape in shapes.items())
        raise SpecError(f"the models of an adaptive node give different shapes: {listed}", where=place)
    return next(iter(shapes.values()))


def confirm_policy(policy: nn.Module, shape: tuple[int, ...], models: int, place: str) -> None:
    """See that a policy weighs each model for each frame.

    Raises:
        SpecError: It does not.
    """
    given = output_shape(policy, shape, place)
    if given != (1, models, shape[2]):
        what = f"the policy gives {' x '.join(map(str, given[1:]))} for {models} models and {shape[2]} frames"
        raise SpecError(what, where=place, remedy="A policy gives one weight a model and frame: (N, K, T)")
