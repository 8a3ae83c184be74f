"""Attention within partitions of frames and joints: which tokens see each other, and how."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skelbench_plugins.layouts import NTU25
from skelbench_plugins.operators.skateformer import PartitionAttention, SkateBlock, SkateEmbed

from skelbench.check.spec import check_spec
from skelbench.errors import SpecError
from skelbench.host.registry import load_registry
from skelbench.space.network import build_network
from skelbench.spec.resolve import load_spec
from skelbench.testing.operators import OperatorConformance
from tests.shown import invoke

REGISTRY = load_registry()
KINDS = [(far_frames, far_joints) for far_frames in (False, True) for far_joints in (False, True)]


class TestSkateEmbedConforms(OperatorConformance):
    name = "skate_embed"
    params = {"channels": 6, "parts": tuple(tuple(range(i, i + 5)) for i in range(0, 25, 5))}  # noqa: RUF012


class TestSkateBlockConforms(OperatorConformance):
    name = "skate_block"
    params = {"near": 5, "far": 5, "window": 1, "groups": 2, "heads": 1, "dropout": 0.0}  # noqa: RUF012


def attention(window, count, far_frames, far_joints, **changes):
    given = {"heads": 4, "scale": 0.5, "dropout": 0.0, "by_token": False} | changes
    return PartitionAttention(window, count, far_frames=far_frames, far_joints=far_joints, **given)


@given(st.sampled_from(KINDS), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_partitions_put_together_again_are_what_they_were(kind, window, count, frames, joints):
    one = attention(window, count, *kind)
    x = torch.randn(2, window * frames, count * joints, 5)
    rows = one._partitions(x)
    assert rows.shape == (2, frames * joints, window * count, 5)
    assert torch.equal(one._back(rows.flatten(0, 1), 2, window * frames, count * joints), x)


@pytest.mark.parametrize(("far_frames", "far_joints"), KINDS)
def test_a_partition_holds_neighbours_or_what_lies_far_apart(far_frames, far_joints):
    frames, joints = torch.meshgrid(torch.arange(6), torch.arange(8), indexing="ij")
    x = torch.stack([frames, joints], -1)[None].float()
    tokens = attention(3, 4, far_frames, far_joints)._partitions(x)[0, 0]  # the first partition
    wanted_frames = [0, 2, 4] if far_frames else [0, 1, 2]
    wanted_joints = [0, 2, 4, 6] if far_joints else [0, 1, 2, 3]
    assert tokens.tolist() == [[t, v] for t in wanted_frames for v in wanted_joints]


@pytest.mark.parametrize(("far_frames", "far_joints"), KINDS)
def test_attention_is_that_of_its_formula(far_frames, far_joints):
    torch.manual_seed(0)
    window, count, width = 2, 3, 8
    one = attention(window, count, far_frames, far_joints)
    x = torch.randn(1, 4, 6, 3 * width)
    rows = one._partitions(x)[0]
    q, k, v = (part.view(4, 6, 4, 2) for part in rows.chunk(3, -1))
    out = torch.empty(4, 6, 4, 2)
    for head in range(4):
        for i in range(6):
            scores = torch.empty(4, 6)
            for j in range(6):
                lag = i // count - j // count + window - 1
                bias = one.bias[lag, i % count, j % count] if far_joints else one.bias[lag]
                scores[:, j] = 0.5 * (q[:, i, head] * k[:, j, head]).sum(-1) + bias[head]
            out[:, i, head] = (scores.softmax(-1)[:, :, None] * v[:, :, head]).sum(1)
    torch.testing.assert_close(one(x), one._back(out.flatten(2), 1, 4, 6), rtol=1e-5, atol=1e-6)


def test_the_released_bias_of_near_joints_knows_joints_and_no_frames():
    sound, released = (attention(8, 8, False, False, by_token=b) for b in (False, True))
    frames, joints = torch.arange(64) // 8, torch.arange(64) % 8
    assert torch.equal(sound.index, frames[:, None] - frames + 7)
    assert torch.equal(released.index, joints[:, None] - joints + 7)


@given(st.integers(0, 3))
@settings(max_examples=4, deadline=None)
def test_tokens_of_other_partitions_are_seen_by_graphs_and_convolution_alone(kind):
    far_frames, far_joints = KINDS[kind]
    one = attention(2, 2, far_frames, far_joints)
    x = torch.randn(1, 4, 4, 24, requires_grad=True)
    one(x)[0, 0, 0].sum().backward()
    touched = {(t, v) for t in range(4) for v in range(4) if bool(x.grad[0, t, v].abs().sum() > 0)}
    frames, joints = ((0, 2) if far else (0, 1) for far in (far_frames, far_joints))
    assert touched == {(t, v) for t in frames for v in joints}


def test_joints_stand_by_body_part_and_persons_side_by_side():
    checked = check_spec(load_spec("baselines"), REGISTRY)
    architecture = checked.architectures["skateformer"]
    embed = build_network(architecture.network, architecture.sample, checked.context()).input
    assert isinstance(embed, SkateEmbed)
    assert sorted(embed.order.tolist()) == [j for j in range(25) if NTU25.joints[j] != "spine_shoulder"]
    seen = []
    embed.stem = torch.nn.Sequential(torch.nn.Identity())
    embed.stem.register_forward_hook(lambda module, given, out: seen.append(given[0]))
    x = torch.arange(25.0).view(1, 1, 1, 25, 1) + 100 * torch.arange(2).view(1, 1, 1, 1, 2)
    with pytest.raises(RuntimeError):  # a hundred channels of places do not fit three of coordinates
        embed(x.expand(1, 3, 64, 25, 2))
    first = [float(joint) for joint in embed.order]
    assert seen[0][0, 0, 0].tolist() == [*first, *(100 + joint for joint in first)]


def place(**changes):
    return replace(check_spec(load_spec("skateformer-ucla"), REGISTRY).context(), **changes)


def test_scores_are_divided_by_the_width_of_a_head_unless_released():
    sound = SkateBlock(place(channels=96), near=4, far=5, heads=4)
    released = SkateBlock(place(channels=96), near=4, far=5, heads=4, scale="heads")
    assert sound.attention[0].scale == pytest.approx(3**-0.5)
    assert released.attention[0].scale == 0.5


@pytest.mark.parametrize(
    ("changes", "given", "told"),
    [
        ({}, {"near": 3, "far": 5}, r"'near' \(3\) does not divide the 20 joints"),
        ({}, {"near": 4, "far": 7}, r"'far' \(7\) does not divide the 20 joints"),
        ({"frames": 60}, {"near": 4, "far": 5, "window": 8}, r"'window' \(8\) does not divide the 60 frames"),
        ({"channels": 40}, {"near": 4, "far": 5, "groups": 8}, "40 channels are no multiple of 32"),
    ],
)
def test_what_partitions_do_not_divide_is_told(changes, given, told):
    with pytest.raises(SpecError, match=told):
        SkateBlock(place(**{"channels": 96, **changes}), **given)


def test_body_parts_that_are_not_of_one_size_are_told():
    with pytest.raises(SpecError, match="body parts of as many joints each are wanted"):
        SkateEmbed(place(), 96, parts=((0, 1), (2,)))


def test_check_finds_frames_that_the_partitions_of_a_stage_do_not_divide(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("skelbench: 1\nextends: skateformer-ucla\nname: mine\ndata: {clip: {frames: 72}}\n")
    told = " ".join(invoke("check", str(path)).output.split())
    assert "architecture 'skateformer': 'window' (8) does not divide the 36 frames" in told


def test_check_finds_joints_that_the_layout_has_not(tmp_path):
    path = tmp_path / "mine.yaml"
    node = "{op: skate_embed, channels: 96, parts: [[0, 99]]}"
    network = f"{{input: {node}, body: [identity], head: mean_pool_linear}}"
    head = "skelbench: 1\nextends: skateformer-ucla\nname: mine\n"
    path.write_text(f"{head}architectures: {{mine: {{network: {network}}}}}\n")
    told = " ".join(invoke("check", str(path)).output.split())
    assert "has a part with joint 99, and layout 'ucla20' has 0 to 19" in told
