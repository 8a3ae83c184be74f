"""Blocks that know the topology of the whole skeleton: what it is, and whose it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.csgraph import minimum_spanning_tree
from skelbench_plugins.operators.topology import Topology, TopologyBlocks, spanning_lengths
from skelbench_plugins.operators.topology_params import TopologyBlocksParams

from skelbench.check.spec import check_spec
from skelbench.components import BuildContext, Layout
from skelbench.errors import SpecError
from skelbench.host.registry import load_registry
from skelbench.space.build import SupernetSpace
from skelbench.space.network import build_network
from skelbench.spec.resolve import load_spec
from skelbench.testing.operators import OperatorConformance

REGISTRY = load_registry()
BLOCK = {"op": "residual_block", "channels": 8, "spatial": {"op": "block_graph_conv", "groups": 2}}
BLOCKS = {
    "width": 4,
    "functions": 5,
    "blocks": [BLOCK, {**BLOCK, "temporal": "temporal_conv", "stride": 2}],
}


class TestJointEmbedConforms(OperatorConformance):
    name = "joint_embed"
    params = {"channels": 6}  # noqa: RUF012


class TestTopologyBlocksConforms(OperatorConformance):
    name = "topology_blocks"
    params = {  # noqa: RUF012
        "width": 8,
        "functions": 5,
        "blocks": {"op": "residual_block", "channels": 8},
    }


def network(folder: Path, people=1, **changes):
    """A network of such blocks, from its spec."""
    path = folder / "blocks.yaml"
    node = {"op": "topology_blocks", **BLOCKS, **changes}
    path.write_text(
        yaml.safe_dump(
            {
                "skelbench": 1,
                "name": "blocks",
                "data": {"dataset": "ntu60", "clip": {"frames": 8, "fill": "resize", "persons": people}},
                "network": {"input": node, "body": ["identity"], "head": "mean_pool_linear"},
                "search": {"strategy": {"name": "random"}},
            }
        )
    )
    checked = check_spec(load_spec(str(path)), REGISTRY)
    return build_network(checked.network, {}, checked.context())


def clips(count, persons=1, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(count, 3, 8, 6, persons))).float()


@given(st.integers(2, 9), st.integers(0, 10_000))
def test_lengths_are_those_of_a_minimum_spanning_tree(nodes, seed):
    points = np.random.default_rng(seed).normal(size=(3, nodes, 2))
    distance = np.linalg.norm(points[:, :, None] - points[:, None], axis=-1)
    found = spanning_lengths(torch.from_numpy(distance)).sort(1).values.numpy()
    wanted = [np.sort(minimum_spanning_tree(one).data) for one in distance]
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_nodes_that_lie_together_are_joined_at_length_zero():
    assert spanning_lengths(torch.zeros(2, 4, 4)).tolist() == [[0.0] * 3] * 2


@given(st.floats(0.1, 10.0), st.integers(0, 10_000))
def test_the_topology_knows_neither_place_nor_size_nor_pose_of_the_whole(scale, seed):
    topology, x = Topology(4), clips(2, seed=seed)
    turn = torch.linalg.qr(clips(1, seed=seed + 1)[0, :, 0, :3, 0]).Q
    moved = scale * torch.einsum("dc,nctvm->ndtvm", turn, x) + 3.0
    torch.testing.assert_close(topology(moved), topology(x), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("scaled", "alone"), [("clip", True), ("batch", False)])
def test_the_topology_of_a_clip_is_its_own_unless_it_is_scaled_over_the_batch(scaled, alone):
    topology, x = Topology(4, scaled), clips(3) * torch.tensor([1.0, 2.0, 5.0]).view(3, 1, 1, 1, 1)
    together, apart = topology(x), torch.cat([topology(one[None]) for one in x])
    assert torch.allclose(together, apart, atol=1e-6) == alone


def test_a_clip_of_nothing_has_a_topology_without_lengths():
    topology = Topology(3)
    assert topology.lengths(torch.zeros(1, 3, 4, 5, 2)).tolist() == [[0.0] * 4]
    assert bool(torch.isfinite(topology(torch.zeros(1, 3, 4, 5, 2))).all())


def test_functions_are_learned_and_distances_are_not():
    topology, x = Topology(3), clips(2).requires_grad_()
    topology(x).sum().backward()
    assert x.grad is None
    assert all(bool(p.grad.abs().sum() > 0) for p in topology.parameters() if p.grad is not None)
    assert all(p.grad is not None for p in topology.parameters())


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"blocks": [{**BLOCK, "channels": 9}]}, "2 groups do not divide 4 and 9 channels"),
        ({"between": "bones"}, "between"),
        ({"functions": 0}, "functions"),
        ({"embed": "residual_block"}, "embed"),
    ],
)
def test_what_does_not_fit_is_told_with_its_line(tmp_path, changes, told):
    with pytest.raises(SpecError, match=told) as error:
        network(tmp_path, **changes)
    assert "blocks.yaml:" in str(error.value) or "network.input.blocks[0]" in str(error.value)


@pytest.mark.parametrize(("persons", "alone"), [("own", True), ("tiled", False)])
def test_a_clip_of_two_persons_gets_its_own_topology_unless_it_is_tiled(tmp_path, persons, alone):
    torch.manual_seed(0)
    net = network(tmp_path, 2, persons=persons).eval()
    x = torch.randn(3, 3, 8, 25, 2)
    together, apart = net(x), torch.cat([net(one[None]) for one in x])
    assert torch.allclose(together, apart, atol=1e-5) == alone


def test_every_block_gets_what_the_topology_adds_to_its_channels(tmp_path):
    blocks = network(tmp_path).input
    assert isinstance(blocks, TopologyBlocks)
    assert [linear.weight.shape for linear in blocks.maps] == [(4, 5), (8, 5)]


def test_a_block_may_be_searched(tmp_path):
    choice = {"choice": {"label": "last", "from": {"graph": BLOCK, "plain": "identity"}}}
    path = tmp_path / "blocks.yaml"
    with pytest.raises(SpecError):
        network(tmp_path, blocks=[BLOCK, {"choice": "none"}])
    text = yaml.safe_load(path.read_text())
    text["network"]["input"]["blocks"] = [BLOCK, choice]
    text["search"] = {"strategy": {"name": "random", "evaluations": 2}, "epochs": 1}
    path.write_text(yaml.safe_dump(text))
    checked = check_spec(load_spec(str(path)), REGISTRY)
    assert checked.space.size() == 2
    assert SupernetSpace(checked.search_network, checked.context()) is not None


def test_one_clip_of_one_person_can_be_trained_on(tmp_path):
    """It has no spread to be normalised by."""
    alone = network(tmp_path).train()
    alone(torch.randn(1, 3, 8, 25, 1)).sum().backward()
    assert all(bool(p.grad.isfinite().all()) for p in alone.parameters() if p.grad is not None)


def test_a_skeleton_of_one_joint_has_no_topology():
    layout = Layout(name="dot", joints=("nose",), inward=(), root=0)
    context = BuildContext(3, 8, 1, 1, 60, layout)
    told = [what for what, _, _ in TopologyBlocksParams(blocks=[BLOCK]).misfits(context)]
    assert told == ["links joints, and layout 'dot' has one"]
