"""What tells a run from all others: the hash that its folder is named by.

The rule has a version, the scheme, which stands in every record (`SCHEME` is the present one), so that an
old name can be computed again:

1. Until 21 November 2026: the hash of the whole resolved spec; for a given architecture, of that hash and
   the architecture's own. A change of the search gave another name to runs that had none.
2. For a given architecture, the spec counts without its space and search, and what the architecture starts
   from counts as well. Searches have the same hash by both.

In both, "synthetic" joins where the recordings are, and neither seed nor place of the data has a part. A key
of a spec that changes no result is left out (`skelbench.spec.resolve.spec_hash`), and a parameter that an
operator got later counts only where it is not its default (`skelbench.space.arch`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from skelbench.check.checked import Checked
from skelbench.space.arch import NamedArchitecture

SCHEME: Final = 2


@dataclass(frozen=True)
class Identity:
    """What tells a run from all others.

    Attributes:
        spec_hash: The hash of which the name of its folder has the beginning.
        seed: Its seed.
    """

    spec_hash: str
    seed: int


def run_hash(
    checked: Checked,
    given: NamedArchitecture | None,
    synthetic: bool,
    sources: Mapping[str, Identity] = MappingProxyType({}),
    scheme: int = SCHEME,
) -> str:
    """The identity of a run: its `defining_hash`, with all in it that tells runs from each other.

    Args:
        checked: The spec.
        given: The architecture; None where it is searched.
        synthetic: Whether the recordings are synthetic.
        sources: The runs given with ``--start``, by the names of their architectures.
        scheme: The version of the rule.
    """
    parts = [defining_hash(checked, given, sources) if scheme > 1 else checked.resolved.hash]
    if given is not None:
        parts.append(given.hash)
    if synthetic:
        parts.append("synthetic")
    parts += [f"{name}:{sources[name].seed}" for name in sorted(sources)]
    return parts[0] if len(parts) == 1 else hashlib.sha256(" ".join(parts).encode()).hexdigest()


def defining_hash(
    checked: Checked,
    given: NamedArchitecture | None,
    sources: Mapping[str, Identity] = MappingProxyType({}),
) -> str:
    """The hash of what is said about a run; a given architecture has no part in the search.

    Seeds are not in it, so that runs that differ in nothing else have one hash.
    """
    if given is None:
        return checked.resolved.hash
    if given.start is None:
        return checked.resolved.recipe_hash
    text = json.dumps([checked.resolved.recipe_hash, _origin(checked, given, sources)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _origin(
    checked: Checked, given: NamedArchitecture, sources: Mapping[str, Identity]
) -> dict[str, Any] | None:
    """What an architecture starts from, as plain data; its sources may again start from others."""
    if given.start is None:
        return None
    origins: dict[str, Any] = {}
    for name in given.start.weights:
        if name in sources:
            origins[name] = sources[name].spec_hash
        else:
            source = checked.architectures[name]
            origins[name] = [source.hash, _origin(checked, source, {})]
    return {**given.start.model_dump(mode="json"), "origins": origins}
