"""The shipped spaces of hand-made networks: sizes, costs and recipes."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from skelbench.check.spec import check_spec
from skelbench.host.registry import load_registry
from skelbench.space.network import build_network
from skelbench.spec.resolve import load_spec
from skelbench.training.cost import cost

REGISTRY = load_registry()
WIDTHS = [3, *[64] * 4, *[128] * 3, *[256] * 3]
"""Channels before and after each of ten blocks."""


@pytest.fixture(scope="module")
def specs():
    names = ("baselines", "baselines-ucla", "skateformer-ucla")
    return {name: check_spec(load_spec(name), REGISTRY) for name in names}


def build(checked, name):
    architecture = checked.architectures[name]
    with torch.device("meta"):
        return build_network(architecture.network, architecture.sample, checked.context())


def of_frames(frames, joints, persons):
    """MACs of CTR-GCN's embeddings of every frame, whose mean the released code takes afterwards.

    The mean comes first here, so that all but one frame's are saved.
    """
    saved = 0
    for i, c in enumerate(WIDTHS[:-1], start=1):
        saved += 6 * c * (8 if c == 3 else c // 8) * (frames - 1) * joints * persons
        frames = frames // 2 if i in (5, 8) else frames
    return saved


def gathered_before(frames, joints, persons):
    """MACs that ST-GCN++ saves by gathering joints first where mixing makes channels more."""
    saved = 0
    for i, (c, d) in enumerate(pairwise(WIDTHS), start=1):
        saved += 3 * (d - c) * frames * joints * joints * persons
        frames = frames // 2 if i in (5, 8) else frames
    return saved


def group_products(frames, joints, persons):
    """MACs of Hyperformer's q e, which the released code has beside q k; here q (k + e) is one product."""
    saved = 0
    for i in range(1, 11):
        saved += frames * joints * joints * 216 * persons
        frames = frames // 2 if i in (5, 8) else frames
    return saved


SIZES = [
    ("baselines", "ctr-gcn", 1_446_672, 1.939, of_frames(64, 25, 2)),
    ("baselines", "ctr-gcn-baseline", 2_092_902, 2.527, 0),
    ("baselines", "st-gcn++", 1_403_144, 1.872, gathered_before(64, 25, 2)),
    ("baselines", "ms-g3d", 3_194_595, 6.991, 0),
    ("baselines", "hyperformer", 2_729_194, 5.273, group_products(64, 25, 2)),
    ("baselines", "blockgcn", 1_372_780, 1.988, 0),
    ("baselines", "blockgcn-released", 1_372_780, 1.988, 0),
    ("baselines", "skateformer", 3_616_083, 3.464, 0),
    ("baselines", "skateformer-released", 3_616_083, 3.464, 0),
    ("skateformer-ucla", "skateformer", 1_925_921, 0.772, 0),
    ("skateformer-ucla", "skateformer-released", 1_925_921, 0.772, 0),
    ("baselines-ucla", "ctr-gcn", 1_426_892, 0.618, of_frames(52, 20, 1)),
    ("baselines-ucla", "ctr-gcn-baseline", 2_073_122, 0.812, 0),
    ("baselines-ucla", "st-gcn++", 1_383_514, 0.596, gathered_before(52, 20, 1)),
    ("baselines-ucla", "ms-g3d", 3_028_690, 2.154, 0),
    ("baselines-ucla", "hyperformer", 2_695_754, 1.665, group_products(52, 20, 1)),
    ("baselines-ucla", "blockgcn", 1_297_370, 0.628, 0),
    ("baselines-ucla", "blockgcn-released", 1_297_370, 0.628, 0),
]


@pytest.mark.parametrize(("spec", "name", "params", "gmacs", "saved"), SIZES)
def test_size_and_cost_are_those_of_the_released_code(spec, name, params, gmacs, saved, specs):
    found = cost(build(specs[spec], name), specs[spec].context().clip_shape)
    assert found.params == params
    assert round((found.macs + saved) / 1e9, 3) == gmacs


@pytest.mark.parametrize(
    ("given", "name", "params", "mmacs"),
    [
        ({"name": "baselines", "profile": "dd-net"}, "dd-net", 1_815_006, 12.8),
        ({"name": "baselines", "profile": "dd-net"}, "dd-net-keras", 1_819_278, 12.8),
        ({"name": "baselines-ucla", "sets": ("data.clip.frames=32",)}, "dd-net", 1_807_706, 12.6),
    ],
)
def test_dd_net_has_its_size_on_clips_of_32_frames(given, name, params, mmacs):
    checked = check_spec(load_spec(**given), REGISTRY)
    found = cost(build(checked, name), checked.context().clip_shape)
    assert found.params == params
    assert round(found.macs / 1e6, 1) == mmacs


@pytest.mark.parametrize(
    ("name", "of", "params"), [("sgn", "sgn-ucla", 667_066), ("esan", "esan-ucla", 878_058)]
)
def test_networks_of_other_papers_are_those_of_their_specs(name, of, params, specs):
    """On more frames, so that the embedding of their numbers is larger."""
    own = check_spec(load_spec(of, sets=["data.clip.frames=52"]), REGISTRY)
    found = cost(build(specs["baselines-ucla"], name), specs["baselines-ucla"].context().clip_shape)
    theirs = cost(build(own, name), own.context().clip_shape)
    assert (found.params, found.macs) == (theirs.params, theirs.macs)
    assert found.params == params


def test_every_architecture_is_covered(specs):
    for name, checked in specs.items():
        covered = {arch for spec, arch, *_ in SIZES if spec == name}
        covered |= {"dd-net", "dd-net-keras"} if name.startswith("baselines") else set()
        covered |= {"sgn", "esan"} if name == "baselines-ucla" else set()
        assert covered == set(checked.architectures)


@pytest.mark.parametrize("spec", ["baselines", "baselines-ucla", "skateformer-ucla"])
def test_quick_networks_build(spec):
    checked = check_spec(load_spec(spec, profile="quick"), REGISTRY)
    for sample in checked.space.enumerate():
        with torch.device("meta"):
            network = build_network(checked.network, sample, checked.context())
        found = cost(network, checked.context().clip_shape)
        assert found.rows[-1]["output_shape"] == (1, checked.context().classes)


def test_ucla_follows_the_released_protocol(specs):
    spec = specs["baselines-ucla"].spec
    clip, train = spec.data.clip, spec.train
    assert (clip.frames, clip.fill, clip.normalise, clip.crop) == (52, "random", "minmax_recording", None)
    assert (train.epochs, train.batch_size, train.repeat) == (65, 16, 5)
    assert (train.augment.rotate, train.augment.rotate_order) == ((60, 60, 0), "yxz")
    assert (train.schedule.at, train.schedule.warmup, train.optimizer.weight_decay) == ((50,), 5, 1e-4)
    assert (spec.evaluate.selection, spec.evaluate.views) == ("last", 1)
    assert spec.stages[0].fuse == ((0.6, 0.6, 0.4, 0.4),)


STRATEGIES = [
    *(("shared", n) for n in ("ceim", "random", "darts", "gumbel_darts", "proxyless", "random_oneshot")),
    *(("own", n) for n in ("ceim", "random", "grid", "evolution", "tpe")),
]


@pytest.mark.parametrize(("weights", "name"), STRATEGIES)
def test_every_strategy_searches_the_modern_space(weights, name):
    change = f"search.strategy={{name: {name}, weights: {weights}}}"
    checked = check_spec(load_spec("modern", sets=(change,)), REGISTRY)
    assert checked.space.size() == (4 * 3) ** 6
    assert checked.strategy.name == name


@pytest.mark.parametrize("name", ["learned", "refined", "grouped", "attention"])
def test_the_modern_space_has_the_forms_in_every_block(name):
    checked = check_spec(load_spec("modern"), REGISTRY)
    sample = checked.architectures[name].sample
    assert {sample[f"spatial_{i}"] for i in range(2, 8)} == {name}
    found = cost(build(checked, name), checked.context().clip_shape)
    assert found.rows[-1]["output_shape"] == (1, 10)
    assert 0.05e9 < found.macs < 0.12e9


@pytest.mark.parametrize(
    ("spec", "profile", "network", "weights", "of"),
    [
        ("baselines", "st-gcn++", "st-gcn++", (2, 2, 1, 1), "probabilities"),
        ("baselines", "blockgcn", "blockgcn", (0.6, 0.7, 0.35, 0.2), "logits"),
        ("baselines-ucla", None, "ctr-gcn", (0.6, 0.6, 0.4, 0.4), "logits"),
        ("baselines-ucla", "blockgcn-streams", "blockgcn", (0.7, 0.5, 0.6, 0.2), "logits"),
    ],
)
def test_streams_are_fused_with_the_weights_that_their_authors_take(spec, profile, network, weights, of):
    (stage,) = check_spec(load_spec(spec, profile=profile), REGISTRY).spec.stages
    assert (stage.train, stage.fuse, stage.fuse_of) == ((network,), (weights,), of)
    assert stage.streams == ("joint", "bone", "joint_motion", "bone_motion")
