"""Lightning's trainer with manners."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from skelbench.recipe import TrainOptions
from skelbench.training.devices import LIGHTNING, device_kind, precision_name


def trainer_arguments(options: TrainOptions, accelerator: str = "auto") -> dict[str, Any]:
    """Arguments of a Lightning trainer on one device that keeps quiet and writes nothing of its own.

    Raises:
        SkelbenchError: The device does not compute in the recipe's precision.
    """
    return {
        "max_epochs": options.epochs,
        "accelerator": device_kind(accelerator),
        "devices": 1,
        "precision": LIGHTNING[precision_name(options.precision, accelerator)],
        "logger": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "num_sanity_val_steps": 0,
        "limit_val_batches": 0,
        "use_distributed_sampler": False,
    }


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
            warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
            yield
    except SystemExit as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        raise
    finally:
        logger.setLevel(level)
        if signal.getsignal(signal.SIGINT) is not handler:
            signal.signal(signal.SIGINT, handler)
