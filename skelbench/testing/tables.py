"""Conformance suite for tables of trained networks: subclass, name the table, run pytest."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from skelbench.components import Table as TableComponent
from skelbench.host.registry import Registry
from skelbench.spec.resolve import load_spec
from skelbench.tables.catalog import OpenTable, file_of, open_table
from skelbench.tables.quality import measure_quality
from skelbench.testing.named import NamedComponent


class TableConformance(NamedComponent):
    """What every table must be: whole, of a spec that can be read, and worth searching.

    Attributes:
        most_bytes: What the file may weigh.
        told: What its header must say.
    """

    kind = "table"
    most_bytes: ClassVar[int] = 10_000_000
    told: ClassVar[tuple[str, ...]] = (
        *("spec", "dataset", "protocol", "split", "data", "precision"),
        *("environments", "regret", "licence", "citation"),
    )

    @pytest.fixture
    def table(self, component: TableComponent, skelbench_registry: Registry) -> OpenTable:
        """The table, opened."""
        return open_table(component.name, skelbench_registry)

    def test_the_file_is_small(self, component: TableComponent) -> None:
        """A package that brings it stays one that people install."""
        assert file_of(component).stat().st_size <= self.most_bytes

    def test_it_says_where_it_comes_from(self, table: OpenTable) -> None:
        """Spec, data and split, machines and versions, licence and citation."""
        silent = [name for name in self.told if not table.header.get(name)]
        assert not silent, f"the header says nothing of {', '.join(silent)}"

    def test_its_spec_can_be_read(self, table: OpenTable, tmp_path: Path) -> None:
        """The resolved spec that it holds is the one that the trainings were of."""
        path = tmp_path / "spec.yaml"
        path.write_text(table.header["spec"], encoding="utf-8")
        assert load_spec(path).table_hash == table.header["hash"]

    def test_every_architecture_is_of_the_space(self, table: OpenTable) -> None:
        """Each is canonical, and none stands twice."""
        listed = table.architectures
        assert all(table.canonical(sample) == sample for sample in listed)
        assert len({tuple(sorted(sample.items())) for sample in listed}) == len(listed)

    def test_what_was_measured_can_be(self, table: OpenTable) -> None:
        """Figures are finite, times positive, right answers no more than clips and as many as the bits."""
        arrays, header = table.arrays, table.header
        measured = arrays["measured"]
        assert measured.any()
        for name in ("validation_loss", "test_loss", "train_loss"):
            assert np.isfinite(arrays[name][measured]).all(), name
        assert (arrays["seconds"][measured] > 0).all()
        assert (arrays["params"][measured.any(axis=1)] > 0).all()
        for part in ("validation", "test"):
            clips = np.broadcast_to(header[f"{part}_clips"], measured.shape)
            right = arrays[part][..., -1]
            assert (right <= clips)[measured].all(), part
            bits = np.unpackbits(arrays[f"{part}_hits"], axis=2).sum(axis=2)
            assert (bits == right)[measured].all(), part

    def test_it_is_worth_searching(self, table: OpenTable) -> None:
        """It passes every gate of ``skelbench table pack``."""
        gates = measure_quality(table).gates()
        failed = [f"{what}: {figure:.2f}" for what, figure, _, passed in gates if not passed]
        assert not failed, "; ".join(failed)

    def test_a_search_gives_the_same_twice(self, table: OpenTable) -> None:
        """Random search sees the same figures again, and ends at or above the best there is."""
        regrets = []
        for _ in range(2):
            rng, session = np.random.default_rng(0), table.session(repetition=0)
            for _ in range(20):
                session.evaluate(table.space.sample(rng))
            regrets.append(session.close().regret)
        assert np.array_equal(regrets[0], regrets[1])
        assert (regrets[0] >= 0).all()
