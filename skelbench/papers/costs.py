"""What the networks cost that reported figures name as ours."""

from __future__ import annotations

from skelbench.leaderboard.costs import Cost
from skelbench.leaderboard.reported import Reported

UNSTATED = "unstated"


def cost_of(figure: Reported) -> Cost:
    """What the network that a figure names costs on the figure's data set.

    Raises:
        SpecError: There is no such spec or architecture.
    """
    from skelbench.engine.describe import describe_spec  # torch takes seconds to import

    spec, _, arch = figure.network.partition("#")
    protocol = () if figure.protocol == UNSTATED else (f"data.protocol={figure.protocol}",)
    found = describe_spec(spec, arch, sets=(f"data.dataset={figure.dataset}", *protocol))
    adaptive = "by_choice" in found
    return Cost(params=found["params"], macs=None if adaptive else found["macs"])
