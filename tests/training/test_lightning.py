"""Lightning is imported without torchmetrics, and still knows its metrics."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
from skelbench.training.lightning import pl
import skelbench.engine.nas
assert not {"torchmetrics", "matplotlib"} & set(sys.modules)
import torchmetrics
from pytorch_lightning.core import module
assert isinstance(torchmetrics.MeanMetric(), module.Metric)
assert not isinstance(3, module.Metric)
print(pl.__version__)
"""


def test_metrics_are_known_once_somebody_imports_them() -> None:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", CODE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
