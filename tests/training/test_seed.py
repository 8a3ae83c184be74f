"""Seeds reach every generator; the environment names what is installed."""

import random
from importlib.metadata import version

import numpy as np
import pytest
import torch

from skelbench.results.record_parts import Environment
from skelbench.training.cost import device_name
from skelbench.training.seed import environment, package_version, seed_everything


@pytest.fixture(autouse=True)
def _as_before():
    kept = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    yield
    torch.use_deterministic_algorithms(kept[0], warn_only=kept[1])


def draws():
    return random.random(), float(np.random.rand()), float(torch.rand(1))


def test_a_seed_repeats_every_generator():
    seed_everything(3)
    first = draws()
    seed_everything(3)
    assert draws() == first
    seed_everything(4)
    assert not set(draws()) & set(first)


def test_algorithms_are_deterministic():
    torch.use_deterministic_algorithms(False)
    seed_everything(0)
    assert torch.are_deterministic_algorithms_enabled()


def test_versions_are_those_installed():
    assert package_version("torch") == version("torch")
    assert package_version("no-such-package-at-all") == ""


def test_the_environment_fits_a_record():
    found = Environment.model_validate(environment())
    assert (found.torch, found.nni) == (version("torch"), version("nni"))
    assert found.threads == torch.get_num_threads()
    assert found.device == device_name() != ""


def test_the_environment_names_the_device_that_is_computed_on(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device=None: "a GPU")
    assert environment("cpu")["device"] == device_name("cpu") != "a GPU"
    assert environment("cuda")["device"] == "a GPU"
