"""Figures of a space and of an architecture, without data and without training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from skelbench.check.spec import check_architecture, check_spec
from skelbench.engine.complexity import cost_by_choice
from skelbench.host.registry import load_registry
from skelbench.space.arch import closed
from skelbench.space.network import build_network
from skelbench.spec.resolve import load_spec
from skelbench.training.cost import cost

SUPERNET = "supernet"


def describe_spec(
    name: str, arch: str | None = None, *, profile: str | None = None, sets: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Size of a space, and cost of one architecture or of the supernet.

    Args:
        name: A spec file or the name of a shipped spec.
        arch: An architecture's name or file; None describes the supernet, where there is one.
        profile: A profile of the spec.
        sets: Changes of single keys.

    Returns:
        ``space``, ``spec_hash``, ``space_size`` (exact), ``architectures`` (names), ``decisions``,
        ``architecture``, of an architecture ``hash``, ``choices`` and ``cells`` (the genotype of each
        stack of cells), and where there is a network ``params``, ``macs``, ``flops``,
        ``as_reported`` (MACs as `ModuleMacs` counts them), ``input_shape`` and ``blocks``; where
        models are chosen frame by frame, ``macs`` are those of all of them, and ``by_choice`` has
        both counts for a clip in which every frame takes the same.

    Raises:
        SpecError: The spec or the architecture is wrong.
    """
    registry = load_registry()
    checked = check_spec(load_spec(name, profile=profile, sets=sets), registry)
    description: dict[str, Any] = {
        "space": checked.spec.name,
        "spec_hash": checked.resolved.hash,
        "space_size": checked.space.size(),
        "architectures": list(checked.architectures),
        "decisions": [
            {"label": p.label, "kind": p.kind, "options": list(p.options)} for p in checked.space.points
        ],
        "architecture": arch or SUPERNET,
    }
    if arch is not None:
        given = check_architecture(checked, registry, arch)
        cells = list(_genotypes(closed(given.network, given.sample)))
        description |= {"hash": given.hash[:12], "choices": given.sample, "cells": cells}
        network: Any = build_network(given.network, given.sample, checked.context())
    elif checked.space.kinds() & {"value", "depth"}:
        return description  # such spaces have no supernet
    else:
        from skelbench.space.build import SupernetSpace

        network = SupernetSpace(checked.search_network, checked.context())
    counted = cost(network, checked.clip_shape())
    blocks = [{**row, "output_shape": list(row["output_shape"])} for row in counted.rows]
    shape = list(counted.input_shape)
    figures = {
        "params": counted.params,
        "macs": counted.macs,
        "flops": counted.flops,
        "as_reported": counted.as_reported,
    }
    chosen = cost_by_choice(network, counted)
    by_choice = {"by_choice": {name: macs._asdict() for name, macs in chosen.items()}} if chosen else {}
    return {**description, **figures, **by_choice, "input_shape": shape, "blocks": blocks}


def _genotypes(node: Any) -> Iterator[dict[str, list[list[str]]]]:
    """The genotypes in a network with nothing left open."""
    if isinstance(node, dict) and "genotype" in node:
        yield node["genotype"]
    elif isinstance(node, dict | list):
        for part in node.values() if isinstance(node, dict) else node:
            yield from _genotypes(part)
