"""Architectures that are written differently and are one network."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from skelbench.search import Sample
from skelbench.space.arch import closed
from skelbench.space.nodes import NetworkNodes


def network_hash(network: NetworkNodes, sample: Sample) -> str:
    """The hash of an architecture without what does nothing: equal for architectures that are one network.

    An ``identity`` in a sequence does nothing, takes no random numbers and has no weights, so that two such
    architectures have the same weights from the same seed. Where a sequence says by number which outputs
    flow on, it is left as it is.

    Args:
        network: The network.
        sample: A decision for every active label.
    """
    plain = closed(network, sample)
    text = json.dumps({**plain, "body": _flat(plain["body"])}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _flat(body: list[Any]) -> list[Any]:
    """A sequence of modules without sequences in it and without identities."""
    if any(isinstance(node, dict) and "inputs" in node for node in body):
        return body
    nested = (_flat(node) if isinstance(node, list) else [node] for node in body)
    return [node for nodes in nested for node in nodes if node != {"op": "identity"}]
