"""Which classes were taken for which."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelbench.results.confusion import Confusion
from skelbench.results.store import Scores


def answers(labels, taken, classes=4):
    ids = np.array([str(number) for number in range(len(labels))])
    return Confusion.of(Scores(ids, np.array(labels, int), np.eye(classes, dtype=np.float32)[taken]))


def test_recordings_are_counted_by_class_and_answer():
    found = answers([0, 0, 0, 1, 3], [0, 2, 2, 1, 0])
    assert found.counts.tolist() == [[1, 0, 2, 0], [0, 1, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]]
    assert found.accuracies == [pytest.approx(100 / 3), 100.0, None, 0.0]
    assert [found.taken_for(label) for label in range(4)] == [2, None, None, 0]
    assert found.hardest(2) == [3, 0]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_accuracies_weighted_by_recordings_are_top1(pairs):
    labels, taken = zip(*pairs, strict=True)
    found = answers(labels, list(taken))
    totals = found.counts.sum(axis=1)
    mean = sum(a * t for a, t in zip(found.accuracies, totals, strict=True) if a is not None) / len(pairs)
    assert np.isclose(mean, 100 * np.mean(np.equal(labels, taken)))
