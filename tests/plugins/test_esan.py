"""The self-attention network's operators: contracts, agreement with the paper's formulas, size and cost."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from skelbench_plugins.layouts import NTU25, OPENPOSE18, UCLA20
from skelbench_plugins.operators.esan import (
    EsanBlock,
    EsanEmbed,
    EsanHead,
    JointNorm,
    _to_places,
    fill_absent,
)
from torch.nn import functional

from skelbench.host.registry import load_registry
from skelbench.testing.operators import OperatorConformance
from skelbench.training.cost import cost

REGISTRY = load_registry()
N, C, T, V = 2, 8, 6, 25
TYPES = ["st", "s1", "s2", "t1", "t2", "v"]
EVERY_TYPE = pytest.mark.parametrize("type", TYPES)
BOTH_WAYS = pytest.mark.parametrize("directed", [False, True])
SHAPES = {
    "st": (N, T * V, T * V),
    "s1": (N, T, V, V),
    "s2": (N, V, V),
    "t1": (N, V, T, T),
    "t2": (N, T, T),
    "v": (N, T, V, V),
}
# Table 1 as sums over what theta and phi have in common, and what each place then takes from g.
# t, v is where a place is, s, u where its source is, c a channel.
FORMULAS = {
    "st": ("nctv,ncsu->ntvsu", "ntvsu,ncsu->nctv", (-2, -1)),
    "s1": ("nctv,nctu->ntvu", "ntvu,nctu->nctv", (-1,)),
    "s2": ("nctv,nctu->nvu", "nvu,nctu->nctv", (-1,)),
    "t1": ("nctv,ncsv->nvts", "nvts,ncsv->nctv", (-1,)),
    "t2": ("nctv,ncsv->nts", "nts,ncsv->nctv", (-1,)),
    "v": ("nctv,nctu->ntvu", "ntvu,nctu->nctv", (-1,)),
}


class TestEmbedOfJointsConforms(OperatorConformance):
    name = "esan_embed"
    params = {"representation": "J", "channels": 12}  # noqa: RUF012


class TestEmbedOfBonesConforms(OperatorConformance):
    name = "esan_embed"
    params = {"representation": "B"}  # noqa: RUF012
    layout = "openpose18"


class TestEmbedOfBothConforms(OperatorConformance):
    name = "esan_embed"


class TestBlockConforms(OperatorConformance):
    name = "esan_block"

    @pytest.fixture(params=product(TYPES, [False, True]), ids=str)
    def given(self, request):
        type, directed = request.param
        return {"channels": 16, "type": type, "directed": directed}


class TestHeadConforms(OperatorConformance):
    name = "esan_head"


@pytest.fixture
def x():
    return torch.randn(N, C, T, V, generator=torch.Generator().manual_seed(0))


def weight(conv):
    """The matrix of a 1x1 convolution."""
    return conv.weight[:, :, 0, 0]


def values(block, x):
    """The rows of g(x) that attention gathers."""
    return _to_places(block.g(x), block.kind)


def same_weights(type, *others, inputs, channels, directed, place):
    """Blocks of several types with the same weights, in evaluation mode."""
    torch.manual_seed(0)
    blocks = [EsanBlock(place(channels=inputs), channels, t, directed).eval() for t in (type, *others)]
    for block in blocks[1:]:
        block.load_state_dict(blocks[0].state_dict())
    return blocks


@EVERY_TYPE
@BOTH_WAYS
class TestAttention:
    def test_has_the_shape_of_table_1_and_sums_to_1_over_sources(self, type, directed, x, place):
        f = EsanBlock(place(channels=C), C, type, directed).attention(x)
        assert f.shape == SHAPES[type]
        assert (f >= 0).all()
        assert torch.allclose(f.sum(-1), torch.ones(f.shape[:-1]), atol=1e-5)

    def test_scores_are_symmetric_only_where_undirected(self, type, directed, x, place):
        torch.manual_seed(0)
        block = EsanBlock(place(channels=C), C, type, directed)
        scores = block.scores(x)
        symmetric = torch.allclose(scores, scores.transpose(-1, -2), atol=1e-4)
        assert symmetric is (not directed)
        assert ("phi.weight" in block.state_dict()) is directed

    def test_directed_with_equal_weights_is_undirected(self, type, directed, x, place):
        torch.manual_seed(0)
        block = EsanBlock(place(channels=C), C, type, directed)
        if block.phi is not None:
            block.phi.load_state_dict(block.theta.state_dict())
        other = EsanBlock(place(channels=C), C, type, not directed)
        for part in (other.theta, *([other.phi] if other.phi else [])):
            part.load_state_dict(block.theta.state_dict())
        assert torch.allclose(block.attention(x), other.attention(x), atol=1e-5)

    @pytest.mark.parametrize("channels", [C, 12])
    def test_block_is_the_papers_formula(self, type, directed, channels, x, place):
        torch.manual_seed(0)
        block, x = EsanBlock(place(channels=C), channels, type, directed).double().eval(), x.double()
        block.bn.running_mean.uniform_(-1, 1)
        block.bn.running_var.uniform_(0.5, 2)
        scored, gathered, sources = FORMULAS[type]
        theta = torch.einsum("dc,nctv->ndtv", weight(block.theta), x)
        phi = torch.einsum("dc,nctv->ndtv", weight(block.phi or block.theta), x)
        g = torch.einsum("dc,nctv->ndtv", weight(block.g), x)
        scores = torch.einsum(scored, theta, phi)
        f = scores.exp() / scores.exp().sum(sources, keepdim=True)
        y = torch.einsum(gathered, f, g)
        if type == "v":
            padded = functional.pad(x, (0, 0, 1, 1))
            taps = [padded[:, :, k : k + T] for k in range(3)]
            skip = sum(
                torch.einsum("dc,nctv->ndtv", block.residual.weight[:, :, k, 0], tap)
                for k, tap in enumerate(taps)
            )
        else:
            y = torch.einsum("dc,nctv->ndtv", weight(block.h), y)
            same = channels == C
            skip = x if same else torch.einsum("dc,nctv->ndtv", weight(block.residual), x)
        mean, var = (s[:, None, None] for s in (block.bn.running_mean, block.bn.running_var))
        expected = ((y + skip - mean) / (var + block.bn.eps).sqrt()).clamp(min=0)
        assert expected.shape == (N, channels, T, V)
        assert torch.allclose(block(x), expected, atol=1e-9)

    @pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
    def test_what_is_gathered_and_its_slopes_are_those_of_the_plain_products(
        self, type, directed, memory, x, place
    ):
        torch.manual_seed(0)
        block = EsanBlock(place(channels=C), C, type, directed)
        x = x.contiguous(memory_format=memory).requires_grad_()
        inputs = [x, *block.theta.parameters(), *block.g.parameters()]
        made, plain = block.gather(x, values(block, x)), block.attention(x) @ values(block, x)
        assert made.shape == plain.shape
        assert torch.allclose(made, plain, atol=1e-6)
        slopes = [torch.autograd.grad(y.square().sum(), inputs) for y in (made, plain)]
        for mine, other in zip(*slopes, strict=True):
            assert torch.allclose(mine, other, rtol=1e-4, atol=1e-5)

    def test_half_precision_is_as_near_as_that_of_the_plain_products(self, type, directed, x, place):
        torch.manual_seed(0)
        block = EsanBlock(place(channels=C), C, type, directed)
        exact = block.attention(x) @ values(block, x)
        with torch.autocast("cpu", torch.bfloat16):
            fused = block.gather(x, values(block, x))
            plain = block.attention(x) @ values(block, x)
        assert fused.dtype == plain.dtype == torch.bfloat16
        assert (fused - exact).abs().max() <= 2 * (plain - exact).abs().max()


@BOTH_WAYS
class TestTypesMeet:
    """Where there is one frame or one joint, types that differ in what they do with it are the same."""

    @pytest.mark.parametrize("channels", [C, 12])
    def test_on_one_frame(self, directed, channels, x, place):
        st, s1, s2, t1 = same_weights(
            "st", "s1", "s2", "t1", inputs=C, channels=channels, directed=directed, place=place
        )
        frame = x[:, :, :1]
        assert torch.allclose(st(frame), s1(frame), atol=1e-5)
        assert torch.allclose(st(frame), s2(frame), atol=1e-5)
        assert not torch.allclose(st(frame), t1(frame), atol=1e-3)

    @pytest.mark.parametrize("channels", [C, 12])
    def test_on_one_joint(self, directed, channels, x, place):
        st, t1, t2, s1 = same_weights(
            "st", "t1", "t2", "s1", inputs=C, channels=channels, directed=directed, place=place
        )
        joint = x[..., :1]
        assert torch.allclose(st(joint), t1(joint), atol=1e-5)
        assert torch.allclose(st(joint), t2(joint), atol=1e-5)
        assert not torch.allclose(st(joint), s1(joint), atol=1e-3)

    def test_not_on_several(self, directed, x, place):
        blocks = same_weights(*TYPES[:5], inputs=C, channels=C, directed=directed, place=place)
        outputs = [block(x) for block in blocks]
        for i, one in enumerate(outputs):
            assert not any(torch.allclose(one, other, atol=1e-3) for other in outputs[:i])


@pytest.mark.parametrize("type", ["s1", "s2", "t1", "t2", "st"])
def test_attention_does_not_know_the_order_of_joints_or_frames(type, x, place):
    torch.manual_seed(0)
    block = EsanBlock(place(channels=C), C, type).eval()
    frames, joints = torch.randperm(T), torch.randperm(V)
    assert torch.allclose(block(x[:, :, frames][..., joints]), block(x)[:, :, frames][..., joints], atol=1e-5)


def test_input_of_a_block_is_left_alone(x, place):
    for type in TYPES:
        before = x.clone()
        EsanBlock(place(channels=C), C, type)(x)
        assert torch.equal(x, before)


class TestEmbed:
    @pytest.mark.parametrize("layout", [NTU25, UCLA20, OPENPOSE18], ids=lambda layout: layout.name)
    def test_bones_point_from_the_parent_and_the_roots_is_zero(self, layout, place):
        joints = torch.randn(2, 3, 4, len(layout.joints))
        bones = EsanEmbed(place(channels=3, layout=layout), representation="B").represent(joints)
        assert not bones[..., layout.root].any()
        for child, parent in layout.inward:
            assert torch.equal(bones[..., child], joints[..., child] - joints[..., parent])

    def test_j_b_holds_joints_and_bones(self, place):
        x = torch.randn(2, 3, 4, V)
        made = {r: EsanEmbed(place(channels=3), representation=r).represent(x) for r in ("J", "B", "J+B")}
        assert torch.equal(made["J"], x)
        assert torch.equal(made["J+B"], torch.cat([x, made["B"]], 1))

    def test_is_the_papers_formula(self, place):
        torch.manual_seed(0)
        module = EsanEmbed(place(channels=3, frames=T, persons=1), channels=16)
        x = torch.randn(4, 3, T, V, 1)
        z = module(x)
        both = module.represent(x[..., 0])
        change = torch.zeros_like(both)
        for t in range(1, T):
            change[:, :, t] = both[:, :, t] - both[:, :, t - 1]

        def embed(layers, values):
            for conv in (layers[0], layers[2]):
                values = torch.einsum("dc,nctv->ndtv", weight(conv), values).clamp(min=0)
            return values

        def normal(values):
            mean = values.mean((0, 2), keepdim=True)
            return (values - mean) / (values.var((0, 2), unbiased=False, keepdim=True) + 1e-5).sqrt()

        expected = embed(module.position[1], normal(both)) + embed(module.motion[1], normal(change))
        joint = embed(module.joint.layers, torch.eye(V)[None, :, None].expand(4, -1, T, -1))
        frame = embed(module.frame.layers, torch.eye(T)[None, :, :, None].expand(4, -1, -1, V))
        assert torch.allclose(z, torch.cat([expected, joint], 1) + frame, atol=1e-4)

    def test_a_still_recording_has_no_motion(self, place):
        module = EsanEmbed(place(channels=3, frames=T, persons=1)).eval()
        still = torch.randn(1, 3, 1, V, 1).expand(-1, -1, T, -1, -1)
        seen = []
        module.motion.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        module(still)
        assert not seen[0].any()

    def test_persons_are_sequences_by_themselves(self, place):
        x = torch.randn(2, 3, T, V, 2)
        module = EsanEmbed(place(channels=3, frames=T)).eval()
        alone = EsanEmbed(place(channels=3, frames=T, persons=1)).eval()
        alone.load_state_dict(module.state_dict())
        y = module(x)
        assert y.shape == (4, 128, T, V)
        for clip in range(2):
            for person in range(2):
                one = alone(x[clip : clip + 1, ..., person : person + 1])[0]
                assert torch.allclose(y[2 * clip + person], one, atol=1e-5)

    @pytest.mark.parametrize("wrong", [{"channels": 7}, {"channels": 0}, {"representation": "B+J"}])
    def test_wrong_parameters_are_refused(self, wrong):
        with pytest.raises(ValueError, match="validation error"):
            REGISTRY.get("operator", "esan_embed").params(**wrong)


class TestAbsentPersons:
    def test_the_first_who_is_there_takes_their_place_frame_by_frame(self):
        x = torch.randn(2, 3, 4, V, 3)
        x[0, :, :, :, 1:] = 0  # one person only
        x[1, :, 0, :, 0] = 0  # the first one comes late
        x[1, :, 2, :, :] = 0  # nobody
        filled = fill_absent(x)
        for person in range(3):
            assert torch.equal(filled[0, ..., person], x[0, ..., 0])
        assert torch.equal(filled[1, :, 0, :, 0], x[1, :, 0, :, 1])
        assert torch.equal(filled[1, :, 0, :, 1:], x[1, :, 0, :, 1:])
        assert not filled[1, :, 2].any()
        assert torch.equal(filled[1, :, 3], x[1, :, 3])

    def test_a_joint_at_the_origin_is_no_absence(self):
        x = torch.randn(1, 3, 2, V, 2)
        x[..., 5, :] = 0
        assert torch.equal(fill_absent(x), x)

    def test_scores_of_one_person_do_not_depend_on_the_empty_places(self, place):
        torch.manual_seed(0)
        one, two = (
            torch.nn.Sequential(
                EsanEmbed(place(channels=3, frames=T, persons=persons)),
                EsanBlock(place(channels=128), 16),
                EsanHead(place(channels=16, frames=T, persons=persons)),
            ).eval()
            for persons in (1, 2)
        )
        two.load_state_dict(one.state_dict())
        x = torch.randn(2, 3, T, V, 1)
        empty = torch.cat([x, torch.zeros_like(x)], 4)
        assert torch.allclose(one(x), two(empty), atol=1e-5)
        assert not torch.allclose(one(x), two(torch.cat([x, torch.randn_like(x)], 4)), atol=1e-3)


class TestHead:
    def test_scores_are_the_mean_over_persons(self, place):
        x = torch.randn(6, C, T, V)
        several = EsanHead(place(channels=C, persons=3)).eval()
        single = EsanHead(place(channels=C, persons=1)).eval()
        single.load_state_dict(several.state_dict())
        assert torch.allclose(several(x), single(x).view(2, 3, -1).mean(1), atol=1e-5)

    def test_takes_the_largest_over_joints_then_over_frames(self, place):
        head = EsanHead(place(channels=C, persons=1)).eval()
        x = torch.randn(N, C, T, V)
        lower = x - torch.rand_like(x)
        lower.scatter_(3, x.argmax(3, keepdim=True), x.amax(3, keepdim=True))
        assert torch.allclose(head(x), head(lower), atol=1e-6)
        assert not torch.allclose(head(x), head(x - 1), atol=1e-3)


def test_every_coordinate_of_every_joint_is_normalised():
    torch.manual_seed(0)
    scale = torch.rand(1, 3, 1, V) + 0.5
    y = JointNorm(3 * V)(scale * torch.randn(8, 3, T, V) + torch.randn(1, 3, 1, V))
    assert y.shape == (8, 3, T, V)
    assert torch.allclose(y.mean((0, 2)), torch.zeros(3, V), atol=1e-5)
    assert torch.allclose(y.var((0, 2), unbiased=False), torch.ones(3, V), atol=1e-3)


@pytest.mark.parametrize("wrong", [{"type": "S1"}, {"type": "ts"}, {"channels": 0}, {"directed": 2}])
def test_wrong_parameters_of_a_block_are_refused(wrong):
    with pytest.raises(ValueError, match="validation error"):
        REGISTRY.get("operator", "esan_block").params(**{"channels": 8, **wrong})


@EVERY_TYPE
@BOTH_WAYS
@pytest.mark.parametrize("channels", [C, 12])
def test_size_and_cost_of_a_block_follow_from_its_parts(type, directed, channels, place):
    block = EsanBlock(place(channels=C), channels, type, directed)
    embeddings = (2 if directed else 1) * C * C
    if type == "v":
        convs, gathered = embeddings + C * channels + 3 * C * channels, channels
    else:
        convs = embeddings + C * C + C * channels + (C * channels if channels != C else 0)
        gathered = C
    sources = {"st": T * V, "s1": V, "s2": V, "t1": T, "t2": T, "v": V}[type]
    found = cost(block, (1, C, T, V))
    assert found.params == convs + 2 * channels
    assert found.macs == T * V * (convs + sources * (C + gathered))


class TestScale:
    @pytest.mark.parametrize("scale", ["root", "mean"])
    @BOTH_WAYS
    @EVERY_TYPE
    def test_scores_are_divided_by_what_it_says(self, type, directed, scale, x, place):
        plain = EsanBlock(place(channels=C, frames=T), C, type, directed)
        scaled = EsanBlock(place(channels=C, frames=T), C, type, directed, scale=scale)
        scaled.load_state_dict(plain.state_dict())
        places = {"s2": T, "t2": V}.get(type, 1)
        by = (C * places) ** 0.5 if scale == "root" else C**0.5 * places
        assert torch.allclose(scaled.scores(x), plain.scores(x) / by, rtol=1e-4, atol=1e-5)
        expected = scaled.attention(x) @ values(scaled, x)
        assert torch.allclose(scaled.gather(x, values(scaled, x)), expected, atol=1e-5)

    @pytest.mark.parametrize("type", ["s2", "t2"])
    def test_without_it_attention_begins_nearly_one_hot(self, type, place):
        """Undirected, behind a first block; entropies as shares of the greatest that there is."""
        shares = {}
        for scale in ("none", "root", "mean"):
            torch.manual_seed(0)
            first, second = (EsanBlock(place(channels=128, frames=20), 128, type, scale=scale) for _ in "12")
            moving = 0.3 * torch.randn(4, 3, 1, V, 2) + (0.03 * torch.randn(4, 3, 20, V, 2)).cumsum(2)
            f = second.attention(first(EsanEmbed(place(channels=3, frames=20))(moving)))
            entropy = -(f * f.clamp(min=1e-30).log()).sum(-1).mean().item()
            shares[scale] = entropy / torch.tensor(float(f.shape[-1])).log().item()
        assert shares["none"] < 0.05
        assert shares["none"] + 0.15 < shares["root"] < shares["mean"] - 0.15
        assert shares["mean"] > 0.8
