"""Training: it learns, repeats itself, goes on exactly where it stopped, and stops cleanly."""

import errno
import os
import signal

import pytest
import torch

from skelbench.errors import DataError, RunFolderError, SkelbenchError, WorkFailed
from skelbench.training.devices import precision_name
from skelbench.training.evaluate import top1
from skelbench.training.fit import BEST, LAST, fit
from skelbench.training.seed import seed_everything
from tests.training.made import Loader, alike, network, options, plain, same


def trained(folder, *, seed=0, dropout=0.5, loader=None, val=None, **arguments):
    recipe = arguments.pop("recipe", options())
    net = arguments.pop("net", network)(seed, dropout)
    seed_everything(seed)
    result = fit(
        net,
        recipe,
        Loader(shuffle=True) if loader is None else loader,
        val,
        folder=folder,
        accelerator="cpu",
        **arguments,
    )
    return net, result


class Stop(Exception):
    """Raised in the middle of training, as a crash would be."""


def crash_after(epoch, error=Stop):
    def report(row):
        if row["epoch"] == epoch:
            raise error

    return report


def test_it_learns_and_keeps_its_books(tmp_path):
    rows = []
    recipe = options(epochs=15)
    net, result = trained(tmp_path, dropout=0.0, recipe=recipe, report=rows.append)
    assert top1(net.eval(), Loader()) > 80
    assert result.epochs == len(result.history) == 15
    assert result.history == rows
    assert [row["epoch"] for row in rows] == list(range(1, 16))
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert result.seconds == pytest.approx(sum(row["seconds"] for row in rows))
    assert (result.lr, result.precision, result.best_epoch) == (0.05, "32", None)


def test_the_same_seed_gives_the_same_weights_and_another_does_not(tmp_path):
    one, first = trained(tmp_path / "a")
    two, second = trained(tmp_path / "b")
    other, _ = trained(tmp_path / "c", seed=1)
    assert same(one, two)
    assert not same(one, other)
    assert [r["loss"] for r in first.history] == [r["loss"] for r in second.history]


@pytest.mark.parametrize("stop", [1, 2])
def test_a_resumed_run_ends_with_the_weights_of_an_uninterrupted_one(tmp_path, stop):
    whole, result = trained(tmp_path / "whole")
    with pytest.raises(Stop):
        trained(tmp_path / "parts", report=crash_after(stop))
    torch.manual_seed(99)  # another process would not have this one's random state either
    seen = Loader(shuffle=True)
    net = network(5, dropout=0.5)
    resumed = fit(net, options(), seen, folder=tmp_path / "parts", accelerator="cpu")
    assert same(net, whole)
    assert [r["loss"] for r in resumed.history] == [r["loss"] for r in result.history]
    assert [r["lr"] for r in resumed.history] == [r["lr"] for r in result.history]


def test_each_epoch_has_its_own_order_even_after_resuming(tmp_path):
    loader = Loader(shuffle=True)
    trained(tmp_path / "whole", loader=loader)
    with pytest.raises(Stop):
        trained(tmp_path / "parts", report=crash_after(2))
    resumed = Loader(shuffle=True)
    trained(tmp_path / "parts", loader=resumed)
    assert resumed.orders == loader.orders[-1:]


def test_a_loader_used_before_starts_afresh(tmp_path):
    loader = Loader(shuffle=True)
    one, _ = trained(tmp_path / "a", loader=loader)
    two, _ = trained(tmp_path / "b", loader=loader)
    assert same(one, two)


def test_a_finished_run_is_not_trained_again(tmp_path):
    whole, result = trained(tmp_path)
    loader = Loader(shuffle=True)
    again, second = trained(tmp_path, seed=3, loader=loader)
    assert same(whole, again)
    assert second == result
    assert loader.orders == []


def test_without_resume_it_starts_from_the_beginning(tmp_path):
    trained(tmp_path, seed=1)
    fresh, _ = trained(tmp_path / "fresh")
    again, result = trained(tmp_path, resume=False)
    assert same(fresh, again)
    assert result.epochs == 3


def test_the_best_epoch_on_validation_is_kept(tmp_path):
    val = Loader(seed=1)
    kept = {}
    net = network()

    def report(row):
        kept[row["epoch"]] = {k: v.clone() for k, v in net.state_dict().items()}

    recipe = options(epochs=6, optimizer={"lr": 0.8})
    result = fit(
        net, recipe, Loader(shuffle=True), val, folder=tmp_path, selection="best_val", report=report,
        accelerator="cpu",
    )  # fmt: skip
    scores = [row["val_top1"] for row in result.history]
    assert result.best_epoch == scores.index(max(scores)) + 1
    assert all(torch.equal(net.state_dict()[k], v) for k, v in kept[result.best_epoch].items())
    assert top1(net, val) == max(scores)


def test_an_interruption_keeps_the_last_epoch_and_gives_the_signal_back(tmp_path):
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, report=crash_after(2, KeyboardInterrupt))
    assert signal.getsignal(signal.SIGINT) is before
    assert torch.load(tmp_path / LAST, weights_only=True)["epoch"] == 1
    resumed, _ = trained(tmp_path)
    whole, _ = trained(tmp_path / "whole")
    assert same(resumed, whole)


def test_it_writes_its_checkpoints_and_nothing_else(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trained(tmp_path / "run", val=Loader(seed=1), selection="best_val")
    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert files == [f"run/{BEST}", f"run/{LAST}", "run/last.previous.ckpt"]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_checkpoint_costs_the_last_epoch_only(tmp_path, damage):
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, report=crash_after(3, KeyboardInterrupt))
    last = tmp_path / LAST
    if damage == "cut":
        last.write_bytes(last.read_bytes()[:500])
    else:
        last.unlink()  # killed between the two names
    told: list[str] = []
    resumed, _ = trained(tmp_path, tell=told.append)
    assert [str(last) in line for line in told] == ([True] if damage == "cut" else [])
    assert same(resumed, trained(tmp_path / "whole")[0])


def test_a_damaged_checkpoint_tells_what_to_do(tmp_path):
    (tmp_path / LAST).write_bytes(b"not a checkpoint")
    with pytest.raises(SkelbenchError, match=r"last.ckpt.*Remove"):
        trained(tmp_path)


def test_a_checkpoint_of_another_network_tells_what_to_do(tmp_path):
    trained(tmp_path)
    with pytest.raises(SkelbenchError, match=r"last.ckpt.*Remove"):
        fit(
            torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(24, 3)),
            options(),
            Loader(),
            folder=tmp_path,
        )


def test_a_hostile_checkpoint_is_not_executed(tmp_path):
    class Payload:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    torch.save({"state_dict": Payload()}, tmp_path / LAST)
    with pytest.raises(SkelbenchError, match=r"last.ckpt"):
        trained(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_divergence_is_told_with_its_place(tmp_path):
    loader = Loader()
    loader.x[10] = float("nan")
    with pytest.raises(WorkFailed, match=r"epoch 1, step 2"):
        trained(tmp_path, loader=loader)


@pytest.mark.parametrize("val", [None, Loader(count=0)])
def test_best_val_needs_validation_clips(tmp_path, val):
    with pytest.raises(DataError, match=r"validat.*train.validation"):
        trained(tmp_path, val=val, selection="best_val")


def test_an_empty_loader_is_refused(tmp_path):
    with pytest.raises(DataError, match="no clips"):
        trained(tmp_path, loader=Loader(count=0))


def test_accumulated_batches_make_the_step_of_one_large_batch(tmp_path):
    whole, one = trained(tmp_path / "a", dropout=0.0, recipe=options(batch_size=8), net=plain)
    small = Loader(shuffle=True, batch_size=4)
    parts, two = trained(
        tmp_path / "b", dropout=0.0, recipe=options(batch_size=4, accumulate=2), loader=small, net=plain
    )
    assert (one.batch_size, two.batch_size) == (8, 8)
    assert alike(whole, parts)
    assert [r["lr"] for r in one.history] == [r["lr"] for r in two.history]


def test_it_does_not_go_on_with_another_effective_batch(tmp_path):
    with pytest.raises(Stop):
        trained(tmp_path, report=crash_after(1))
    with pytest.raises(RunFolderError, match=r"takes 8 clips a step.*not 16.*--devices"):
        trained(tmp_path, recipe=options(accumulate=2))


def test_the_learning_rate_follows_the_effective_batch(tmp_path):
    recipe = options(epochs=1, batch_size=8, accumulate=3, optimizer={"lr": 0.1, "reference_batch": 8})
    _, result = trained(tmp_path, recipe=recipe)
    assert (result.lr, result.batch_size) == (pytest.approx(0.3), 24)


def test_gradients_are_clipped(tmp_path):
    free, _ = trained(tmp_path / "free", recipe=options(optimizer={"lr": 0.5}))
    held, _ = trained(tmp_path / "held", recipe=options(optimizer={"lr": 0.5}, clip_gradient=1e-6))
    start = network(0).out.weight
    assert (held.out.weight - start).abs().max() < 1e-3 < (free.out.weight - start).abs().max()


def test_bf16_trains_and_keeps_its_weights_in_fp32(tmp_path):
    net, result = trained(tmp_path, recipe=options(precision="bf16"))
    assert result.precision == "bf16"
    assert {p.dtype for p in net.parameters()} == {torch.float32}
    assert not same(net, trained(tmp_path / "32")[0])


def test_auto_precision_asks_the_processor(monkeypatch):
    for able, name in ((True, "bf16"), (False, "32")):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda able=able: able)
        assert precision_name("auto", "cpu") == name
        assert precision_name("32", "cpu") == "32"


def test_a_full_disk_is_told_and_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    trained(tmp_path, recipe=options(epochs=1))
    before = (tmp_path / LAST).read_bytes()

    def full(source, target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("skelbench.training.checkpoint.os.replace", full)
    with pytest.raises(RunFolderError, match=r"last.ckpt.*No space left.*Free some space"):
        trained(tmp_path, recipe=options(epochs=2))
    assert [path.name for path in tmp_path.iterdir()] == [LAST]
    assert (tmp_path / LAST).read_bytes() == before


def test_a_missing_best_epoch_is_told(tmp_path):
    val = Loader(seed=1)
    trained(tmp_path, val=val, selection="best_val")
    (tmp_path / BEST).unlink()
    with pytest.raises(RunFolderError, match=r"best.ckpt"):
        trained(tmp_path, val=val, selection="best_val")
