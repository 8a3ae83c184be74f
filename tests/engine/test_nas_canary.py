"""Exactly the behaviour of NNI 3.0 that the engine leans on: these fail first if NNI or torch changes."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import nni
import pytest
import torch
from nni.mutable import Categorical, CategoricalMultiple
from nni.nas.evaluator import FunctionalEvaluator
from nni.nas.evaluator.pytorch import Lightning, LightningModule, Trainer
from nni.nas.experiment import NasExperimentConfig
from nni.nas.nn.pytorch import LayerChoice, ModelSpace
from nni.nas.oneshot.pytorch.base_lightning import BaseOneShotLightningModule
from nni.nas.oneshot.pytorch.strategy import OneShotStrategy
from nni.nas.oneshot.pytorch.supermodule.base import BaseSuperNetModule
from nni.nas.space import ModelStatus
from nni.nas.strategy.base import Strategy
from torch import nn

from skelbench.engine import nas
from skelbench.search import Point
from skelbench.space.build import FrozenTrial, Mix, TrialSpace
from skelbench.train.fit import LazyLoader, quiet

POINTS = (
    Point("mix", "mix", ("a", "b", "c"), None),
    Point("pick", "inputs", (0, 1, 2), 2),
    Point("width", "value", (4, 8)),
)


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Home and working folder are empty, and stay so."""
    home = tmp_path / "home"
    home.mkdir()
    for variable in ("HOME", "NNI_CONFIG_DIR", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(home))
    monkeypatch.chdir(home)
    return home


class Submit(Strategy):
    """Submits given samples one after the other and keeps the models."""

    def __init__(self, samples: list[dict[str, Any]]) -> None:
        super().__init__()
        self.samples = samples
        self.models: list[Any] = []

    def _run(self) -> None:
        for sample in self.samples:
            model = self.model_space.freeze(sample)
            self.engine.submit_models(model)
            self.engine.wait_models(model)
            self.models.append(model)

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        pass


def test_a_space_takes_mutables_by_label_and_a_set_of_any_size():
    space = TrialSpace(POINTS)
    mutables = space.simplify()
    assert list(mutables) == ["mix", "pick", "width"]
    assert isinstance(mutables["mix"], CategoricalMultiple)
    assert mutables["mix"].n_chosen is None
    assert mutables["pick"].n_chosen == 2
    assert isinstance(mutables["width"], Categorical)
    for chosen in (["a"], ["b", "c"], ["a", "b", "c"]):
        assert mutables["mix"].check_contains({"mix": chosen}) is None


def test_a_frozen_sample_reaches_the_evaluator_and_its_result_comes_back():
    got: list[FrozenTrial] = []

    def evaluate(model: FrozenTrial) -> None:
        got.append(model)
        nni.report_final_result(float(model.sample["width"]))

    strategy = Submit([{"mix": ["a", "c"], "pick": [0, 2], "width": 8}, {"mix": ["b"], "width": 4}])
    nas.run_experiment(TrialSpace(POINTS), FunctionalEvaluator(evaluate), strategy, nas.sequential_engine())
    assert [type(model) for model in got] == [FrozenTrial, FrozenTrial]
    assert [model.sample for model in got] == strategy.samples
    assert [model.metric for model in strategy.models] == [8.0, 4.0]
    assert [model.status for model in strategy.models] == [ModelStatus.Trained] * 2


def test_the_raw_format_keeps_the_space_object():
    space, seen = TrialSpace(POINTS), []

    class Look(Submit):
        def _run(self) -> None:
            seen.append(self.model_space.model_space)

    nas.run_experiment(space, FunctionalEvaluator(print), Look([]), nas.sequential_engine())
    assert seen[0] is space


def test_a_failing_trial_is_marked_and_the_next_one_runs():
    def evaluate(model: FrozenTrial) -> None:
        if model.sample["width"] == 4:
            raise ValueError("no luck")
        nni.report_final_result(1.0)

    strategy = Submit([{"width": 4}, {"width": 8}])
    nas.run_experiment(TrialSpace(POINTS), FunctionalEvaluator(evaluate), strategy, nas.sequential_engine())
    assert [model.status for model in strategy.models] == [ModelStatus.Failed, ModelStatus.Trained]
    assert [model.metric for model in strategy.models] == [None, 1.0]


def test_an_interruption_comes_through():
    def evaluate(model: FrozenTrial) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nas.run_experiment(
            TrialSpace(POINTS), FunctionalEvaluator(evaluate), Submit([{"width": 4}]), nas.sequential_engine()
        )


# --- one-shot ----------------------------------------------------------------------------------


class Wrapped(BaseSuperNetModule):
    def __init__(self, candidates: list[nn.Module]) -> None:
        super().__init__()
        self.candidates = nn.ModuleList(candidates)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.candidates[0](x)

    def resample(self, memo: dict[str, Any]) -> dict[str, Any]:
        return {}

    def export(self, memo: dict[str, Any]) -> dict[str, Any]:
        return {}

    def export_probs(self, memo: dict[str, Any]) -> dict[str, Any]:
        return {}


def hook(module: nn.Module, name: str, memo: Any, kwargs: Any) -> nn.Module | bool:
    if isinstance(module, Mix):
        return Wrapped(list(module.candidates))
    return Wrapped([module[name] for name in module.names]) if isinstance(module, LayerChoice) else False


class Nested(ModelSpace):
    def __init__(self) -> None:
        super().__init__()
        inner = Mix({"p": nn.Linear(2, 3), "q": nn.Linear(2, 3)}, "inner")
        self.outer = LayerChoice({"one": inner, "two": nn.Linear(2, 3)}, label="outer")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.outer(x)


class Training(LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.network: nn.Module | None = None

    def set_model(self, model: nn.Module) -> None:
        self.network = model

    @property
    def model(self) -> nn.Module | None:
        return self.network

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), 0.1)

    def training_step(self, batch: torch.Tensor, batch_idx: int) -> torch.Tensor:
        if self.network is None:
            raise RuntimeError("set_model was not called")
        return self.network(batch).pow(2).mean()


class OneShot(OneShotStrategy):
    def __init__(self, module: type[BaseOneShotLightningModule]) -> None:
        super().__init__(mutation_hooks=[hook])
        self.kind = module

    def configure_oneshot_module(self, training_module: LightningModule) -> BaseOneShotLightningModule:
        return self.kind(training_module)

    def state_dict(self) -> dict[str, Any]:
        return {}


class Step(BaseOneShotLightningModule):
    losses: tuple[float, ...] = ()

    def training_step(self, batch: torch.Tensor, batch_idx: int) -> None:
        loss = self.training_module.training_step(batch, batch_idx)
        self.advance_optimization(loss, batch_idx, None, None)
        self.losses = (*self.losses, float(loss.detach()))


def one_shot(space: ModelSpace, strategy: OneShotStrategy) -> None:
    loader = LazyLoader([torch.ones(4, 2)] * 3)
    with quiet():
        trainer = Trainer(
            max_epochs=1,
            accelerator="cpu",
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
            limit_val_batches=0,
        )
        evaluator = Lightning(Training(), trainer, train_dataloaders=loader, val_dataloaders=loader)
        nas.run_experiment(space, evaluator, strategy, nas.sequential_engine())


def test_hooks_replace_open_modules_nested_ones_too_and_the_model_is_attached_and_trained():
    space, strategy = Nested(), OneShot(Step)
    one_shot(space, strategy)
    assert isinstance(space.outer, Wrapped)
    assert isinstance(space.outer.candidates[0], Wrapped), "the mix inside a candidate is replaced too"
    module = strategy.oneshot_module
    assert module.training_module.network is space
    assert len(module.losses) == 3
    assert module.losses[-1] < module.losses[0]


def test_an_open_module_without_a_hook_is_refused():
    class NoHooks(OneShot):
        def __init__(self) -> None:
            super().__init__(Step)
            self.extra_mutation_hooks: list[Any] = []

    with pytest.raises(TypeError, match="dangling mutables"):
        one_shot(Nested(), NoHooks())


def test_a_supernet_that_fails_is_swallowed_unless_the_engine_is_told_otherwise():
    class Fails(Step):
        def training_step(self, batch: torch.Tensor, batch_idx: int) -> None:
            raise ValueError("no luck")

    class Strict(OneShot):
        def _run(self) -> None:
            self.engine.continue_on_failure = False
            super()._run()

    one_shot(Nested(), OneShot(Fails))
    with pytest.raises(ValueError, match="no luck"):
        one_shot(Nested(), Strict(Fails))


# --- no traces ---------------------------------------------------------------------------------


def test_nothing_is_written_and_no_thread_or_process_is_started(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*arguments: Any, **options: Any) -> None:
        raise OSError("no server is wanted")

    monkeypatch.setattr("socket.socket.bind", refuse)
    monkeypatch.setattr("subprocess.Popen.__init__", refuse)
    threads = set(threading.enumerate())
    strategy = Submit([{"width": 4}])
    evaluator = FunctionalEvaluator(lambda model: nni.report_final_result(1.0))
    nas.run_experiment(TrialSpace(POINTS), evaluator, strategy, nas.sequential_engine())
    one_shot(Nested(), OneShot(Step))
    assert strategy.models[0].metric == 1.0
    assert list(nowhere.rglob("*")) == []
    assert set(threading.enumerate()) <= threads


def test_the_experiment_folder_is_a_temporary_one_and_goes(monkeypatch: pytest.MonkeyPatch):
    folders: list[Path] = []
    canonical = NasExperimentConfig.canonical_copy

    def spy(self: NasExperimentConfig) -> Any:
        folders.append(Path(self.experiment_working_directory))
        return canonical(self)

    monkeypatch.setattr(NasExperimentConfig, "canonical_copy", spy)
    nas.run_experiment(TrialSpace(POINTS), FunctionalEvaluator(print), Submit([]), nas.sequential_engine())
    assert folders
    assert not any(folder.exists() for folder in folders)
