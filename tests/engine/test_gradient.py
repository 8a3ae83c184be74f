"""Gradient searches in whole runs: their batches, their gradients, and what a step leaves alone."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from skelbench_plugins.strategies.darts import Darts
from torch import Tensor, nn

from skelbench.engine import nas
from skelbench.engine import run as main_path
from skelbench.engine.data import LoadedData
from skelbench.engine.nas import gradient
from skelbench.engine.nas.supernet import SupernetStrategy
from skelbench.errors import RunFolderError
from skelbench.results.record import Record
from skelbench.results.store import ARCHITECTURE, RunFolder
from skelbench.space import decisions
from skelbench.space.arch import Architecture
from skelbench.space.build import SupernetSpace
from skelbench.space.decisions import Decision
from skelbench.training.cost import cost

from . import tiny

CHOICE = {"choice": {"label": "graph_2", "from": ["cheb.l", "dynamic.s"]}}
CHOICE_AND_MIX = tiny.network(tiny.BLOCK, tiny.BLOCK | {"graph": CHOICE})
TRAIN = tiny.spec()["train"]


def cells(*operators: str, head: Any = "mean_pool_linear") -> dict[str, Any]:
    """Two cells of two nodes, of which the second reduces."""
    cell = {"layers": 2, "channels": 4, "nodes": 2, "reduce_at": [1], "from": list(operators)}
    body = [{"op": "image_stem", "channels": 4}, {"cell": cell}]
    return {"input": "skeleton_image", "body": body, "head": head}


CELLS = cells("conv3", "skip", "zero")
NETWORKS = {"choice and mix": CHOICE_AND_MIX, "cells": CELLS}


def spec(network: dict[str, Any] = CELLS, **changes: Any) -> dict[str, Any]:
    """A tiny spec that is searched with DARTS for two epochs."""
    strategy = {"name": "darts", "lr": 0.05, **changes.pop("strategy", {})}
    data: dict[str, Any] = tiny.spec(network=network, search={"strategy": strategy, "epochs": 2}, **changes)
    del data["architectures"]
    return data


class Enough(Exception):
    """Raised where a run would go on to train what it has found."""


@pytest.fixture
def search(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., RunFolder]:
    """Runs a spec up to the end of its search."""

    def enough(*arguments: Any) -> None:
        raise Enough

    def _search(data: dict[str, Any], runs: str = "runs", **options: Any) -> RunFolder:
        with monkeypatch.context() as patch:
            patch.setattr(main_path, "derive", enough)
            with pytest.raises(Enough):
                tiny.run(tmp_path, raw, data, runs=runs, **options)
        return tiny.only_run(tmp_path / runs)

    return _search


def generations(folder: RunFolder) -> list[dict[str, Any]]:
    return [line for line in folder.trials() if line["kind"] == "generation"]


def lines_without_times(folder: RunFolder) -> list[dict[str, Any]]:
    return [{k: v for k, v in line.items() if k != "seconds"} for line in folder.trials()]


@pytest.fixture
def at_step(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Looks at the search and its problem before one of the steps, counted from 1."""

    def _at_step(number: int, look: Callable[[Darts, Any], None]) -> None:
        step, count = Darts.step, iter(range(1, 10**6))

        def looked(self: Darts, epoch: int, problem: Any) -> None:
            if next(count) == number:
                look(self, problem)
            step(self, epoch, problem)

        monkeypatch.setattr(Darts, "step", looked)

    return _at_step


# --- whole runs ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, raw: Path) -> tuple[RunFolder, Record]:
    """A run of second order over cells that nothing interrupted."""
    folder = tmp_path_factory.mktemp("finished")
    record = tiny.run(folder, raw, spec())
    return tiny.only_run(folder / "runs"), record


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("order", [1, 2])
def test_a_search_ends_with_a_record_and_an_architecture(network: str, order: int, raw: Path, tmp_path: Path):
    data = spec(NETWORKS[network], strategy={"order": order})
    record = tiny.run(tmp_path, raw, data)
    folder = tiny.only_run(tmp_path / "runs")
    assert (record.model, record.status) == ("searched", "ok")
    assert record.strategy is not None
    assert record.strategy.params["order"] == order
    assert record.search is not None
    assert record.search.seconds > 0
    answer = generations(folder)[-1]["genotype"]
    checked = tiny.checked(tmp_path, data)
    assert checked.space.canonical(answer) == answer
    found = Architecture.read(folder.path / ARCHITECTURE)
    assert found.sample_in(checked.space) == answer


def test_an_epoch_leaves_its_figures(finished: tuple[RunFolder, Record]):
    lines = generations(finished[0])
    assert [line["generation"] for line in lines] == [0, 1]
    for line in lines:
        assert 0 < line["entropy"] <= np.log(3)
        assert set(line["genotype"]) == set(line["alphas"]) == set(line["entropies"])
        for shares in line["alphas"].values():
            assert np.sum(shares, 1) == pytest.approx(np.ones(len(shares)), abs=1e-3)
    assert lines[0]["alphas"] != lines[1]["alphas"]


def test_the_same_seed_gives_the_same_search_and_another_seed_another(
    finished: tuple[RunFolder, Record], search: Callable[..., RunFolder], raw: Path, tmp_path: Path
):
    again = tiny.run(tmp_path, raw, spec())
    folder = tiny.only_run(tmp_path / "runs")
    assert again.comparable() == finished[1].comparable()
    assert lines_without_times(folder) == lines_without_times(finished[0])
    other = search(spec(), runs="other", seed=1)
    assert generations(other)[-1]["alphas"] != generations(folder)[-1]["alphas"]


def test_a_collapse_to_skip_connections_is_told(
    search: Callable[..., RunFolder], capsys: pytest.CaptureFixture[str]
):
    folder = search(spec(cells("skip", "zero"), strategy={"order": 1}))
    told = "the search has collapsed to skip connections in normal (100% of its edges)"
    assert f"warning: {told}" in capsys.readouterr().err
    assert all(told in line["warning"] for line in generations(folder))


def test_a_weight_of_the_cost_finds_the_cheap_option(search: Callable[..., RunFolder]):
    blocks = {
        name: {"op": "stgcn_block", "channels": 4, "kernel": kernel, "graph": "cheb.l"}
        for name, kernel in (("large", 9), ("small", 1), ("middle", 5))
    }
    network = tiny.network({"choice": {"label": "size", "from": blocks}})
    shares = {}
    for weight in (0.0, 100.0):
        data = spec(network, strategy={"order": 1, "cost_weight": weight, "lr": 0.3})
        line = generations(search(data, str(weight)))[-1]
        shares[weight] = line["alphas"]["size"][1]
    assert line["genotype"] == {"size": "small"}
    assert shares[100.0] > 0.8 > shares[0.0]


# --- whose clips ---------------------------------------------------------------------------------


def test_weights_and_alphas_learn_from_different_recordings_and_never_from_test(
    search: Callable[..., RunFolder], monkeypatch: pytest.MonkeyPatch
):
    seen: dict[str, list[int]] = {"weights": [], "given": [], "alphas": []}
    loaded: list[LoadedData] = []
    start, train, load = gradient.Step.__init__, nas.GradientModule.training_step, LoadedData.alpha_loader
    fetch = gradient.alpha_batch

    def given(self: Any, module: Any, own: Any) -> None:
        seen["given"] += own[2].tolist()
        start(self, module, own)

    def fetched(module: Any) -> Any:
        batch = fetch(module)
        seen["alphas"] += batch[2].tolist()
        return batch

    def trained(self: Any, batch: Any, batch_idx: int) -> Tensor:
        seen["weights"] += batch[2].tolist()
        return train(self, batch, batch_idx)

    def noted(self: LoadedData, options: Any) -> Any:
        loaded.append(self)
        return load(self, options)

    monkeypatch.setattr(gradient.Step, "__init__", given)
    monkeypatch.setattr(gradient, "alpha_batch", fetched)
    monkeypatch.setattr(nas.GradientModule, "training_step", trained)
    monkeypatch.setattr(LoadedData, "alpha_loader", noted)
    search(spec())
    split = loaded[0].split
    assert seen["given"] == seen["weights"], "w' is one step on the batch that w then steps on"
    assert len(seen["weights"]) == 4 * 16
    assert len(seen["alphas"]) == 4 * 6, "there is an alpha batch in every step"
    assert set(seen["weights"]) <= set(split.train.tolist())
    assert set(seen["alphas"]) <= set(split.validation.tolist())
    assert not set(seen["weights"]) & set(seen["alphas"])
    assert not (set(seen["weights"]) | set(seen["alphas"])) & set(split.test.tolist())


def test_alpha_batches_go_round_in_a_new_order():
    class Counted:
        """Two batches of which the first tells the epoch."""

        def set_epoch(self, epoch: int) -> None:
            self.epoch = epoch

        def __iter__(self) -> Any:
            yield from (("first", self.epoch), ("second", self.epoch))

    batches = gradient.endless(Counted(), 3)
    drawn = [next(batches) for _ in range(5)]
    assert [name for name, _ in drawn] == ["first", "second", "first", "second", "first"]
    assert drawn[0][1] == drawn[1][1] == 3
    assert len({epoch for _, epoch in drawn}) == 3


# --- a step --------------------------------------------------------------------------------------


def plain_sum(weights: Any, run: Callable[[int], Tensor]) -> Tensor:
    """A weighted sum as one would write it down."""
    terms = [weight * run(index) for index, weight in enumerate(weights)]
    return sum(terms[1:], start=terms[0])


@pytest.mark.parametrize("network", NETWORKS)
def test_the_gradient_is_that_of_the_loss_through_the_supernet(
    network: str,
    search: Callable[..., RunFolder],
    monkeypatch: pytest.MonkeyPatch,
    at_step: Callable[..., None],
):
    compared: list[float] = []

    def compare(darts: Darts, problem: Any) -> None:
        module, (x, y, _) = problem._module, problem.validation
        given = darts._gradients(problem)
        copied = [tensor.detach().clone().requires_grad_() for tensor in darts._tensors]
        vectors, weights = iter(copied), {}
        for point in darts._space.points:
            several = [next(vectors).softmax(0) for _ in darts._alphas.vectors[point.label]]
            weights[point.label] = torch.cat([v[:-1] if point.none else v for v in several])
        with monkeypatch.context() as patch:
            patch.setattr(decisions, "weighted_sum", plain_sum)
            for decision in module.decisions():
                ordered = torch.argsort(torch.tensor(decision.groups or [0] * decision.count), stable=True)
                mine = torch.empty(decision.count).scatter(0, ordered, weights[decision.label])
                decision.weigh(mine.unbind(), normalised=False)
            loss = nn.functional.cross_entropy(module.training_module.network(x), y)
        for ours, plain in zip(given, torch.autograd.grad(loss, copied), strict=True):
            torch.testing.assert_close(ours, plain, rtol=1e-3, atol=1e-7)
            compared.append(float(plain.abs().max()))

    at_step(2, compare)
    search(spec(NETWORKS[network], strategy={"order": 1, "start": 0.5}))
    assert max(compared) > 1e-5, "there was something to compare"


@pytest.mark.parametrize("order", [1, 2])
def test_a_step_leaves_weights_optimizer_and_random_numbers(
    order: int, search: Callable[..., RunFolder], monkeypatch: pytest.MonkeyPatch
):
    steps: list[bool] = []
    step = Darts.step

    def watched(self: Darts, epoch: int, problem: Any) -> None:
        def now() -> list[Any]:
            optimizer = problem._module.trainer.optimizers[0]
            held = [state["momentum_buffer"] for state in optimizer.state.values()]
            gradients = [w.grad for w in problem.shared if w.grad is not None]
            rates = torch.tensor([group["lr"] for group in optimizer.param_groups])
            return copy.deepcopy([*problem.shared, *held, *gradients, rates, torch.get_rng_state()])

        before, alphas = now(), [tensor.detach().clone() for tensor in self._tensors]
        step(self, epoch, problem)
        after = now()
        assert len(after) == len(before)
        assert all(torch.equal(a, b) for a, b in zip(after, before, strict=True))
        assert any(not torch.equal(a, b) for a, b in zip(self._tensors, alphas, strict=True))
        steps.append(len(before) > len(list(problem.shared)) + 2)

    monkeypatch.setattr(Darts, "step", watched)
    head = {"op": "mean_pool_linear", "dropout": 0.5}
    search(spec(CELLS | {"head": head}, strategy={"order": order}))
    assert not steps[0]
    assert all(steps[1:]), "from the second step on there are momenta and gradients"


def test_what_is_random_in_a_supernet_is_alike_in_all_losses_of_a_step(
    search: Callable[..., RunFolder], at_step: Callable[..., None]
):
    losses: list[tuple[float, ...]] = []

    def compute(darts: Darts, problem: Any) -> None:
        weights = darts.training_weights(0)
        with torch.no_grad():
            same = [float(problem.train_loss(weights)) for _ in range(3)]
            torch.rand(1)
            losses.append((*same, float(problem.train_loss(weights))))

    at_step(2, compute)
    head = {"op": "mean_pool_linear", "dropout": 0.5}
    search(spec(CELLS | {"head": head}))
    first, second, third, other = losses[0]
    assert first == second == third
    assert other != first, "something is random"


def test_the_search_computes_in_single_precision_beside_weights_that_learn_in_bf16(
    search: Callable[..., RunFolder], monkeypatch: pytest.MonkeyPatch
):
    seen: dict[str, set[torch.dtype]] = {"alphas": set(), "weights": set()}
    gradients: dict[str, list[Tensor]] = {"bf16": [], "32": []}
    forward, find = nn.Conv2d.forward, Darts._gradients
    where = ["weights"]

    def spied(self: nn.Conv2d, x: Tensor) -> Tensor:
        y = forward(self, x)
        seen[where[0]].add(y.dtype)
        return y

    def found(self: Darts, problem: Any) -> list[Tensor]:
        where[0] = "alphas"
        result = find(self, problem)
        where[0] = "weights"
        gradients[now].append(torch.cat(result))
        return result

    monkeypatch.setattr(Darts, "_gradients", found)
    for now in gradients:
        with monkeypatch.context() as patch:
            if now == "bf16":
                patch.setattr(nn.Conv2d, "forward", spied)
            search(spec(train=TRAIN | {"precision": now}), runs=now)
    assert seen["alphas"] == {torch.float32}
    assert torch.bfloat16 in seen["weights"]
    assert torch.equal(gradients["bf16"][0], gradients["32"][0]), "before any weight has learned"


# --- costs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", NETWORKS)
def test_costs_are_those_of_each_option_alone(network: str, tmp_path: Path):
    checked = tiny.checked(tmp_path, spec(NETWORKS[network]))
    supernet = SupernetSpace(checked.search_network, checked.context())
    SupernetStrategy(nas.SupernetModule, *[None] * 3).mutate_model(supernet)  # type: ignore[arg-type]
    counted = gradient.option_costs(supernet, checked.clip_shape())
    shapes: dict[nn.Module, tuple[int, ...]] = {}
    placed = [m for m in supernet.modules() if isinstance(m, Decision)]
    for decision in placed:
        for option in decision.candidates:
            option.register_forward_pre_hook(lambda m, given: shapes.__setitem__(m, given[0].shape))
    supernet.eval()(torch.zeros(checked.clip_shape()))
    alone = {decision.label: np.zeros(decision.count) for decision in placed}
    for decision in placed:
        for i, option in enumerate(decision.candidates):
            hooks = dict(option._forward_pre_hooks)
            option._forward_pre_hooks.clear()
            alone[decision.label][i] += cost(option, shapes[option]).macs
            option._forward_pre_hooks.update(hooks)
    assert set(counted) == set(alone)
    for label, macs in alone.items():
        assert counted[label].tolist() == macs.tolist()
    assert any(macs.any() for macs in alone.values())
    if network == "cells":
        points = {point.label: point for point in checked.space.points}
        at = points["normal.2"].options.index("conv3(0)")
        rows = 8 * 20  # a normal cell comes first: eight frames, twenty joints, four channels
        assert counted["normal.2"][at] == 9 * 4 * 4 * rows


# --- going on ------------------------------------------------------------------------------------


def interrupt(monkeypatch: pytest.MonkeyPatch, epoch: int, method: str) -> None:
    original = getattr(nas.GradientModule, method)

    def interrupted(self: nas.GradientModule, *arguments: Any) -> Any:
        if self.current_epoch == epoch:
            raise KeyboardInterrupt
        return original(self, *arguments)

    monkeypatch.setattr(nas.GradientModule, method, interrupted)


@pytest.mark.parametrize(
    ("epoch", "method"), [(0, "training_step"), (1, "training_step"), (1, "on_save_checkpoint")]
)
def test_an_interrupted_search_goes_on_to_the_same_record(
    epoch: int,
    method: str,
    finished: tuple[RunFolder, Record],
    raw: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    with monkeypatch.context() as patch:
        interrupt(patch, epoch, method)
        with pytest.raises(KeyboardInterrupt):
            tiny.run(tmp_path, raw, spec())
    folder = tiny.only_run(tmp_path / "runs")
    assert folder.record() is None
    record = tiny.run(tmp_path, raw, spec())
    assert record.comparable() == finished[1].comparable()
    assert folder.read_text(ARCHITECTURE) == finished[0].read_text(ARCHITECTURE)
    assert lines_without_times(folder) == lines_without_times(finished[0])


@pytest.fixture(scope="module")
def interrupted(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a search ran that was interrupted in its second epoch. Tests leave it as it is."""
    folder = tmp_path_factory.mktemp("interrupted")
    with pytest.MonkeyPatch.context() as patch:
        interrupt(patch, 1, "training_step")
        with pytest.raises(KeyboardInterrupt):
            tiny.run(folder, raw, spec())
    return folder


@pytest.fixture
def begun(interrupted: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A copy of the interrupted search, and its checkpoint."""
    shutil.copytree(interrupted, tmp_path, dirs_exist_ok=True)
    return tmp_path, tiny.only_run(tmp_path / "runs").checkpoints / "search" / "last.ckpt"


def alter(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    content = torch.load(path, weights_only=True)
    change(content)
    torch.save(content, path)


def other_state(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        state = json.loads(content[nas.SEARCH_STATE])
        content[nas.SEARCH_STATE] = json.dumps(state | {name: value(state[name])})

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: c["state_dict"].popitem(), "the checkpoint is of another network"),
        (lambda c: c.pop("state_dict"), "the checkpoint holds no supernet"),
        (lambda c: c.pop(nas.SEARCH_STATE), "the checkpoint holds no search"),
        (other_state("alphas", lambda rows: rows[1:]), "the stored alphas are of another space"),
        (other_state("exp_avg", lambda rows: [row[1:] for row in rows]), "the stored alphas are of another"),
        (other_state("labels", lambda names: names[::-1]), "the stored alphas are of another space"),
    ],
    ids=["weights", "no weights", "no search", "fewer alphas", "shorter moments", "other labels"],
)
def test_a_checkpoint_of_another_search_is_refused(
    change: Callable[[dict[str, Any]], Any], told: str, begun: tuple[Path, Path], raw: Path
):
    folder, path = begun
    alter(path, change)
    content = path.read_bytes()
    with pytest.raises(RunFolderError, match=told):
        tiny.run(folder, raw, spec())
    assert path.read_bytes() == content, "nothing is lost"


def test_a_damaged_checkpoint_is_refused(begun: tuple[Path, Path], raw: Path):
    folder, path = begun
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(RunFolderError, match=r"last\.ckpt: the checkpoint is damaged.*Remove it"):
        tiny.run(folder, raw, spec())
    path.unlink()
    assert tiny.run(folder, raw, spec()).status == "ok"
