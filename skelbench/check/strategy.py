"""Whether the search that a spec asks for can begin: asked before anything is read."""

from __future__ import annotations

from typing import Any

from skelbench.check.checked import Checked
from skelbench.errors import SpecError


def make_search(checked: Checked, seed: int) -> Any:
    """A strategy's search over the spec's space, not yet begun; its form says of what kind.

    Raises:
        SpecError: The strategy refuses the space or its own parameters.
    """
    search = checked.spec.search
    shared = search.strategy.weights == "shared"
    return checked.strategy.make(
        checked.space,
        seed=seed,
        weights=search.strategy.weights,
        epochs=search.epochs if shared else search.trial_epochs,
        derive=search.derive,
        **checked.strategy_params,
    )


def check_strategy(checked: Checked) -> None:
    """See that the strategy can begin, and train a supernet by the spec's recipe where it has one.

    Raises:
        SpecError: It cannot, with the lines of the spec.
        SkelbenchError: It cannot be loaded, or it fails.
    """
    try:
        search = make_search(checked, seed=0)
        if checked.spec.search.strategy.weights == "shared":
            _refuse_untrainable(checked)
        if checked.strategy.form == "oneshot" and getattr(search, "evaluations", None):
            _refuse_undrawable(checked)
    except SpecError as error:
        raise checked.placed(error) from error


def _refuse_untrainable(checked: Checked) -> None:
    options = checked.spec.search_options()
    if options.precision == "16":
        raise SpecError(
            "a supernet is not trained in half precision, whose scaled gradients a search would mistake",
            where="search.train.precision",
            remedy="Set search.train.precision to bf16",
        )
    if options.accumulate > 1 and checked.strategy.form == "oneshot":
        raise SpecError(
            "NNI's one-shot strategies make a step of every batch",
            where="search.train.accumulate",
            remedy="Set search.train.accumulate to 1",
        )


def _refuse_undrawable(checked: Checked) -> None:
    for point in checked.space.points:
        if point.kind == "cell" and not point.none:
            raise SpecError(
                f"'{point.label}': a node's other inputs can only be left out by the operator 'zero'",
                where="search.strategy",
                remedy="Add zero to the operators of the cell",
            )
