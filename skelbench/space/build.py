"""A checked space as NNI model spaces: a light one for independent trials, a real one for supernets."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from skelbench.components import BuildContext
from skelbench.errors import SpecError
from skelbench.search import Point, Sample
from skelbench.space.network import Builder, Take, output_shape
from skelbench.space.nodes import ChoiceNode, DepthNode, InputsNode, MixNode, NetworkNodes, ValueNode

with warnings.catch_warnings():
    # NNI reads torch's layers at import and warns about those that it cannot trace.
    warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"nni\.nas\.nn\.pytorch\.layers")
    from nni.mutable import Categorical, CategoricalMultiple
    from nni.nas.nn.pytorch import InputChoice, LayerChoice, ModelSpace, MutableModule
    from nni.nas.oneshot.pytorch.supermodule.base import BaseSuperNetModule


class FrozenTrial(nn.Module):
    """An architecture on its way through NNI to the evaluator, which builds and trains it."""

    def __init__(self, sample: Sample) -> None:
        super().__init__()
        self.sample = sample


class TrialSpace(ModelSpace):
    """The decisions of a space without its modules, so that freezing a point costs nothing.

    Args:
        points: The decisions.
    """

    def __init__(self, points: Sequence[Point]) -> None:
        super().__init__()
        for point in points:
            self.add_mutable(_mutable(point))

    def freeze(self, sample: Sample) -> FrozenTrial:
        """The architecture itself; inactive labels may be missing."""
        return FrozenTrial(dict(sample))

    def check_contains(self, sample: Sample) -> None:
        """Nothing to object: samples come out of the checked space in canonical form."""


def _mutable(point: Point) -> Categorical | CategoricalMultiple:
    if point.kind in ("mix", "inputs"):
        return CategoricalMultiple(list(point.options), n_chosen=point.choose, label=point.label)
    return Categorical(list(point.options), label=point.label)


class Mix(MutableModule):
    """The sum of any non-empty set of its candidates, as NNI sees it before a strategy takes over.

    Args:
        candidates: Candidates by name.
        label: The decision's label.
    """

    def __init__(self, candidates: Mapping[str, nn.Module], label: str) -> None:
        super().__init__()
        self.names = tuple(candidates)
        self.candidates = nn.ModuleList(candidates.values())
        self.choice = CategoricalMultiple(list(self.names), label=label)
        self.add_mutable(self.choice)
        self.label = label

    def forward(self, x: Tensor) -> Tensor:
        """The plain sum of all candidates."""
        return weighted_sum([1.0] * len(self.candidates), [c(x) for c in self.candidates])


class SupernetSpace(ModelSpace):
    """The whole space with all its modules: (N, C, T, V, M) -> (N, classes).

    Args:
        nodes: The checked network.
        context: Shape of a clip, classes and layout.
    """

    def __init__(self, nodes: NetworkNodes, context: BuildContext) -> None:
        super().__init__()
        self.input, self.body, self.head = _Open().network(nodes, context)

    def forward(self, x: Tensor) -> Tensor:
        """Scores (N, classes)."""
        return self.head(self.body(self.input(x)))


class _Open(Builder):
    """Leaves every decision open, as NNI's mutable modules."""

    def choice(self, node: ChoiceNode, context: BuildContext) -> nn.Module:
        # By number, as module names may not hold the dots of component names.
        return LayerChoice(list(self._candidates(node, context).values()), label=node.label)

    def mix(self, node: MixNode, context: BuildContext) -> nn.Module:
        return Mix(self._candidates(node, context), node.label)

    def _candidates(self, node: ChoiceNode | MixNode, context: BuildContext) -> dict[str, nn.Module]:
        """Modules by name, whose outputs can be added up; graphs may be of a batch or fixed."""
        candidates = {name: self.build(option, context) for name, option in node.options}
        given = (1, context.channels, context.frames, context.joints)
        shapes = {name: output_shape(m, given, node.label)[-3:] for name, m in candidates.items()}
        if len(set(shapes.values())) > 1:
            listed = ", ".join(f"{name} {' x '.join(map(str, shape))}" for name, shape in shapes.items())
            raise SpecError(
                f"'{node.label}': in a supernet all options give the same shape; here: {listed}",
                remedy="Make the options alike, or use weights: own",
            )
        return candidates

    def inputs(self, node: InputsNode) -> nn.Module:
        return _Inputs(node)

    def depth(self, node: DepthNode, context: BuildContext) -> nn.Module:
        raise SpecError(f"'{node.label}': a searched depth has no supernet", remedy="Use weights: own")

    def value(self, node: ValueNode) -> Any:
        raise SpecError(f"'{node.label}': a searched value has no supernet", remedy="Use weights: own")


class _Inputs(Take):
    """Hands the listed earlier outputs to NNI's InputChoice."""

    def __init__(self, node: InputsNode) -> None:
        super().__init__(node.sources, node.combine)
        self.choice = InputChoice(
            len(node.sources), n_chosen=node.choose, reduction=node.combine, label=node.label
        )

    def forward(self, outputs: list[Tensor]) -> Tensor:
        return self.choice([outputs[index] for index in self.sources])


class Decision(BaseSuperNetModule):
    """A decision in a supernet: all candidates weighted, or only the active ones.

    Candidates of weight zero, and those that are not active, are not computed.

    Attributes:
        label: The decision's label.
        weights: One weight per candidate, summing to 1.
        active: Indices of the candidates that alone are run, unweighted; None for the weighted sum.
    """

    def __init__(self, label: str, count: int, choose: int | None) -> None:
        super().__init__()
        self.label = label
        self.choose = choose or 1
        self.weights = [1.0 / count] * count
        self.active: tuple[int, ...] | None = None

    def combine(self, run: Callable[[int], Tensor]) -> Tensor:
        """The active candidates' sum, or the weighted sum of all; ``run`` computes one candidate."""
        if self.active is not None:
            return weighted_sum([1.0] * len(self.active), [run(i) for i in self.active])
        used = [i for i, weight in enumerate(self.weights) if weight > 0]
        return weighted_sum([self.weights[i] for i in used], [run(i) for i in used])

    def draw(self, generator: torch.Generator) -> None:
        """Activate candidates at random in proportion to the weights (Peng et al. 2020, eq. 15).

        Those of weight zero are drawn only where the others are fewer than needed.
        """
        weights = torch.tensor(self.weights)
        if int((weights > 0).sum()) < self.choose:
            weights += 1e-6
        drawn = torch.multinomial(weights, self.choose, generator=generator)
        self.active = tuple(sorted(drawn.tolist()))

    def resample(self, memo: dict[str, Any]) -> dict[str, Any]:
        """Nothing of its own: the strategy sets ``weights`` and ``active``."""
        return {}

    def export(self, memo: dict[str, Any]) -> dict[str, Any]:
        """Nothing of its own: the search says which architecture is best."""
        return {}

    def export_probs(self, memo: dict[str, Any]) -> dict[str, Any]:
        """The weights by candidate."""
        return {self.label: dict(enumerate(self.weights))}


class ModuleDecision(Decision):
    """A decision among modules that take the same input."""

    def __init__(self, label: str, candidates: Sequence[nn.Module]) -> None:
        super().__init__(label, len(candidates), 1)
        self.candidates = nn.ModuleList(candidates)

    def forward(self, x: Tensor) -> Tensor:
        """Combine the candidates' outputs for ``x``."""
        return self.combine(lambda index: self.candidates[index](x))


class InputDecision(Decision):
    """A decision among given tensors."""

    def __init__(self, label: str, count: int, choose: int, combine: str) -> None:
        super().__init__(label, count, choose)
        self.reduction = combine

    def forward(self, outputs: list[Tensor]) -> Tensor:
        """Combine ``outputs`` in the scale of a derived architecture."""
        total = self.combine(lambda index: outputs[index])
        if self.reduction == "mean":
            return total / len(self.active) if self.active is not None else total
        return total if self.active is not None else total * self.choose


def supernet_hook(
    module: nn.Module, name: str, memo: dict[str, Any], kwargs: dict[str, Any]
) -> nn.Module | bool:
    """NNI mutation hook: put a `Decision` in the place of each open decision."""
    if isinstance(module, Mix):
        return ModuleDecision(module.label, list(module.candidates))
    if isinstance(module, LayerChoice):
        return ModuleDecision(module.label, [module[key] for key in module.names])
    if isinstance(module, InputChoice):
        return InputDecision(module.label, module.n_candidates, module.n_chosen or 1, module.reduction)
    return False


def weighted_sum(weights: Sequence[float], terms: Sequence[Tensor]) -> Tensor:
    """Sum of weighted terms; fixed graphs (K, V, V) are summed before graphs of a batch (N, K, V, V)."""
    if len(terms) == 1:
        return terms[0] if weights[0] == 1.0 else weights[0] * terms[0]
    pairs = sorted(zip(weights, terms, strict=True), key=lambda pair: pair[1].dim())
    total = pairs[0][0] * pairs[0][1]
    for weight, term in pairs[1:]:
        total = torch.add(total, term, alpha=weight)
    return total
