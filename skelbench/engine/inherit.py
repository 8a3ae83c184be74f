"""The weights of a found path, taken over from the supernet that it was found in."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from skelbench.engine.job import Job
from skelbench.engine.search import SearchResult
from skelbench.errors import RunFolderError
from skelbench.space.trellises import Path
from skelbench.training.checkpoint import stored
from skelbench.training.fit import LAST

WRAPPED = "network."
"""What the names of a supernet's weights have before them in a checkpoint, after Lightning's own part."""


def inherit(job: Job, network: nn.Module, found: SearchResult) -> None:
    """Let a searched network begin with its weights in the supernet, if the spec says so.

    Raises:
        RunFolderError: The search's checkpoint is missing, damaged or of another supernet.
    """
    if found.cost is None or not job.checked.spec.search.inherit:
        return
    path = job.folder.checkpoints / "search" / LAST
    weights = stored(path).get("state_dict", {})
    supernet = {name.partition(WRAPPED)[2]: weight for name, weight in weights.items() if WRAPPED in name}
    try:
        take_over(network, supernet)
    except ValueError as error:
        what = f"the checkpoint is not of this search's supernet: {error}"
        raise RunFolderError(what, where=path, remedy="Run it again with --no-resume") from error


def take_over(network: nn.Module, supernet: Mapping[str, Tensor]) -> None:
    """Copy the weights that a network with one path has in a supernet with all paths.

    Normalisations stay as they are: the supernet has no scale and shift of them, and its statistics are those
    of mixtures. Where its weight is
    larger, as that of a head behind the widest path, the leading part is taken.

    Args:
        network: The network; its other modules have the names that they have in the supernet.
        supernet: The supernet's weights by name.

    Raises:
        ValueError: The supernet has none of the weights, or one is smaller or of other dimensions.
    """
    origins = {
        f"{name}.{own}": f"{name}.{there}"
        for name, module in network.named_modules()
        if isinstance(module, Path)
        for own, there in module.origins.items()
    }
    state = network.state_dict()
    known = {name: supernet.get(_origin(name, origins)) for name, _ in network.named_parameters()}
    taken = {
        name: _leading(name, weight, state[name]) for name, weight in known.items() if weight is not None
    }
    if not taken:
        raise ValueError("it has none of the network's weights")
    network.load_state_dict({**state, **taken})


def _origin(name: str, origins: Mapping[str, str]) -> str:
    """The name of a weight in the supernet."""
    for own, there in origins.items():
        if name.startswith(f"{own}."):
            return there + name.removeprefix(own)
    return name


def _leading(name: str, weight: Tensor, wanted: Tensor) -> Tensor:
    """The part of a weight that has the shape wanted."""
    sizes = zip(weight.shape, wanted.shape, strict=False)
    if weight.dim() != wanted.dim() or any(has < needs for has, needs in sizes):
        raise ValueError(f"'{name}' is {tuple(weight.shape)} there and {tuple(wanted.shape)} here")
    return weight[tuple(slice(0, size) for size in wanted.shape)]
