"""SGN's modules prepared for inference give what they gave before, in fewer operations."""

from __future__ import annotations

import copy
from functools import cache

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skelbench_plugins.layouts import NTU25, SHREC22
from skelbench_plugins.operators import sgn_inference
from skelbench_plugins.operators.mixtures import JointMixture
from skelbench_plugins.operators.sgn import GraphLayer, SgnClip, SgnEmbed, SgnHead, SgnJoints, SgnSpatial
from torch import nn

from skelbench.check.spec import check_spec
from skelbench.components import BuildContext
from skelbench.host.registry import load_registry
from skelbench.layers import prepare_for_inference
from skelbench.space.adaptive import Adaptive
from skelbench.space.network import build_network
from skelbench.spec.resolve import load_spec

MODELS = ("sgn", *(f"sm{size}-{joints}" for size in (0, 1) for joints in (25, 9, 1)))
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10}


def randomised(module, dtype=torch.float32, seed=0):
    """The module as if trained: no weight or statistic has the value it begins with. In evaluation mode."""
    torch.manual_seed(seed)
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            nn.init.uniform_(part.running_var, 0.5, 2)
            nn.init.normal_(part.running_mean, 0, 0.3)
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.normal_(part.bias, 0, 0.3)
        elif isinstance(part, JointMixture):
            part.weight.data += 0.1 * torch.randn_like(part.weight)
        elif isinstance(part, nn.Conv2d):
            fan = part.in_channels * part.kernel_size[0]
            nn.init.normal_(part.weight, 0, fan**-0.5)
            if part.bias is not None:
                nn.init.normal_(part.bias, 0, 0.3)
    return module.eval().to(dtype)


class InTurn(nn.Module):
    """A policy that chooses one of three models after the other."""

    def forward(self, x):
        turns = torch.arange(x.shape[2]) % 3
        return nn.functional.one_hot(turns, 3).T.expand(len(x), -1, -1).to(x)


def same(module, x):
    """The module prepared, having shown that it gives the same for x, to rounding."""
    prepared = prepare_for_inference(module)
    before, expected = x.clone(), module(x).detach()
    found = prepared(x)
    assert expected.std() > 0.01, "outputs that hardly differ would prove nothing"
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    assert (found - expected).abs().max() <= TOLERANCE[x.dtype] * expected.abs().max().clamp(min=1)
    assert torch.equal(x, before), "the input is left alone"
    return prepared


def context(channels, frames=20, layout=NTU25, persons=1):
    return BuildContext(channels, frames, len(layout.joints), persons, 60, layout, None)


@cache
def network(name, persons=1, frames=20, dtype=torch.float32):
    """A model of the shipped spec with random weights and statistics; it is read only."""
    sets = (f"data.clip.persons={persons}", f"data.clip.frames={frames}")
    spec = check_spec(load_spec("sgn", sets=sets), load_registry())
    arch = spec.architectures[name]
    found = build_network(arch.network, arch.sample, spec.context())
    return randomised(found, dtype)


def clips(count, persons=1, frames=20, dtype=torch.float32):
    x = torch.randn(count, 3, frames, 25, persons, generator=torch.Generator().manual_seed(count))
    x[::2, ..., 1:] = 0  # the second person of every other clip is absent
    return x.to(dtype)


class TestModules:
    @pytest.mark.parametrize("dtype", TOLERANCE)
    @pytest.mark.parametrize(("channels", "params"), [(6, {}), (6, {"joints": 25}), (6, {"joints": 9})])
    def test_joints(self, dtype, channels, params):
        module = randomised(SgnJoints(context(channels), 32, **params), dtype)
        for shape in ((40, channels, 1, 25), (2, channels, 20, 25)):
            same(module, torch.randn(shape, dtype=dtype))

    @pytest.mark.parametrize("params", [{"joints": 1}, {"joints": 11}, {"groups": [[*range(20)], [20, 21]]}])
    def test_joints_of_other_layouts_and_channels(self, params):
        module = randomised(SgnJoints(context(4, layout=SHREC22), 8, **params))
        same(module, torch.randn(3, 4, 5, 22))

    @pytest.mark.parametrize("dtype", TOLERANCE)
    @pytest.mark.parametrize("persons", ["present", "all"])
    @pytest.mark.parametrize("joints", [None, 9, 1])
    def test_embedding_of_clips(self, dtype, persons, joints):
        module = randomised(SgnEmbed(context(3, persons=2), 32, persons, joints=joints), dtype)
        for frames in (1, 20):
            same(module, clips(3, 2, frames, dtype))

    @pytest.mark.parametrize("dtype", TOLERANCE)
    @pytest.mark.parametrize("layers", [(24,), (16, 24, 24)])
    @given(joints=st.sampled_from([1, 2, 9, 25]), frames=st.integers(1, 4), count=st.integers(1, 5))
    def test_spatial(self, dtype, layers, joints, frames, count):
        module = randomised(SgnSpatial(context(16), layers, 8), dtype)
        x = torch.randn(count, 16, frames, joints, dtype=dtype)
        same(module, x)
        same(module, x.to(memory_format=torch.channels_last))

    @pytest.mark.parametrize("dtype", TOLERANCE)
    @pytest.mark.parametrize(("frames", "persons", "joints"), [(20, 1, 1), (1, 2, 1), (6, 2, 3)])
    def test_head(self, dtype, frames, persons, joints):
        module = randomised(SgnHead(context(24, frames, persons=persons), 32, 8), dtype)
        for count in (1, 5):
            same(module, torch.randn(count * persons, 24, frames, joints, dtype=dtype))

    @pytest.mark.parametrize("joints", [1, 9, 25])
    def test_blocks_of_frames_do_not_show(self, joints, monkeypatch):
        """Also where the last block is smaller, or one frame is more than a block."""
        embed = randomised(SgnJoints(context(6), 8, joints=joints))
        module = nn.Sequential(embed, randomised(SgnSpatial(context(8), (8,), 4))).eval()
        for rows in (1, 7 * joints):
            monkeypatch.setattr(sgn_inference, "ROWS", rows)
            same(module, torch.randn(4, 6, 5, 25))

    def test_of_no_frames_there_are_no_outputs(self):
        module = nn.Sequential(SgnJoints(context(6), 8, joints=9), SgnSpatial(context(8), (12,), 4))
        assert prepare_for_inference(module)(torch.randn(0, 6, 1, 25)).shape == (0, 12, 1, 1)

    def test_of_one_joint_no_graph_is_computed(self):
        prepared = prepare_for_inference(randomised(SgnSpatial(context(16), (24,), 8)))
        x = torch.randn(3, 16, 2, 9)
        expected = prepared(x[..., :1])
        prepared.form.fill_(torch.nan)
        assert prepared(x).isnan().any()
        assert torch.equal(prepared(x[..., :1]), expected)

    def test_weights_behind_the_graph_count(self):
        """They are zero at first: these tests would not see them if they were not drawn anew."""
        module = randomised(SgnSpatial(context(16), (24,), 8))
        x, before = torch.randn(3, 16, 2, 9), module.layers[0].gathered.weight.clone()
        expected = prepare_for_inference(module)(x)
        nn.init.zeros_(module.layers[0].gathered.weight)
        assert (prepare_for_inference(module)(x) - expected).abs().max() > 0.1
        assert before.abs().mean() > 0.1

    def test_gradients_reach_the_input(self):
        module = randomised(nn.Sequential(SgnJoints(context(6), 8), SgnSpatial(context(8), (12,), 4)))
        inputs = [torch.randn(2, 6, 3, 25, generator=torch.Generator().manual_seed(0)) for _ in range(2)]
        for network, x in zip((module, prepare_for_inference(module)), inputs, strict=True):
            network(x.requires_grad_()).sum().backward()
        assert torch.allclose(inputs[0].grad, inputs[1].grad, atol=1e-4)

    @pytest.mark.parametrize(
        "module",
        [
            SgnJoints(context(6), 8),
            SgnEmbed(context(3), 8),
            SgnSpatial(context(8), (8,), 4),
            SgnHead(context(8)),
        ],
        ids=lambda module: type(module).__name__,
    )
    def test_in_training_mode_they_cannot_be_prepared(self, module):
        with pytest.raises(ValueError, match="in evaluation mode only"):
            module.train().for_inference()


class TestNetworks:
    @pytest.mark.parametrize("name", MODELS)
    @pytest.mark.parametrize(("count", "persons", "frames"), [(1, 1, 20), (3, 2, 20), (2, 1, 1)])
    def test_scores(self, name, count, persons, frames):
        prepared = same(network(name, persons, frames), clips(count, persons, frames))
        left = [
            part
            for part in prepared.modules()
            if isinstance(part, GraphLayer | nn.BatchNorm1d | nn.BatchNorm2d)
        ]
        assert not left, "everything is replaced"

    @pytest.mark.parametrize("name", ["sgn", "sm0-9", "sm1-1"])
    def test_the_algebra_is_exact(self, name):
        double = torch.float64
        same(network(name, 2, dtype=double), clips(3, 2, dtype=double))

    @pytest.mark.parametrize("dtype", TOLERANCE)
    def test_where_a_model_is_chosen_for_each_frame(self, dtype):
        chains = {
            f"S-{joints}": nn.Sequential(
                SgnJoints(context(6), 16, joints=joints), SgnSpatial(context(16), (24,), 8)
            )
            for joints in (1, 9, 25)
        }
        body = randomised(Adaptive(chains, InTurn(), [0.0] * len(chains)), dtype)
        module = nn.Sequential(
            SgnClip(context(3, persons=2)), body, randomised(SgnHead(context(24, persons=2), 32, 8), dtype)
        )
        prepared = same(module.eval(), clips(3, 2, dtype=dtype))
        assert list(prepared[1].shares().values()) == pytest.approx([0.35, 0.35, 0.3])
        assert not [part for part in prepared.modules() if isinstance(part, SgnJoints | SgnSpatial)]

    @pytest.mark.parametrize("training", [True, False])
    def test_the_original_is_left_as_it_is(self, training):
        original = copy.deepcopy(network("sm1-9")).train(training)
        state = {name: value.clone() for name, value in original.state_dict().items()}
        prepared = prepare_for_inference(original)
        assert all(module.training is training for module in original.modules())
        assert all(parameter.requires_grad for parameter in original.parameters())
        assert not any(module.training for module in prepared.modules())
        assert not any(parameter.requires_grad for parameter in prepared.parameters())
        for tensor in (*prepared.parameters(), *prepared.buffers()):
            tensor.zero_()
        assert state.keys() == original.state_dict().keys()
        assert all(torch.equal(value, state[name]) for name, value in original.state_dict().items())

    def test_can_be_copied_and_moved(self):
        prepared = prepare_for_inference(network("sm0-9"))
        moved, x = copy.deepcopy(prepared).double(), clips(2)
        assert torch.allclose(moved(x.double()), prepared(x).double(), atol=1e-4)
