"""MACs as publications count them that had the modules of a network counted one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch.overrides import TorchFunctionMode

# Functions of torch; for a normalisation, the place of its scale among the arguments.
_TRANSPOSED = {f"conv_transpose{n}d" for n in (1, 2, 3)}
_LAYERS = {"linear", *(f"conv{n}d" for n in (1, 2, 3)), *_TRANSPOSED}
_NORMS = {"batch_norm": 3, "instance_norm": 3, "group_norm": 2, "layer_norm": 2}
_RELUS = {"relu", "relu_", "leaky_relu", "leaky_relu_", "prelu", "elu", "elu_"}
_POOLS = {
    *(f"{kind}_pool{n}d" for kind in ("max", "avg", "adaptive_max", "adaptive_avg") for n in (1, 2, 3)),
    *(f"{kind}_pool{n}d_with_indices" for kind in ("max", "adaptive_max") for n in (1, 2, 3)),
    "amax",
}


class ModuleMacs(TorchFunctionMode):
    """Counts MACs module by module, as ptflops does, of all that runs while it is entered.

    Such MACs are the "GFLOPs" of AdaSGN (Shi et al., ICCV 2021, Table 1). They are those of a pass with
    all its persons, and what is computed once for all joints or frames counts once:

    * a convolution or a linear layer: its MACs, and one per output element if it has a bias;
    * a normalisation: two per element, or one without learned scale;
    * a ReLU, leaky ReLU, PReLU or ELU: one per element;
    * a pool: one per element that it takes. `amax` counts as the maximum pool that it can be written as.

    Nothing else counts: products of matrices (attention, graphs, mixtures of joints), softmax, sums and
    means written as such, recurrent layers, `nn.MultiheadAttention`. Functions count as their modules do.

    Attributes:
        total: The MACs so far.
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call the function and add what it costs."""
        given = kwargs or {}
        output = func(*args, **given)
        self.total += _macs(getattr(func, "__name__", ""), args, given, output)
        return output


def _macs(name: str, args: Sequence[Any], kwargs: Mapping[str, Any], output: Any) -> int:
    """The MACs of one call of a function of torch."""

    def argument(place: int, key: str) -> Any:
        return args[place] if place < len(args) else kwargs.get(key)

    if name in _LAYERS:
        places = (argument(0, "input") if name in _TRANSPOSED else output).numel()
        bias = 0 if argument(2, "bias") is None else output.numel()
        return int(places * argument(1, "weight")[0].numel() + bias)
    if name in _NORMS:
        return int(output.numel() * (1 if argument(_NORMS[name], "weight") is None else 2))
    if name in _RELUS or name in _POOLS:
        return int(argument(0, "input").numel())
    return 0
