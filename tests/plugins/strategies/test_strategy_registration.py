"""What the package registers."""

import subprocess
import sys

import pytest

from skelbench.components import ALL_NODE_KINDS
from skelbench.host.registry import load_registry


@pytest.mark.parametrize("name", ["ceim", "random", "grid"])
def test_strategies_are_registered_and_load(name):
    strategy = load_registry().get("strategy", name)
    assert callable(strategy.load())
    assert strategy.searches["own"] == ALL_NODE_KINDS
    assert strategy.searches["shared"] == {"choice", "mix", "inputs", "cell"}


def test_darts_searches_supernets_by_gradients():
    strategy = load_registry().get("strategy", "darts")
    assert callable(strategy.load())
    assert strategy.form == "gradient"
    assert strategy.searches == {"shared": {"choice", "mix", "inputs", "cell"}}


def test_listing_imports_neither_torch_nor_nni():
    code = (
        "import sys, skelbench_plugins.strategies as s; s.register_strategies();"
        "import skelbench_plugins.strategies.ceim, skelbench_plugins.strategies.listed;"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'torch', 'nni'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
