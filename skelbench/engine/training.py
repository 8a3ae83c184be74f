"""The final training of one architecture, its stored weights, and its scores on the test split."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from skelbench.engine.complexity import forget_choices, note_choices
from skelbench.engine.job import Job
from skelbench.errors import RunFolderError, SkelbenchError
from skelbench.layers import prepare_for_inference
from skelbench.results.store import CHECKPOINTS, RunFolder, Scores
from skelbench.results.sums import confirm_sum
from skelbench.space.arch import NamedArchitecture
from skelbench.space.network import build_network
from skelbench.training.evaluate import predict
from skelbench.training.fit import FitResult, fit
from skelbench.training.scores import rate
from skelbench.training.seed import seed_everything
from skelbench.training.weights import read_weights, store_weights

WEIGHTS = "network.pt"
EXPORTED = "model.safetensors"
"""The weights of a run that was exported with its card."""


def derive(job: Job, architecture: NamedArchitecture) -> nn.Module:
    """The architecture as a network with fresh weights."""
    seed_everything(job.options.seed)
    return build_network(architecture.network, architecture.sample, job.checked.context())


def train_network(job: Job, network: nn.Module) -> FitResult:
    """Train by the spec's recipe and store the weights.

    With ``selection: last`` the whole training split is trained on; with ``best_val`` the
    validation clips are held out and choose the epoch.
    """
    spec = job.checked.spec
    last = spec.evaluate.selection == "last"
    loader = job.data.train_loader(spec.train, whole=last)
    with job.screen.bar("train", spec.train.epochs * len(loader)) as advance:
        trained = fit(
            network,
            spec.train,
            loader,
            None if last else job.data.validation_loader(spec.evaluate.batch_size),
            folder=job.folder.checkpoints / "train",
            selection=spec.evaluate.selection,
            report=lambda row: job.screen.epoch("train", row, spec.train.epochs),
            advance=advance,
            accelerator=job.options.accelerator,
            devices=job.options.devices,
            cuda_graph=job.options.cuda_graph,
            keep_epochs=job.options.keep_epochs,
            tell=job.screen.say,
        )
    store_network(network, job.folder)
    return trained


def evaluate_network(job: Job, network: nn.Module) -> dict[str, float]:
    """The spec's metrics on the test split; the scores are stored by sample id."""
    scores, metrics = score_network(job, network)
    job.folder.save_scores(scores.ids, scores.labels, scores.scores)
    return metrics


def score_network(job: Job, network: nn.Module) -> tuple[Scores, dict[str, float]]:
    """Scores on the test split, and the spec's metrics of them to four decimals.

    They are those of the network prepared for inference; its choices are noted in the network itself.
    """
    loader = job.data.test_loader()
    forget_choices(network)
    prepared = prepare_for_inference(network)
    with job.screen.bar("test", len(loader)) as advance:
        scores = predict(prepared, loader, job.device, advance)
    note_choices(network, prepared)
    measured = rate(scores, {metric.name: metric.make for metric in job.checked.metrics})
    return scores, {name: round(value, 4) for name, value in measured.items()}


def store_network(network: nn.Module, folder: RunFolder) -> None:
    """Store the trained weights, whole or not at all."""
    store_weights(network, folder.checkpoints / WEIGHTS)


def load_network(network: nn.Module, folder: RunFolder) -> None:
    """Put stored weights into ``network``.

    Raises:
        RunFolderError: They are missing, damaged, or another network's.
    """
    weights = stored_weights(folder)
    with _readable(folder):
        network.load_state_dict(weights)


def stored_weights(folder: RunFolder) -> dict[str, torch.Tensor]:
    """The weights of a run's trained network, by name.

    Raises:
        RunFolderError: They are missing or damaged.
    """
    if is_exported(folder):
        return read_weights(folder.path / EXPORTED)
    with _readable(folder) as path:
        state = torch.load(path, weights_only=True, map_location="cpu")
        return {name: weight.detach() for name, weight in state.items()}


def is_exported(folder: RunFolder) -> bool:
    """Whether a folder is no run but what was exported of one."""
    return (folder.path / EXPORTED).exists() and not (folder.path / CHECKPOINTS / WEIGHTS).exists()


@contextmanager
def _readable(folder: RunFolder) -> Iterator[Path]:
    path = folder.path / (EXPORTED if is_exported(folder) else f"{CHECKPOINTS}/{WEIGHTS}")
    try:
        confirm_sum(folder.path, f"{CHECKPOINTS}/{WEIGHTS}")
        yield path
    except SkelbenchError:
        raise
    except FileNotFoundError as error:
        raise RunFolderError("the run has no trained network", where=path, remedy="Finish the run") from error
    except Exception as error:  # torch has no one error for a damaged file
        raise RunFolderError(
            f"the trained network cannot be read: {error}", where=path, remedy="Run it again"
        ) from error
