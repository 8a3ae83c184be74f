"""Loss, optimizer and learning rate of the classifier."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from skelbench.errors import WorkFailed
from skelbench.recipe import OptimizerOptions, ScheduleOptions
from skelbench.training.module import ClipClassifier, effective_lr, lr_factor, make_optimizer
from tests.training.made import Loader, network, options


@pytest.mark.parametrize(("reference", "lr"), [(None, 0.1), (8, 0.1), (16, 0.05), (4, 0.2)])
def test_the_learning_rate_follows_the_batch(reference, lr):
    chosen = OptimizerOptions(lr=0.1, reference_batch=reference)
    assert effective_lr(options(optimizer=chosen)) == pytest.approx(lr)


def test_steps_fall_at_their_epochs():
    schedule = ScheduleOptions(name="steps", at=(2, 4), factor=0.1)
    factors = [lr_factor(schedule, epoch, 6) for epoch in (0, 1.9, 2, 3.9, 4, 5.9)]
    assert factors == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_cosine_ends_at_its_floor():
    schedule = ScheduleOptions(name="cosine", floor=0.2)
    assert [lr_factor(schedule, e, 10) for e in (0, 5, 10)] == pytest.approx([1, 0.6, 0.2])


@given(
    st.sampled_from(["steps", "cosine", "constant"]),
    st.integers(0, 5),
    st.floats(0, 20),
    st.floats(0, 20),
)
def test_after_warm_up_the_rate_never_rises(name, warmup, one, other):
    schedule = ScheduleOptions(name=name, at=(6, 12), warmup=warmup)
    first, second = sorted([one, other])
    low, high = lr_factor(schedule, second, 20), lr_factor(schedule, first, 20)
    assert 0 <= low <= 1
    assert low <= high or first < warmup


@given(st.integers(1, 5), st.floats(0.01, 0.99))
def test_warm_up_is_linear(warmup, share):
    assert lr_factor(ScheduleOptions(warmup=warmup), share * warmup, 20) == pytest.approx(share)


@pytest.mark.parametrize(
    ("name", "kind"), [("sgd", torch.optim.SGD), ("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)]
)
def test_the_recipe_names_the_optimizer(name, kind):
    chosen = OptimizerOptions(name=name, lr=0.3, weight_decay=0.01, momentum=0.8)
    optimizer = make_optimizer(options(optimizer=chosen), network().parameters())
    assert type(optimizer) is kind
    assert (optimizer.defaults["lr"], optimizer.defaults["weight_decay"]) == (0.3, 0.01)
    if name == "sgd":
        assert (optimizer.defaults["momentum"], optimizer.defaults["nesterov"]) == (0.8, True)


def test_label_smoothing_enters_the_loss():
    net, batch = network().eval(), next(iter(Loader()))
    expected = functional.cross_entropy(net(batch[0]), batch[1], label_smoothing=0.3).detach()
    module = ClipClassifier(options(label_smoothing=0.3), 3)
    module.set_model(net)
    assert torch.equal(module.training_step(batch, 0), expected)
    assert module.figures()["loss"] == pytest.approx(float(expected))


def test_label_smoothing_may_leave_out_the_right_class():
    net, batch = network().eval(), next(iter(Loader()))
    module = ClipClassifier(options(label_smoothing=0.3, label_smoothing_over="wrong"), 3)
    logs = net(batch[0]).log_softmax(1).detach()
    wanted = torch.full_like(logs, 0.3 / (logs.shape[1] - 1)).scatter_(1, batch[1][:, None], 0.7)
    assert module.loss(net(batch[0]), batch[1]).item() == pytest.approx(float(-(wanted * logs).sum(1).mean()))


def test_figures_are_means_over_clips_not_batches():
    net, loader = network().eval(), Loader(count=10, batch_size=8)
    module = ClipClassifier(options(), 2)
    module.set_model(net)
    for number, batch in enumerate(loader):
        module.training_step(batch, number)
    expected = 100 * (net(loader.x).argmax(1) == loader.y).float().mean()
    assert module.figures()["train_top1"] == pytest.approx(float(expected))
    loss = functional.cross_entropy(net(loader.x), loader.y).item()
    assert module.figures()["loss"] == pytest.approx(loss)
    module.on_train_epoch_start()
    assert module.figures() == {"loss": 0, "train_top1": 0}


def test_a_loss_that_is_no_number_tells_where_and_what_to_do():
    module = ClipClassifier(options(), 3)
    module.set_model(network())
    x, y, index = next(iter(Loader()))
    with pytest.raises(WorkFailed, match=r"nan in epoch 1, step 5.*Lower train.optimizer.lr"):
        module.training_step((x * math.nan, y, index), 4)


def test_a_network_must_be_set():
    with pytest.raises(RuntimeError, match="set_model"):
        ClipClassifier(options(), 3)(torch.zeros(1))
