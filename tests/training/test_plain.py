"""The plain training: the very weights of `fit`, and looks at held-out clips that change nothing."""

from dataclasses import dataclass

import pytest
import torch

from skelbench.errors import WorkFailed
from skelbench.recipe import ScheduleOptions
from skelbench.training.fit import fit
from skelbench.training.plain import HeldOut, look, train_plainly
from skelbench.training.seed import seed_everything
from tests.training.made import Loader, network, options, same


@dataclass
class Books:
    """What a plain training told."""

    rows: list

    def __call__(self, epoch, loss, seconds):
        self.rows.append((epoch, loss, seconds))


def plain(recipe, *, dropout=0.5, after_epoch=None):
    net, loader = network(0, dropout), Loader(shuffle=True)

    def batches(epoch):
        loader.set_epoch(epoch)
        return list(loader)

    seed_everything(0)
    books = Books([])
    train_plainly(net, recipe, batches, after_epoch(net, books) if after_epoch else books)
    return net, books.rows


def fitted(recipe, folder, *, dropout=0.5):
    net = network(0, dropout)
    seed_everything(0)
    return net, fit(net, recipe, Loader(shuffle=True), folder=folder, accelerator="cpu")


@pytest.mark.parametrize("changes", [{}, {"clip_gradient": 0.1}, {"precision": "bf16"}])
def test_the_weights_are_those_that_fit_gives(tmp_path, changes):
    recipe = options(epochs=3, **changes)
    one, result = fitted(recipe, tmp_path)
    other, rows = plain(recipe)
    assert same(one, other)
    assert [loss for _, loss, _ in rows] == [row["loss"] for row in result.history]
    assert [epoch for epoch, _, _ in rows] == [0, 1, 2]
    assert all(seconds > 0 for _, _, seconds in rows)


def test_looking_after_each_epoch_changes_nothing():
    recipe = options(epochs=3)
    clips = HeldOut.of(list(Loader()))

    def looking(net, books):
        def after(epoch, loss, seconds):
            look(net, clips)
            books(epoch, loss, seconds)

        return after

    assert same(plain(recipe)[0], plain(recipe, after_epoch=looking)[0])


def test_a_look_counts_right_answers_and_takes_the_cross_entropy():
    net, clips = network(0, 0.0), HeldOut.of(list(Loader()))
    seen = look(net, clips)
    with torch.no_grad():
        scores = net.eval()(clips.x)
    assert seen.right == int((scores.argmax(1) == clips.y).sum())
    assert seen.loss == pytest.approx(float(torch.nn.functional.cross_entropy(scores, clips.y)), rel=1e-5)
    assert len(seen.hits) == len(clips.y)


def test_with_restarts_a_short_training_is_the_beginning_of_a_long_one(tmp_path):
    schedule = ScheduleOptions(name="cosine", restarts=(2, 4))
    states = []

    def keeping(net, books):
        def after(epoch, loss, seconds):
            states.append({name: value.clone() for name, value in net.state_dict().items()})

        return after

    plain(options(epochs=5, schedule=schedule), after_epoch=keeping)
    for epochs in (2, 4):
        short, _ = plain(options(epochs=epochs, schedule=schedule))
        assert all(torch.equal(states[epochs - 1][name], value) for name, value in short.state_dict().items())


def test_a_loss_that_is_not_finite_ends_it():
    recipe = options(epochs=2)
    recipe = recipe.model_copy(update={"optimizer": recipe.optimizer.model_copy(update={"lr": 1e30})})
    with pytest.raises(WorkFailed, match="the loss is"):
        plain(recipe)
