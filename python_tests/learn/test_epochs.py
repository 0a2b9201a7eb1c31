"""Epochs count as a whole, and none is trained with a learning rate of 0."""

import numpy as np
import pytest

import strsbp_rs as sr


def weights(trainer):
    return [{key: array.copy() for key, array in w.items()} for w in trainer.network.weights]


def assert_same(a, b):
    for ours, theirs in zip(weights(a), weights(b), strict=True):
        for key in ours:
            np.testing.assert_array_equal(ours[key], theirs[key])


@pytest.fixture
def make(small):
    make_network, encoder, x, y = small

    def make_trainer(**options):
        return sr.Trainer(make_network(), encoder=encoder, n_threads=1, batch_size=16, **options)

    return make_trainer, x, y


class Raises:
    """Raises in the last report of an epoch, or in the validation after it."""

    def __init__(self, epoch, error):
        self.epoch, self.error = epoch, error

    def on_batch_end(self, trainer, progress):
        last = progress["samples_done"] == progress["samples_total"]
        if last and progress["epoch"] == self.epoch:
            raise self.error


@pytest.mark.parametrize("error", [RuntimeError("enough"), KeyboardInterrupt()])
def test_an_epoch_counts_as_a_whole(make, tmp_path, error):
    make_trainer, x, y = make
    path, options = tmp_path / "checkpoint", {"validation_data": (x, y), "progress": False}
    whole, trainer = make_trainer(), make_trainer()
    with pytest.raises(type(error)):
        trainer.fit(x, y, epochs=5, checkpoint=path, callbacks=[Raises(2, error)], **options)
    # An interrupt is at once: its epoch does not count. Other errors come when it is whole.
    n_epochs = 1 if isinstance(error, KeyboardInterrupt) else 2
    assert trainer.epoch == n_epochs
    assert [record["epoch"] for record in trainer.history.epochs] == list(range(1, n_epochs + 1))
    assert all("val_loss" in record for record in trainer.history.epochs)
    held = sr.Trainer.load(path, n_threads=1)
    assert held.epoch == n_epochs
    assert held.history.epochs == trainer.history.epochs
    # And it goes on as if nothing had been.
    held.fit(x, y, epochs=3, **options)
    whole.fit(x, y, epochs=3, **options)
    assert_same(held, whole)


def test_a_validation_that_fails_leaves_no_half_epoch(make, tmp_path, monkeypatch):
    make_trainer, x, y = make
    trainer, path = make_trainer(), tmp_path / "checkpoint"

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(trainer, "_evaluate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(x, y, epochs=2, validation_data=(x, y), checkpoint=path, progress=False)
    assert trainer.epoch == 0
    assert trainer.history.epochs == []
    assert not path.exists()


def test_fit_refuses_epochs_without_a_learning_rate(make, tmp_path):
    make_trainer, x, y = make
    trainer = make_trainer(schedule=sr.Cosine(epochs=2))
    before = weights(trainer)
    message = (
        r"epochs must be <= 2, where the schedule's learning rate comes to 0 for good \(give the "
        r"schedule more epochs, 6, or a min_factor > 0\), got 6"
    )
    with pytest.raises(ValueError, match=message):
        trainer.fit(x, y, epochs=6, progress=False)
    np.testing.assert_array_equal(before[0]["weight"], trainer.network.weights[0]["weight"])
    trainer.fit(x, y, epochs=2, checkpoint=tmp_path / "checkpoint", progress=False)
    trainer = sr.Trainer.load(tmp_path / "checkpoint", n_threads=1)
    assert trainer.schedule == sr.Cosine(epochs=2)
    with pytest.raises(ValueError, match=message):
        trainer.fit(x, y, epochs=6, progress=False)
    trainer.schedule = sr.Cosine(epochs=6)
    assert trainer.schedule == sr.Cosine(epochs=6)
    rates = [record["lr"] for record in trainer.fit(x, y, epochs=6, progress=False).epochs]
    assert len(rates) == 6
    assert min(rates) > 0
    assert rates[2] > rates[3] > rates[4] > rates[5]


def test_a_tail_of_the_schedule_is_no_end(make):
    make_trainer, x, y = make
    trainer = make_trainer(schedule=sr.Cosine(epochs=1, min_factor=0.25))
    lr = trainer.config["optimizer"]["lr"]
    rates = [record["lr"] for record in trainer.fit(x, y, epochs=3, progress=False).epochs]
    assert rates[1:] == [0.25 * lr, 0.25 * lr]


@pytest.mark.parametrize(
    ("schedule", "error", "message"),
    [
        (lambda: "cosin", ValueError, "did you mean"),
        (lambda: 3, TypeError, "schedule must be"),
        (lambda: sr.Cosine(epochs=-1), ValueError, "epochs must be finite and > 0, got -1"),
    ],
)
def test_a_schedule_that_is_none_changes_nothing(make, schedule, error, message):
    trainer = make[0](schedule=sr.Step(every=3))
    with pytest.raises(error, match=message):
        trainer.schedule = schedule()
    assert trainer.schedule == sr.Step(every=3)
    trainer.schedule = "inverse_sqrt"
    assert trainer.schedule == sr.InverseSqrt()


def test_step_refuses_a_learning_rate_of_zero_that_was_not_asked_for(make):
    make_trainer, x, y = make
    trainer = make_trainer(schedule=sr.Cosine(epochs=1, warmup_epochs=0.5))
    spikes = trainer.network.run(x, encoder=trainer.encoder).spikes
    with pytest.raises(ValueError, match="lr must be given, as that of the schedule is 0 after 0"):
        trainer.step(spikes, y)
    assert trainer.step(spikes, y, lr=0.01).lr == 0.01
    assert trainer.step(spikes, y, lr=0.0).lr == 0.0
    with pytest.raises(ValueError, match="lr must be finite in float32, got 1000"):
        trainer.step(spikes, y, lr=1e300)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_learning_rates_are_numbers_of_the_weights_type(small, dtype):
    make_network = small[0]
    network = make_network(dtype=dtype)
    for lr in (1e39, 1e-46):
        if dtype == "float32":
            with pytest.raises(ValueError, match="lr must be finite and > 0 in float32, got "):
                sr.Trainer(network, optimizer=sr.Adam(lr=lr), n_threads=1)
        else:
            sr.Trainer(network, optimizer=sr.Adam(lr=lr), n_threads=1)


@pytest.mark.parametrize("optimizer", [sr.Adam, sr.SGD])
@pytest.mark.parametrize("lr", [1e20, 1e30, 1e38])
def test_what_is_written_can_be_read(small, tmp_path, optimizer, lr):
    _, encoder, x, y = small
    path = tmp_path / "checkpoint"
    network = sr.Network(12, [sr.Dense(20, v_th=2.0), sr.Dense(3, v_th=2.0)], seed=3)
    options = {"optimizer": optimizer(lr=lr), "batch_size": 16, "n_threads": 1}
    trainer = sr.Trainer(network, encoder=encoder, **options)
    try:
        trainer.fit(x, y, epochs=3, checkpoint=path, progress=False)
    except ValueError as error:
        assert "try a lower lr" in str(error)
    for save, load in ((trainer.save, sr.Trainer.load), (network.save, sr.Network.load)):
        try:
            save(path)
        except ValueError as error:
            assert "must be finite" in str(error)
        if path.exists():
            load(path)


def test_moments_beyond_their_type_are_refused(make, tmp_path):
    make_trainer, x, y = make
    trainer, path = make_trainer(optimizer=sr.Adam(lr=1e30)), tmp_path / "checkpoint"
    spikes = trainer.network.run(x, encoder=trainer.encoder).spikes
    with pytest.raises(ValueError, match=r"of layers\[\d\] after \d+ steps must be finite \(try"):
        for _ in range(20):
            trainer.step(spikes, y, sample_weight=np.full(len(y), 1e25))
            trainer.save(path)
    if path.exists():
        sr.Trainer.load(path, n_threads=1)
