"""Classes as somebody's files have them: numbers from any first one, names, or other words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from skelbench.errors import DataError, did_you_mean

from .params import SkeletonsParams


def label_of(given: Any, where: str, params: SkeletonsParams, names: Sequence[str]) -> int:
    """A class as a file has it, as a label from 0.

    Args:
        given: The number or the name.
        where: Where it stands.
        params: Say what numbers and texts stand for.
        names: The names of the classes.

    Raises:
        DataError: It is none of the classes.
    """
    if params.labels is not None:
        known = {str(one): number for number, one in enumerate(params.labels)}
        text = str(int(given)) if str(given).isdecimal() else str(given)
        if text not in known and str(given) not in known:
            remedy = did_you_mean(text, known)
            raise DataError(f"'{text[:40]}' is none of 'labels'", where=where, remedy=remedy)
        return known.get(text, known.get(str(given), 0))
    if isinstance(given, str) and given in names:
        return names.index(given)
    if isinstance(given, str) and not given.isdecimal():
        remedy = did_you_mean(given, names)
        raise DataError(f"'{given[:40]}' is the name of no class", where=where, remedy=remedy)
    if isinstance(given, bool) or not isinstance(given, int | str | np.integer):
        what = f"the class is of type {type(given).__name__}"
        raise DataError(what, where=where, remedy="Give classes as whole numbers or names")
    label, first, count = int(given), params.first_label, params.class_count
    if not first <= label < first + count:
        what = f"the class is {label}, and the {count} classes are {first} to {first + count - 1}"
        raise DataError(what, where=where, remedy="Set 'first_label' or 'classes' of the data set")
    return label - first
