"""Callbacks: what may be one, in which order they are called, and how they end training."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest

import strsbp_rs as sr


@pytest.fixture
def fit(small):
    """Makes a trainer, fits it with some callbacks, and returns it: fit(*callbacks, **options)."""
    make_network, encoder, x, y = small

    def run(*callbacks, trainer=None, epochs=3, **options):
        trainer = trainer or sr.Trainer(make_network(), encoder=encoder)
        trainer.fit(x, y, epochs=epochs, callbacks=list(callbacks), progress=False, **options)
        return trainer

    return run


class OnAClick:
    def on_click(self):
        """Of another library."""


class Misspelt(sr.Callback):
    def on_epoch_ned(self, trainer, record):
        """Never called."""


class CamelCase:
    def on_train_end(self, trainer, history):
        """Fine."""

    def onEpochEnd(self, trainer, record):
        """Never called."""


class OtherArguments:
    def on_epoch_end(self, record):
        """Called with two."""


@pytest.mark.parametrize(
    ("callbacks", "message"),
    [
        ([Misspelt()], r"callbacks\[0\] \(Misspelt\) has a method on_epoch_ned.*on_epoch_end\?"),
        ([sr.Callback(), CamelCase()], r"callbacks\[1\].*onEpochEnd.*did you mean on_epoch_end\?"),
        ([OnAClick()], r"on_click.*it calls on_train_begin, on_batch_end, on_epoch_end"),
        ([OtherArguments()], r"on_epoch_end must take \(trainer, record\).*\(record\)"),
        ([SimpleNamespace(on_epoch_end=3)], r"on_epoch_end must be a method, got 3"),
        ([SimpleNamespace(on_epoch_begin=print, on_epoch_end=print)], r"on_epoch_begin"),
        ([sr.Callback], r"callbacks\[0\] must be an object, got the class Callback"),
        ([print], r"callbacks\[0\] must have one of the methods on_train_begin"),
        (sr.Callback(), r"callbacks must be a list"),
        ("on_epoch_end", r"callbacks must be a list"),
    ],
)
def test_what_is_no_callback_is_refused_before_training(fit, small, callbacks, message):
    make_network, encoder, x, y = small
    trainer = sr.Trainer(make_network(), encoder=encoder)
    before = trainer.network.weights
    with pytest.raises(TypeError, match=message):
        trainer.fit(x, y, epochs=1, callbacks=callbacks, progress=False)
    assert trainer.epoch == 0 and trainer.history.epochs == []
    for a, b in zip(before, trainer.network.weights, strict=True):
        np.testing.assert_array_equal(a["weight"], b["weight"])


def test_objects_without_the_base_class_are_called_in_order(fit):
    class Plain:
        on_the_side = 3  # Not a method.

        def __init__(self, name):
            self.name = name

        @property
        def on_fire(self):
            raise RuntimeError("properties are not looked into")

        def on_train_begin(self, *arguments):
            said.append((self.name, len(arguments)))

        def on_epoch_end(self, trainer, record, more=None):
            said.append((self.name, record["epoch"]))

    said = []
    fit(Plain("a"), Plain("b"), epochs=2)
    assert said == [("a", 1), ("b", 1), ("a", 1), ("b", 1), ("a", 2), ("b", 2)]


def test_stop_completes_the_epoch(fit, tmp_path):
    class Stop(sr.Callback):
        def __init__(self, hook):
            self.hook, self.ends = hook, 0

        def on_batch_end(self, trainer, progress):
            if self.hook == "on_batch_end" and progress["epoch"] == 2:
                trainer.stop()

        def on_epoch_end(self, trainer, record):
            if self.hook == "on_epoch_end" and record["epoch"] == 2:
                trainer.stop()

        def on_train_end(self, trainer, history):
            self.ends += 1

    whole = fit(epochs=4)
    for hook in ("on_batch_end", "on_epoch_end"):
        path, stop = tmp_path / f"{hook}.safetensors", Stop(hook)
        trainer = fit(stop, epochs=4, checkpoint=path)
        assert trainer.epoch == 2 and trainer.history["epoch"] == [1, 2] and stop.ends == 1
        for begun in (trainer, sr.Trainer.load(path)):
            assert begun.epoch == 2
            resumed = fit(trainer=begun, epochs=4)
            assert resumed.history["loss"] == whole.history["loss"]
            for a, b in zip(whole.network.weights, resumed.network.weights, strict=True):
                np.testing.assert_array_equal(a["weight"], b["weight"])


def test_stop_before_the_first_epoch_and_from_another_thread(fit):
    begin = SimpleNamespace(on_train_begin=lambda trainer: trainer.stop())
    assert fit(begin).epoch == 0

    def from_another_thread(trainer, progress):
        thread = threading.Thread(target=trainer.stop)
        thread.start()
        thread.join()

    trainer = fit(SimpleNamespace(on_batch_end=from_another_thread), epochs=5)
    assert trainer.epoch == 1
    # What was said before a fit counts for nothing.
    trainer.stop()
    assert fit(trainer=trainer, epochs=3).epoch == 3


def test_history_gives_columns_rows_and_records(fit, small):
    *_, x, y = small
    history = fit(epochs=2, validation_data=(x, y)).history
    assert history["loss"] == [record["loss"] for record in history.epochs]
    assert history[-1] is history.epochs[1] and history[:1] == history.epochs[:1]
    assert len(history) == 2 and list(history) == history.epochs
    assert history.names[:2] == ["epoch", "lr"] and "val_accuracy" in history.names
    rows = history.rows()
    assert [row["firing_rate_2"] for row in rows] == [r["firing_rate"][2] for r in history]
    assert "firing_rate" not in rows[0]
    history.epochs[1]["f1"] = 0.5
    assert history["f1"] == [None, 0.5]
    with pytest.raises(KeyError, match=r"no 'los'; did you mean 'loss'\?"):
        history["los"]
    with pytest.raises(KeyError, match=r"it has none"):
        sr.History()["q"]
