"""Exactly the behaviour of NNI 3.0 that the engine leans on: these fail first if NNI or torch changes."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import nni
import pytest
import torch
from nni.algorithms.hpo.tpe_tuner import TpeTuner
from nni.mutable import Categorical, CategoricalMultiple, MutableDict
from nni.nas.evaluator import FunctionalEvaluator
from nni.nas.evaluator.pytorch import Lightning, LightningModule, Trainer
from nni.nas.experiment import NasExperimentConfig
from nni.nas.nn.pytorch import InputChoice, LayerChoice, ModelSpace
from nni.nas.oneshot.pytorch.base_lightning import BaseOneShotLightningModule
from nni.nas.oneshot.pytorch.sampling import RandomSamplingLightningModule
from nni.nas.oneshot.pytorch.strategy import DARTS, GumbelDARTS, OneShotStrategy, Proxyless, RandomOneShot
from nni.nas.oneshot.pytorch.supermodule.base import BaseSuperNetModule
from nni.nas.oneshot.pytorch.supermodule.differentiable import GumbelSoftmax
from nni.nas.space import ModelStatus
from nni.nas.strategy.base import Strategy
from nni.nas.strategy.evolution import Individual, RegularizedEvolution
from torch import nn

from skelbench.engine import nas
from skelbench.search import Point
from skelbench.space.build import FrozenTrial, Mix, TrialSpace
from skelbench.space.trials import Asked
from skelbench.training.batches import LazyLoader
from skelbench.training.trainer import quiet

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
            model = self.model_space.freeze(Asked(sample))
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
        nni.report_final_result(float(model.asked.sample["width"]))

    strategy = Submit([{"mix": ["a", "c"], "pick": [0, 2], "width": 8}, {"mix": ["b"], "width": 4}])
    nas.run_experiment(TrialSpace(POINTS), FunctionalEvaluator(evaluate), strategy, nas.sequential_engine())
    assert [type(model) for model in got] == [FrozenTrial, FrozenTrial]
    assert [model.asked.sample for model in got] == strategy.samples
    assert [model.sample for model in strategy.models] == [model.asked for model in got], "for the pool"
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
        if model.asked.sample["width"] == 4:
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


# --- one-shot strategies of NNI itself ------------------------------------------------------------


class Learned(ModelSpace):
    def __init__(self) -> None:
        super().__init__()
        self.first = LayerChoice([nn.Linear(2, 2), nn.Identity()], label="first")
        self.again = LayerChoice([nn.Linear(2, 2), nn.Identity()], label="first")
        self.second = LayerChoice([nn.Linear(2, 2), nn.Identity(), nn.ReLU()], label="second")
        self.taken = InputChoice(3, n_chosen=2, reduction="sum", label="taken")
        self.head = nn.Linear(2, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.again(self.first(x))
        return self.head(self.taken([x, self.second(x), x]))


class Logged(Training):
    def __init__(self) -> None:
        super().__init__()
        self.steps: list[tuple[int, float]] = []

    def training_step(self, batch: torch.Tensor, batch_idx: int) -> torch.Tensor:
        self.steps.append((batch_idx, float(batch[0, 0])))
        return super().training_step(batch, batch_idx)


def own_one_shot(space: ModelSpace, strategy: OneShotStrategy, val: Any) -> Logged:
    torch.manual_seed(0)
    training = Logged()
    arguments = {"accelerator": "cpu", "logger": False, "enable_progress_bar": False}
    arguments |= {"enable_model_summary": False, "enable_checkpointing": False, "limit_val_batches": 0}
    with quiet():
        trainer = Trainer(max_epochs=1, **arguments)
        evaluator = Lightning(training, trainer, train_dataloaders=batches(3, 1.0), val_dataloaders=val)
        nas.run_experiment(space, evaluator, strategy, nas.sequential_engine())
    return training


def batches(count: int, value: float) -> LazyLoader:
    return LazyLoader([torch.full((4, 2), value)] * count)


@pytest.mark.parametrize("strategy", [DARTS, GumbelDARTS, Proxyless])
def test_strategies_that_learn_take_an_alpha_batch_and_then_a_training_batch(strategy: type[DARTS]):
    training = own_one_shot(Learned(), strategy(gradient_clip_val=1.0), batches(3, 2.0))
    assert training.steps == [(0, 2.0), (1, 1.0), (2, 2.0), (3, 1.0), (4, 2.0), (5, 1.0)]


@pytest.mark.parametrize(("alphas", "steps"), [(1, 3), (3, 3), (5, 5)])
def test_an_epoch_is_as_long_as_the_longer_loader(alphas: int, steps: int):
    training = own_one_shot(Learned(), DARTS(), batches(alphas, 2.0))
    assert len(training.steps) == 2 * steps


@pytest.mark.parametrize("strategy", [DARTS, GumbelDARTS, Proxyless])
def test_architecture_parameters_are_one_per_label_in_one_optimizer_of_their_own(strategy: type[DARTS]):
    chosen = strategy(arc_learning_rate=0.1)
    own_one_shot(Learned(), chosen, batches(3, 2.0))
    module = chosen.oneshot_module
    alphas = {m.label: m._arch_alpha for m in module.supernet_modules()}
    assert {label: len(alpha) for label, alpha in alphas.items()} == {"first": 2, "second": 3, "taken": 3}
    assert module.model.first._arch_alpha is module.model.again._arch_alpha
    assert {id(p) for p in module.arch_parameters()} == {id(alpha) for alpha in alphas.values()}
    weights, own = (
        {id(p) for group in optimizer.param_groups for p in group["params"]}
        for optimizer in module.trainer.optimizers
    )
    assert own == {id(alpha) for alpha in alphas.values()}
    assert not weights & own
    assert all(float(alpha.detach().abs().max()) > 0.01 for alpha in alphas.values()), "they have learned"


def test_gumbel_cools_down_linearly_towards_its_last_temperature():
    strategy = GumbelDARTS(temperature=(4.0, 1.0))
    own_one_shot(Learned(), strategy, batches(3, 2.0))
    scheduler = strategy.oneshot_module.temperature_scheduler
    assert [scheduler.step(epoch, 3) for epoch in range(3)] == pytest.approx([4.0, 3.0, 2.0])
    assert {m.tau for m in strategy.oneshot_module.modules() if isinstance(m, GumbelSoftmax)} == {4.0}


def test_a_path_is_what_a_memo_says_and_no_alphas_are_learned():
    strategy = RandomOneShot()
    space = Learned()
    training = own_one_shot(space, strategy, batches(3, 2.0))
    assert [value for _, value in training.steps] == [1.0, 1.0, 1.0]
    module = strategy.oneshot_module
    assert isinstance(module, RandomSamplingLightningModule)
    assert not hasattr(module, "arch_parameters")
    memo = {"first": 1, "second": 1, "taken": [0, 2]}
    for decision in module.supernet_modules():
        assert decision.resample(memo=dict(memo)) == {decision.label: memo[decision.label]}
    x = torch.rand(4, 2)
    assert torch.equal(space(x), space.head(2 * x))


# --- algorithms without an engine -----------------------------------------------------------------


def test_evolution_breeds_from_a_population_that_is_kept_by_hand():
    strategy = RegularizedEvolution(population_size=2, sample_size=2, mutation_prob=1.0, seed=0)
    strategy._model_space = MutableDict({"a": Categorical(range(50), label="a")})
    first = strategy._retry_helper.retry(strategy.random)
    assert list(first) == ["a"]
    strategy._population.append(Individual(first, 1.0))
    strategy._population.append(Individual({"a": 1}, 2.0))
    child = strategy._retry_helper.retry(strategy.new_individual)
    assert set(child) == {"a"}
    assert [individual.y for individual in strategy._population] == [1.0, 2.0]


def test_tpe_gives_one_set_of_parameters_after_the_other_and_repeats_none():
    tuner = TpeTuner("maximize", 0, {"n_startup_jobs": 2})
    tuner.update_search_space({"a": {"_type": "choice", "_value": [0, 1, 2]}})
    given = []
    for number in range(3):
        parameters = tuner.generate_parameters(number)
        given.append(parameters["a"])
        tuner.receive_trial_result(number, parameters, float(parameters["a"]))
        tuner.trial_end(number, True)
    assert sorted(given) == [0, 1, 2]
    with pytest.raises(nni.NoMoreTrialError):
        tuner.generate_parameters(3)


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
