"""What released hand-made networks give when their weights are filled by a rule, and the weights as ours.

Each file of ``golden/baselines`` holds the scores that code released with a paper gave for one input: in
training and then in evaluation (normalisation by the mean of all batches seen), with the loss and the norm of
all gradients.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from skelbench_plugins.operators.skateformer import PartitionAttention
from torch import Tensor, nn
from torch.nn import functional

from skelbench.layers import DropPath
from tests.parity.golden import drawn, filled, golden

Weights = dict[str, Tensor]
GRAPHS = {"PA", "A", "alpha", "A_res", "rpe", "outer"}
"""Last parts of the names of what is filled with small values."""
INPUT_SEED = 7


def value(name: str, *shape: int) -> Tensor:
    """The released parameter of that name, as the rule fills it."""
    last = name.rpartition(".")[2]
    if last in GRAPHS or last == "bias":
        return filled(name, shape, "bias")
    return filled(name, shape, "gain" if last == "weight" and len(shape) == 1 else "weight")


def layer(ours: str, theirs: str, *shape: int) -> Weights:
    """Weight and bias of a convolution or linear layer."""
    return {
        f"{ours}.weight": value(f"{theirs}.weight", *shape),
        f"{ours}.bias": value(f"{theirs}.bias", shape[0]),
    }


def norm(ours: str, theirs: str, width: int) -> Weights:
    """Weight and bias of a normalisation."""
    return layer(ours, theirs, width)


def conv_bn(ours: str, conv: str, bn: str, outputs: int, inputs: int, kernel: int = 1) -> Weights:
    """A (kernel, 1) convolution and its normalisation."""
    return layer(f"{ours}.0", conv, outputs, inputs, kernel, 1) | norm(f"{ours}.1", bn, outputs)


def joined(ours: str, parts: list[Weights]) -> Weights:
    """Several layers as one that gives what they give side by side."""
    return {
        f"{ours}.{kind}": torch.cat([next(v for k, v in part.items() if k.endswith(kind)) for part in parts])
        for kind in ("weight", "bias")
    }


def branches(ours: str, theirs: str, inputs: int, widths: list[int], kernel: int, *, ends: bool) -> Weights:
    """Parallel temporal convolutions; ``ends``: each ends with a normalisation."""
    *ahead, last = range(len(widths))
    *dilated, pool = ahead
    out: Weights = {}
    out |= joined(
        f"{ours}.reduce", [layer("", f"{theirs}.branches.{b}.0", widths[b], inputs, 1, 1) for b in ahead]
    )
    out |= joined(f"{ours}.reduce_bn", [norm("", f"{theirs}.branches.{b}.1", widths[b]) for b in ahead])
    for b in dilated:
        out |= layer(f"{ours}.convs.{b}", f"{theirs}.branches.{b}.3.conv", widths[b], widths[b], kernel, 1)
    point = f"{theirs}.branches.{last}" + (".0" if ends else "")
    out |= layer(f"{ours}.point", point, widths[last], inputs, 1, 1)
    if ends:
        bns = [norm("", f"{theirs}.branches.{b}.3.bn", widths[b]) for b in dilated]
        bns.append(norm("", f"{theirs}.branches.{pool}.4", widths[pool]))
        bns.append(norm("", f"{theirs}.branches.{last}.1", widths[last]))
        out |= joined(f"{ours}.bn", bns)
    return out


def check(
    network: nn.Module,
    weights: Mapping[str, Tensor],
    name: str,
    train: float = 1e-5,
    eval: float = 1e-5,
    joints: Sequence[int] = (),
) -> None:
    """Compare a network that has the released weights with what the released one gave.

    Args:
        network: The network.
        weights: The released weights, by the names that they have here.
        name: The file.
        train: By how much a score may differ in training.
        eval: The same in evaluation.
        joints: Where the joints of the released input stand here, of which there may be more; none: as there.
    """
    expected = golden(f"baselines/{name}")
    fill(network, weights)
    network.apply(exact)
    x = drawn(INPUT_SEED, expected["input"])
    if joints:
        given, x = x, np.zeros((*x.shape[:3], max(joints) + 1, x.shape[4]), dtype=np.float32)
        x[:, :, :, list(joints)] = given
    for mode, tolerance in (("train", train), ("eval", eval)):
        network.train(mode == "train").zero_grad()
        scores = network(torch.from_numpy(x))
        loss = functional.cross_entropy(scores, torch.tensor(expected["target"]))
        loss.backward()
        squares = [float(p.grad.double().square().sum()) for p in network.parameters() if p.grad is not None]
        np.testing.assert_allclose(
            scores.detach().numpy(), expected[mode]["logits"], rtol=0, atol=tolerance, err_msg=mode
        )
        np.testing.assert_allclose(loss.item(), expected[mode]["loss"], atol=tolerance)
        # Gradients jump where a ReLU opens, so that rounding alone moves them: up to 1e-3 against float64.
        np.testing.assert_allclose(sum(squares) ** 0.5, expected[mode]["grad_norm"], rtol=5e-3)


def fill(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Give every parameter its weights, each of the same shape."""
    parameters = dict(network.named_parameters())
    assert set(weights) == set(parameters), sorted(set(weights) ^ set(parameters))[:9]
    with torch.no_grad():
        for name, parameter in parameters.items():
            assert parameter.shape == weights[name].shape, (name, parameter.shape, weights[name].shape)
            parameter.copy_(weights[name])


def exact(module: nn.Module) -> None:
    """Nothing dropped, and the mean of all batches in the place of a running one."""
    if isinstance(module, nn.modules.batchnorm._BatchNorm):
        module.momentum = None
    if isinstance(module, nn.modules.dropout._DropoutNd):
        module.p = 0.0
    if isinstance(module, PartitionAttention):
        module.dropout = 0.0
    if isinstance(module, DropPath):
        module.rate = 0.0
