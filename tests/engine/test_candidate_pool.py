"""Candidates handed to workers with a copy of the supernet's weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from skelbench.engine.nas.candidate_pool import CandidatePool
from skelbench.engine.workers.local import LocalWorkers
from skelbench.engine.workers.pool import Pool
from skelbench.errors import WorkFailed

from .workers.made import OfFrozen


def candidates(*weights: float) -> list[dict[str, np.ndarray]]:
    return [{"a": np.array([weight])} for weight in weights]


def test_they_come_back_in_order_worth_what_the_weights_of_their_epoch_make_them(tmp_path: Path) -> None:
    module = nn.Linear(1, 1, bias=False)
    with Pool(LocalWorkers(2), OfFrozen(tmp_path)) as pool:
        handed = CandidatePool(pool, tmp_path)
        for epoch, weight in enumerate((2.0, 3.0)):
            nn.init.constant_(module.weight, weight)
            found = list(handed.evaluate(module, epoch, candidates(1, 0, 2, 3)))  # the first takes longest
            assert [one.fitness for one, _ in found] == [epoch * 100 + weight * k for k in (1, 0, 2, 3)]
            assert found[0][1] >= 0.2
            assert len(list(tmp_path.glob("*frozen*"))) == 1, "one copy of the weights, of the last epoch"
        assert (tmp_path / "died").exists(), "a worker died, and its candidate was tried once more"
        with pytest.raises(WorkFailed, match=r"after epoch 3: WorkerLost: the worker was killed by signal 9"):
            list(handed.evaluate(module, 2, candidates(5, -1)))
        handed.clear()
    assert not list(tmp_path.glob("*frozen*"))


def test_what_a_run_left_behind_is_cleared(tmp_path: Path) -> None:
    torch.save({}, tmp_path / "7-frozen.pt")
    (tmp_path / "last.ckpt").touch()
    with Pool(LocalWorkers(1), OfFrozen(tmp_path)) as pool:
        CandidatePool(pool, tmp_path).clear()
    assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]
