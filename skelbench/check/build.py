"""Whether the networks of a spec can be built: tried on the processor before anything is read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from skelbench.check.checked import Checked
from skelbench.errors import SpecError, WorkFailed
from skelbench.search import Sample
from skelbench.space.arch import NamedArchitecture
from skelbench.space.network import build_network
from skelbench.space.size import SearchSpace

_TRAINED = 4
"""Numbers that a weight needs in training: itself, its gradient, two moments."""
_TOO_LARGE = "the network takes more memory than the machine has"
_NARROWER = "Make it narrower"
_DRAWS, _MOST = 64, 6
"""Random architectures that are looked at, and those of them that are built."""


def check_networks(checked: Checked) -> None:
    """Build what is trained: of a space the supernet and one architecture, or some that differ most.

    Raises:
        SpecError: An option does not fit the shape it gets, with its line in the spec, or a network takes
            more memory than the machine has.
        SkelbenchError: An operator fails.
    """
    with _tried(checked):
        shared = checked.spec.search.strategy.weights == "shared"
        if shared and checked.space.points:
            from skelbench.space.build import SupernetSpace  # NNI, which it needs, takes seconds

            _confirm_room(SupernetSpace(checked.search_network, checked.context()))
        for sample in different_samples(checked.space, 1 if shared else _MOST):
            _confirm_room(build_network(checked.network, sample, checked.context()))


def check_architecture_network(checked: Checked, named: NamedArchitecture) -> None:
    """Build one architecture.

    Raises:
        SpecError: A module does not fit the shape it gets, or the network takes more memory than there is.
        SkelbenchError: An operator fails.
    """
    with _tried(checked):
        _confirm_room(build_network(named.network, named.sample, checked.context()))


@contextmanager
def _tried(checked: Checked) -> Iterator[None]:
    """Leave the generator as it is, and weights as memory gives them: nothing is computed with them."""
    try:
        with torch.random.fork_rng(devices=[]), _Unfilled():
            yield
    except SpecError as error:
        raise checked.placed(error) from error
    except WorkFailed as error:
        if isinstance(error.__cause__, (MemoryError, RuntimeError)) and "memory" in str(error.__cause__):
            raise checked.placed(SpecError(_TOO_LARGE, where="network", remedy=_NARROWER)) from error
        raise


def _confirm_room(network: torch.nn.Module) -> None:
    """See that a network can be trained in the machine's memory: weights, gradients, two moments of each."""
    needed = _TRAINED * sum(weights.numel() * weights.element_size() for weights in network.parameters())
    has = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > has:
        what = f"to train the network takes {needed / 2**30:,.0f} GiB for its weights, of {has / 2**30:,.0f}"
        raise SpecError(what, where="network", remedy=_NARROWER)


class _Unfilled(TorchFunctionMode):
    """Skips what fills parameters at random, half of the time that it takes to build a large network.

    Other tensors are filled: what draws again until all numbers are in a range would not end without.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func in _FILLS:
            tensor = args[0] if args else (kwargs or {})["tensor"]
            if isinstance(tensor, torch.nn.Parameter):
                return tensor
        return func(*args, **kwargs or {})


_FILLS = {torch.Tensor.normal_, torch.Tensor.uniform_}
_FILLS |= {
    fill
    for name, fill in vars(torch.nn.init).items()
    if name.endswith(("normal_", "uniform_", "orthogonal_"))
}


def different_samples(space: SearchSpace, most: int) -> list[Sample]:
    """Few architectures, each with decisions that none before it has; of a space without one, its only one.

    Args:
        space: The space.
        most: How many at most.
    """
    rng = np.random.default_rng(0)
    drawn = [space.sample(rng) for _ in range(_DRAWS)]
    decisions = [{pair for label, taken in one.items() for pair in _pairs(label, taken)} for one in drawn]
    kept, seen = list[Sample](), set[tuple[str, str]]()
    while len(kept) < most:
        new = [len(pairs - seen) for pairs in decisions]
        at = int(np.argmax(new))
        if kept and not new[at]:
            break
        kept.append(drawn[at])
        seen |= decisions[at]
    return kept


def _pairs(label: str, taken: object) -> list[tuple[str, str]]:
    """What an architecture takes at one place: of several things each by itself."""
    return [(label, str(one)) for one in (taken if isinstance(taken, list) else [taken])]
