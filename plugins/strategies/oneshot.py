"""One-shot strategies that NNI carries out: which of its classes, with which arguments."""

from __future__ import annotations

from typing import Any

from skelbench.search import OneShot, Space

from .oneshot_params import GumbelDartsParams, ProxylessParams


def gumbel_darts(space: Space, *, seed: int, **params: Any) -> OneShot:
    """Weights drawn by Gumbel softmax, ever closer to one option (Xie et al., ICLR 2019)."""
    own = {name: params[name] for name in GumbelDartsParams.model_fields if name in params}
    chosen = GumbelDartsParams(**own)
    return OneShot(
        "GumbelDARTS",
        {
            "arc_learning_rate": chosen.lr,
            "warmup_epochs": chosen.warmup_epochs,
            "temperature": chosen.temperature,
        },
        seed=seed,
    )


def proxyless(space: Space, *, seed: int, **params: Any) -> OneShot:
    """One option is run at a time, and its weight's gradient estimated (Cai et al., ICLR 2019)."""
    own = {name: params[name] for name in ProxylessParams.model_fields if name in params}
    chosen = ProxylessParams(**own)
    arguments = {"arc_learning_rate": chosen.lr, "warmup_epochs": chosen.warmup_epochs}
    return OneShot("Proxyless", arguments, seed=seed)


def random_oneshot(space: Space, *, seed: int, **params: Any) -> OneShot:
    """Uniformly drawn paths train a supernet, on which random ones compete (Guo et al., ECCV 2020)."""
    return OneShot("RandomOneShot", evaluations=params["evaluations"], seed=seed)
