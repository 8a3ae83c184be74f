"""A tiny problem to train on: a loader of tensors and a network with dropout and batch norm."""

from copy import copy
from types import SimpleNamespace

import numpy as np
import torch
from torch import nn

from skelbench.data.shards import Shard
from skelbench.recipe import TrainOptions

CLASSES = 3


class Loader:
    """Clips (C=2, T=4, V=3, M=1) whose mean tells the class.

    Like the real one it reads its epoch when an iteration is asked for, not at the first batch.
    """

    def __init__(self, count=24, batch_size=8, *, seed=0, shuffle=False, views=1):
        rng = np.random.default_rng(seed)
        self.y = torch.from_numpy(rng.integers(0, CLASSES, count))
        noise = torch.from_numpy(rng.normal(size=(count, 2, 4, 3, 1))).float()
        self.x = noise + self.y[:, None, None, None, None]
        self.rows = np.repeat(np.arange(count), views)
        self.batch_size, self.shuffle, self.epoch = batch_size, shuffle, 0
        self.orders, self.part = [], Shard()
        self.clips = SimpleNamespace(ids=np.array([f"clip{i:03d}" for i in range(count)]))

    def __len__(self):
        return self.part.batches(len(self.rows), self.batch_size, False)

    def shard(self, rank, count):
        loader = copy(self)
        loader.part = Shard(rank, count)
        return loader

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __iter__(self):
        order = self.rows
        if self.shuffle:
            order = np.random.default_rng([7, self.epoch]).permutation(order)
        return self._batches(order)

    def _batches(self, order):
        self.orders.append(order.tolist())
        for number in range(len(self)):
            rows = torch.from_numpy(self.part.rows(order, number, self.batch_size))
            yield self.x[rows], self.y[rows], rows


class Net(nn.Module):
    def __init__(self, dropout=0.0):
        super().__init__()
        self.norm = nn.BatchNorm1d(24)
        self.drop = nn.Dropout(dropout)
        self.out = nn.Linear(24, CLASSES)

    def forward(self, x):
        return self.out(self.drop(self.norm(x.flatten(1))))


def network(seed=0, dropout=0.0):
    torch.manual_seed(seed)
    return Net(dropout)


class Plain(nn.Module):
    """Without normalisation, whose statistics depend on how a batch is divided."""

    def __init__(self, dropout=0.0):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(24, 8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, CLASSES))

    def forward(self, x):
        return self.layers(x.flatten(1))


def plain(seed=0, dropout=0.0):
    torch.manual_seed(seed)
    return Plain(dropout)


def options(**changes):
    given = {"epochs": 3, "batch_size": 8, "precision": "32", "optimizer": {"lr": 0.05}}
    return TrainOptions.model_validate(given | changes)


def same(a, b):
    """Whether two networks have equal weights and statistics, to the last bit."""
    first, second = a.state_dict(), b.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def alike(a, b, atol=1e-5):
    """Whether two networks have equal weights and statistics, but for rounding."""
    first, second = a.state_dict(), b.state_dict()
    return all(torch.allclose(first[k].float(), second[k].float(), atol=atol) for k in first)
