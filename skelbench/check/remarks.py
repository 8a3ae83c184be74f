"""What a spec may mean and hardly does: told by `check`, and again where a run begins."""

from __future__ import annotations

from collections.abc import Iterator

from skelbench.check.checked import Checked
from skelbench.check.reach import reach_warnings
from skelbench.errors import Problem
from skelbench.space.nodes import AdaptiveNode, CellsNode, NetworkNodes
from skelbench.spec.yaml import path_of


def remarks(checked: Checked) -> list[Problem]:
    """Every warning about a spec, each at its place."""
    return [*reach_warnings(checked), *_scales(checked)]


def _scales(checked: Checked) -> Iterator[Problem]:
    """Costs of choices on a scale that no published alpha is on (`AdaptiveNode.alpha_scale`)."""
    for node in checked.network.body.children:
        if isinstance(node, AdaptiveNode) and node.alpha_scale == "gmacs" and node.alpha != 0:
            what = (
                "alpha weighs GMACs here, as eq. 12 of AdaSGN writes it; all published alphas are on another "
                "scale, on which AdaSGN's choices weigh 5.2 times less"
            )
            remedy = "Set alpha_scale to released to compare alphas with published ones"
            yield Problem(what, checked.resolved.marks.at(path_of(node.place)), remedy)


def foreign_genotypes(checked: Checked) -> Iterator[Problem]:
    """Cells written out with operators that no search of the spec could have put there.

    A run does not repeat it: of the architectures it uses one, and a published cell may well be of this kind.
    """
    known = {name for node in _cells(checked.network) for name, _ in node.operators}
    for named in checked.architectures.values() if known else ():
        for node in _cells(named.network):
            if foreign := sorted({name for name, _ in node.operators} - known):
                what = f"architecture '{named.name}': its cells hold {', '.join(foreign)}, not of the space"
                remedy = "A search of this space cannot find it; compare it as a network of another space"
                yield Problem(what, checked.resolved.marks.at(path_of(node.place)), remedy)


def _cells(network: NetworkNodes) -> list[CellsNode]:
    return [node for node in network.body.children if isinstance(node, CellsNode)]
