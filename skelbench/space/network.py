"""One architecture as a network: the checked tree of nodes with every decision taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from skelbench.components import BuildContext, slots_of
from skelbench.errors import SpecError
from skelbench.search import Sample
from skelbench.space.adaptive import Adaptive, released_scale
from skelbench.space.cell_syntax import INPUTS, split_edge
from skelbench.space.cells import Cell, CellPlace, CellStack, KeptNode, layers_of
from skelbench.space.modules import Chain, Sum, Take
from skelbench.space.nodes import (
    AdaptiveNode,
    CellsNode,
    ChoiceNode,
    DepthNode,
    EdgesNode,
    InputsNode,
    KeptEdges,
    MixNode,
    NetworkNodes,
    Node,
    OpNode,
    SequenceNode,
    StageNode,
    SumNode,
    TrellisNode,
    ValueNode,
)
from skelbench.space.shapes import (
    at_shape,
    confirm_policy,
    frame_wise_shape,
    output_shape,
    sizes,
)
from skelbench.space.trellises import Path, Stage
from skelbench.training.cost import cost


class Network(nn.Module):
    """Input, body and head one after the other: (N, C, T, V, M) or (N, C, T, H, W) -> (N, classes)."""

    def __init__(self, input: nn.Module, body: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.input = input
        self.body = body
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        """Scores (N, classes) of clips."""
        return self.head(self.body(self.input(x)))


class Unbuilt:
    """A slot's node that waits until the plain parameters are known."""

    def __init__(self, node: Node) -> None:
        self.node = node


class Builder:
    """Builds modules from nodes and follows the shapes; subclasses say what stands for a decision."""

    def network(self, nodes: NetworkNodes, context: BuildContext) -> tuple[nn.Module, nn.Module, nn.Module]:
        """Input, body and head for clips of the context's shape."""
        first = self.build(nodes.input, context)
        shape = output_shape(first, context.clip_shape, nodes.input.place)
        context = replace(context, persons=shape[0])  # one, where the input puts all into one image
        body = self.build(nodes.body, at_shape(context, shape, nodes.input.place))
        shape = output_shape(body, shape, "network.body")
        return first, body, self.build(nodes.head, at_shape(context, shape, "network.body"))

    def build(self, node: Node, context: BuildContext) -> nn.Module:
        """The module of a node for an input of the context's shape."""
        match node:
            case OpNode():
                return self._op(node, context)
            case SequenceNode(children):
                return self._sequence(children, context)
            case SumNode(terms):
                return Sum([self.build(term, context) for term in terms])
            case ChoiceNode():
                return self.choice(node, context)
            case MixNode():
                return self.mix(node, context)
            case InputsNode():
                return self.inputs(node)
            case DepthNode():
                return self.depth(node, context)
            case CellsNode():
                return self._cells(node, context)
            case AdaptiveNode():
                return self._adaptive(node, context)
            case TrellisNode():
                return self.trellis(node, context)

    def _op(self, node: OpNode, context: BuildContext) -> nn.Module:
        params = {name: self._param(value, context, node) for name, value in node.params.items()}
        plain = {name: value for name, value in params.items() if not isinstance(value, Unbuilt)}
        for name, slot in slots_of(node.component).items():
            if isinstance(params.get(name), Unbuilt):
                params[name] = self.build(params[name].node, slot.context(context, plain))
        try:
            module: nn.Module = node.component.make(context, **params)
        except SpecError as error:
            raise error.at(node.place) from error
        return module

    def _param(self, value: Any, context: BuildContext, node: OpNode) -> Any:
        if isinstance(value, ValueNode):
            return self.value(value)
        return Unbuilt(value) if isinstance(value, Node) else value

    def _sequence(self, children: tuple[Node, ...], context: BuildContext) -> nn.Module:
        modules: list[nn.Module] = []
        shapes: list[tuple[int, ...]] = [context.input_shape]
        place = ""
        for child in children:
            module = self.build(child, at_shape(context, shapes[-1], place))
            place = getattr(child, "place", "")
            modules.append(module)
            if isinstance(child, InputsNode):
                shapes.append(shapes[child.sources[0]])
            else:
                shapes.append(output_shape(module, shapes[-1], place))
        return Chain(*modules)

    def _adaptive(self, node: AdaptiveNode, context: BuildContext) -> nn.Module:
        models = {name: self.build(model, context) for name, model in node.options}
        shape = frame_wise_shape(models, context, node.place)
        inside = replace(at_shape(context, shape), choices=len(models))
        policy = self.build(node.policy, inside)
        confirm_policy(policy, shape, len(models), node.place)
        alpha = self.value(node.alpha) if isinstance(node.alpha, ValueNode) else node.alpha
        costs = [cost(model, context.input_shape) for model in models.values()]
        released = node.alpha_scale == "released"
        gmacs = [(c.as_reported if released else c.macs) / 1e9 for c in costs]
        return Adaptive(models, policy, released_scale(gmacs) if released else gmacs, alpha, node.warmup)

    def _cells(self, node: CellsNode, context: BuildContext) -> nn.Module:
        layers = self.value(node.layers) if isinstance(node.layers, ValueNode) else node.layers
        cells = []
        for layer in layers_of(node, layers, context.channels):
            place = CellPlace(node, layer, replace(context, channels=layer.channels))
            nodes = [self._node(edges, place) for edges in layer.edges]
            cells.append(Cell(*layer.entries(affine=not context.shared), nodes))
            context = place.inside()
        return CellStack(*cells)

    def _node(self, edges: EdgesNode | KeptEdges, place: CellPlace) -> nn.Module:
        return self.kept(edges.options, place) if isinstance(edges, KeptEdges) else self.edges(edges, place)

    def kept(self, edges: Sequence[str], place: CellPlace) -> nn.Module:
        """A node of a cell whose edges are given."""
        pairs = [(name, source or 0) for name, source in map(split_edge, edges)]
        modules = [self.edge(name, source, place) for name, source in pairs]
        drop_path = 0.0 if place.context.shared else place.stack.drop_path
        return KeptNode([source for _, source in pairs], modules, drop_path)

    def edge(self, name: str, source: int, place: CellPlace) -> nn.Module:
        """The operator ``name`` on an edge from ``source``."""
        context = place.context if source < INPUTS else place.inside()
        return self.build(place.operators[name], replace(context, stride=place.layer.stride(source)))

    def edges(self, node: EdgesNode, place: CellPlace) -> nn.Module:
        """What makes a node of a cell whose edges are searched."""
        raise TypeError(f"{type(self).__name__} does not build cells")

    def stage_head(self, node: TrellisNode, stage: StageNode, width: int, context: BuildContext) -> nn.Module:
        """The head of a stage that gives one of its widths."""
        params = {**stage.head.params, "channels": width // node.divide}
        return self.build(replace(stage.head, params=params), context)

    def layers(
        self, layers: Iterable[Sequence[OpNode]], shape: tuple[int, ...], context: BuildContext
    ) -> list[list[nn.Module]]:
        """For each layer of a stage its operators, for an input of ``shape``, which they keep.

        Raises:
            SpecError: One does not; each is tried once, in whatever layers it stands.
        """
        inside = at_shape(context, shape)
        built = [[(operator, self.build(operator, inside)) for operator in layer] for layer in layers]
        for place, module in {op.place: module for layer in built for op, module in layer}.items():
            given = output_shape(module, shape, place)
            if given != shape:
                what = f"a layer of a trellis keeps the shape; {sizes(shape)} becomes {sizes(given)}"
                raise SpecError(what, where=place, remedy="Leave out what changes it")
        return [[module for _, module in layer] for layer in built]

    def trellis(self, node: TrellisNode, context: BuildContext) -> nn.Module:
        """What stands for a trellis."""
        raise TypeError(f"{type(self).__name__} does not build trellises")

    def choice(self, node: ChoiceNode, context: BuildContext) -> nn.Module:
        """What stands for a choice."""
        raise TypeError(f"{type(self).__name__} does not build choices")

    def mix(self, node: MixNode, context: BuildContext) -> nn.Module:
        """What stands for a mix."""
        raise TypeError(f"{type(self).__name__} does not build mixes")

    def inputs(self, node: InputsNode) -> nn.Module:
        """What stands for a choice of inputs."""
        raise TypeError(f"{type(self).__name__} does not build inputs")

    def depth(self, node: DepthNode, context: BuildContext) -> nn.Module:
        """What stands for a searched depth."""
        raise TypeError(f"{type(self).__name__} does not build depths")

    def value(self, node: ValueNode) -> Any:
        """What stands for a searched value."""
        raise TypeError(f"{type(self).__name__} does not build values")


class _Fixed(Builder):
    """Takes every decision from a sample."""

    def __init__(self, sample: Sample) -> None:
        self.sample = sample

    def _chosen(self, label: str) -> Any:
        try:
            return self.sample[label]
        except KeyError:
            raise SpecError(f"the architecture says nothing about '{label}'") from None

    def choice(self, node: ChoiceNode, context: BuildContext) -> nn.Module:
        return self.build(dict(node.options)[self._chosen(node.label)], context)

    def mix(self, node: MixNode, context: BuildContext) -> nn.Module:
        options = dict(node.options)
        return Sum([self.build(options[name], context) for name in self._chosen(node.label)])

    def inputs(self, node: InputsNode) -> nn.Module:
        return Take(self._chosen(node.label), node.combine)

    def depth(self, node: DepthNode, context: BuildContext) -> nn.Module:
        return self._sequence(node.repetitions[: self._chosen(node.label)], context)

    def value(self, node: ValueNode) -> Any:
        return self._chosen(node.label)

    def edges(self, node: EdgesNode, place: CellPlace) -> nn.Module:
        return self.kept(self._chosen(node.label), place)

    def trellis(self, node: TrellisNode, context: BuildContext) -> nn.Module:
        shape, operators = context.input_shape, dict(node.operators)
        stages, states, chosen = [], [], []
        for stage in node.stages:
            width, names = self._chosen(stage.width.label), [self._chosen(one.label) for one in stage.layers]
            head = self.stage_head(node, stage, width, at_shape(context, shape))
            shape = output_shape(head, shape, stage.head.place)
            layers = self.layers([[operators[name]] for name in names], shape, context)
            stages.append(Stage(head, [module for (module,) in layers]))
            states.append(stage.width.options.index(width))
            chosen.append([list(operators).index(name) for name in names])
        return Path(stages, states, chosen)


def build_network(nodes: NetworkNodes, sample: Sample, context: BuildContext) -> Network:
    """Build one architecture.

    Args:
        nodes: The checked network.
        sample: A decision for every active label (canonical form).
        context: Shape of a clip, classes and layout.

    Raises:
        SpecError: A module does not fit the shape it gets, or a decision is missing.
    """
    return Network(*_Fixed(sample).network(nodes, context))
