"""What it costs to weigh all operators of an edge at once, and what adding them up in place saves.

A supernet of cells is trained in two kinds of steps: of its weights, under architecture weights that are
plain numbers, and of the architecture weights, which are tensors. Each is measured against the sum written
down plainly and against a stack of all outputs. Ratios are taken within one run on one machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from skelbench_plugins.layouts import UCLA20
from torch import Tensor, nn

from skelbench.components import BuildContext
from skelbench.engine import nas  # noqa: F401 - it imports NNI without its warnings
from skelbench.host.registry import load_registry
from skelbench.space import decisions
from skelbench.space.build import OpenNode, SupernetSpace, supernet_hook
from skelbench.space.decisions import Decision
from skelbench.space.nodes import CellsNode, EdgesNode, NetworkNodes, OpNode, SequenceNode

from .clock import fastest
from .memory import peak_bytes, saved_bytes

OPERATORS = ("conv3", "sep3", "dil3", "max3", "avg3", "skip", "se")
LAYERS, CHANNELS, NODES, FRAMES, JOINTS, BATCH = 4, 8, 4, 20, 20, 16


@pytest.fixture(scope="module")
def supernet() -> SupernetSpace:
    """Cells of SAR-NAS for one person of 20 joints, of which two reduce."""
    registry = load_registry()

    def op(name: str, **params: Any) -> OpNode:
        return OpNode(registry.get("operator", name), params)

    def edges(kind: str) -> tuple[EdgesNode, ...]:
        found = []
        for k in range(2, 2 + NODES):
            pairs = [(name, source) for source in range(k) for name in OPERATORS]
            options = tuple(f"{name}({source})" for name, source in pairs)
            found.append(EdgesNode(f"{kind}.{k}", options, tuple(source for _, source in pairs), 2, True))
        return tuple(found)

    cells = CellsNode(
        LAYERS,
        CHANNELS,
        None,
        tuple((name, op(name)) for name in OPERATORS),
        edges("normal"),
        edges("reduce"),
    )
    body = SequenceNode((op("image_stem", channels=3 * CHANNELS), cells))
    torch.manual_seed(0)
    space = SupernetSpace(
        NetworkNodes(op("skeleton_image"), body, op("mean_pool_linear")),
        BuildContext(3, FRAMES, JOINTS, 1, 10, UCLA20),
    )
    for name, module in list(space.named_modules()):
        if isinstance(module, OpenNode):
            parent, _, child = name.rpartition(".")
            decision = supernet_hook(module, name, {}, {})
            assert isinstance(decision, nn.Module)
            setattr(space.get_submodule(parent), child, decision)
    return space


@pytest.fixture(scope="module")
def clips() -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    return torch.randn(BATCH, 3, FRAMES, JOINTS, 1), torch.randint(10, (BATCH,))


def placed(supernet: nn.Module) -> list[Decision]:
    return [module for module in supernet.modules() if isinstance(module, Decision)]


Sum = Callable[[Sequence[float | Tensor], Callable[[int], Tensor]], Tensor]


def plain(weights: Sequence[float | Tensor], run: Callable[[int], Tensor]) -> Tensor:
    """All outputs in a list, then their sum."""
    outputs = [run(index) for index in range(len(weights))]
    return sum((weight * x for weight, x in zip(weights, outputs, strict=True)), start=torch.zeros(()))


def stacked(weights: Sequence[float | Tensor], run: Callable[[int], Tensor]) -> Tensor:
    """All outputs in one tensor, times all weights."""
    outputs = torch.stack([run(index) for index in range(len(weights))])
    of_each = torch.stack(list(map(torch.as_tensor, weights)))
    return (of_each.view(-1, *[1] * (outputs.dim() - 1)) * outputs).sum(0)


WAYS: dict[str, Sum] = {"in place": decisions.weighted_sum, "plain": plain, "stacked": stacked}


@contextmanager
def summed(way: Sum) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decisions, "weighted_sum", way)
        yield


def step(supernet: nn.Module, clips: tuple[Tensor, Tensor], kind: str, numbers: bool = True) -> list[Tensor]:
    """A step's loss and the gradients that it is after: of the weights, or of the architecture weights.

    The weights can be trained under plain ``numbers`` as well as under tensors that track gradients.
    """
    x, y = clips
    tracked = kind == "alphas" or not numbers
    alphas = {d.label: torch.zeros(d.count, requires_grad=tracked) for d in placed(supernet)}
    for decision in placed(supernet):
        weights = alphas[decision.label].softmax(0)
        given = weights.unbind() if tracked else weights.tolist()
        decision.weigh(given, normalised=False)
    loss = nn.functional.cross_entropy(supernet(x), y)
    wanted = list(alphas.values()) if kind == "alphas" else list(supernet.parameters())
    return [loss.detach(), *torch.autograd.grad(loss, wanted)]


@pytest.mark.parametrize("kind", ["weights", "alphas"])
def test_adding_up_in_place_against_plain_sums(kind: str, supernet, clips, benchmark):
    def run(way: Sum) -> list[Tensor]:
        with summed(way):
            return step(supernet, clips, kind)

    first, *others = (run(way) for way in WAYS.values())
    for other in others:
        for ours, theirs in zip(first, other, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-2, atol=1e-4)
    seconds = dict(
        zip(WAYS, fastest([lambda way=way: run(way) for way in WAYS.values()], rounds=5), strict=True)
    )
    kept = {name: saved_bytes(supernet, lambda way=way: run(way)) for name, way in WAYS.items()}
    peak = {name: peak_bytes(lambda way=way: run(way)) for name, way in WAYS.items()}
    figures: dict[str, float] = {f"{name} ms": 1e3 * taken for name, taken in seconds.items()}
    figures |= {f"{name} saved MiB": held / 2**20 for name, held in kept.items()}
    figures |= {f"{name} peak MiB": held / 2**20 for name, held in peak.items()}
    for name in ("plain", "stacked"):
        figures[f"time, {name} / in place"] = seconds[name] / seconds["in place"]
        figures[f"saved, {name} / in place"] = kept[name] / kept["in place"]
        figures[f"peak, {name} / in place"] = peak[name] / peak["in place"]
    report(kind, figures, benchmark)
    benchmark.pedantic(run, args=(decisions.weighted_sum,), rounds=3)
    assert kept["in place"] <= min(kept.values())


def test_weights_as_numbers_against_weights_that_track_gradients(supernet, clips, benchmark):
    def run(numbers: bool) -> list[Tensor]:
        with summed(decisions.weighted_sum if numbers else plain):
            return step(supernet, clips, "weights", numbers)

    for ours, theirs in zip(run(True), run(False), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-2, atol=1e-4)
    numbers, tracked = fastest([lambda: run(True), lambda: run(False)], rounds=5)
    kept = {way: saved_bytes(supernet, lambda way=way: run(way)) for way in (True, False)}
    figures = {"time, tracked plain / numbers in place": tracked / numbers}
    figures |= {"saved, tracked plain / numbers in place": kept[False] / kept[True]}
    report("weight step", figures, benchmark)
    benchmark.pedantic(run, args=(True,), rounds=3)
    assert kept[False] >= 1.1 * kept[True]


def test_channels_last_against_channels_first(supernet, clips, benchmark, monkeypatch):
    image = type(supernet.input)
    last = image.forward

    def first(self: nn.Module, x: Tensor) -> Tensor:
        return last(self, x).contiguous(memory_format=torch.contiguous_format)

    layouts = {"last": last, "first": first}

    def run(layout: str) -> list[Tensor]:
        with monkeypatch.context() as patch:
            patch.setattr(image, "forward", layouts[layout])
            return step(supernet, clips, "weights")

    torch.testing.assert_close(run("last")[0], run("first")[0], rtol=1e-4, atol=1e-5)
    seconds = dict(zip(layouts, fastest([lambda at=at: run(at) for at in layouts], rounds=5), strict=True))
    ratio = seconds["first"] / seconds["last"]
    figures = {f"{name} ms": 1e3 * taken for name, taken in seconds.items()}
    report("channels", figures | {"time, first / last": ratio}, benchmark)
    benchmark.pedantic(run, args=("last",), rounds=3)


def report(title: str, figures: dict[str, float], benchmark: Any) -> None:
    """Print figures and keep them with the benchmark."""
    benchmark.extra_info.update(figures)
    print(f"\n{title}: " + ", ".join(f"{name} {figure:.2f}" for name, figure in figures.items()))
