"""What cells are made of, against the same computed step by step; networks prepared for inference."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from skelbench.layers import DropPath, FactorisedReduce, prepare_for_inference, relu_conv_bn

EPSILON = 1e-5
SIZES = st.integers(3, 9)


def images(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def normalised(x):
    """Batch normalisation of a batch by its own statistics."""
    mean, variance = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), unbiased=False, keepdim=True)
    return (x - mean) / (variance + EPSILON).sqrt()


class TestReluConvBn:
    @given(height=SIZES, width=SIZES, kernel=st.sampled_from([1, 3, 5]), stride=st.sampled_from([1, 2]))
    def test_keeps_the_size_but_for_its_stride(self, height, width, kernel, stride):
        y = relu_conv_bn(2, 3, kernel, stride).eval()(images(2, 2, height, width))
        assert y.shape == (2, 3, (height + stride - 1) // stride, (width + stride - 1) // stride)

    def test_is_a_convolution_of_the_positive_part(self):
        x, module = images(4, 3, 7, 6), relu_conv_bn(3, 5, 3)
        weight = module.get_parameter("1.weight")
        expected = functional.conv2d(x.clamp(min=0), weight, padding=1)
        assert torch.allclose(module(x), normalised(expected), atol=1e-4)

    @pytest.mark.parametrize(("affine", "parameters"), [(True, 3 * 5 * 9 + 2 * 5), (False, 3 * 5 * 9)])
    def test_has_no_bias_and_scales_where_told(self, affine, parameters):
        module = relu_conv_bn(3, 5, 3, affine=affine)
        assert sum(p.numel() for p in module.parameters()) == parameters


class TestFactorisedReduce:
    @given(height=SIZES, width=SIZES, out_channels=st.integers(2, 7))
    def test_halves_rows_and_columns_rounded_up(self, height, width, out_channels):
        y = FactorisedReduce(2, out_channels).eval()(images(2, 2, height, width))
        assert y.shape == (2, out_channels, (height + 1) // 2, (width + 1) // 2)

    @pytest.mark.parametrize("size", [(6, 8), (7, 5), (3, 4)])
    def test_both_halves_see_every_other_position_from_the_first(self, size):
        x, module = images(4, 3, *size), FactorisedReduce(3, 5)
        seen = x.clamp(min=0)[:, :, ::2, ::2]
        weight = torch.cat([module.first.weight, module.second.weight])
        assert [len(module.first.weight), len(module.second.weight)] == [2, 3]
        expected = torch.einsum("oc,nchw->nohw", weight[:, :, 0, 0], seen)
        assert torch.allclose(module(x), normalised(expected), atol=1e-4)

    def test_leaves_its_input_alone(self):
        x = images(2, 3, 5, 5)
        before = x.clone()
        FactorisedReduce(3, 4)(x)
        assert torch.equal(x, before)

    @pytest.mark.parametrize(("affine", "parameters"), [(True, 3 * 5 + 2 * 5), (False, 3 * 5)])
    def test_has_no_bias_and_scales_where_told(self, affine, parameters):
        module = FactorisedReduce(3, 5, affine=affine)
        assert sum(p.numel() for p in module.parameters()) == parameters


class TestDropPath:
    def dropped(self, rate, progress, samples):
        """The factor of each sample, of ones."""
        torch.manual_seed(0)
        module = DropPath(rate)
        module.set_progress(progress)
        y = module(torch.ones(samples, 3, 4, 5))
        assert torch.equal(y, y[:, :1, :1, :1].expand_as(y)), "a sample is dropped whole or not at all"
        return y[:, 0, 0, 0]

    def test_drops_nothing_at_first(self):
        x = images(50, 2, 3, 3)
        assert torch.equal(DropPath(0.9)(x), x)

    def test_drops_nothing_in_evaluation(self):
        x, module = images(50, 2, 3, 3), DropPath(0.9).eval()
        module.set_progress(1)
        assert torch.equal(module(x), x)

    @given(rate=st.sampled_from([0.1, 0.2, 0.5]), progress=st.sampled_from([0.25, 0.5, 1.0]))
    def test_drops_its_rate_times_the_progress_and_keeps_the_mean(self, rate, progress):
        share, samples = rate * progress, 20_000
        factors = self.dropped(rate, progress, samples)
        assert torch.allclose(factors, (factors != 0) / (1 - share))
        error = (share * (1 - share) / samples) ** 0.5  # of a share of so many draws
        assert float((factors == 0).double().mean()) == pytest.approx(share, abs=4 * error)
        assert float(factors.double().mean()) == pytest.approx(1, abs=4 * error / (1 - share))

    def test_gradients_of_dropped_samples_are_zero(self):
        torch.manual_seed(0)
        x, module = images(40, 2, 3, 3).requires_grad_(), DropPath(0.5)
        module.set_progress(1)
        y = module(x)
        y.sum().backward()
        gone = (y == 0).all(3).all(2).all(1)
        assert 0 < int(gone.sum()) < 40
        assert torch.equal(x.grad, torch.where(gone, 0.0, 2.0)[:, None, None, None].expand_as(x))

    @pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5, float("nan")])
    def test_a_rate_that_is_no_share_is_refused(self, rate):
        with pytest.raises(ValueError, match="cannot be dropped"):
            DropPath(rate)


class Times(nn.Module):
    """Multiplies by its weight, and has a module inside that it does without once prepared."""

    def __init__(self, factor):
        super().__init__()
        self.weight, self.inner = nn.Parameter(torch.tensor(factor)), nn.Linear(1, 1)

    def forward(self, x):
        return x * self.weight

    def for_inference(self):
        assert not self.training
        return Constant(self.weight)


class Constant(nn.Module):
    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(weight.detach().clone())

    def forward(self, x):
        return x * self.weight


class Around(nn.Module):
    """A module of several, some of them in containers."""

    def __init__(self):
        super().__init__()
        self.first = Times(2.0)
        self.register_module("nothing", None)
        self.many = nn.ModuleDict({"S-1": nn.Sequential(nn.BatchNorm1d(3), Times(3.0)), "B": nn.ModuleList()})
        self.many["B"].extend([nn.ReLU(), nn.Sequential(nn.Dropout(0.5), Times(5.0))])

    def forward(self, x):
        x = self.many["S-1"](self.first(x))
        for module in self.many["B"]:
            x = module(x)
        return x


def kinds(network):
    return [type(module) for module in network.modules()]


class TestPrepareForInference:
    def test_asks_the_modules_inside_all_others(self):
        network, x = Around(), images(4, 3)
        network.many["S-1"][0].running_mean.fill_(0.5)
        prepared = prepare_for_inference(network)
        assert kinds(prepared) == [
            Constant if kind is Times else kind for kind in kinds(network) if kind is not nn.Linear
        ]
        assert torch.equal(prepared(x), network.eval()(x))
        assert prepared(x).any()

    def test_replaces_the_network_itself(self):
        prepared = prepare_for_inference(Times(2.0))
        assert isinstance(prepared, Constant)
        assert not prepared.training
        assert torch.equal(prepared(images(3)), 2 * images(3))

    def test_of_a_module_that_has_nothing_to_offer_is_a_copy(self):
        module = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.BatchNorm2d(3))
        prepared, x = prepare_for_inference(module), images(2, 2, 4, 4)
        assert kinds(prepared) == kinds(module)
        assert torch.equal(prepared(x), module.eval()(x))
        assert not {id(part) for part in prepared.modules()} & {id(part) for part in module.modules()}

    @pytest.mark.parametrize("affine", [True, False])
    @pytest.mark.parametrize("bias", [True, False])
    def test_folds_a_normalisation_into_the_convolution_before_it(self, affine, bias):
        conv, norm = nn.Conv2d(2, 3, 3, bias=bias), nn.BatchNorm2d(3, affine=affine)
        module = nn.Sequential(conv, norm, nn.ReLU()).train()
        module(3 * images(4, 2, 6, 6) + 1)
        prepared, x = prepare_for_inference(module), images(2, 2, 4, 4)
        assert [type(part) for part in prepared] == [nn.Conv2d, nn.Identity, nn.ReLU]
        assert torch.allclose(prepared(x), module.eval()(x), atol=1e-6)

    def test_a_convolution_in_two_places_keeps_the_normalisation_of_each(self):
        conv = nn.Conv2d(2, 3, 3)
        module = nn.ModuleList(nn.Sequential(conv, nn.BatchNorm2d(3)) for _ in range(2)).train()
        for times, part in enumerate(module, start=1):
            part(times * images(4, 2, 6, 6))
        prepared, x = prepare_for_inference(module), images(2, 2, 4, 4)
        for one, other in zip(prepared, module.eval(), strict=True):
            assert torch.allclose(one(x), other(x), atol=1e-6)

    @pytest.mark.parametrize("norm", [nn.BatchNorm2d(3, track_running_stats=False), nn.GroupNorm(1, 3)])
    def test_leaves_normalisations_that_depend_on_the_input(self, norm):
        module = nn.Sequential(nn.Conv2d(2, 3, 3), norm)
        assert kinds(prepare_for_inference(module)) == kinds(module)

    def test_leaves_convolutions_of_a_stranger_that_says_nothing(self):
        class Squared(nn.Conv2d):
            def forward(self, x):
                return super().forward(x).square()

        module, x = nn.Sequential(Squared(2, 3, 3), nn.BatchNorm2d(3)).train(), images(2, 2, 4, 4)
        module(images(4, 2, 6, 6))
        assert torch.equal(prepare_for_inference(module)(x), module.eval()(x))

    def test_prepares_what_is_inside_of_what_a_module_gives(self):
        class Outer(nn.Module):
            def __init__(self):
                super().__init__()
                self.inner = Times(2.0)

            def for_inference(self):
                return self

        assert isinstance(prepare_for_inference(Outer()).inner, Constant)

    def test_a_factorised_reduction_has_no_normalisation_left(self):
        for out_channels in (1, 5):
            module, x = FactorisedReduce(3, out_channels).train(), images(2, 3, 5, 5)
            module(3 * images(4, 3, 6, 6) + 1)
            prepared = prepare_for_inference(module)
            assert nn.BatchNorm2d not in kinds(prepared)
            assert torch.allclose(prepared(x), module.eval()(x), atol=1e-5)

    @pytest.mark.parametrize("modes", [(True, True), (False, False), (True, False)])
    def test_leaves_the_network_as_it_is(self, modes):
        network = Around().train(modes[0])
        network.many.train(modes[1])
        before = [(type(module), module.training) for module in network.modules()]
        state = {name: value.clone() for name, value in network.state_dict().items()}
        prepared = prepare_for_inference(network)
        for tensor in (*prepared.parameters(), *prepared.buffers()):
            tensor.zero_()
        assert [(type(module), module.training) for module in network.modules()] == before
        assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
        assert all(parameter.requires_grad for parameter in network.parameters())

    def test_gives_a_copy_in_evaluation_mode_that_does_not_learn(self):
        prepared = prepare_for_inference(Around().train())
        assert list(prepared.parameters())
        assert not any(parameter.requires_grad for parameter in prepared.parameters())
        assert not any(module.training for module in prepared.modules())

    @pytest.mark.parametrize("shared", [Times(2.0), nn.Sequential(Times(2.0))])
    def test_a_module_in_several_places_stays_one(self, shared):
        prepared = prepare_for_inference(nn.ModuleList([shared, nn.Sequential(shared, nn.ReLU()), shared]))
        assert prepared[0] is prepared[1][0] is prepared[2]
        assert kinds(prepared).count(Constant) == 1

    def test_does_not_follow_the_network_afterwards(self):
        network = nn.Sequential(Times(2.0), nn.Linear(3, 3))
        prepared, x = prepare_for_inference(network), images(2, 3)
        before = prepared(x)
        for parameter in network.parameters():
            nn.init.zeros_(parameter)
        assert torch.equal(prepared(x), before)
