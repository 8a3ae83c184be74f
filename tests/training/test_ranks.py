"""Several devices: two processes train what one would at the same effective batch, and end together."""

import pytest
import torch

from skelbench.errors import SkelbenchError, WorkFailed
from skelbench.training.fit import fit
from skelbench.training.seed import seed_everything
from tests.training.made import Loader, alike, network, options, plain, same


def trained(folder, net, *, devices=1, report=lambda row: None, loader=None, **recipe):
    seed_everything(0)
    loader = loader or Loader(shuffle=True, batch_size=recipe["batch_size"])
    result = fit(
        net, options(**recipe), loader, folder=folder, accelerator="cpu", devices=devices, report=report
    )
    return result


class Stop(Exception):
    """Raised in the middle of training."""


RECIPE = {"optimizer": {"lr": 0.05, "reference_batch": 4}}


def test_two_processes_are_one_at_the_same_effective_batch(tmp_path):
    two, one = plain(), plain()
    parallel = trained(tmp_path / "two", two, devices=2, batch_size=4, **RECIPE)
    alone = trained(tmp_path / "one", one, batch_size=8, **RECIPE)
    assert alike(two, one)
    for name in ("loss", "train_top1", "lr"):
        assert [r[name] for r in parallel.history] == pytest.approx(
            [r[name] for r in alone.history], abs=1e-5
        )
    assert (parallel.batch_size, parallel.lr) == (alone.batch_size, alone.lr) == (8, 0.1)


@pytest.mark.slow  # each start of a process imports PyTorch anew
def test_two_processes_go_on_where_they_stopped(tmp_path):
    def stop(row):
        if row["epoch"] == 2:
            raise Stop

    whole, parts = plain(dropout=0.5), plain(seed=3, dropout=0.5)
    trained(tmp_path / "whole", whole, devices=2, batch_size=4, **RECIPE)
    with pytest.raises(Stop):
        trained(tmp_path / "parts", plain(dropout=0.5), devices=2, batch_size=4, report=stop, **RECIPE)
    trained(tmp_path / "parts", parts, devices=2, batch_size=4, **RECIPE)
    assert same(parts, whole)


@pytest.mark.slow
def test_two_processes_are_one_that_accumulates_where_batches_are_normalised(tmp_path):
    two, one = network(), network()
    trained(tmp_path / "two", two, devices=2, batch_size=4)
    trained(tmp_path / "one", one, batch_size=4, accumulate=2)
    assert torch.allclose(two.out.weight, one.out.weight, atol=1e-5)
    assert not torch.equal(two.norm.running_mean, torch.zeros(24))
    # Half as many updates, each of both halves: not the same statistics, but of the same clips.
    assert (two.norm.running_mean - one.norm.running_mean).abs().max() < 0.7


def test_a_failure_on_another_device_is_told(tmp_path):
    loader = Loader(batch_size=4)
    loader.x[4:8] = float("nan")  # the part of the second device
    with pytest.raises(WorkFailed, match=r"another device ended.*loss is nan in epoch 1, step 1"):
        trained(tmp_path, plain(), devices=2, batch_size=4, loader=loader)


def test_what_cannot_be_divided_or_sent_is_refused(tmp_path):
    class Undivided(list):
        pass

    with pytest.raises(SkelbenchError, match=r"Undivided cannot be divided.*--devices 1"):
        trained(tmp_path, plain(), devices=2, batch_size=4, loader=Undivided([1]))
    net = plain()
    net.extra = torch.nn.ReLU()
    net.extra.function = lambda x: x
    with pytest.raises(SkelbenchError, match=r"cannot be sent.*--devices 1"):
        trained(tmp_path, net, devices=2, batch_size=4)
