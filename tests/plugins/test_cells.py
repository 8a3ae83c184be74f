"""Operators of cells and of skeletons as images: contracts, formulas computed step by step, sizes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skelbench_plugins.layouts import NTU25
from torch import nn
from torch.nn import functional

from skelbench.components import BuildContext, Operator
from skelbench.host.registry import load_registry
from skelbench.testing.operators import OperatorConformance, context

REGISTRY = load_registry()
CELLS = ["conv3", "sep3", "sep5", "dil3", "dil5", "max3", "avg3", "skip", "se", "zero"]
EVERY = pytest.mark.parametrize("name", CELLS)
STRIDES = pytest.mark.parametrize("stride", [1, 2])
EPSILON = 1e-5


def make(name, channels=4, stride=1, shared=False):
    """An operator as it is built at such a place."""
    return REGISTRY.get("operator", name).load()(place(channels, stride, shared))


def place(channels=4, stride=1, shared=False):
    return BuildContext(channels, 7, 6, 2, 60, NTU25, stride=stride, shared=shared)


def images(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def normalised(x, bn):
    """Batch normalisation of a batch by its own statistics, then the scale and shift that were learned."""
    mean, variance = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), unbiased=False, keepdim=True)
    x = (x - mean) / (variance + EPSILON).sqrt()
    return x if bn.weight is None else x * bn.weight[:, None, None] + bn.bias[:, None, None]


def with_learned_norms(module):
    """The module with scales and shifts that are not 1 and 0."""
    torch.manual_seed(0)
    for bn in norms(module):
        if bn.affine:
            nn.init.normal_(bn.weight)
            nn.init.normal_(bn.bias)
    return module


def norms(module):
    return [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]


def weights(module):
    """Kernels of the convolutions, in order."""
    return [part.weight for part in module.modules() if isinstance(part, nn.Conv2d)]


def size(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("name", CELLS, scope="class")
class TestOnEveryEdge(OperatorConformance):
    @pytest.fixture
    def component(self, name):
        return REGISTRY.get("operator", name)


class TestSkeletonImageConforms(OperatorConformance):
    name = "skeleton_image"


class TestSkeletonImageOfAnotherLayoutConforms(OperatorConformance):
    name = "skeleton_image"
    layout = "openpose18"


class TestImageStemConforms(OperatorConformance):
    name = "image_stem"
    params = {"channels": 12}  # noqa: RUF012


class Floor(nn.Module):
    """A faulty operator of cells: it rounds odd sizes down."""

    def __init__(self, context: BuildContext) -> None:
        super().__init__()
        self.stride = context.stride

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.avg_pool2d(x, self.stride)


class Idle(Floor):
    """A faulty operator of cells: in a supernet one parameter never learns."""

    def __init__(self, context: BuildContext) -> None:
        super().__init__(context)
        if context.shared:
            self.idle = nn.Parameter(torch.ones(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.avg_pool2d(x, self.stride, ceil_mode=True)


@pytest.mark.parametrize(("target", "fault"), [(Floor, r"\(2, 8, 5, 12\), not"), (Idle, "idle")])
def test_the_suite_sees_faults_of_single_edges(target, fault):
    component = Operator(name="faulty", target=target, contract="cell")
    with pytest.raises(AssertionError, match=fault):
        OperatorConformance().test_it_does_so_at_other_places(REGISTRY, component, {}, context(REGISTRY))


@EVERY
class TestEveryOperator:
    @given(height=st.integers(3, 9), width=st.integers(3, 9), stride=st.sampled_from([1, 2]))
    def test_its_stride_divides_rows_and_columns_rounded_up(self, name, height, width, stride):
        y = make(name, stride=stride).eval()(images(1, 4, height, width))
        assert y.shape == (1, 4, (height + stride - 1) // stride, (width + stride - 1) // stride)

    @STRIDES
    def test_leaves_its_input_alone(self, name, stride):
        x = images(2, 4, 7, 6)
        before = x.clone()
        make(name, stride=stride)(x)
        assert torch.equal(x, before)

    @STRIDES
    @pytest.mark.parametrize("shared", [False, True])
    def test_has_no_bias_and_norms_that_learn_outside_a_supernet_only(self, name, stride, shared):
        module = make(name, stride=stride, shared=shared)
        layers = [part for part in module.modules() if isinstance(part, nn.Conv2d | nn.Linear)]
        assert all(layer.bias is None for layer in layers)
        assert all(bn.affine is not shared for bn in norms(module))
        assert len(norms(module)) == normalisations(name, stride, shared)

    @STRIDES
    def test_has_the_parameters_that_its_parts_have(self, name, stride):
        assert size(make(name, channels=32, stride=stride)) == parameters(name, 32, stride)


def normalisations(name, stride, shared):
    """How many batch normalisations an operator has."""
    if name in ("max3", "avg3"):
        return int(shared)
    if name in ("skip", "se"):
        return stride - 1
    return {"zero": 0, "sep3": 2, "sep5": 2}.get(name, 1)


def parameters(name, c, stride):
    """The parameters of an operator for c channels outside a supernet."""
    reduce = c * c + 2 * c
    return {
        "conv3": 9 * c * c + 2 * c,
        "sep3": 2 * (9 * c + c * c + 2 * c),
        "sep5": 2 * (25 * c + c * c + 2 * c),
        "dil3": 9 * c + c * c + 2 * c,
        "dil5": 25 * c + c * c + 2 * c,
        "skip": reduce if stride == 2 else 0,
        "se": reduce if stride == 2 else 2 * c * (c // 16),
    }.get(name, 0)


@STRIDES
@pytest.mark.parametrize("shared", [False, True])
class TestConvolutions:
    def test_conv3(self, stride, shared):
        x, module = images(3, 4, 7, 6), with_learned_norms(make("conv3", stride=stride, shared=shared))
        (weight,) = weights(module)
        expected = functional.conv2d(x.clamp(min=0), weight, stride=stride, padding=1)
        assert torch.allclose(module(x), normalised(expected, *norms(module)), atol=1e-4)

    @pytest.mark.parametrize(("name", "padding"), [("sep3", 1), ("sep5", 2)])
    def test_separable_convolutions_come_twice_with_the_stride_in_the_first(
        self, name, padding, stride, shared
    ):
        x, module = images(3, 4, 7, 6), with_learned_norms(make(name, stride=stride, shared=shared))
        deep1, point1, deep2, point2 = weights(module)
        bn1, bn2 = norms(module)
        y = functional.conv2d(x.clamp(min=0), deep1, stride=stride, padding=padding, groups=4)
        y = normalised(functional.conv2d(y, point1), bn1)
        y = functional.conv2d(y.clamp(min=0), deep2, padding=padding, groups=4)
        y = normalised(functional.conv2d(y, point2), bn2)
        assert torch.allclose(module(x), y, atol=1e-4)

    @pytest.mark.parametrize(("name", "kernel"), [("dil3", 3), ("dil5", 5)])
    def test_dilated_convolutions_see_every_other_position(self, name, kernel, stride, shared):
        x, module = images(3, 4, 7, 6), with_learned_norms(make(name, stride=stride, shared=shared))
        deep, point = weights(module)
        spread = torch.zeros(4, 1, 2 * kernel - 1, 2 * kernel - 1)
        spread[:, :, ::2, ::2] = deep.detach()
        y = functional.conv2d(x.clamp(min=0), spread, stride=stride, padding=kernel - 1, groups=4)
        y = normalised(functional.conv2d(y, point), *norms(module))
        assert torch.allclose(module(x), y, atol=1e-4)


class TestPools:
    @STRIDES
    @pytest.mark.parametrize(("name", "pool"), [("max3", torch.amax), ("avg3", torch.mean)])
    def test_take_positions_inside_only(self, name, pool, stride):
        x = images(2, 4, 5, 6) - 10  # padding, were it counted, would be the largest
        y = make(name, stride=stride)(x)
        for row in range(y.shape[2]):
            for column in range(y.shape[3]):
                top, left = stride * row - 1, stride * column - 1
                seen = x[:, :, max(top, 0) : top + 3, max(left, 0) : left + 3]
                assert torch.allclose(y[:, :, row, column], pool(seen, (2, 3)), atol=1e-5)

    def test_the_mean_of_a_constant_is_that_constant_at_borders_too(self):
        x = torch.full((1, 4, 5, 5), 3.0)
        assert torch.allclose(make("avg3")(x), x)

    @STRIDES
    @pytest.mark.parametrize("name", ["max3", "avg3"])
    def test_are_normalised_in_a_supernet(self, name, stride):
        x = images(3, 4, 7, 6)
        module = make(name, stride=stride, shared=True)
        expected = normalised(make(name, stride=stride)(x), *norms(module))
        assert torch.allclose(module(x), expected, atol=1e-5)
        assert size(module) == 0


class TestSkip:
    @pytest.mark.parametrize("shared", [False, True])
    def test_is_its_input_at_stride_1(self, shared):
        x = images(2, 4, 5, 5)
        assert make("skip", shared=shared)(x) is x

    @pytest.mark.parametrize("name", ["skip", "se"])
    @pytest.mark.parametrize("shared", [False, True])
    def test_is_a_factorised_reduction_at_stride_2_and_so_is_se(self, name, shared):
        x, module = images(3, 4, 7, 5), with_learned_norms(make(name, stride=2, shared=shared))
        seen = functional.conv2d(x.clamp(min=0)[:, :, ::2, ::2], torch.cat(weights(module)))
        assert torch.allclose(module(x), normalised(seen, *norms(module)), atol=1e-4)


class TestSqueezeExcite:
    @pytest.mark.parametrize(("channels", "hidden"), [(4, 1), (16, 1), (31, 1), (36, 2), (64, 4)])
    def test_scales_channels_by_shares_of_their_means(self, channels, hidden):
        x, module = images(3, channels, 5, 6), make("se", channels)
        down, up = (part.weight for part in module.modules() if isinstance(part, nn.Linear))
        assert down.shape == (hidden, channels)
        means = x.sum((2, 3)) / 30
        shares = 1 / (1 + torch.exp(-(means @ down.T).clamp(min=0) @ up.T))
        assert torch.allclose(module(x), torch.einsum("nchw,nc->nchw", x, shares), atol=1e-5)


class TestZero:
    @STRIDES
    def test_gives_zeros_and_no_gradient_whatever_it_gets(self, stride):
        x = torch.full((2, 4, 7, 6), float("nan"), requires_grad=True)
        y = make("zero", stride=stride)(x)
        assert torch.equal(y, torch.zeros_like(y))
        assert not y.requires_grad

    def test_keeps_the_type(self):
        assert make("zero")(images(1, 4, 3, 3).double()).dtype == torch.float64


class TestSkeletonImage:
    @given(st.tuples(*[st.integers(1, 4)] * 5))
    def test_puts_all_joints_of_a_person_before_the_next(self, shape):
        x = images(*shape)
        joints, persons = shape[3:]
        y = make("skeleton_image")(x)
        assert y.shape == (*shape[:3], persons * joints)
        for person in range(persons):
            for joint in range(joints):
                assert torch.equal(y[..., person * joints + joint], x[..., joint, person])


class TestImageStem:
    @pytest.mark.parametrize("shared", [False, True])
    def test_is_a_convolution_and_a_norm_that_always_learns(self, shared):
        stem = REGISTRY.get("operator", "image_stem").load()(place(shared=shared), channels=5)
        x, module = images(3, 4, 7, 6), with_learned_norms(stem)
        (weight,) = weights(module)
        expected = functional.conv2d(x, weight, padding=1)
        assert torch.allclose(module(x), normalised(expected, *norms(module)), atol=1e-4)
        assert size(module) == 4 * 5 * 9 + 2 * 5

    @pytest.mark.parametrize("given", [{}, {"channels": 0}, {"channels": 4, "stride": 2}])
    def test_wrong_parameters_are_refused(self, given):
        with pytest.raises(ValueError, match="validation error"):
            REGISTRY.get("operator", "image_stem").params(**given)


@pytest.mark.parametrize("name", ["dil3", "dil5"])
def test_dilated_convolutions_stay_in_double_precision(name):
    module = make(name, channels=4).double()
    assert module(images(2, 4, 8, 6).double()).dtype == torch.float64


@pytest.mark.parametrize("name", ["dil3", "dil5"])
def test_dilated_convolutions_have_their_gradients_under_autocast(name):
    """At SAR-NAS's size, where those in bf16 were wrong on processors."""
    torch.manual_seed(0)
    module = make(name, channels=16)
    x = images(8, 16, 112, 50).contiguous(memory_format=torch.channels_last)
    gradients = []
    for enabled in (False, True):
        module.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            loss = (module(x).float() * images(8, 16, 112, 50)).sum()  # of squares BN would leave nothing
        loss.backward()
        gradients.append(module[1].weight.grad.clone())
    exact, rough = gradients
    assert ((exact - rough).norm() / exact.norm()).item() < 0.25
