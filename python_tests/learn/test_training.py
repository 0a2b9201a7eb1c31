"""Training: it learns, is deterministic, resumes exactly, and can be stopped."""

import os
import pickle
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from oracle.losses import exponential_penalty_gradient

import strsbp_rs as sr

OPTIONS = {
    "loss": sr.CountMSE(target=15, other=3, dead_zone=2),
    "rule": sr.StRsbp(teacher_count=15),
    "batch_size": 7,
    "seed": 5,
}


def fit(small, epochs=3, n_threads=2, **options):
    make_network, encoder, x, y = small
    trainer = sr.Trainer(
        make_network(), encoder=encoder, n_threads=n_threads, **{**OPTIONS, **options}
    )
    trainer.fit(x, y, epochs=epochs, validation_data=(x, y), progress=False)
    return trainer


def assert_same_weights(a, b):
    for layer_a, layer_b in zip(a.weights, b.weights, strict=True):
        assert layer_a.keys() == layer_b.keys()
        for key in layer_a:
            np.testing.assert_array_equal(layer_a[key], layer_b[key])


def test_learns_a_separable_task(small):
    trainer = fit(small, epochs=12, optimizer=sr.Adam(lr=2e-2))
    first, last = trainer.history.epochs[0], trainer.history.epochs[-1]
    assert last["val_accuracy"] >= 0.95
    assert last["loss"] < 0.5 * first["loss"]


@pytest.mark.parametrize(
    "optimizer", [sr.Adam(lr=3e-3), sr.AdamW(lr=3e-3), sr.SGD(lr=1e-3, nesterov=True)]
)
@pytest.mark.parametrize("n_threads", [2, 5])
def test_result_does_not_depend_on_threads(small, n_threads, optimizer):
    options = {"optimizer": optimizer, "clip_norm": 1.0, "rule": sr.StRsbp(silent_ratio=0.5)}
    one, many = (fit(small, n_threads=n, **options) for n in (1, n_threads))
    assert_same_weights(one.network, many.network)
    for a, b in zip(one.history.epochs, many.history.epochs, strict=True):
        assert (a["loss"], a["val_loss"]) == (b["loss"], b["val_loss"])


@pytest.mark.parametrize("silent_ratio", [0.0, 0.5])
def test_wide_result_does_not_depend_on_threads(wide, silent_ratio):
    make_network, encoder, x, _ = wide
    counts = [trains.counts() for trains in make_network().run(x, encoder=encoder).spikes[1:3]]
    assert all(((layer > 0).sum(axis=1) > 65).all() for layer in counts)
    options = {"rule": sr.StRsbp(silent_ratio=silent_ratio), "clip_norm": 1.0}
    one, two, five = (fit(wide, epochs=2, n_threads=n, **options) for n in (1, 2, 5))
    assert_same_weights(one.network, two.network)
    assert_same_weights(one.network, five.network)


def test_seed_matters(small):
    a, b = fit(small), fit(small, seed=6)
    assert not np.array_equal(a.network.weights[0]["weight"], b.network.weights[0]["weight"])


@pytest.mark.parametrize("batch_size", [1, 60, 1000])
def test_batch_sizes(small, batch_size):
    trainer = fit(small, batch_size=batch_size)
    assert trainer.epoch == 3


@pytest.mark.parametrize("optimizer", [sr.AdamW(lr=3e-3), sr.SGD(lr=1e-3)])
def test_resumed_equals_uninterrupted(small, tmp_path, optimizer):
    _, encoder, x, y = small
    schedule = sr.Cosine(epochs=4)
    whole = fit(small, epochs=4, optimizer=optimizer, schedule=schedule)
    path = tmp_path / "half.safetensors"
    half = fit(small, epochs=2, optimizer=optimizer, schedule=schedule)
    half.save(path)
    resumed = sr.Trainer.load(path, n_threads=1)
    assert resumed.epoch == 2
    assert resumed.encoder == encoder
    resumed.fit(x, y, epochs=4, validation_data=(x, y), progress=False)
    assert_same_weights(whole.network, resumed.network)
    assert [r["loss"] for r in whole.history.epochs] == [r["loss"] for r in resumed.history.epochs]


@pytest.mark.parametrize("output", [sr.Recurrent(3), sr.Dense(3, lateral_inhibition=1.0)])
@pytest.mark.parametrize("silent_ratio", [0.0, 0.5])
def test_a_silent_recurrent_output_has_no_gradient(output, silent_ratio):
    net = sr.Network(5, [sr.Dense(4), output], seed=1)
    before = net.weights
    trainer = sr.Trainer(
        net,
        encoder=sr.BernoulliEncoder(20, rate_scale=1 / 5.5),
        rule=sr.StRsbp(teacher_spikes=False, silent_ratio=silent_ratio),
        loss=sr.CountMSE(),
    )
    with pytest.warns(sr.SilentLayerWarning):
        trainer.fit(np.zeros((4, 5), np.uint8), np.arange(4) % 3, epochs=1, progress=False)
    for old, new in zip(before, net.weights, strict=True):
        assert all(np.array_equal(old[name], new[name]) for name in old)


def test_weight_penalty_is_the_oracles():
    """On silent input nothing but the penalty moves the weights."""
    init = sr.Uniform(-1.0, 1.0)
    layers = [sr.Recurrent(20, init=init, recurrent_init=init), sr.Dense(3, init=init)]
    net = sr.Network(5, layers, seed=1)
    before = net.weights
    penalty = sr.ExponentialPenalty(lam=3.0, beta=2.0, scale=0.8)
    trainer = sr.Trainer(
        net,
        encoder=sr.BernoulliEncoder(20, rate_scale=1 / 5.5),
        optimizer=sr.SGD(lr=1e-2, momentum=0.0),
        weight_penalty=penalty,
        batch_size=4,
        loss=sr.CountMSE(),
    )
    with pytest.warns(sr.SilentLayerWarning):
        trainer.fit(np.zeros((4, 5), np.uint8), np.zeros(4, np.int64), epochs=1, progress=False)
    for old, new in zip(before, net.weights, strict=True):
        for name, weight in old.items():
            gradient = exponential_penalty_gradient(
                weight.astype(np.float64), penalty.lam, penalty.beta, penalty.scale
            )
            if name == "recurrent":
                np.fill_diagonal(gradient, 0.0)
            np.testing.assert_allclose(new[name], weight - 1e-2 * gradient, rtol=1e-5, atol=1e-6)


def test_checkpoint_every_epoch(small, tmp_path):
    make_network, encoder, x, y = small
    path = tmp_path / "checkpoint.safetensors"
    seen = []

    class Look(sr.Callback):
        def on_epoch_end(self, trainer, record):
            seen.append(sr.Trainer.load(path).epoch)

    trainer = sr.Trainer(make_network(), encoder=encoder, **OPTIONS)
    trainer.fit(x, y, epochs=3, checkpoint=path, callbacks=[Look()], progress=False)
    assert seen == [1, 2, 3]
    assert os.listdir(tmp_path) == [path.name]


def test_network_files_and_pickles(small, tmp_path):
    network = fit(small, epochs=1).network
    network.save(tmp_path / "net.safetensors")
    for copy in (
        sr.Network.load(tmp_path / "net.safetensors"),
        pickle.loads(pickle.dumps(network)),
    ):
        assert_same_weights(network, copy)
        assert copy.layers == network.layers
        assert (copy.dt, copy.seed, copy.dtype) == (network.dt, network.seed, network.dtype)
        _, encoder, x, _ = small
        np.testing.assert_array_equal(
            copy.spike_counts(x, encoder=encoder), network.spike_counts(x, encoder=encoder)
        )


def test_evaluate_predict_and_run_agree(small):
    trainer = fit(small)
    _, encoder, x, y = small
    result = trainer.evaluate(x, y, seed=9)
    counts = trainer.network.spike_counts(x, encoder=encoder, seed=9)
    np.testing.assert_array_equal(result.counts, counts)
    np.testing.assert_array_equal(
        result.predictions, trainer.network.predict(x, encoder=encoder, seed=9)
    )
    assert result.accuracy == np.mean(result.predictions == y)
    recording = trainer.network.run(x, encoder=encoder, seed=9)
    np.testing.assert_array_equal(recording.counts, counts)
    rates = [s.n_spikes / np.prod(s.shape) for s in recording.spikes[1:]]
    np.testing.assert_allclose(result.firing_rate, rates)


def test_gradients_of_simulated_and_recorded_spikes_agree(small):
    make_network, encoder, x, y = small
    trainer = sr.Trainer(make_network(dtype="float64"), encoder=encoder, **OPTIONS)
    simulated = trainer.gradients(x, y)
    recording = trainer.network.run(x, encoder=encoder, seed=OPTIONS["seed"])
    recorded = sr.gradients_from_spikes(
        trainer.network, recording.spikes, y, loss=OPTIONS["loss"], rule=OPTIONS["rule"]
    )
    assert simulated.loss == recorded.loss
    for a, b in zip(simulated.weights, recorded.weights, strict=True):
        for key in a:
            np.testing.assert_array_equal(a[key], b[key])


def test_zero_weight_samples_have_no_gradient(small):
    make_network, encoder, x, y = small
    trainer = sr.Trainer(make_network(dtype="float64"), encoder=encoder, **OPTIONS)
    weight = np.zeros(len(y))
    weight[:10] = 1.0
    some = trainer.gradients(x, y, sample_weight=weight)
    first = trainer.gradients(x[:10], y[:10])
    for a, b in zip(some.weights, first.weights, strict=True):
        for key in a:
            np.testing.assert_allclose(a[key] * len(y), b[key] * 10, rtol=1e-12, atol=1e-13)


def test_missing_synapses_stay_missing(small):
    network = fit(small, optimizer=sr.AdamW(weight_decay=0.1, lr=3e-3)).network
    mask = network.recurrent_mask(1)
    weight = network.weights[1]["recurrent_weight"]
    assert 0.2 < mask.mean() < 0.8
    assert not weight[~mask].any()
    assert weight[mask].all()
    assert not mask.diagonal().any()


def test_history_has_the_norm_of_the_gradients(small):
    make_network, encoder, x, y = small
    lr = 1e-2
    options = {**OPTIONS, "batch_size": len(x), "optimizer": sr.SGD(lr=lr, momentum=0.0)}
    trainer = sr.Trainer(make_network(), encoder=encoder, **options)
    before = trainer.network.weights
    record = trainer.fit(x, y, epochs=1, progress=False).epochs[0]
    norm = distance(before, trainer.network.weights) / lr
    assert record["grad_norm"] == record["grad_norm_max"] == pytest.approx(norm, rel=1e-3)
    # Of the gradient as it was before it is clipped.
    clipped = sr.Trainer(make_network(), encoder=encoder, **options | {"clip_norm": norm / 4})
    assert clipped.fit(x, y, epochs=1, progress=False).epochs[0]["grad_norm"] == record["grad_norm"]
    assert distance(before, clipped.network.weights) / lr == pytest.approx(norm / 4, rel=1e-3)


def distance(before, after):
    pairs = zip(before, after, strict=True)
    return np.sqrt(sum(((a[k] - b[k]) ** 2).sum() for a, b in pairs for k in a))


def test_a_gradient_that_is_not_finite_stops_training(small):
    _, encoder, x, y = small
    network = sr.Network(12, [sr.Dense(3, v_th=2.0, init=sr.Uniform())], seed=3)
    before = network.weights
    trainer = sr.Trainer(network, encoder=encoder, **OPTIONS)
    # Beyond what float32 holds.
    weight = np.full(len(x), 1e300)
    with pytest.raises(ValueError, match=r"gradient of step 1 of epoch 1 has norm (inf|NaN)"):
        trainer.fit(x, y, epochs=1, sample_weight=weight, progress=False)
    assert distance(before, network.weights) == 0


def test_weight_limit(small):
    network = fit(small, weight_limit=0.25, optimizer=sr.Adam(lr=0.1)).network
    assert all(np.abs(w).max() <= 0.25 for layer in network.weights for w in layer.values())


def test_augmentation_changes_training_not_inference(small):
    _, _, x, y = small
    augment = sr.ImageAugment(image_shape=(3, 4), max_shift=1)
    plain, augmented = fit(small), fit(small, augment=augment)
    assert plain.history.epochs[0]["loss"] != augmented.history.epochs[0]["loss"]
    augmented.network.set_weights(plain.network.weights)
    assert plain.evaluate(x, y).loss == augmented.evaluate(x, y).loss


def test_augmentation_starts_with_its_first_epoch(small):
    augment = sr.ImageAugment(image_shape=(3, 4), max_shift=1, first_epoch=2)
    plain, augmented = fit(small), fit(small, augment=augment)
    losses = [[record["loss"] for record in t.history.epochs] for t in (plain, augmented)]
    assert losses[0][0] == losses[1][0]
    assert losses[0][1] != losses[1][1]


def test_no_image_is_shifted_with_probability_zero(small):
    never, always = (
        sr.ImageAugment((3, 4), max_shift=1, shift_probability=share, flip_horizontal=False)
        for share in (0.0, 1.0)
    )
    losses = [fit(small, augment=a).history.epochs[0]["loss"] for a in (None, never, always)]
    assert losses[0] == losses[1] != losses[2]


def test_callbacks_see_progress(small):
    make_network, encoder, x, y = small
    calls = []

    class Log(sr.Callback):
        def on_train_begin(self, trainer):
            calls.append("begin")

        def on_batch_end(self, trainer, progress):
            calls.append(progress)

        def on_epoch_end(self, trainer, record):
            calls.append(record["epoch"])

        def on_train_end(self, trainer, history):
            calls.append("end")

    trainer = sr.Trainer(make_network(), encoder=encoder, **OPTIONS)
    trainer.fit(x, y, epochs=2, callbacks=[Log()], progress=False)
    assert calls[0] == "begin"
    assert calls[-2:] == [2, "end"]
    last = next(call for call in reversed(calls) if isinstance(call, dict))
    assert last["samples_done"] == last["samples_total"] == 60
    assert len(last["firing_rate"]) == 3


def test_an_error_in_a_callback_stops_training(small):
    make_network, encoder, x, y = small

    class Stop(sr.Callback):
        def on_batch_end(self, trainer, progress):
            raise RuntimeError("enough")

    trainer = sr.Trainer(make_network(), encoder=encoder, **OPTIONS)
    with pytest.raises(RuntimeError, match="enough"):
        trainer.fit(x, y, epochs=5, callbacks=[Stop()], progress=False)
    assert trainer.epoch <= 1


@pytest.mark.parametrize("where", ["on_batch_end", "on_epoch_end"])
def test_training_ends_for_callbacks_after_an_error_too(small, where):
    make_network, encoder, x, y = small
    ended = []

    def fail(*_):
        raise RuntimeError("enough")

    class Recorder(sr.Callback):
        def on_train_end(self, trainer, history):
            ended.append(trainer)

    failing = Recorder()
    setattr(failing, where, fail)
    trainer = sr.Trainer(make_network(), encoder=encoder, **OPTIONS)
    with pytest.raises(RuntimeError, match="enough"):
        trainer.fit(x, y, epochs=2, callbacks=[Recorder(), failing], progress=False)
    assert ended == [trainer, trainer]


def test_an_evaluation_draws_from_the_seed_it_is_given(small):
    """0 is a seed, not the trainer's."""
    make_network, encoder, x, y = small
    network = make_network()
    trainer = sr.Trainer(network, encoder=encoder, **{**OPTIONS, "seed": 5})
    for seed, drawn in ((0, 0), (9, 9), (None, 5)):
        expected = network.spike_counts(x, encoder=encoder, seed=drawn)
        np.testing.assert_array_equal(trainer.evaluate(x, y, seed=seed).counts, expected)
    assert (trainer.evaluate(x, y, seed=0).counts != trainer.evaluate(x, y).counts).any()


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("batch_size", [16, 100_000])
def test_ctrl_c_stops(tmp_path, batch_size):
    program = f"""
import numpy as np, strsbp_rs as sr
rng = np.random.default_rng(0)
x, y = rng.random((20_000, 200)), rng.integers(0, 10, 20_000)
net = sr.Network(200, [sr.Recurrent(200, v_th=5.0), sr.Dense(10, v_th=5.0)])
trainer = sr.Trainer(net, encoder=sr.BernoulliEncoder(200), batch_size={batch_size}, n_threads=1)
print("ready", flush=True)
trainer.fit(x, y, epochs=1000, progress=False)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=200)
    assert "KeyboardInterrupt" in error
