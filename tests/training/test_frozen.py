"""Frozen parts of a network: they do not move before their time, however often training is interrupted."""

import copy

import pytest
import torch

from skelbench.training.fit import fit
from skelbench.training.frozen import frozen
from skelbench.training.seed import seed_everything
from tests.training.made import Loader, network, options, same

ADAM = options(epochs=4, optimizer={"name": "adam", "lr": 0.01, "weight_decay": 0.1})


class Stop(Exception):
    """Raised in the middle of training, as a crash would be."""


def train(folder, net, until, report=lambda row: None, recipe=ADAM):
    seed_everything(0)
    with frozen(net, [net.norm], until):
        fit(net, recipe, Loader(shuffle=True), folder=folder, accelerator="cpu", report=report)
    return net


def test_no_optimizer_moves_them_before_their_time(tmp_path):
    net, moved, learnt = network(), [], []
    before = copy.deepcopy(net)

    def compare(row):
        same_weights = torch.equal(net.norm.weight, before.norm.weight)
        moved.append(not (same_weights and torch.equal(net.norm.bias, before.norm.bias)))
        learnt.append((net.norm.weight.grad is not None, net.out.weight.grad is not None))

    train(tmp_path, net, 0.5, compare)
    assert moved == [False, False, True, True]
    assert learnt == [(False, True), (False, True), (True, True), (True, True)]


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_a_resumed_training_freezes_and_thaws_as_an_uninterrupted_one(epoch, tmp_path):
    def stop(row):
        if row["epoch"] == epoch:
            raise Stop

    whole = train(tmp_path / "whole", network(), 0.5)
    with pytest.raises(Stop):
        train(tmp_path / "parts", network(), 0.5, stop)
    assert same(train(tmp_path / "parts", network(), 0.5), whole)
    assert not same(train(tmp_path / "unfrozen", network(), 0), whole)


def test_the_network_is_afterwards_as_it_was(tmp_path):
    net = network()
    names = set(net.state_dict())
    net.norm.bias.requires_grad_(False)
    with frozen(net, [net.norm], 0.5):
        assert set(net.state_dict()) == names
    train(tmp_path, net, 0.9, recipe=options(epochs=1))
    assert [name for name, _ in net.named_children()] == ["norm", "drop", "out"]
    assert net.norm.weight.requires_grad, "although its time never came"
    assert not net.norm.bias.requires_grad, "it did not learn before"
