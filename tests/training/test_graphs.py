"""CUDA graphs: refused where there can be none, and otherwise the training that it is without them."""

import pytest
import torch
from torch import nn

from skelbench.errors import SkelbenchError, WorkFailed
from skelbench.training import fit as fitting
from skelbench.training.fit import fit
from skelbench.training.graphs import GraphedStep, check_graph, check_graphable
from skelbench.training.seed import seed_everything
from tests.training.made import Loader, alike, network, options, same

cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")


class Penalised(nn.Linear):
    def penalty(self):
        return self.weight.sum()


class Hardening(nn.Linear):
    def set_progress(self, share):
        self.share = share


class DrawingHere(nn.Linear):
    def forward(self, x):
        return super().forward(x.flatten(1)) * float(torch.rand(()))


class Turned(nn.Linear):
    """The gradient of its weight lies transposed in memory."""

    def forward(self, x):
        return torch.einsum("nv,cv->nc", x.flatten(1), self.weight)


def trained(folder, *, graph, count=24, accelerator="gpu", report=print, **recipe):
    net = network(dropout=0.5)
    seed_everything(0)
    result = fit(
        net,
        options(epochs=4, **recipe),
        Loader(count, shuffle=True),
        folder=folder,
        accelerator=accelerator,
        cuda_graph=graph,
        report=report,
    )
    return net.cpu(), [row["loss"] for row in result.history]


def work_again(work):
    """A recorder for a processor: what a GPU would replay is done again."""
    for _ in range(3):
        work()
    return work


def replayed_here(monkeypatch):
    """The same steps, with work that is done again where a GPU would replay it."""

    monkeypatch.setattr(fitting, "check_graph", lambda *given: None)
    monkeypatch.setattr(
        fitting, "GraphedStep", lambda network, loss: GraphedStep(network, loss, record=work_again)
    )


def test_a_processor_has_none(tmp_path):
    with pytest.raises(SkelbenchError, match=r"--cuda-graph: there is no CUDA graph: it is a GPU's"):
        check_graph("cpu", 1, options())
    with pytest.raises(SkelbenchError, match=r"no CUDA graph.*Leave it out"):
        fit(network(), options(), Loader(), folder=tmp_path / "run", accelerator="cpu", cuda_graph=True)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("kind", [Penalised, Hardening])
def test_a_network_whose_steps_differ_has_none(kind):
    with pytest.raises(SkelbenchError, match=rf"{kind.__name__} does not do the same in every step"):
        check_graphable(nn.Sequential(nn.Linear(3, 3), kind(3, 3)))
    check_graphable(network())


@pytest.mark.parametrize(
    "recipe",
    [{}, {"clip_gradient": 0.1}, {"precision": "bf16"}, {"optimizer": {"name": "adamw", "lr": 0.01}}],
    ids=str,
)
@pytest.mark.parametrize("count", [24, 27], ids=["even", "a last smaller batch"])
def test_replayed_steps_are_those_of_a_training_without(tmp_path, monkeypatch, recipe, count):
    plainly, losses = trained(tmp_path / "plain", graph=False, count=count, accelerator="cpu", **recipe)
    replayed_here(monkeypatch)
    replayed, again = trained(tmp_path / "graph", graph=True, count=count, accelerator="cpu", **recipe)
    assert again == pytest.approx(losses, abs=1e-6)
    assert alike(plainly, replayed, atol=1e-6)
    assert int(plainly.norm.num_batches_tracked) == int(replayed.norm.num_batches_tracked)


def test_a_training_that_was_interrupted_goes_on_with_replayed_steps(tmp_path, monkeypatch):
    replayed_here(monkeypatch)
    whole, losses = trained(tmp_path / "whole", graph=True, accelerator="cpu")

    def stop(row):
        if row["epoch"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "parts", graph=True, accelerator="cpu", report=stop)
    resumed, again = trained(tmp_path / "parts", graph=True, accelerator="cpu")
    assert same(whole, resumed)
    assert again == losses


def test_gradients_lie_in_memory_as_their_weights_do():
    net, x, y = Turned(24, 3, bias=False), torch.randn(4, 24), torch.tensor([0, 1, 2, 0])
    (plainly,) = torch.autograd.grad(nn.functional.cross_entropy(net(x), y), [net.weight])
    assert plainly.stride() != net.weight.stride()  # a fused optimizer on a GPU refuses such a one
    _, loss = GraphedStep(net, nn.functional.cross_entropy, record=work_again)(x, y)
    loss.backward()
    (given,) = (weight.grad for weight in net.parameters())
    assert given is not None
    assert given.stride() == net.weight.stride()
    assert torch.equal(given, plainly)


@cuda
@pytest.mark.parametrize("precision", ["32", "bf16"])
@pytest.mark.parametrize("count", [24, 27], ids=["even", "a last smaller batch"])
def test_a_training_on_a_gpu_is_what_it_is_without(tmp_path, precision, count):
    (eager, losses), (replayed, again) = (
        trained(tmp_path / f"graph-{graph}", graph=graph, count=count, precision=precision)
        for graph in (False, True)
    )
    assert again == pytest.approx(losses, abs=1e-2 if precision == "bf16" else 1e-5)
    assert alike(eager, replayed, atol=1e-2 if precision == "bf16" else 1e-5)
    assert int(eager.norm.num_batches_tracked) == int(replayed.norm.num_batches_tracked)


@cuda
def test_random_numbers_of_the_processor_are_refused():
    net = DrawingHere(24, 3).cuda().train()
    step = GraphedStep(net, nn.functional.cross_entropy)
    with pytest.raises((WorkFailed, RuntimeError)):
        step(torch.zeros(4, 24, device="cuda"), torch.zeros(4, dtype=torch.long, device="cuda"))


@cuda
@pytest.mark.parametrize("given", [{"precision": "16"}, {"accumulate": 2}], ids=str)
def test_a_scaled_loss_has_none(given):
    with pytest.raises(SkelbenchError, match="a loss that is scaled"):
        check_graph("gpu", 1, options(**given))
