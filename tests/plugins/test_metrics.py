"""The accuracies: against counting by hand and against torchmetrics, with ties and faults."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from skelbench_plugins.metrics.accuracy import mean_class, top1, top5

from skelbench.errors import DataError, WorkFailed
from skelbench.host.registry import load_registry


@st.composite
def scored(draw):
    shape = draw(st.tuples(st.integers(1, 12), st.integers(1, 9)))
    scores = draw(npst.arrays(np.float32, shape, elements=st.integers(0, 5).map(float)))
    labels = draw(npst.arrays(np.int64, shape[0], elements=st.integers(0, shape[1] - 1)))
    return scores, labels


def by_hand(drawn, k):
    hits = [
        label in sorted(range(len(row)), key=lambda c: (-row[c], c))[:k]
        for row, label in zip(*drawn, strict=True)
    ]
    return 100 * sum(hits) / len(hits)


@given(scored())
def test_top_k_agrees_with_counting_by_hand(drawn):
    assert top1(*drawn) == pytest.approx(by_hand(drawn, 1))
    assert top5(*drawn) == pytest.approx(by_hand(drawn, 5))


@given(scored())
def test_top1_is_the_share_of_argmax_hits_and_never_above_top5(drawn):
    scores, labels = drawn
    assert top1(scores, labels) == pytest.approx(100 * (scores.argmax(1) == labels).mean())
    assert top1(scores, labels) <= top5(scores, labels) <= 100


@given(scored(), st.randoms())
def test_the_order_of_recordings_does_not_matter(drawn, random):
    scores, labels = drawn
    order = list(range(len(labels)))
    random.shuffle(order)
    for metric in (top1, top5, mean_class):
        assert metric(scores[order], labels[order]) == pytest.approx(metric(scores, labels))


@given(scored())
def test_mean_class_is_the_mean_of_each_class_alone(drawn):
    scores, labels = drawn
    alone = [top1(scores[labels == label], labels[labels == label]) for label in set(labels.tolist())]
    assert mean_class(scores, labels) == pytest.approx(np.mean(alone))


def test_mean_class_weighs_rare_classes_as_much_as_common_ones():
    scores = np.array([[1.0, 0.0]] * 4)
    labels = np.array([0, 0, 0, 1])
    assert top1(scores, labels) == 75
    assert mean_class(scores, labels) == 50


def test_equal_scores_for_all_classes_are_no_success():
    labels = np.arange(10)
    assert top1(np.zeros((10, 10)), labels) == 10
    assert top5(np.zeros((10, 10)), labels) == 50


def test_the_figures_agree_with_torchmetrics():
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("torchmetrics.functional.classification")
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=(200, 12)).astype(np.float32), rng.integers(0, 12, 200)
    for metric, k, average in [(top1, 1, "micro"), (top5, 5, "micro"), (mean_class, 1, "macro")]:
        theirs = functional.multiclass_accuracy(
            torch.from_numpy(scores), torch.from_numpy(labels), num_classes=12, top_k=k, average=average
        )
        assert metric(scores, labels) == pytest.approx(100 * float(theirs), abs=1e-4)


@pytest.mark.parametrize("metric", [top1, top5, mean_class])
@pytest.mark.parametrize(
    ("scores", "labels"),
    [
        (np.zeros((2, 3)), np.array([0])),
        (np.zeros(3), np.array([0, 1, 2])),
        (np.zeros((0, 3)), np.zeros(0, int)),
        (np.zeros((2, 3)), np.array([0, 3])),
        (np.zeros((2, 3)), np.array([-1, 0])),
    ],
)
def test_what_does_not_fit_is_refused(metric, scores, labels):
    with pytest.raises(DataError):
        metric(scores, labels)


def test_scores_that_are_not_numbers_are_a_failure_and_no_accuracy():
    scores = np.array([[np.nan, np.nan], [1.0, 0.0]])
    with pytest.raises(WorkFailed, match="1 of 2 recordings"):
        top1(scores, np.array([0, 0]))


@pytest.mark.parametrize("name", ["top1", "top5", "mean_class"])
def test_each_is_found_by_name_in_the_registry(name):
    metric = load_registry().get("metric", name).load()
    assert metric(np.eye(3), np.arange(3)) == 100
