"""Callbacks that look for the best epoch, also across a resumption."""

from types import SimpleNamespace

import numpy as np
import pytest

import strsbp_rs as sr
from strsbp_rs.training._monitor import Monitored


@pytest.fixture
def fit(small):
    """Fits a trainer whose records get scores one after the other: fit(scores, *callbacks)."""
    make_network, encoder, x, y = small

    def run(scores, *callbacks, trainer=None, **options):
        def add_score(trainer, record):
            record["score"] = scores[record["epoch"] - 1]

        trainer = trainer or sr.Trainer(make_network(), encoder=encoder)
        all_callbacks = [SimpleNamespace(on_epoch_end=add_score), *callbacks]
        options = {"epochs": len(scores), "progress": False, **options}
        trainer.fit(x, y, callbacks=all_callbacks, **options)
        return trainer

    return run


def weights(network):
    return np.concatenate([array.ravel() for layer in network.weights for array in layer.values()])


class Weights(sr.Callback):
    """Keeps the weights after every epoch."""

    def __init__(self):
        self.after = {}

    def on_epoch_end(self, trainer, record):
        self.after[record["epoch"]] = weights(trainer.network)


NAN = float("nan")


@pytest.mark.parametrize(
    ("scores", "options", "stopped", "best"),
    [
        ([3.0, 2.0, 1.0, 4.0, 5.0, 6.0], {"patience": 2}, 5, 3),
        ([3.0, 2.0, 1.0, 4.0, 0.0, 6.0], {"patience": 2}, None, 5),
        ([1.0, 1.0, 0.0], {"patience": 1}, 2, 1),
        ([1.0, 2.0, 1.5, 3.0], {"patience": 2, "mode": "max"}, None, 4),
        ([1.0, 2.0, 1.5, 2.5], {"patience": 2, "mode": "max", "min_delta": 0.5}, 4, 2),
        ([1.0, 1.5, 2.0, 2.0], {"patience": 2, "mode": "max", "min_delta": 0.5}, None, 3),
        ([NAN, 2.0, NAN, NAN, 1.0], {"patience": 2}, 4, 2),
        ([NAN, NAN, 1.0], {"patience": 2}, 2, None),
    ],
)
def test_early_stopping_ends_after_its_patience(fit, scores, options, stopped, best):
    stopping = sr.EarlyStopping("score", **{"mode": "min", **options})
    trainer = fit(scores, stopping)
    assert stopping.stopped_epoch == stopped
    assert trainer.epoch == (stopped or len(scores))
    assert stopping.best_epoch == best
    assert stopping.best == (None if best is None else scores[best - 1])


@pytest.mark.parametrize("restore", [False, True])
def test_best_weights_are_restored_bit_for_bit(fit, restore):
    seen = Weights()
    stopping = sr.EarlyStopping("score", mode="max", patience=2, restore_best_weights=restore)
    trainer = fit([1.0, 3.0, 2.0, 1.0, 5.0], seen, stopping)
    assert trainer.epoch == 4
    np.testing.assert_array_equal(weights(trainer.network), seen.after[2 if restore else 4])
    assert not np.array_equal(seen.after[2], seen.after[4])
    # A fit after that has all its patience, and still knows the best.
    fit([1.0, 3.0, 2.0, 1.0, 2.0, 2.0, 9.0], seen, stopping, trainer=trainer)
    assert (trainer.epoch, stopping.best_epoch) == (6, 2)
    np.testing.assert_array_equal(weights(trainer.network), seen.after[2 if restore else 6])


def test_best_weights_are_restored_after_an_error_too(fit, small):
    def fail(trainer, record):
        if record["epoch"] == 3:
            raise RuntimeError("no more")

    seen, stopping = Weights(), sr.EarlyStopping("loss", restore_best_weights=True, min_delta=1e9)
    trainer = sr.Trainer(small[0](), encoder=small[1])
    with pytest.raises(RuntimeError, match="no more"):
        fit([0.0] * 4, seen, stopping, SimpleNamespace(on_epoch_end=fail), trainer=trainer)
    assert trainer.epoch == 3
    np.testing.assert_array_equal(weights(trainer.network), seen.after[1])


def test_early_stopping_of_a_resumed_run_ends_where_the_whole_one_does(fit, small, tmp_path):
    *_, x, y = small
    options = {"checkpoint": tmp_path / "last.safetensors", "validation_data": (x, y)}
    # The least validation loss is the first one, as far as min_delta goes.
    make = {"monitor": "val_loss", "patience": 3, "min_delta": 1e6}
    whole = sr.EarlyStopping(**make)
    fit([0.0] * 9, whole, validation_data=(x, y))
    assert (whole.best_epoch, whole.stopped_epoch) == (1, 4)
    fit([0.0] * 9, sr.EarlyStopping(**make), epochs=3, **options)
    again = sr.EarlyStopping(**make, restore_best_weights=True)
    trainer = sr.Trainer.load(tmp_path / "last.safetensors")
    with pytest.warns(
        sr.StrsbpWarning, match="weights of epoch 1, the best, were there before this fit"
    ):
        fit([0.0] * 9, again, trainer=trainer, **options)
    assert (again.best, again.stopped_epoch) == (whole.best, 4)


def test_weights_of_a_resumed_epoch_that_stays_the_best_are_restored(fit, tmp_path):
    last = tmp_path / "last.safetensors"
    # What a callback adds to the last record is not in its checkpoint: a quantity of training's.
    make = {"monitor": "loss", "min_delta": 1e6, "patience": 2, "restore_best_weights": True}
    fit([0.0], checkpoint=last)
    trainer = sr.Trainer.load(last)
    after_1 = weights(trainer.network)
    fit([0.0] * 9, sr.EarlyStopping(**make), trainer=trainer)
    assert trainer.epoch == 3
    np.testing.assert_array_equal(weights(trainer.network), after_1)


def test_early_stopping_forgets_the_trainer_before(fit, small):
    make_network, encoder, *_ = small
    stopping = sr.EarlyStopping("score", mode="max", patience=2, restore_best_weights=True)
    fit([9.0, 8.0, 8.0], stopping)
    assert (stopping.best, stopping.stopped_epoch) == (9.0, 3)
    seen, other = Weights(), sr.Trainer(make_network(seed=8), encoder=encoder)
    fit([1.0, 2.0, 1.0], seen, stopping, trainer=other)
    assert (stopping.best, stopping.best_epoch, stopping.stopped_epoch) == (2.0, 2, None)
    np.testing.assert_array_equal(weights(other.network), seen.after[2])
    # Nor does one get weights whose best epoch was before it was resumed: a warning says so.
    third = sr.Trainer(make_network(seed=9), encoder=encoder)
    third.fit(*small[2:], epochs=3, progress=False)
    for record, score in zip(third.history, (1.0, 5.0, 4.0), strict=True):
        record["score"] = score
    before = weights(third.network)
    stop = SimpleNamespace(on_train_begin=lambda trainer: trainer.stop())
    with pytest.warns(
        sr.StrsbpWarning, match="weights of epoch 2, the best, were there before this fit"
    ):
        fit([0.0] * 4, stop, stopping, trainer=third)
    np.testing.assert_array_equal(weights(third.network), before)


def test_best_checkpoint_holds_the_best_epoch(fit, tmp_path):
    seen, best = Weights(), sr.BestCheckpoint(tmp_path / "best.safetensors", "score", mode="max")
    trainer = fit([1.0, 3.0, 2.0, 3.0], seen, best)
    assert (best.best, best.best_epoch) == (3.0, 2)
    held = sr.Trainer.load(best.path)
    assert held.epoch == 2 and held.history["score"] == [1.0, 3.0]
    np.testing.assert_array_equal(weights(held.network), seen.after[2])
    np.testing.assert_array_equal(weights(sr.Network.load(best.path)), seen.after[2])
    # Training goes on from it as it did.
    fit([1.0, 3.0, 2.0, 3.0], trainer=held)
    np.testing.assert_array_equal(weights(held.network), weights(trainer.network))
    assert [path.name for path in tmp_path.iterdir()] == ["best.safetensors"]


def test_scores_of_numpy_are_saved_with_the_best_epoch(fit, tmp_path):
    best = sr.BestCheckpoint(tmp_path / "best.safetensors", "score", mode="max")
    fit([np.float32(0.5), np.float64("nan"), np.int8(3)], best)
    assert sr.Trainer.load(best.path).history["score"] == [0.5, None, 3]
    assert best.best == 3.0


def test_a_trainer_that_is_not_as_its_last_epoch_left_it_is_not_written(fit, tmp_path):
    path, last = tmp_path / "best.safetensors", tmp_path / "last.safetensors"
    stop = SimpleNamespace(on_train_begin=lambda trainer: trainer.stop())
    best = sr.BestCheckpoint(path, "loss")
    trainer = fit([0.0], checkpoint=last)
    fit([0.0] * 2, best, stop, trainer=trainer)
    resumed = sr.Trainer.load(last)
    fit([0.0] * 2, trainer=resumed)
    fit([0.0] * 3, best, stop, trainer=resumed)
    assert not path.exists() and best.best is None


def test_best_checkpoint_of_a_resumed_run(fit, small, tmp_path):
    *_, x, y = small
    last, path = tmp_path / "last.safetensors", tmp_path / "best.safetensors"
    options = {"checkpoint": last, "validation_data": (x, y)}
    fit([5.0, 1.0], sr.BestCheckpoint(path, "score", mode="max"), epochs=2, **options)
    before = path.read_bytes()
    # Worse ones do not replace what was best before, better ones do.
    best = sr.BestCheckpoint(path, "score", mode="max")
    trainer = fit([5.0, 1.0, 4.0], best, trainer=sr.Trainer.load(last), **options)
    assert (best.best, best.best_epoch) == (5.0, 1) and path.read_bytes() == before
    fit([5.0, 1.0, 4.0, 6.0], best, trainer=trainer, **options)
    assert best.best_epoch == sr.Trainer.load(path).epoch == 4
    # Another run that is resumed does not replace it, one from the beginning does.
    other = fit([0.0, 0.0])
    other.history[0]["loss"] += 1.0
    with pytest.raises(ValueError, match=r"best\.safetensors holds the best epoch of another run"):
        fit([0.0] * 3, best, trainer=other)
    assert other.epoch == 2
    fit([0.0], best)
    assert sr.Trainer.load(path).history["score"] == [0.0]


def test_a_best_epoch_whose_file_was_not_written_is_written_at_resumption(fit, small, tmp_path):
    *_, x, y = small
    last, path = tmp_path / "last.safetensors", tmp_path / "best.safetensors"
    options = {"checkpoint": last, "validation_data": (x, y)}
    make = {"monitor": "val_samples_per_s", "mode": "max"}

    class Killed(BaseException):
        """Between the checkpoint of the last epoch and that of the best one."""

    def kill(trainer, record):
        record["val_samples_per_s"] = float(record["epoch"])
        if record["epoch"] == 2:
            raise Killed

    with pytest.raises(Killed):
        hooks = SimpleNamespace(on_epoch_end=kill)
        fit([0.0] * 2, hooks, sr.BestCheckpoint(path, **make), **options)
    assert sr.Trainer.load(path).epoch == 1
    trainer = sr.Trainer.load(last)
    resumed = sr.BestCheckpoint(path, **make)
    after_2 = weights(trainer.network)
    stop = SimpleNamespace(on_train_begin=lambda trainer: trainer.stop())
    fit([0.0] * 9, resumed, stop, trainer=trainer, **options)
    assert trainer.epoch == resumed.best_epoch == sr.Trainer.load(path).epoch == 2
    np.testing.assert_array_equal(weights(sr.Network.load(path)), after_2)


@pytest.mark.parametrize(
    "make", [sr.EarlyStopping, lambda *a, **o: sr.BestCheckpoint("x", *a, **o)]
)
def test_nonsense_is_refused(make, fit, small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for arguments, options, error, message in (
        ((3,), {}, TypeError, "monitor must be a string, got 3"),
        (("score",), {}, ValueError, "mode must be 'min' or 'max': is less of 'score' better"),
        ((), {"mode": "least"}, ValueError, "mode must be 'auto', 'min' or 'max', got 'least'"),
        ((), {"min_delta": -1}, ValueError, "min_delta must be finite and >= 0, got -1"),
        ((), {"min_delta": NAN}, ValueError, "min_delta must be finite and >= 0, got nan"),
        ((), {"min_delta": "a"}, TypeError, "min_delta must be a number, got 'a'"),
    ):
        with pytest.raises(error, match=message):
            make(*arguments, **options)
    # Whether it is there is known before the first epoch, or after it at the latest.
    trainer = sr.Trainer(small[0](), encoder=small[1])
    with pytest.raises(ValueError, match="monitor 'val_loss' needs validation_data, got None"):
        fit([0.0], make(), trainer=trainer)
    assert trainer.epoch == 0
    with pytest.raises(ValueError, match=r"monitor 'f1_accuracy' is not in the epoch's record \(e"):
        fit([0.0], make("f1_accuracy"))
    with pytest.raises(TypeError, match=r"record\['score'\] must be a number, got 'good'"):
        fit(["good"], make("score", mode="max"))


def test_patience_and_folder_are_checked(fit, tmp_path):
    with pytest.raises(ValueError, match="patience must be >= 1, got 0"):
        sr.EarlyStopping(patience=0)
    with pytest.raises(FileNotFoundError, match=r"path: the folder .*missing does not exist"):
        fit([0.0], sr.BestCheckpoint(tmp_path / "missing" / "x", "loss"))


def test_what_is_better():
    for monitor, mode, least in (
        ("loss", "auto", True),
        ("val_loss", "auto", True),
        ("accuracy", "auto", False),
        ("my_accuracy", "auto", False),
        ("loss", "max", False),
        ("accuracy", "min", True),
    ):
        monitored = Monitored(monitor, mode, 0.25)
        sign = -1.0 if least else 1.0
        assert monitored.mode == ("min" if least else "max")
        assert monitored.is_better(sign, None)
        # By more than min_delta, and not by it.
        assert not monitored.is_better(sign * 1.25, sign)
        assert monitored.is_better(sign * 1.5, sign)
        assert not monitored.is_better(sign * 0.5, sign)
        assert not monitored.is_better(float("nan"), None)
    for name in ("val_loss", "val_accuracy", "val_samples_per_s"):
        monitored = Monitored(name, "min", 0.0)
        monitored.check_data(validated=True)
        with pytest.raises(ValueError, match=f"monitor '{name}' needs validation_data"):
            monitored.check_data(validated=False)
    Monitored("loss", "min", 0.0).check_data(validated=False)
