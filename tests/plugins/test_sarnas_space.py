"""The shipped SAR-NAS and DARTS spaces: what they hold, their networks' size and cost, odd clips."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from skelbench_plugins.operators.cells import SqueezeExcite
from skelbench_plugins.operators.ends import MeanPoolLinear
from torch import nn
from torch.nn import functional

from skelbench.check.checked import Checked
from skelbench.check.spec import check_spec
from skelbench.components import BuildContext
from skelbench.host.registry import load_registry
from skelbench.search import Sample
from skelbench.space.build import SupernetSpace
from skelbench.space.network import Network, build_network
from skelbench.space.nodes import CellsNode, NetworkNodes, SequenceNode
from skelbench.space.size import SearchSpace
from skelbench.spec.resolve import load_spec
from skelbench.training.cost import cost

REGISTRY = load_registry()
SPECS = ["sarnas", "sarnas-ucla", "darts-skeleton", "darts-ucla"]
ONE_KIND = 180 * 7**8


def checked(name: str = "sarnas", **changes: Any) -> Checked:
    return check_spec(load_spec(name, **changes), REGISTRY)


@pytest.fixture(scope="module")
def sarnas() -> Checked:
    return checked()


def on_meta(network: NetworkNodes, sample: Sample, context: BuildContext) -> Network:
    with torch.device("meta"):
        return build_network(network, sample, context)


def published(sarnas: Checked, name: str, layers: int = 9) -> NetworkNodes:
    """A published network with another number of cells."""
    nodes = sarnas.architectures[name].network
    stem, cells = nodes.body.children
    assert isinstance(cells, CellsNode)
    return replace(nodes, body=SequenceNode((stem, replace(cells, layers=layers))))


# --- spaces ------------------------------------------------------------------------------------


def test_the_space_is_that_of_the_paper(sarnas: Checked):
    assert sarnas.space.size() == ONE_KIND**2
    for kind in ("normal", "reduce"):
        sizes = [sum(7 * 7 for i in range(inputs) for j in range(i)) for inputs in (2, 3, 4, 5)]
        assert np.prod(sizes) == ONE_KIND, kind
    assert [p.label for p in sarnas.space.points] == [
        f"{kind}.{k}" for kind in ("normal", "reduce") for k in (2, 3, 4, 5)
    ]


@pytest.mark.parametrize("name", SPECS)
def test_two_kinds_of_cells_have_224_alphas_and_seven_operators_that_stay(name: str):
    points = checked(name).space.points
    assert sum(len(point.options) + point.none * len(set(point.groups)) for point in points) == 224
    assert {len(point.options) // len(set(point.groups)) for point in points} == {7}
    assert {(point.kind, point.choose, point.none) for point in points} == {("cell", 2, True)}


def test_the_spaces_differ_by_their_operators():
    def operators(name: str) -> set[str]:
        return {edge.partition("(")[0] for point in checked(name).space.points for edge in point.options}

    assert operators("sarnas") == operators("sarnas-ucla")
    assert operators("darts-skeleton") == operators("darts-ucla")
    assert operators("sarnas") - operators("darts-skeleton") == {"conv3", "se"}
    assert operators("darts-skeleton") - operators("sarnas") == {"sep5", "dil5"}


def test_the_depth_study_has_five_networks():
    depth = checked("sarnas-depth")
    assert list(depth.space.enumerate()) == [{"cells": cells} for cells in (7, 8, 9, 10, 11)]
    assert depth.strategy.name == "grid"


def test_all_five_depths_are_trained_and_tested_by_one_command():
    depth = checked("sarnas-depth")
    (stage,) = depth.spec.stages
    assert stage.train == tuple(f"cells-{count}" for count in range(7, 12))
    assert [depth.architectures[name].sample for name in stage.train] == list(depth.space.enumerate())
    assert depth.architectures["cells-9"].hash == checked("sarnas").architectures["sarnas-cs"].hash
    assert checked("sarnas-depth", profile="quick").spec.stages == ()


def test_kinetics_has_two_persons_of_18_joints_in_36_columns_and_nothing_centred():
    found = checked("sarnas-kinetics")
    context = found.context()
    assert (context.channels, context.frames, context.joints, context.persons) == (3, 112, 18, 2)
    assert (context.classes, found.protocol, found.spec.data.preprocess) == (400, "val", "none")
    assert found.space.size() == checked("sarnas").space.size()


@pytest.mark.parametrize("name", [*SPECS, "sarnas-depth", "sarnas-kinetics"])
def test_networks_of_every_profile_build_in_the_search_and_after_it(name: str):
    built: list[Any] = []
    for profile in (None, *load_spec(name).profiles):
        spec = checked(name, profile=profile)
        assert SearchSpace(spec.search_network).points == spec.space.points
        if (spec.network, spec.search_network, spec.context()) not in built:
            built.append((spec.network, spec.search_network, spec.context()))
    for network, search_network, context in built:
        sample = SearchSpace(network).sample(np.random.default_rng(0))
        shape = (2, context.channels, context.frames, context.joints, context.persons)
        with torch.no_grad(), torch.device("meta"):
            found = build_network(network, sample, context).eval()
            assert found(torch.empty(shape)).shape == (2, context.classes)
            if name != "sarnas-depth":
                SupernetSpace(search_network, context)  # shapes are followed through it
    others = {"sarnas": 1, "sarnas-kinetics": 1}.get(name, 0)
    assert len(built) == 2 + others, "in small, as it is, and without the squeeze operator"


# --- size and cost -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "params", "macs"),
    [("sarnas-cs", 1_318_920, 1_325_279_088), ("sarnas-cv", 1_162_320, 1_128_219_120)],
)
def test_published_cells_have_the_published_size(name: str, params: int, macs: int, sarnas: Checked):
    """1.3M parameters (Table III); the cost at the true input, an image of 112 x 50, is ours."""
    assert sarnas.clip_shape() == (1, 3, 112, 25, 2)
    network = on_meta(sarnas.architectures[name].network, {}, sarnas.context())
    found = cost(network, sarnas.clip_shape())
    assert (found.params, found.macs) == (params, macs)


def test_the_supernet_has_its_size(sarnas: Checked):
    with torch.device("meta"):
        space = SupernetSpace(sarnas.search_network, sarnas.context())
    assert sum(parameter.numel() for parameter in space.parameters()) == 2_057_964


def work_by_element(network: nn.Module, shape: tuple[int, ...]) -> tuple[int, int]:
    """The elements that batch normalisations give and that global means take."""
    elements = {"norms": 0, "means": 0}

    def norm(module: nn.Module, inputs: Any, output: torch.Tensor) -> None:
        elements["norms"] += output.numel()

    def mean(module: nn.Module, inputs: Any, output: torch.Tensor) -> None:
        elements["means"] += inputs[0].numel()

    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_hook(norm)
        elif isinstance(module, SqueezeExcite | MeanPoolLinear):
            module.register_forward_hook(mean)
    network.eval()(torch.empty(shape, device="meta"))
    return elements["norms"], elements["means"]


@pytest.mark.parametrize(
    ("layers", "reported"), [(7, "8.09"), (8, "9.09"), (9, "10.2"), (10, "11.1"), (11, "12.1")]
)
def test_the_papers_cost_is_that_of_a_photograph(layers: int, reported: str, sarnas: Checked):
    """Table II comes out for the cross-view cells at 224 x 224.

    Counted are MACs, two operations per element of a batch normalisation and one per element that a
    global mean takes, and that is called FLOPs. Without the means 7 cells would have 8.08.
    """
    context = replace(sarnas.context(), frames=224, joints=224, persons=1)
    network, shape = on_meta(published(sarnas, "sarnas-cv", layers), {}, context), (1, 3, 224, 224, 1)
    macs = cost(network, shape).macs
    if layers == 7:
        assert macs == 7_960_563_360
    norms, means = work_by_element(network, shape)
    assert f"{(macs + 2 * norms + means) / 1e9:#.3g}" == reported


# --- odd clips ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sarnas", "sarnas-ucla"])
@pytest.mark.parametrize("search", [False, True])
def test_clips_without_any_person_give_finite_scores_losses_and_gradients(name: str, search: bool):
    """Such a clip is an image of zeros: no input of any batch normalisation varies."""
    spec = checked(name, profile="quick")
    torch.manual_seed(0)
    if search:
        network: nn.Module = SupernetSpace(spec.search_network, spec.context())
    else:
        network = build_network(spec.network, spec.space.sample(np.random.default_rng(0)), spec.context())
    clips = torch.zeros(spec.clip_shape(4))
    loss = functional.cross_entropy(network(clips), torch.arange(4))
    loss.backward()
    assert loss.isfinite()
    gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    assert gradients
    assert all(bool(gradient.isfinite().all()) for gradient in gradients)
    scores = network.eval()(clips)
    assert scores.isfinite().all()
    assert (scores == scores[:1]).all(), "nothing tells one of them from another"


def test_a_clip_without_any_person_does_not_spoil_those_beside_it(sarnas: Checked):
    spec = checked("sarnas", profile="quick")
    network = build_network(spec.network, spec.space.sample(np.random.default_rng(0)), spec.context()).eval()
    clips = torch.randn(spec.clip_shape(3), generator=torch.Generator().manual_seed(0))
    clips[1] = 0
    with torch.no_grad():
        together, apart = network(clips), torch.cat([network(clip[None]) for clip in clips])
    assert together.isfinite().all()
    assert torch.allclose(together, apart, atol=1e-5)
