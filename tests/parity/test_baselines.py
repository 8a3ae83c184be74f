"""Hand-made networks: what their released code gives, their size and cost."""

from __future__ import annotations

import pytest
import torch

from skelbench.check.spec import check_spec
from skelbench.host.registry import load_registry
from skelbench.space.network import build_network
from skelbench.spec.resolve import load_spec
from tests.parity.baselines import (
    Weights,
    branches,
    check,
    conv_bn,
    layer,
    norm,
    value,
)

REGISTRY = load_registry()
WIDTHS = [3, *[64] * 4, *[128] * 3, *[256] * 3]
"""Channels before and after each of ten blocks."""
NTU, UCLA = (60, 25, 2), (10, 20, 1)
"""Classes, joints and persons."""


def blocks():
    return [(i, WIDTHS[i - 1], WIDTHS[i]) for i in range(1, 11)]


def widened(i):
    """Whether a block has a convolution round it."""
    return i in (5, 8)


def ends(classes, joints, persons, *, bn="data_bn", fc="fc", width=256):
    return norm("input.bn", bn, 3 * joints * persons) | layer("head.linear", fc, classes, width)


def ctr_gcn(classes, joints, persons) -> Weights:
    out = ends(classes, joints, persons)
    for i, c, d in blocks():
        ours, theirs, r = f"body.{i - 1}", f"l{i}", 8 if c == 3 else c // 8
        gcn = f"{theirs}.gcn1"
        out[f"{ours}.spatial.graph.weight"] = value(f"{gcn}.PA", 3, joints, joints).transpose(1, 2)
        out[f"{ours}.spatial.alpha"] = value(f"{gcn}.alpha", 1)
        parts = {
            n: [layer("x", f"{gcn}.convs.{k}.conv{n}", *s, 1, 1) for k in range(3)]
            for n, s in {1: (r, c), 2: (r, c), 3: (d, c), 4: (d, r)}.items()
        }
        for kind in ("weight", "bias"):
            a, b, features, refine = ([p[f"x.{kind}"] for p in parts[n]] for n in (1, 2, 3, 4))
            # Sources before targets, subset by subset; features of the three subsets side by side.
            pairs = torch.cat([torch.cat([b[k], a[k]]) for k in range(3)])
            out[f"{ours}.spatial.embed.{kind}"] = pairs.squeeze(-1) if kind == "weight" else pairs
            out[f"{ours}.spatial.conv.{kind}"] = torch.stack(features, 1).flatten(0, 1)
            out |= {f"{ours}.spatial.refine.{k}.{kind}": refine[k] for k in range(3)}
        out |= norm(f"{ours}.spatial.bn", f"{gcn}.bn", d)
        if c != d:
            out |= conv_bn(f"{ours}.spatial.skip", f"{gcn}.down.0", f"{gcn}.down.1", d, c)
        out |= branches(f"{ours}.temporal", f"{theirs}.tcn1", d, [d // 4] * 4, 5, ends=True)
        if widened(i):
            out |= conv_bn(f"{ours}.residual", f"{theirs}.residual.conv", f"{theirs}.residual.bn", d, c)
    return out


def ctr_gcn_baseline(classes, joints, persons) -> Weights:
    out = ends(classes, joints, persons)
    for i, c, d in blocks():
        ours, gcn = f"body.{i - 1}", f"l{i}.gcn1"
        out[f"{ours}.gcn.graph.weight"] = value(f"{gcn}.PA", 3, joints, joints)
        parts = [layer("x", f"{gcn}.conv_d.{k}", d, c, 1, 1) for k in range(3)]
        out[f"{ours}.gcn.conv.weight"] = torch.cat([part["x.weight"] for part in parts], 1)
        out[f"{ours}.gcn.conv.bias"] = torch.stack([part["x.bias"] for part in parts])
        out |= norm(f"{ours}.gcn.bn", f"{gcn}.bn", d)
        if c != d:
            out |= conv_bn(f"{ours}.gcn.skip", f"{gcn}.down.0", f"{gcn}.down.1", d, c)
        out |= conv_bn(f"{ours}.tcn", f"l{i}.tcn1.conv", f"l{i}.tcn1.bn", d, d, 5)
        if widened(i):
            out |= conv_bn(f"{ours}.residual", f"l{i}.residual.conv", f"l{i}.residual.bn", d, c)
    return out


def st_gcn_pp(classes, joints, persons) -> Weights:
    out = ends(classes, joints, 1, bn="backbone.data_bn", fc="cls_head.fc_cls")
    for i, c, d in blocks():
        ours, theirs = f"body.{i - 1}", f"backbone.gcn.{i - 1}"
        out[f"{ours}.spatial.graph.weight"] = value(f"{theirs}.gcn.A", 3, joints, joints)
        for kind, tensor in layer("x", f"{theirs}.gcn.conv", 3 * d, c, 1, 1).items():
            # The released features are those of one subset after the other.
            rows = tensor.view(3, d, *tensor.shape[1:]).transpose(0, 1).flatten(0, 1)
            out[f"{ours}.spatial.conv.{kind[2:]}"] = rows
        out |= norm(f"{ours}.spatial.bn", f"{theirs}.gcn.bn", d)
        if c != d:
            out |= conv_bn(f"{ours}.spatial.skip", f"{theirs}.gcn.down.0", f"{theirs}.gcn.down.1", d, c)
        widths = [d - 5 * (d // 6), *[d // 6] * 5]
        tcn = f"{theirs}.tcn"
        out |= branches(f"{ours}.temporal", tcn, d, widths, 3, ends=False)
        out |= norm(f"{ours}.temporal.bn", f"{tcn}.transform.0", d)
        out |= conv_bn(f"{ours}.temporal.transform", f"{tcn}.transform.2", f"{tcn}.bn", d, d)
        if widened(i):
            residual = f"{theirs}.residual"
            out |= conv_bn(f"{ours}.residual", f"{residual}.conv", f"{residual}.bn", d, c)
    return out


WEIGHTS = {
    "ctr-gcn": ("ctrgcn", ctr_gcn),
    "ctr-gcn-baseline": ("ctrgcn_baseline", ctr_gcn_baseline),
    "st-gcn++": ("stgcnpp", st_gcn_pp),
}
TOLERANCE = {}


@pytest.fixture(scope="module")
def specs():
    return {name: check_spec(load_spec(name), REGISTRY) for name in ("baselines", "baselines-ucla")}


def build(checked, name, device="cpu"):
    architecture = checked.architectures[name]
    with torch.device(device):
        return build_network(architecture.network, architecture.sample, checked.context())


@pytest.mark.parametrize(
    ("spec", "sizes", "suffix"), [("baselines", NTU, ""), ("baselines-ucla", UCLA, "_nwucla")]
)
@pytest.mark.parametrize("name", WEIGHTS)
def test_scores_are_those_of_the_released_network(name, spec, sizes, suffix, specs):
    file, weights = WEIGHTS[name]
    if file == "ctrgcn_baseline" and suffix:
        pytest.skip("there are no released scores")
    check(build(specs[spec], name), weights(*sizes), file + suffix, TOLERANCE.get(name, 1e-5))
