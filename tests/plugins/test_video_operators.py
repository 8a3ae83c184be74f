"""Operators of videos: shapes, published sizes, normalisation, and gradients in bf16."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from skelbench_plugins.operators.params import PixelsParams, R2plus1dParams, VideoStemParams
from skelbench_plugins.operators.video import (
    Pixels,
    R2plus1dBlock,
    SpatialConv,
    TemporalConv,
    VideoPoolLinear,
    VideoStem,
    weights_kept,
)
from torch import nn
from torch.nn import functional

from skelbench.components import NO_SKELETON, BuildContext
from skelbench.training.cost import cost

PLACE = BuildContext(
    channels=3, frames=8, joints=0, persons=1, classes=5, layout=NO_SKELETON, height=12, width=10
)


def features(channels: int = 4, frames: int = 8, rows: int = 12, columns: int = 10) -> torch.Tensor:
    return torch.randn(2, channels, frames, rows, columns, generator=torch.Generator().manual_seed(0))


def at(channels: int) -> BuildContext:
    return replace(PLACE, channels=channels)


# --- convolutions --------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", [1, 3, 7])
@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (1, 2)])
def test_a_spatial_convolution_is_that_of_three_dimensions(kernel: int, stride: tuple[int, int]):
    conv, x = SpatialConv(4, 6, kernel, stride), features()
    pad = kernel // 2
    expected = functional.conv3d(x, conv.weight[:, :, None], None, (1, *stride), (0, pad, pad))
    assert torch.allclose(conv(x), expected, atol=1e-5)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("dilation", [1, 2, 4])
def test_a_temporal_convolution_is_that_of_three_dimensions(stride: int, dilation: int):
    conv, x = TemporalConv(4, 6, stride, dilation), features(frames=9)
    options = {"stride": (stride, 1, 1), "padding": (dilation, 0, 0), "dilation": (dilation, 1, 1)}
    expected = functional.conv3d(x, conv.weight[..., None], None, **options)
    assert torch.allclose(conv(x), expected, atol=1e-5)


def test_channels_last_is_kept_so_that_nothing_is_copied():
    x = features().contiguous(memory_format=torch.channels_last_3d)
    for conv in (SpatialConv(4, 6, 3, (1, 1)), TemporalConv(4, 6, 1, 2)):
        assert conv(x).is_contiguous(memory_format=torch.channels_last_3d)
        assert conv.weight.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("dilation", [1, 2, 4])
@pytest.mark.parametrize(("channels", "frames"), [(40, 2), (18, 8)])
def test_gradients_under_autocast_are_those_in_single_precision(channels: int, frames: int, dilation: int):
    """Where Conv3d and dilated Conv2d gave wrong ones in bf16."""
    torch.manual_seed(0)
    block = R2plus1dBlock(at(channels), channels, dilation=dilation)
    x = torch.randn(8, channels, frames, 6, 6).contiguous(memory_format=torch.channels_last_3d)
    gradients = []
    for enabled in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            loss = block(x).float().square().mean()
        block.zero_grad()
        loss.backward()
        gradients.append([parameter.grad.clone() for parameter in block.parameters()])
    for exact, under_autocast in zip(*gradients, strict=True):
        assert torch.allclose(under_autocast, exact, rtol=1e-4, atol=1e-6)


# --- blocks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({}, (2, 4, 8, 12, 10)),
        ({"channels": 6}, (2, 6, 8, 12, 10)),
        ({"channels": 6, "stride": 2}, (2, 6, 4, 6, 5)),
        ({"stride": (1, 2, 2)}, (2, 4, 8, 6, 5)),
        ({"stride": (2, 1, 1), "dilation": 4}, (2, 4, 4, 12, 10)),
        ({"convs": 1, "mid": "r2plus1d"}, (2, 4, 8, 12, 10)),
    ],
)
def test_a_block_gives_the_shape_that_it_says(options: dict, shape: tuple[int, ...]):
    assert R2plus1dBlock(at(4), **options)(features()).shape == shape


def test_a_stride_rounds_up():
    assert R2plus1dBlock(at(4), stride=2)(features(frames=5, rows=7)).shape == (2, 4, 3, 4, 5)


def test_the_shortcut_is_the_input_where_the_shape_is_kept():
    assert isinstance(R2plus1dBlock(at(4)).shortcut, nn.Identity)
    assert not isinstance(R2plus1dBlock(at(4), stride=(1, 2, 2)).shortcut, nn.Identity)
    block = R2plus1dBlock(at(4)).eval()
    nn.init.zeros_(block.convs[-1].weight)
    x = features()
    assert torch.equal(block(x), x.relu())


@pytest.mark.parametrize("dilation", [1, 2, 4])
def test_dilation_reaches_as_far_and_costs_nothing(dilation: int):
    """A kernel of 3 frames with dilation d has a receptive field of 1 + 2d: 3, 5 and 9 frames."""
    conv = TemporalConv(1, 1, 1, dilation)
    impulse = torch.zeros(1, 1, 17, 1, 1)
    impulse[0, 0, 8] = 1
    reached = conv(impulse).flatten().nonzero().flatten()
    assert int(reached.max() - reached.min()) + 1 == 1 + 2 * dilation
    plain, dilated = (cost(R2plus1dBlock(at(4), dilation=d), (1, 4, 8, 12, 10)) for d in (1, dilation))
    assert (plain.macs, plain.params) == (dilated.macs, dilated.params)


@pytest.mark.parametrize(("channels", "out"), [(64, 64), (64, 128), (5, 7)])
def test_channels_between_keep_the_weights_of_a_cubic_kernel(channels: int, out: int):
    mid = weights_kept(channels, out)
    cubic = 27 * channels * out
    assert 9 * channels * mid + 3 * mid * out <= cubic < 9 * channels * (mid + 1) + 3 * (mid + 1) * out


def test_a_shortcut_with_a_stride_learns_where_a_strided_convolution_ended_the_process():
    block = R2plus1dBlock(at(8), stride=2)
    x = torch.randn(8, 8, 16, 56, 56).contiguous(memory_format=torch.channels_last_3d)
    block(x).mean().backward()
    (conv,) = (module for module in block.shortcut.modules() if isinstance(module, SpatialConv))
    assert conv.stride == (1, 1)
    assert bool(torch.isfinite(conv.weight.grad).all())


def test_nothing_has_a_bias_and_a_supernet_learns_no_scale():
    for shared in (False, True):
        block = R2plus1dBlock(replace(at(4), shared=shared), 6, 2)
        assert all(m.bias is None for m in block.modules() if isinstance(m, nn.Conv2d))
        assert all(m.affine != shared for m in block.modules() if isinstance(m, nn.BatchNorm3d))


def test_one_convolution_is_half_of_two():
    single, double = (cost(R2plus1dBlock(at(4), convs=n), (1, 4, 8, 12, 10)).macs for n in (1, 2))
    assert double == 2 * single


# --- both ends -----------------------------------------------------------------------------------


def test_pixels_are_normalised_channel_by_channel():
    clip = torch.randint(0, 256, (2, 3, 2, 4, 4), dtype=torch.uint8)
    out = Pixels(PLACE, [0.1, 0.2, 0.3], [0.5, 0.25, 2.0])(clip)
    expected = (clip[:, 1].double() / 255 - 0.2) / 0.25
    assert out.dtype == torch.float32
    assert torch.allclose(out[:, 1].double(), expected, atol=1e-5)
    assert Pixels(PLACE)(clip).mean((0, 2, 3, 4)).shape == (3,)


def test_as_many_means_as_channels_are_wanted():
    with pytest.raises(ValueError, match="'mean' has 2 values and a clip has 3 channels"):
        Pixels(PLACE, (0.1, 0.2))


def test_the_stem_halves_rows_and_columns():
    stem = VideoStem(PLACE, 6)
    out = stem(torch.randn(2, 3, 8, 12, 10))
    assert out.shape == (2, 6, 8, 6, 5)
    assert bool((out >= 0).all())
    assert cost(stem, (1, 3, 8, 12, 10)).params == 6 * 3 * 9 + 6 * 6 * 3 + 4 * 6


def test_the_head_averages_over_frames_and_places():
    head, x = VideoPoolLinear(at(4), dropout=0.5).eval(), features()
    assert torch.allclose(head(x), head.linear(x.mean((2, 3, 4))))
    assert head(x).shape == (2, 5)


@pytest.mark.parametrize(
    ("model", "given"),
    [
        (VideoStemParams, {"channels": 4, "kernel": 4}),
        (VideoStemParams, {"channels": 0}),
        (R2plus1dParams, {"stride": (1, 2)}),
        (R2plus1dParams, {"stride": 0}),
        (R2plus1dParams, {"dilation": 0}),
        (R2plus1dParams, {"mid": "half"}),
        (R2plus1dParams, {"convs": 3}),
        (PixelsParams, {"std": 0}),
    ],
)
def test_wrong_parameters_are_refused(model: type, given: dict):
    with pytest.raises(ValueError):
        model(**given)
