"""Fusion joins by sample id, whatever the order; different recordings are refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelbench.errors import DataError, WorkFailed
from skelbench.results.store import Scores
from skelbench.training.scores import fuse, rate, shares


def made(ids, seed, classes=4):
    rng = np.random.default_rng(seed)
    labels = np.array([sum(map(ord, name)) % classes for name in ids], dtype=np.int64)
    return Scores(np.array(ids), labels, rng.dirichlet(np.ones(classes), len(ids)).astype(np.float32))


def shuffled(scores, seed):
    order = np.random.default_rng(seed).permutation(len(scores.ids))
    return Scores(scores.ids[order], scores.labels[order], scores.scores[order])


def test_fusion_is_the_weighted_mean_of_each_recording():
    a = Scores(np.array(["x", "y"]), np.array([0, 1]), np.array([[0.9, 0.1], [0.4, 0.6]], np.float32))
    b = Scores(np.array(["y", "x"]), np.array([1, 0]), np.array([[0.0, 1.0], [0.5, 0.5]], np.float32))
    fused = fuse([a, b], [3, 1])
    assert fused.ids.tolist() == ["x", "y"]
    assert fused.labels.tolist() == [0, 1]
    np.testing.assert_allclose(fused.scores, [[0.8, 0.2], [0.3, 0.7]], rtol=1e-6)
    assert fused.scores.dtype == np.float32


@given(
    st.lists(st.text("abcdef", min_size=1, max_size=4), min_size=1, max_size=12, unique=True),
    st.lists(st.floats(0.01, 10), min_size=1, max_size=4),
    st.integers(0, 1000),
)
def test_neither_the_order_of_recordings_nor_of_parts_matters(ids, weights, seed):
    parts = [made(ids, seed + i) for i in range(len(weights))]
    plain = fuse(parts, weights)
    order = np.random.default_rng(seed).permutation(len(weights))
    mixed = fuse([shuffled(parts[i], seed + i) for i in order], [weights[i] for i in order])
    assert mixed.ids.tolist() == plain.ids.tolist() == sorted(ids)
    assert mixed.labels.tolist() == plain.labels.tolist()
    np.testing.assert_allclose(mixed.scores, plain.scores, rtol=1e-5)
    np.testing.assert_allclose(plain.scores.sum(1), 1, rtol=1e-5)


@given(st.lists(st.floats(0.01, 10), min_size=1, max_size=4), st.integers(0, 1000))
def test_logarithms_of_one_view_are_its_logits(weights, seed):
    """The order of classes is that of the weighted sum of what comes before the softmax."""
    rng, ids = np.random.default_rng(seed), ["a", "b", "c"]
    logits = rng.normal(0, 3, (len(weights), 3, 4))
    chances = np.exp(logits) / np.exp(logits).sum(2, keepdims=True)
    parts = [Scores(np.array(ids), np.zeros(3, np.int64), part.astype(np.float32)) for part in chances]
    fused = fuse(parts, weights, "logits").scores
    summed = np.tensordot(shares(len(weights), weights), logits, 1)
    wanted = np.exp(summed) / np.exp(summed).sum(1, keepdims=True)
    np.testing.assert_allclose(fused, wanted, rtol=1e-3, atol=1e-6)


def test_a_probability_of_nothing_fuses_as_well():
    certain = Scores(np.array(["a"]), np.array([0]), np.array([[1.0, 0.0]], np.float32))
    fused = fuse([certain, certain], None, "logits").scores
    assert np.isfinite(fused).all()
    assert fused[0, 0] == pytest.approx(1)


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=6), st.floats(0.1, 10))
def test_only_the_ratio_of_weights_matters(weights, factor):
    np.testing.assert_allclose(
        shares(len(weights), [w * factor for w in weights]), shares(len(weights), weights)
    )


def test_equal_weights_unless_told_otherwise():
    assert shares(4) == [0.25] * 4


def test_other_recordings_are_refused_with_their_number_and_examples():
    with pytest.raises(DataError, match=r"2 recordings are not in both.*such as a, c.*same data"):
        fuse([made(["a", "b"], 0), made(["b", "c"], 1)])


def test_other_labels_are_refused():
    b = made(["a", "b"], 1)
    b.labels[0] += 1
    with pytest.raises(DataError, match=r"1 recordings have other labels.*such as a"):
        fuse([made(["a", "b"], 0), b])


def test_another_number_of_classes_is_refused():
    a = made(["a"], 0, classes=2)
    b = Scores(a.ids, a.labels, np.ones((1, 3), np.float32))
    with pytest.raises(DataError, match="have 2 and 3 classes"):
        fuse([a, b])


@pytest.mark.parametrize(
    "weights", [[1.0], [1.0, -1.0], [0.0, 0.0], [1.0, float("nan")], [1.0, float("inf")]]
)
def test_unusable_weights_are_refused(weights):
    with pytest.raises(DataError, match="weights"):
        fuse([made(["a"], 0), made(["a"], 1)], weights)


def test_nothing_cannot_be_fused():
    with pytest.raises(DataError, match="no scores"):
        fuse([])


def test_rating_calls_each_metric_with_scores_and_labels():
    scores = made(["a", "b", "c"], 3)
    found = rate(scores, {"rows": lambda s, y: len(s), "sum": lambda s, y: np.int64(y.sum())})
    assert found == {"rows": 3.0, "sum": float(scores.labels.sum())}


@pytest.mark.parametrize("value", [None, [50.0], "half"])
def test_a_metric_that_gives_no_number_is_named(value):
    scores = made(["x", "y"], 0)
    with pytest.raises(WorkFailed, match=r"metric 'mine' gave .*, which is no number"):
        rate(scores, {"mine": lambda scores, labels: value})
