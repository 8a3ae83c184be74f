"""One training run on a fresh Lightning trainer: quiet, resumable, with the time left shown."""

from __future__ import annotations

import signal
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from torch import nn

from skelbench.errors import DataError, SkelbenchError
from skelbench.recipe import TrainOptions
from skelbench.results.files import write_atomic
from skelbench.training.checkpoint import check_fits, random_state, save, set_random_state, stored
from skelbench.training.evaluate import top1
from skelbench.training.module import ClipClassifier, effective_lr

LAST, BEST = "last.ckpt", "best.ckpt"
Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class FitResult:
    """What a training run did.

    Attributes:
        epochs: Epochs trained in all, over every resumption.
        seconds: Wall-clock seconds of all epochs.
        history: Per epoch: epoch, loss, train_top1, val_top1 (where validated), lr, seconds.
        best_epoch: The epoch best on validation, or None.
        lr: The effective learning rate.
        precision: ``32`` or ``bf16``.
    """

    epochs: int
    seconds: float
    history: list[dict[str, Any]]
    best_epoch: int | None
    lr: float
    precision: str


def fit(
    model: nn.Module,
    options: TrainOptions,
    train_loader: Any,
    val_loader: Any | None = None,
    *,
    folder: Path,
    selection: Literal["last", "best_val"] = "last",
    report: Report = lambda row: None,
    advance: Callable[[float], None] = lambda steps: None,
    accelerator: str = "auto",
    devices: int = 1,
    resume: bool = True,
) -> FitResult:
    """Train ``model`` in place; afterwards it has the weights that ``selection`` names.

    Args:
        model: (N, C, T, V, M) -> (N, classes).
        options: The recipe.
        train_loader: Training batches; ``set_epoch`` is called if there is one.
        val_loader: Validation batches, needed for ``best_val``.
        folder: For checkpoints; it is made.
        selection: ``last`` or ``best_val``.
        report: Told of each epoch's row.
        advance: Told of each step.
        accelerator: Lightning's name of the device kind.
        devices: How many devices; one.
        resume: Go on from ``folder/last.ckpt`` if it is there.

    Raises:
        DataError: A loader is empty, or ``best_val`` without validation.
        RunFolderError: A checkpoint is damaged or another network's, or cannot be written.
        WorkFailed: The loss is not finite.
        KeyboardInterrupt: The user stopped it; the checkpoint of the last whole epoch stands.
    """
    if len(train_loader) == 0 or (val_loader is not None and len(val_loader) == 0):
        raise DataError("there are no clips to train or to validate on", remedy="Change train.validation")
    if selection == "best_val" and val_loader is None:
        raise DataError("selection 'best_val' needs validation clips", remedy="Set train.validation")
    folder.mkdir(parents=True, exist_ok=True)
    module = ClipClassifier(options, len(train_loader))
    module.set_model(model)
    epochs = Epochs(folder, val_loader if selection == "best_val" else None, report, advance)
    last = folder / LAST if resume and (folder / LAST).exists() else None
    if last:
        check_fits(stored(last)["state_dict"], module, last)
    with quiet():
        arguments = trainer_arguments(options, accelerator, devices)
        trainer = pl.Trainer(**arguments, gradient_clip_val=options.clip_gradient, callbacks=[epochs])
        loader = LazyLoader(train_loader)
        trainer.fit(module, loader, ckpt_path=last, weights_only=True if last else None)
    if selection == "best_val":
        model.load_state_dict(stored(folder / BEST))
    history = epochs.history
    seconds = sum(row["seconds"] for row in history)
    precision = precision_name(options, accelerator)
    return FitResult(len(history), seconds, history, epochs.best_epoch, effective_lr(options), precision)


class LazyLoader:
    """A loader whose iterations begin at their first batch.

    Lightning asks for the first iteration before it tells of the epoch; a loader that draws its
    order when it is asked would then draw that of the epoch it was left in.
    """

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def __len__(self) -> int:
        return len(self._loader)

    def __iter__(self) -> Iterator[Any]:
        yield from self._loader

    def set_epoch(self, epoch: int) -> None:
        """Pass the epoch on, if the loader wants to know it."""
        set_epoch = getattr(self._loader, "set_epoch", None)
        if set_epoch:
            set_epoch(epoch)


class KeptBatches:
    """A loader's batches, read when they are first wanted and kept for the next time."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader
        self._batches: list[Any] | None = None

    def __iter__(self) -> Iterator[Any]:
        if self._batches is None:
            self._batches = list(self._loader)
        return iter(self._batches)


@dataclass
class Epochs(pl.callbacks.Checkpoint):
    """After each epoch: validate, tell, and store a checkpoint that a resumed run goes on from.

    Lightning calls a `Checkpoint` after the module's own hooks, so a search has its generation behind it.
    """

    folder: Path
    val_loader: Any | None
    report: Report
    advance: Callable[[float], None] = lambda steps: None
    history: list[dict[str, Any]] = field(default_factory=list)
    best_epoch: int | None = None
    best: float = -1.0
    started: float = 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Give the loader its epoch."""
        self.started = time.perf_counter()
        given: Any = trainer.train_dataloader  # a strategy may train on several at once
        for loader in given.values() if isinstance(given, dict) else [given]:
            if hasattr(loader, "set_epoch"):
                loader.set_epoch(trainer.current_epoch)

    def on_train_batch_end(self, *arguments: Any, **options: Any) -> None:
        """Tell of the step."""
        self.advance(1)

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Validate, tell, store."""
        classifier: Any = module if isinstance(module, ClipClassifier) else module.training_module
        row: dict[str, Any] = {"epoch": trainer.current_epoch + 1}
        row |= classifier.figures()
        if self.val_loader is not None:
            row["val_top1"] = top1(classifier, self.val_loader)
            self._keep_best(row, classifier)
        row |= {
            "lr": trainer.optimizers[0].param_groups[0]["lr"],
            "seconds": time.perf_counter() - self.started,
        }
        self.history.append(row)
        save(trainer, self.folder / LAST)
        self.report(row)

    def _keep_best(self, row: dict[str, Any], classifier: ClipClassifier) -> None:
        if row["val_top1"] > self.best and classifier.network is not None:
            self.best, self.best_epoch = row["val_top1"], row["epoch"]
            buffer = BytesIO()
            torch.save(classifier.network.state_dict(), buffer)
            write_atomic(self.folder / BEST, buffer.getvalue())

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs to know of the epochs before it."""
        return {
            "history": self.history,
            "best_epoch": self.best_epoch,
            "best": self.best,
            "random": random_state(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from `state_dict`."""
        self.history = state_dict["history"]
        self.best_epoch, self.best = state_dict["best_epoch"], state_dict["best"]
        set_random_state(state_dict["random"])


def trainer_arguments(options: TrainOptions, accelerator: str = "auto", devices: int = 1) -> dict[str, Any]:
    """Arguments of a Lightning trainer that keeps quiet and writes nothing of its own.

    Raises:
        SkelbenchError: More than one device: Lightning would start the whole command once for
            each, and every one of them would train on the same clips.
    """
    if devices != 1:
        raise SkelbenchError(f"{devices} devices cannot share one training", remedy="Use --devices 1")
    return {
        "max_epochs": options.epochs,
        "accelerator": accelerator,
        "devices": devices,
        "precision": "bf16-mixed" if precision_name(options, accelerator) == "bf16" else "32-true",
        "logger": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "num_sanity_val_steps": 0,
        "limit_val_batches": 0,
    }


def precision_name(options: TrainOptions, accelerator: str = "auto") -> str:
    """``bf16`` or ``32``: what ``auto`` means on this device.

    On one thread of a processor with AVX-512 bf16, training (9, 1) convolutions on (64, 64, 32, 20)
    took half the time of fp32. Scores are always taken in fp32.
    """
    if options.precision != "auto":
        return options.precision
    if accelerator != "cpu" and torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "32"
    return "bf16" if torch.cpu._is_avx512_bf16_supported() else "32"


@contextmanager
def quiet() -> Iterator[None]:
    """Lightning with manners: no banners, no advice, and an interruption stays one.

    On SIGINT Lightning ends the process by SystemExit and ignores the signal from then on; here
    it ends in KeyboardInterrupt, and the signal is as it was.
    """
    import logging

    logger, handler = logging.getLogger("pytorch_lightning"), signal.getsignal(signal.SIGINT)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="pytorch_lightning")
            warnings.filterwarnings("ignore", module="lightning_fabric")
            yield
    except SystemExit as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        raise
    finally:
        logger.setLevel(level)
        if signal.getsignal(signal.SIGINT) is not handler:
            signal.signal(signal.SIGINT, handler)
