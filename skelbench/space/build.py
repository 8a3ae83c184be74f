"""A checked space as NNI model spaces: a light one for independent trials, a real one for supernets."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from skelbench.components import BuildContext
from skelbench.errors import SpecError
from skelbench.search import Point, Sample
from skelbench.space.cell_syntax import ZERO, split_edge
from skelbench.space.decisions import EdgesDecision, InputDecision, ModuleDecision, weighted_sum
from skelbench.space.modules import Take
from skelbench.space.network import Builder, CellPlace
from skelbench.space.nodes import (
    ChoiceNode,
    DepthNode,
    EdgesNode,
    InputsNode,
    MixNode,
    NetworkNodes,
    StageNode,
    TrellisNode,
    ValueNode,
)
from skelbench.space.shapes import at_shape, output_shape
from skelbench.space.tree import by_input, point_of
from skelbench.space.trellises import Candidate, Trellis
from skelbench.space.trials import Asked
from skelbench.training.lightning import without_torchmetrics

with warnings.catch_warnings(), without_torchmetrics():
    # NNI reads torch's layers at import and warns about those that it cannot trace.
    warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"nni\.nas\.nn\.pytorch\.layers")
    from nni.mutable import Categorical, CategoricalMultiple
    from nni.nas.nn.pytorch import InputChoice, LayerChoice, ModelSpace, MutableModule


class FrozenTrial(nn.Module):
    """An architecture on its way through NNI to the evaluator, which builds and trains it."""

    def __init__(self, asked: Asked) -> None:
        super().__init__()
        self.asked = asked


class TrialSpace(ModelSpace):
    """The decisions of a space without its modules, so that freezing a point costs nothing.

    Args:
        points: The decisions.
    """

    def __init__(self, points: Sequence[Point]) -> None:
        super().__init__()
        for point in points:
            self.add_mutable(_mutable(point))

    def freeze(self, asked: Asked) -> FrozenTrial:
        """The architecture itself; inactive labels may be missing."""
        return FrozenTrial(asked)

    def check_contains(self, sample: Sample) -> None:
        """Nothing to object: samples come out of the checked space in canonical form."""


def _mutable(point: Point) -> Categorical | CategoricalMultiple:
    if point.several:
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
        return weighted_sum([1.0] * len(self.candidates), lambda index: self.candidates[index](x))


def edge_choices(point: Point) -> Iterator[tuple[str, tuple[str, ...]]]:
    """NNI's choice for each input of a node of a cell: its label, and the edges from that input."""
    for source, edges in enumerate(by_input(point)):
        yield f"{point.label}.{source}", edges


class OpenNode(nn.Module):
    """A node of a cell with every edge open: one choice of NNI's per input, all of them summed.

    Args:
        node: The decision.
        candidates: For each input its operators in the order of ``node.options``, then ``zero``.
    """

    def __init__(self, node: EdgesNode, candidates: Sequence[Sequence[nn.Module]]) -> None:
        super().__init__()
        self.node = node
        self.choices = nn.ModuleList(
            LayerChoice(list(modules), label=label)
            for modules, (label, _) in zip(candidates, edge_choices(point_of(node)), strict=True)
        )

    def edges(self) -> list[nn.Module]:
        """The operators in the order of the node's options."""
        kept = len(self.node.options) // len(self.choices)
        choices = [choice for choice in self.choices if isinstance(choice, LayerChoice)]
        return [choice[name] for choice in choices for name in choice.names[:kept]]

    def forward(self, states: Sequence[Tensor]) -> Tensor:
        """The sum over all states before the node."""
        terms = [choice(state) for choice, state in zip(self.choices, states, strict=True)]
        return sum(terms[1:], start=terms[0])


class OpenTrellis(MutableModule):
    """A trellis as NNI sees it before a strategy takes over: one choice for each of its decisions.

    Args:
        trellis: All its paths.
    """

    def __init__(self, trellis: Trellis) -> None:
        super().__init__()
        for fork in trellis.node.forks():
            self.add_mutable(_mutable(point_of(fork)))
        self.trellis = trellis

    def forward(self, x: Tensor) -> Tensor:
        """The sum over all paths, weighted evenly."""
        return self.trellis(x)


class SupernetSpace(ModelSpace):
    """The whole space with all its modules: (N, C, T, V, M), of videos (N, C, T, H, W) -> (N, classes).

    Args:
        nodes: The checked network.
        context: Shape of a clip, classes and layout.
    """

    def __init__(self, nodes: NetworkNodes, context: BuildContext) -> None:
        super().__init__()
        self.input, self.body, self.head = _Open().network(nodes, replace(context, shared=True))

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
        given = context.input_shape
        shapes = {
            name: output_shape(m, given, node.label)[1 - len(given) :] for name, m in candidates.items()
        }
        if len(set(shapes.values())) > 1:
            listed = ", ".join(f"{name} {' x '.join(map(str, shape))}" for name, shape in shapes.items())
            raise SpecError(
                f"'{node.label}': in a supernet all options give the same shape; here: {listed}",
                remedy="Make the options alike, or use weights: own",
            )
        return candidates

    def inputs(self, node: InputsNode) -> nn.Module:
        return _Inputs(node)

    def edges(self, node: EdgesNode, place: CellPlace) -> nn.Module:
        zeros = [name for name, operator in place.stack.operators if operator.component.name == ZERO]
        candidates = []
        for source, edges in enumerate(by_input(point_of(node))):
            names = [*(split_edge(edge)[0] for edge in edges), *zeros]
            candidates.append([self.edge(name, source, place) for name in names])
        return OpenNode(node, candidates)

    def trellis(self, node: TrellisNode, context: BuildContext) -> nn.Module:
        shapes, stages = [context.input_shape], []
        for stage in node.stages:
            widths = [self._width(node, stage, width, shapes, context) for width in stage.width.options]
            shapes = [shape for _, shape in widths]
            stages.append([candidate for candidate, _ in widths])
        return OpenTrellis(Trellis(node, stages))

    def _width(
        self,
        node: TrellisNode,
        stage: StageNode,
        width: int,
        shapes: Sequence[tuple[int, ...]],
        context: BuildContext,
    ) -> tuple[Candidate, tuple[int, ...]]:
        """One width of a stage, after widths that give ``shapes``, and the shape that it gives."""
        heads = [self.stage_head(node, stage, width, at_shape(context, shape)) for shape in shapes]
        shape = output_shape(heads[0], shapes[0], stage.head.place)
        operators = [operator for _, operator in node.operators]
        return Candidate(heads, self.layers([operators] * len(stage.layers), shape, context)), shape

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

    def forward(self, outputs: Mapping[int, Tensor]) -> Tensor:
        return self.choice([outputs[index] for index in self.sources])


def supernet_hook(
    module: nn.Module, name: str, memo: dict[str, Any], kwargs: dict[str, Any]
) -> nn.Module | bool:
    """NNI mutation hook: put a `Decision` in the place of each open decision, a `Trellis` in a trellis's."""
    if isinstance(module, OpenTrellis):
        return module.trellis
    if isinstance(module, OpenNode):
        return EdgesDecision(module.node, module.edges())
    if isinstance(module, Mix):
        return ModuleDecision(module.label, list(module.candidates))
    if isinstance(module, LayerChoice):
        return ModuleDecision(module.label, [module[key] for key in module.names])
    if isinstance(module, InputChoice):
        return InputDecision(module.label, module.n_candidates, module.n_chosen or 1, module.reduction)
    return False
