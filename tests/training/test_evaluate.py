"""Scores by sample id: views averaged, accuracy as torchmetrics counts it."""

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import multiclass_accuracy

from skelbench.errors import DataError
from skelbench.host.registry import Registry
from skelbench.training.evaluate import predict, top1
from skelbench.training.scores import rate
from tests.training.made import CLASSES, Loader, network


def test_scores_are_probabilities_by_sample_id():
    net, loader = network(), Loader(count=10)
    scores = predict(net, loader)
    expected = net.eval()(loader.x).softmax(1).detach().numpy()
    assert scores.ids.tolist() == loader.clips.ids.tolist()
    assert scores.labels.tolist() == loader.y.tolist()
    assert scores.scores.dtype == np.float32
    np.testing.assert_allclose(scores.scores, expected, rtol=1e-5)


def test_the_order_of_batches_does_not_matter():
    net = network()
    plain, mixed = predict(net, Loader()), predict(net, Loader(shuffle=True, batch_size=5))
    assert plain.ids.tolist() == mixed.ids.tolist()
    np.testing.assert_allclose(plain.scores, mixed.scores, rtol=1e-5)


def test_the_probabilities_of_views_are_averaged():
    class Views(Loader):
        def _batches(self, order):
            for number, (x, y, rows) in enumerate(super()._batches(order)):
                yield x + number, y, rows

    loader = Views(count=4, batch_size=3, views=3)
    net = network().eval()
    views = [(x, rows) for x, _, rows in loader]
    x, rows = torch.cat([v for v, _ in views]), torch.cat([r for _, r in views])
    expected = [net(x[rows == i]).softmax(1).mean(0).tolist() for i in range(4)]
    np.testing.assert_allclose(predict(net, loader).scores, expected, rtol=1e-5)


def test_a_part_of_the_recordings_keeps_its_ids():
    loader = Loader(count=10)
    loader.rows = np.array([7, 2, 5])
    assert predict(network(), loader).ids.tolist() == ["clip002", "clip005", "clip007"]


def test_no_recordings_are_refused():
    with pytest.raises(DataError, match="no clips"):
        predict(network(), Loader(count=0))
    with pytest.raises(DataError, match="no clips"):
        top1(network(), Loader(count=0))


def test_accuracies_agree_with_torchmetrics(registry: Registry):
    scores = predict(network(), Loader(count=50, batch_size=7))
    given = torch.from_numpy(scores.scores), torch.from_numpy(scores.labels)
    found = rate(scores, {name: registry.get("metric", name).load() for name in ("top1", "mean_class")})
    for name, average in (("top1", "micro"), ("mean_class", "macro")):
        expected = multiclass_accuracy(*given, num_classes=CLASSES, average=average)
        assert found[name] == pytest.approx(100 * float(expected), rel=1e-5)
    assert top1(network(), Loader(count=50, batch_size=7)) == pytest.approx(found["top1"])


def test_validation_leaves_the_network_as_it_was():
    net = network()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    top1(net.train(), Loader())
    assert net.training
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())
