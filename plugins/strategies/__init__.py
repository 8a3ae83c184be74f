"""Built-in search strategies."""

from __future__ import annotations

from skelbench import hookimpl
from skelbench.components import ALL_NODE_KINDS, NodeKind, Strategy

from .oneshot_params import GumbelDartsParams, ProxylessParams, RandomOneShotParams
from .params import (
    AshaParams,
    CeimParams,
    DartsParams,
    EvolutionParams,
    GridParams,
    LocalParams,
    Nsga2Params,
    RandomParams,
    TpeParams,
    ViterbiParams,
)

MIXABLE: frozenset[NodeKind] = frozenset(["choice", "mix", "inputs", "cell"])
"""What a supernet can hold as a weighted sum, so that candidates can share its weights."""
SEARCHES = {"shared": MIXABLE, "own": ALL_NODE_KINDS}
ONE_SHOT: dict[str, frozenset[NodeKind]] = {"shared": frozenset(["choice", "inputs", "cell"])}
"""What the one-shot strategies of NNI search."""


STRATEGIES = (
    Strategy(
        name="ceim",
        summary="Cross-entropy method with importance mixing (Peng et al., AAAI 2020)",
        target="skelbench_plugins.strategies.ceim:Ceim",
        params=CeimParams,
        searches=SEARCHES,
    ),
    Strategy(
        name="random",
        summary="Different architectures drawn at random",
        target="skelbench_plugins.strategies.listed:random_search",
        params=RandomParams,
        searches=SEARCHES,
        asks_ahead=True,
    ),
    Strategy(
        name="grid",
        summary="Every architecture of a small space",
        target="skelbench_plugins.strategies.listed:grid_search",
        params=GridParams,
        searches=SEARCHES,
        asks_ahead=True,
    ),
    Strategy(
        name="local",
        summary="Local search from random starts (White et al., UAI 2021)",
        target="skelbench_plugins.strategies.local:Local",
        params=LocalParams,
        searches={"own": ALL_NODE_KINDS},
    ),
    Strategy(
        name="nsga2",
        summary="Accuracy and MACs together by evolution (NSGA-II; Deb et al., IEEE TEC 2002)",
        target="skelbench_plugins.strategies.nsga2:Nsga2",
        params=Nsga2Params,
        searches={"own": ALL_NODE_KINDS},
    ),
    Strategy(
        name="asha",
        summary="Asynchronous successive halving (Li et al., MLSys 2020)",
        target="skelbench_plugins.strategies.asha:Asha",
        params=AshaParams,
        searches={"own": ALL_NODE_KINDS},
    ),
    Strategy(
        name="evolution",
        summary="Regularised evolution (Real et al., AAAI 2019), by NNI",
        target="skelbench.engine.nas.evolution:Evolution",
        params=EvolutionParams,
        searches={"own": ALL_NODE_KINDS},
        asks_ahead=True,
    ),
    Strategy(
        name="tpe",
        summary="Tree-structured Parzen estimator (Bergstra et al., NIPS 2011), by NNI",
        target="skelbench.engine.nas.tpe:Tpe",
        params=TpeParams,
        searches={"own": ALL_NODE_KINDS},
        asks_ahead=True,
    ),
    Strategy(
        name="darts",
        summary="Weights learned by gradients of the validation loss (DARTS; Liu et al., ICLR 2019)",
        target="skelbench_plugins.strategies.darts:Darts",
        params=DartsParams,
        searches={"shared": MIXABLE},
        form="gradient",
    ),
    Strategy(
        name="viterbi",
        summary="A path through a trellis by gradients, decoded by Viterbi (VAR-NAS; Zhou et al., ACML 2021)",
        target="skelbench_plugins.strategies.viterbi:Viterbi",
        params=ViterbiParams,
        searches={"shared": frozenset(["trellis"])},
        form="gradient",
    ),
    Strategy(
        name="gumbel_darts",
        summary="DARTS with weights drawn by Gumbel softmax (Xie et al., ICLR 2019), by NNI",
        target="skelbench_plugins.strategies.oneshot:gumbel_darts",
        params=GumbelDartsParams,
        searches=ONE_SHOT,
        form="oneshot",
    ),
    Strategy(
        name="proxyless",
        summary="ProxylessNAS: one option run at a time (Cai et al., ICLR 2019), by NNI",
        target="skelbench_plugins.strategies.oneshot:proxyless",
        params=ProxylessParams,
        searches=ONE_SHOT,
        form="oneshot",
    ),
    Strategy(
        name="random_oneshot",
        summary="Random architectures on a supernet of random paths (Guo et al., ECCV 2020), by NNI",
        target="skelbench_plugins.strategies.oneshot:random_oneshot",
        params=RandomOneShotParams,
        searches=ONE_SHOT,
        form="oneshot",
    ),
)


@hookimpl
def register_strategies() -> tuple[Strategy, ...]:
    """The strategies of this package."""
    return STRATEGIES
