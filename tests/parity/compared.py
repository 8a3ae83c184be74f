"""What a network of ours computes for the weights and input of a golden file, and how far off that is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from skelbench.check.checked import Checked
from skelbench.check.spec import check_spec
from skelbench.host.registry import load_registry
from skelbench.layers import DropPath
from skelbench.space.build import SupernetSpace, supernet_hook
from skelbench.space.network import build_network
from skelbench.spec.resolve import load_spec
from tests.parity.golden import Golden, by_module, clips, made_of, weights

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
ZERO = 1e-6
"""A gradient's norm below it is zero but for rounding, such as that of a bias before a normalisation."""


@cache
def checked(spec: str, profile: str | None, sets: tuple[str, ...]) -> Checked:
    """A spec, checked once for all tests."""
    return check_spec(load_spec(spec, profile=profile, sets=sets), load_registry())


def spec_of(given: Golden) -> Checked:
    """The spec that a golden file's network is of."""
    build = given["build"]
    return checked(build["spec"], build.get("profile"), tuple(build.get("sets", ())))


def network_of(given: Golden) -> nn.Module:
    """The architecture that a golden file names, with its weights."""
    spec, build = spec_of(given), given["build"]
    if "architecture" in build:
        architecture = spec.architectures[build["architecture"]]
        nodes, sample = architecture.network, architecture.sample
    else:
        nodes, sample = spec.network, spec.space.canonical(build["choices"])
    return with_weights(build_network(nodes, sample, spec.context()), given)


def supernet_of(given: Golden) -> nn.Module:
    """The spec's supernet with every decision in its place, with the golden file's weights."""
    spec = spec_of(given)
    network = SupernetSpace(spec.search_network, spec.context())
    decided: list[str] = []
    for name, module in list(network.named_modules()):
        inside = any(name.startswith(f"{outer}.") for outer in decided)
        made = False if inside else supernet_hook(module, name, {}, {})
        if isinstance(made, nn.Module):
            network.set_submodule(name, made)
            decided.append(name)
    return with_weights(network, given)


def with_weights(network: nn.Module, given: Golden) -> nn.Module:
    """Fill every parameter by the golden file's rule, and still all that is random."""
    values, own = weights(given), dict(network.named_parameters())
    assert {name: value.shape for name, value in values.items()} == {n: p.shape for n, p in own.items()}
    with torch.no_grad():
        for name, value in values.items():
            own[name].copy_(value)
    for module in network.modules():
        if isinstance(module, nn.Dropout | nn.Dropout1d | nn.Dropout2d):
            module.p = 0.0
        elif isinstance(module, DropPath):
            module.rate = 0.0
        elif isinstance(module, NORMS):
            module.momentum = None
    return network


@contextmanager
def outputs(network: nn.Module, names: Iterable[str]) -> Any:
    """What the named modules give in the passes inside, the latest by name."""
    seen: dict[str, Tensor] = {}

    def keeps(name: str) -> Callable[..., None]:
        return lambda module, args, out: seen.__setitem__(name, out.detach())

    with ExitStack() as stack:
        for name in names:
            handle = network.get_submodule(name).register_forward_hook(keeps(name))
            stack.callback(handle.remove)
        yield seen


def check_pass(network: nn.Module, given: Golden, mode: str, limits: Mapping[str, float]) -> None:
    """One pass of a mode, forward and backward, against its numbers.

    Args:
        network: With the weights; its precision is that of the pass.
        given: The golden file.
        mode: ``train``, or after it ``eval``.
        limits: The largest differences of ``logits``, ``loss``, ``outputs`` and, relative to what they
            should be, ``gradients`` by module, where these count, and by parameter ``parameters``.
    """
    expected = given[mode]
    network.train(mode == "train")
    network.zero_grad()
    dtype = next(network.parameters()).dtype
    seed, targets = given["input"].get(mode), given["targets"]
    with outputs(network, (ours for _, ours, *_ in expected["acts"])) as seen:
        logits = network(clips(given, seed).to(dtype))
    targets = targets[mode] if isinstance(targets, dict) else targets
    loss = functional.cross_entropy(logits, torch.tensor(targets))
    loss.backward()
    assert_near(logits, expected["logits"], limits["logits"], "logits")
    assert_near(loss, expected["loss"], limits["loss"], "loss")
    for name, ours, how, shape, *numbers in expected["acts"]:
        check_output(made_of([seen[ours]], how), shape, numbers, limits["outputs"], name)
    if "gradients" in limits:
        check_gradients(network, given, mode, limits)


def check_output(
    found: Tensor, shape: Sequence[int], numbers: Sequence[Any], limit: float, name: str
) -> None:
    """Mean, standard deviation and first elements of a module's output."""
    assert list(found.shape) == list(shape), name
    flat = found.reshape(-1).double()
    mean, deviation, first = numbers
    assert_near(flat.mean(), mean, limit, f"mean of {name}")
    assert_near(flat.std(), deviation, limit, f"standard deviation of {name}")
    assert_near(flat[: len(first)], first, limit, f"first of {name}")


def check_gradients(network: nn.Module, given: Golden, mode: str, limits: Mapping[str, float]) -> None:
    """Norms of gradients by module, and by parameter where the golden file and the limits have them."""
    own = {name: p.grad for name, p in network.named_parameters()}
    norms = {name: 0.0 if grad is None else float(grad.double().norm()) for name, grad in own.items()}
    for top, names in by_module(given):
        found = sum(norms[name] ** 2 for name in names) ** 0.5
        assert_relative(found, given[mode]["grad_norm"][top], limits["gradients"], f"gradient of {top}")
    if "parameters" in limits:
        for ours, _, _, *expected in given["params"]:
            which = ("train", "eval").index(mode)
            if which < len(expected):
                assert_relative(norms[ours], expected[which], limits["parameters"], f"gradient of {ours}")


def assert_near(found: Tensor, expected: Any, limit: float, name: str) -> None:
    """Within ``limit`` of what is expected."""
    off = (found.detach().double() - torch.tensor(expected, dtype=torch.float64)).abs().max().item()
    assert off <= limit, f"{name}: off by {off:.1e}, more than {limit:.0e}"


def assert_relative(found: float, expected: float, limit: float, name: str) -> None:
    """Within ``limit`` times what is expected, or zero like it."""
    if expected < ZERO:
        assert found < ZERO, f"{name}: {found:.1e} instead of zero"
    else:
        off = abs(found - expected) / expected
        assert off <= limit, f"{name}: off by {off:.1e} of it, more than {limit:.0e}"
