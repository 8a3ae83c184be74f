"""Devices: what is not there is refused, and batches arrive where they are wanted."""

import itertools

import pytest
import torch

from skelbench.errors import SkelbenchError
from skelbench.training.batches import LazyLoader, on_device
from skelbench.training.devices import check_devices, device_kind, precision_name, single_precision
from skelbench.training.evaluate import predict, top1
from skelbench.training.fit import fit
from skelbench.training.seed import seed_everything
from tests.training.made import Loader, alike, network, options, plain, same

cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
no_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")


def test_an_unknown_accelerator_is_refused():
    with pytest.raises(SkelbenchError, match=r"--accelerator: .*no accelerator 'gpus'.*Did you mean 'gpu'"):
        check_devices("gpus")


@no_cuda
@pytest.mark.parametrize("name", ["gpu", "cuda"])
def test_a_gpu_that_is_not_there_is_refused(name):
    with pytest.raises(SkelbenchError, match=r"sees no GPU here.*--accelerator cpu"):
        check_devices(name)


@pytest.mark.parametrize("devices", [0, -1, 10_000])
def test_as_many_devices_as_there_are(devices):
    with pytest.raises(SkelbenchError, match=rf"--devices: {devices} devices.*Give a number from 1 to"):
        check_devices("cpu", devices)


def test_what_is_there_is_taken():
    check_devices("auto")
    check_devices("cpu", 1)
    assert device_kind("cpu") == "cpu"


@pytest.mark.parametrize("precision", ["16", "tf32"])
def test_precisions_of_gpus_are_refused_on_processors(precision):
    with pytest.raises(SkelbenchError, match=rf"train.precision: precision {precision} needs a GPU"):
        precision_name(precision, "cpu")


def test_single_precision_is_single_within_and_as_before_afterwards():
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    for short in (True, False):
        with single_precision(short):
            assert torch.backends.cudnn.allow_tf32 == torch.backends.cuda.matmul.allow_tf32 == short
    assert (torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32) == before


@pytest.mark.parametrize("device", ["cpu", "meta", pytest.param("cuda", marks=cuda)])
def test_batches_arrive_whole_and_in_order(device):
    found = list(on_device(Loader(count=10, batch_size=4), torch.device(device)))
    for (x, y, index), expected in zip(found, Loader(count=10, batch_size=4), strict=True):
        assert {x.device.type, y.device.type, index.device.type} == {device}
        assert [part.shape for part in (x, y, index)] == [part.shape for part in expected]
        if device != "meta":
            parts = zip((x, y, index), expected, strict=True)
            assert all(torch.equal(part.cpu(), other) for part, other in parts)
    assert len(found) == 3


def test_a_loader_that_is_left_early_can_be_begun_again():
    loader = LazyLoader(Loader(count=10, batch_size=4), torch.device("cpu"))
    assert len(list(itertools.islice(loader, 1))) == 1
    assert len(list(loader)) == len(loader) == 3


@cuda
@pytest.mark.parametrize("precision", ["32", "tf32", "bf16", "16"])
def test_a_gpu_learns_what_a_processor_does(tmp_path, precision):
    found = {}
    for kind in ("cpu", "cuda"):
        net = found[kind] = plain()
        recipe = options(precision="32" if kind == "cpu" else precision)
        fit(net, recipe, Loader(shuffle=True), folder=tmp_path / kind, accelerator=kind)
    assert alike(*found.values(), atol=1e-4 if precision == "32" else 5e-2)


@cuda
def test_a_training_resumed_on_a_gpu_ends_as_an_uninterrupted_one(tmp_path):
    class Stop(Exception):
        pass

    def stop(row):
        if row["epoch"] == 2:
            raise Stop

    def train(folder, seed=0, **given):
        net = network(0, dropout=0.5)
        seed_everything(seed)
        fit(net, options(), Loader(shuffle=True), folder=folder, accelerator="cuda", **given)
        return net

    whole = train(tmp_path / "whole")
    with pytest.raises(Stop):
        train(tmp_path / "parts", report=stop)
    assert same(train(tmp_path / "parts", seed=9), whole)


@cuda
def test_a_loss_that_is_no_number_on_a_gpu_is_told_with_its_place(tmp_path):
    loader = Loader()
    loader.x[10] = float("nan")
    with pytest.raises(SkelbenchError, match="loss is nan in epoch 1, step 2"):
        fit(network(), options(), loader, folder=tmp_path, accelerator="cuda")


@cuda
def test_scores_of_a_gpu_are_those_of_a_processor():
    net = network().eval()
    here, rate = predict(net, Loader(views=3)), top1(net, Loader())
    there = predict(net, Loader(views=3), "cuda")
    assert (here.ids == there.ids).all()
    assert abs(here.scores - there.scores).max() < 1e-5
    assert top1(net, Loader()) == rate
