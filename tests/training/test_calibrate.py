"""Normalisations for a network that is judged otherwise than it was trained: they are put back afterwards."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import torch
from torch import nn

from skelbench.training.calibrate import batch_statistics, recalibrated

CLIPS = 3.0 + 2.0 * torch.randn(64, 5, generator=torch.Generator().manual_seed(0))


def calibrated(network: nn.Module) -> AbstractContextManager[None]:
    return recalibrated(network, [(CLIPS,)])


@pytest.mark.parametrize("within", [calibrated, batch_statistics])
def test_within_the_batch_is_normalised_and_afterwards_all_is_as_before(
    within: Callable[..., AbstractContextManager[None]],
):
    network = nn.Sequential(nn.BatchNorm1d(5), nn.Dropout(0.5)).train()
    before: dict[str, Any] = {name: value.clone() for name, value in network.state_dict().items()}
    with within(network):
        found = network(CLIPS)
        assert not network[1].training, "nothing is dropped"
    torch.testing.assert_close(found.mean(0), torch.zeros(5), atol=1e-5, rtol=0)
    torch.testing.assert_close(found.std(0), torch.ones(5), atol=0.02, rtol=0)
    assert network.training
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert network.eval()(CLIPS).mean() > 2, "running statistics are in use again"


def test_where_an_error_ends_it_all_is_put_back():
    network = nn.BatchNorm1d(5)
    with pytest.raises(ValueError, match="stop"), batch_statistics(network):
        raise ValueError("stop")
    assert network.running_mean is not None
    assert network.track_running_stats


def test_no_batch_is_read_where_nothing_is_normalised():
    def never() -> Any:
        raise AssertionError("read")
        yield

    with recalibrated(nn.Linear(5, 2), never()):
        pass
