"""Devices, precision and accumulation in whole runs: refused before work, or in the record."""

import pytest
import torch

from skelbench.engine.job import RunOptions
from skelbench.engine.run import run_spec
from skelbench.errors import SkelbenchError

from . import tiny

no_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")


def test_accumulation_in_search_and_training_stands_in_the_record(tmp_path, raw):
    recipe = {**tiny.spec()["train"], "batch_size": 8, "accumulate": 2}
    recipe["optimizer"] = {"lr": 0.05, "reference_batch": 8}
    record = tiny.run(tmp_path, raw, tiny.spec(train=recipe))
    assert (record.training.batch_size, record.training.lr) == (16, pytest.approx(0.1))
    with pytest.raises(SkelbenchError, match=r"--devices: 10000 devices.*Give a number"):
        tiny.run(tmp_path, raw, tiny.spec(train=recipe), devices=10_000)


@no_cuda
def test_a_gpu_that_is_not_there_is_refused_even_where_the_run_is_finished(tmp_path, raw):
    tiny.run(tmp_path, raw, arch="plain")
    path = tiny.write(tmp_path, tiny.spec())
    given = RunOptions(data=raw, runs=tmp_path / "runs", accelerator="gpu")
    with pytest.raises(SkelbenchError, match="sees no GPU here"):
        run_spec(str(path), given, "plain")
