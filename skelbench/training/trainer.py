"""Lightning's trainer with manners."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from skelbench.recipe import TrainOptions
from skelbench.training.devices import LIGHTNING, device_kind, precision_name
from skelbench.training.lightning import pl


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
    it ends in KeyboardInterrupt, and the signal is as it was. On SIGTERM Lightning goes on for a while, and
    under SLURM it would put the job back into the queue: signals are left to whoever called.
    """
    import logging

    lightning: Any = pl
    connector = lightning.trainer.connectors.signal_connector._SignalConnector
    register = connector.register_signal_handlers
    logger, handler = logging.getLogger("pytorch_lightning"), signal.getsignal(signal.SIGINT)
    level = logger.level
    logger.setLevel(logging.ERROR)
    connector.register_signal_handlers = lambda self: None
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
        connector.register_signal_handlers = register
        logger.setLevel(level)
        if signal.getsignal(signal.SIGINT) is not handler:
            signal.signal(signal.SIGINT, handler)
