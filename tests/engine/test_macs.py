"""Searches that mind MACs: a run tells them those of its final network."""

from __future__ import annotations

import json
from pathlib import Path

from skelbench.check.spec import check_spec
from skelbench.engine.complexity import counted_macs
from skelbench.host.registry import load_registry
from skelbench.space.network import build_network
from skelbench.spec.resolve import load_spec
from skelbench.training.cost import cost

from . import tiny


def test_a_run_hands_nsga2_macs_and_journals_its_front(tmp_path: Path, raw: Path) -> None:
    spec = tiny.spec()
    spec["search"] = {
        "strategy": {"name": "nsga2", "weights": "own", "population": 2, "evaluations": 4},
        "trial_epochs": 1,
    }
    record = tiny.run(tmp_path, raw, spec)
    journal = (tmp_path / "runs" / record.run / "trials.jsonl").read_text().splitlines()
    front = [json.loads(line)["front"] for line in journal if '"front"' in line][-1]
    assert front
    assert all(gmacs > 0 and 0 <= figure <= 100 for gmacs, figure in front)


def test_macs_are_those_of_the_final_network(tmp_path: Path) -> None:
    checked = check_spec(load_spec(tiny.write(tmp_path, tiny.spec())), load_registry())
    told = counted_macs(checked)
    sample = next(iter(checked.space.enumerate()))
    network = build_network(checked.network, sample, checked.context())
    assert told(sample) == cost(network, checked.clip_shape()).macs
