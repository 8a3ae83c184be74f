"""Records to test with: one valid example and a hypothesis strategy of many."""

from __future__ import annotations

import datetime
from typing import Any

from hypothesis import strategies as st

from skelbench.results.record import Record

EXAMPLE: dict[str, Any] = {
    "spec": "sgcn",
    "spec_hash": "0123456789abcdef",
    "space": "sgcn",
    "model": "searched",
    "architecture": "fedcba98",
    "strategy": {"name": "ceim", "params": {"population": 50}},
    "plugins": {"operators": "skelbench 0.1.0"},
    "dataset": "ucla",
    "layout": "ucla20",
    "protocol": "xview",
    "stream": "joint",
    "split_fingerprint": "aaaaaaaaaaaaaaaa",
    "data_fingerprint": "bbbbbbbbbbbb",
    "clips": {"train": 816, "validation": 204, "test": 464},
    "seed": 0,
    "selection": "last",
    "views": 1,
    "clip": {"frames": 52, "fill": "resize", "crop": [0.5, 1.0]},
    "metrics": {"top1": 90.0, "top5": 99.0},
    "params": 3_469_510,
    "macs": 4_140_000_000,
    "flops": 8_280_000_000,
    "latency": {"ms": 12.5, "device": "cpu", "threads": 1, "batch": 1},
    "search": {"seconds": 7200.0, "trials": 100, "samples": 100, "kept": 20},
    "training": {"epochs": 70, "seconds": 600.0, "lr": 0.1, "batch_size": 64, "precision": "32"},
    "environment": {"python": "3.11", "torch": "2.13", "nni": "3.0", "skelbench": "0.1.0", "device": "cpu",
                    "threads": 1},
    "synthetic": False,
    "date": "2026-01-02",
    "run": "sgcn-01234567-0",
}  # fmt: skip


def record(**changes: Any) -> Record:
    """The example with some fields changed."""
    return Record.model_validate({**EXAMPLE, **changes})


def records() -> st.SearchStrategy[Record]:
    """Records that differ in everything tables look at."""
    return st.builds(
        lambda top1, top5, macs, **fields: record(
            metrics={"top1": top1, "top5": top5},
            macs=macs,
            flops=None if macs is None else 2 * macs,
            **fields,
        ),
        top1=st.floats(0, 100),
        top5=st.floats(0, 100),
        macs=st.none() | st.integers(0, 10**12),
        model=st.sampled_from(["searched", "2s-agcn", "a.b+c_d"]),
        dataset=st.sampled_from(["ucla", "ntu60"]),
        stream=st.sampled_from(["joint", "bone", "joint+bone"]),
        split_fingerprint=st.sampled_from(["aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"]),
        synthetic=st.booleans(),
        seed=st.integers(0, 3),
        latency=st.none() | st.just(EXAMPLE["latency"]),
        search=st.none() | st.just(EXAMPLE["search"]),
        date=st.dates(datetime.date(2020, 1, 1), datetime.date(2030, 1, 1)),
        run=st.text("abc0123", min_size=1, max_size=8),
        failures=st.lists(st.just({"trial": 1, "error": "ValueError: x", "traceback": "..."}), max_size=2),
    )  # fmt: skip
