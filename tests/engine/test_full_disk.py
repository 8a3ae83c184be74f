"""A disk that fills up at any write of a run: nothing finished is lost, and the same command goes on."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from skelbench.errors import SkelbenchError
from tests.engine import test_gradient, tiny

MOST = 200


class FullDisk:
    """Lets so many files reach the disk, and no more."""

    def __init__(self, patch: pytest.MonkeyPatch, left: int) -> None:
        self.left, self._fsync = left, os.fsync
        patch.setattr(os, "fsync", self)

    def __call__(self, descriptor: int) -> None:
        if self.left <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.left -= 1
        self._fsync(descriptor)


SPECS: dict[str, dict[str, Any]] = {
    "candidates on a supernet": tiny.spec(),
    "own weights": tiny.spec(search=tiny.own("random", evaluations=3)),
    "gradients": test_gradient.spec(),
}


@pytest.mark.parametrize("name", SPECS)
def test_a_disk_that_is_full_at_any_write_loses_nothing(name: str, raw: Path, tmp_path: Path) -> None:
    spec = SPECS[name]
    wanted = tiny.run(tmp_path, raw, spec, runs="alone")
    told: list[str] = []
    for left in range(MOST):
        with pytest.MonkeyPatch.context() as patch:
            FullDisk(patch, left)
            try:
                record = tiny.run(tmp_path, raw, spec, runs="full")
            except (SkelbenchError, OSError) as error:
                told.append(str(error))
                continue
        break
    assert record.comparable() == wanted.comparable()
    assert record.failures == ()
    assert len(told) > 5
    assert all("No space left" in line for line in told)
