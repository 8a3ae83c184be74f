"""Supernets and the network that chooses models by frame, against the released code."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skelbench_plugins.strategies.alphas import Alphas
from skelbench_plugins.strategies.bilevel import Difference, first_order, second_order
from torch import Tensor
from torch.nn import functional

from skelbench.recipe import DeriveOptions
from skelbench.search import decode
from skelbench.space.decisions import Decision
from skelbench.training.module import ClipClassifier
from tests.parity.compared import (
    assert_near,
    assert_relative,
    check_pass,
    network_of,
    outputs,
    spec_of,
    supernet_of,
)
from tests.parity.golden import clips, drawn, filled, golden

DOUBLE = {"logits": 1e-6, "loss": 1e-7, "outputs": 1e-6, "gradients": 1e-6, "parameters": 1e-6}
SINGLE = {"logits": 5e-5, "loss": 1e-5, "outputs": 3e-4, "gradients": 5e-3}
PRECISIONS = [
    pytest.param(torch.float64, id="double"),
    pytest.param(torch.float32, id="single", marks=pytest.mark.slow),
]


class TestMixedGraphs:
    """SGCN's supernet, with weights for all modules of every block."""

    def test_supernet_agrees_with_the_released_code(self):
        given = golden("sgcn-supernet")
        network = supernet_of(given)
        drawn_weights = torch.from_numpy(drawn(11, (10, 8))).softmax(1)
        for module in network.modules():
            if isinstance(module, Decision):
                block = int(module.label.removeprefix("graph_"))
                module.weigh(drawn_weights[block - 1].tolist())
        for mode in ("train", "eval"):
            check_pass(network, given, mode, {**SINGLE, "logits": 1e-5})


class Cells:
    """The problem of a search for cells on a supernet, with the alphas of the golden file."""

    lr = 0.015

    def __init__(self, dtype: torch.dtype) -> None:
        self.given = golden("sarnas-supernet")
        self.network = supernet_of(self.given).to(dtype).train()
        self.points = spec_of(self.given).space.points
        self.alphas = Alphas(self.points, 0.0, 0)
        for place, vector in self.vectors():
            vector.data = self.value(place).to(dtype)
        self.shared = list(self.network.parameters())

    def vectors(self):
        """Each vector with its kind of cell, the row of the released alphas, and the columns in our order."""
        columns = self.given["alphas"]["columns"]
        for point in self.points:
            kind, node = point.label.split(".")
            first = sum(range(2, int(node)))
            for source, vector in enumerate(self.alphas.vectors[point.label]):
                names = [o.partition("(")[0] for o in point.options if o.endswith(f"({source})")]
                yield (kind, first + source, [columns.index(n) for n in [*names, "zero"]]), vector

    def value(self, place) -> Tensor:
        kind, row, columns = place
        return filled(f"alphas_{kind}", (14, 8), "alpha")[row, columns]

    def weigh(self) -> None:
        weights = self.alphas.weights()
        for module in self.network.modules():
            if isinstance(module, Decision):
                module.take(weights, tracked=True, normalised=False)

    def loss(self, part: str) -> Tensor:
        self.weigh()
        x = clips(self.given, self.given["input"][part]).to(self.shared[0].dtype)
        return functional.cross_entropy(self.network(x), torch.tensor(self.given["targets"][part]))

    def train_loss(self) -> Tensor:
        return self.loss("train")

    def validation_loss(self) -> Tensor:
        return self.loss("validation")

    def assert_alphas(self, found: list[Tensor], order: str, limit: float) -> None:
        """Gradients of all alphas of a kind of cell, by the length of what they should be."""
        by_vector = dict(zip(map(id, self.alphas.tensors), found, strict=True))
        for kind in ("normal", "reduce"):
            released = torch.tensor(self.given[order][f"grad_alphas_{kind}"], dtype=torch.float64)
            ours = torch.zeros_like(released)
            for (of, row, columns), vector in self.vectors():
                if of == kind:
                    ours[row, columns] = by_vector[id(vector)].double()
            off = float((ours - released).norm() / released.norm())
            assert off <= limit, f"{order}, {kind}: off by {off:.1e}"


@pytest.mark.parametrize("dtype", PRECISIONS)
class TestCells:
    """SAR-NAS's supernet: what it computes, and both gradients of its alphas."""

    def test_supernet_agrees_with_the_released_code(self, dtype):
        problem = Cells(dtype)
        problem.weigh()
        assert sum(p.numel() for p in problem.shared) == problem.given["parameters"]
        check_pass(problem.network, problem.given, "train", DOUBLE if dtype == torch.float64 else SINGLE)

    def test_first_order(self, dtype):
        problem = Cells(dtype)
        found = first_order(problem.validation_loss, problem.alphas.tensors)
        problem.assert_alphas(found, "first_order", 1e-7 if dtype == torch.float64 else 1e-5)

    def test_second_order(self, dtype):
        problem = Cells(dtype)
        alphas, lr = problem.alphas.tensors, problem.given["eta"]
        losses = (problem.train_loss, problem.validation_loss)
        found = second_order(*losses, alphas, problem.shared, lr, Difference(0.01))
        problem.assert_alphas(found, "second_order", 1e-7 if dtype == torch.float64 else 1e-2)

    def test_alphas_decide_on_the_released_cells(self, dtype):
        problem = Cells(dtype)
        weights = {label: w.detach().numpy() for label, w in problem.alphas.weights().items()}
        found = decode(problem.points, weights, DeriveOptions())
        for kind in ("normal", "reduce"):
            edges = problem.given["derived"][kind]
            for node in range(4):
                assert set(found[f"{kind}.{node + 2}"]) == set(edges[2 * node : 2 * node + 2])


@pytest.fixture
def forced(monkeypatch):
    """Noise of the golden file instead of Gumbel's."""
    noise = golden("adasgn-whole")["noise"]
    u = np.random.RandomState(noise["seed"]).uniform(size=noise["shape"])
    values = torch.from_numpy(-np.log(-np.log(u)))

    def softmax(logits: Tensor, tau: float = 1, hard: bool = False, dim: int = -1) -> Tensor:
        assert hard
        soft = ((logits + values.to(logits.dtype)) / tau).softmax(dim)
        one = torch.zeros_like(soft).scatter_(dim, soft.argmax(dim, keepdim=True), 1.0)
        return one - soft.detach() + soft

    monkeypatch.setattr(functional, "gumbel_softmax", softmax)


@pytest.mark.usefixtures("forced")
@pytest.mark.parametrize("dtype", PRECISIONS)
class TestAdaptive:
    """AdaSGN as a whole: six models, the policy, and what its choices cost."""

    def network(self, dtype):
        given = golden("adasgn-whole")
        network = network_of(given).to(dtype)
        adaptive = network.body[0]
        adaptive.policy.temperature = given["noise"]["temperature"]
        return given, network, adaptive

    def test_training_agrees_with_the_released_code(self, dtype):
        given, network, adaptive = self.network(dtype)
        with outputs(network, ["body.0.policy"]) as seen:
            check_pass(network, given, "train", DOUBLE if dtype == torch.float64 else SINGLE)
        assert seen["body.0.policy"].argmax(1).tolist() == given["train"]["choices"]
        assert len({choice for row in given["train"]["choices"] for choice in row}) == len(adaptive.names)

    def test_evaluation_agrees_with_the_released_code(self, dtype):
        """But for gradients: there the released code's policy learns from a pass in evaluation, too."""
        given, network, adaptive = self.network(dtype)
        with torch.no_grad():
            network.train()(clips(given).to(dtype))
        limits = dict(DOUBLE if dtype == torch.float64 else SINGLE)
        check_pass(network, given, "eval", {name: limits[name] for name in ("logits", "loss", "outputs")})
        assert adaptive.last_gates.argmax(1).tolist() == given["eval"]["choices"]

    def test_what_the_choices_cost_is_the_released_loss_of_alpha_4(self, dtype):
        given, network, adaptive = self.network(dtype)
        near = 1e-6 if dtype == torch.float64 else 1e-5
        assert adaptive.alpha == given["alpha"]
        released = torch.tensor([0.0, *(cost / 5 for cost in given["released_gflops"][1:])])
        assert torch.allclose(adaptive.costs, released.to(dtype), rtol=1e-6)
        network.train()(clips(given).to(dtype))
        penalty = adaptive.penalty()
        penalty.backward()
        assert_relative(penalty.item(), given["train"]["loss_cost_alpha4"], near, "cost")
        for name, expected in given["train"]["cost_grad_norm_policy"].items():
            parameter = network.get_parameter(name.replace("policy_net", "body.0.policy"))
            assert_relative(parameter.grad.norm().item(), expected, near, name)

    def test_label_smoothing_is_shared_by_the_wrong_classes(self, dtype):
        given, network, _ = self.network(dtype)
        options = spec_of(given).spec.train
        module = ClipClassifier(options, 1)
        logits = network.train()(clips(given).to(dtype))
        found = module.loss(logits, torch.tensor(given["targets"]))
        limit = (DOUBLE if dtype == torch.float64 else SINGLE)["loss"]
        assert_near(found, given["train"]["loss_label_smoothing"], limit, "smoothed loss")
