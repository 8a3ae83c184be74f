"""CUDA graphs: refused where there can be none; where there is a GPU, the training that it is without them."""

import pytest
import torch
from torch import nn

from skelbench.errors import SkelbenchError, WorkFailed
from skelbench.training.fit import fit
from skelbench.training.graphs import GraphedForward, check_graph, check_graphable
from skelbench.training.seed import seed_everything
from tests.training.made import Loader, alike, network, options

cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")


class Penalised(nn.Linear):
    def penalty(self):
        return self.weight.sum()


class Hardening(nn.Linear):
    def set_progress(self, share):
        self.share = share


class DrawingHere(nn.Linear):
    def forward(self, x):
        return super().forward(x.flatten(1)) * torch.rand(()).item()


def test_a_processor_has_none(tmp_path):
    with pytest.raises(SkelbenchError, match=r"--cuda-graph: there is no CUDA graph: it is a GPU's"):
        check_graph("cpu")
    with pytest.raises(SkelbenchError, match=r"no CUDA graph.*Leave it out"):
        fit(network(), options(), Loader(), folder=tmp_path / "run", accelerator="cpu", cuda_graph=True)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("kind", [Penalised, Hardening])
def test_a_network_whose_steps_differ_has_none(kind):
    with pytest.raises(SkelbenchError, match=rf"{kind.__name__} does not do the same in every step"):
        check_graphable(nn.Sequential(nn.Linear(3, 3), kind(3, 3)))
    check_graphable(network())


def test_passes_without_gradients_and_in_evaluation_run_as_ever():
    net = network()
    graphed, x = GraphedForward(net), Loader().x[:4]
    net.eval()
    assert torch.equal(graphed(x), net(x))
    with torch.no_grad():
        assert graphed(x).shape == (4, 3)


@cuda
@pytest.mark.parametrize("precision", ["32", "bf16", "16"])
@pytest.mark.parametrize("count", [24, 27], ids=["even", "a last smaller batch"])
def test_a_training_is_what_it_is_without(tmp_path, precision, count):
    found = []
    for graph in (False, True):
        net = network(dropout=0.5)
        seed_everything(0)
        result = fit(
            net,
            options(precision=precision, epochs=4),
            Loader(count, shuffle=True),
            folder=tmp_path / f"graph-{graph}",
            accelerator="gpu",
            cuda_graph=graph,
        )
        found.append((net.cpu(), [row["loss"] for row in result.history]))
    (eager, losses), (replayed, again) = found
    assert again == pytest.approx(losses, abs=1e-3 if precision != "32" else 1e-5)
    assert alike(eager, replayed, atol=1e-2 if precision != "32" else 1e-5)
    assert int(eager.norm.num_batches_tracked) == int(replayed.norm.num_batches_tracked)


@cuda
def test_random_numbers_of_the_processor_are_refused():
    net = DrawingHere(24, 3).cuda().train()
    with pytest.raises((WorkFailed, RuntimeError)):
        GraphedForward(net)(torch.zeros(4, 24, device="cuda"))
