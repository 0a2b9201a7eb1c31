"""Transmission delays: what they mean, and training with them.

That spikes, S-PSPs and gradients are right for any delays is tested where those are, against the
oracle; this file has the rest.
"""

import numpy as np
import pytest
from delayed import assert_same, drawn, make_network, trainer_of
from oracle.losses import exponential_penalty_gradient

import strsbp_rs as sr

# What they mean --------------------------------------------------------------------------------


@pytest.mark.parametrize("delay", [1, 7, 59, 60, 1000])
@pytest.mark.parametrize("dt", [1.0, 0.1])
def test_a_delay_of_all_synapses_shifts_the_input(rng, delay, dt):
    raster = rng.random((4, 60, 12)) < 0.2
    later = np.zeros_like(raster)
    later[:, delay:] = raster[:, : max(60 - delay, 0)]

    def network(delay):
        constants = {"tau_m": 64 * dt, "tau_s": 8 * dt, "t_ref": 2 * dt, "v_th": 2.0}
        layers = [sr.Dense(20, delay=delay, **constants), sr.Dense(3, **constants)]
        return sr.Network(12, layers, dt=dt, dtype="float64")

    delayed, plain = network(delay * dt), network(0.0)
    assert_same(delayed.weights, plain.weights)
    spikes, expected = delayed.run(raster).spikes[1:], plain.run(later).spikes[1:]
    assert spikes == expected
    assert expected[0].n_spikes > 0 or delay >= 59
    got, expected = (
        sr.Trainer(net).gradients(x, [0, 1, 2, 0]) for net, x in ((delayed, raster), (plain, later))
    )
    for layer_got, layer in zip(got.weights, expected.weights, strict=True):
        scale = np.abs(layer["weight"]).max()
        np.testing.assert_allclose(layer_got["weight"], layer["weight"], rtol=0, atol=1e-12 * scale)


def test_a_delay_longer_than_the_run_silences_the_group(task):
    x, _, encoder = task
    first, second, _ = make_network(delay=60.0).run(x, encoder=encoder).spikes[1:]
    assert first.n_spikes == second.n_spikes == 0

    without = make_network()
    weights = without.weights
    weights[1]["recurrent_weight"][:] = 0.0
    without.set_weights(weights)
    expected = without.run(x, encoder=encoder).spikes
    assert expected[2].n_spikes > 0
    assert make_network(recurrent_delay=60.0).run(x, encoder=encoder).spikes == expected
    assert make_network().run(x, encoder=encoder).spikes != expected


def test_no_delay_is_the_same_however_it_is_said(task):
    x, y, encoder = task
    said = [make_network(), make_network(0, 0), make_network(sr.UniformDelay(0, 0)), drawn()]
    said[-1].set_delays([{k: 0 * v for k, v in layer.items()} for layer in said[-1].delays])
    plain, *others = [trainer_of(net, encoder, clip_norm=1.0) for net in said]
    plain.fit(x, y, epochs=2, progress=False)
    for trainer in others:
        trainer.fit(x, y, epochs=2, progress=False)
        assert_same(trainer.network.weights, plain.network.weights)


def test_drawn_delays_change_no_weight_and_are_those_that_can_be_set(task):
    x, y, encoder = task
    configured, explicit = drawn(), make_network()
    assert_same(configured.weights, explicit.weights)
    explicit.set_delays(configured.delays)
    assert_same(configured.weights, explicit.weights)
    assert_same(configured.delays, explicit.delays)
    got, expected = (trainer_of(net, encoder).gradients(x, y) for net in (explicit, configured))
    assert got.loss == expected.loss
    assert_same(got.weights, expected.weights)
    plain = trainer_of(make_network(), encoder).gradients(x, y)
    assert not np.array_equal(plain.weights[0]["weight"], got.weights[0]["weight"])


def test_drawn_delays():
    layers = [
        sr.Recurrent(50, delay=sr.UniformDelay(2, 4), recurrent_delay=sr.UniformDelay(0.5, 3.2))
    ]
    delays = sr.Network(40, layers, dt=0.5, seed=1).delays[0]
    assert delays["delay"].shape == (50, 40) and delays["recurrent_delay"].shape == (50, 50)
    assert delays["delay"].dtype == delays["recurrent_delay"].dtype == np.float64
    assert set(delays["delay"].flat) == {2.0, 2.5, 3.0, 3.5, 4.0}
    itself = np.eye(50, dtype=bool)
    assert set(delays["recurrent_delay"][~itself]) == {0.5, 1.0, 1.5, 2.0, 2.5, 3.0}
    assert not delays["recurrent_delay"][itself].any()
    other = sr.Network(40, layers, dt=0.5, seed=2).delays[0]
    assert not np.array_equal(other["delay"], delays["delay"])


def test_summary_tells_the_delays():
    lines = drawn().summary().splitlines()[1:]
    assert "delay 0 to 6 ms" in lines[0]
    assert "delay 0 to 6 ms, recurrent_delay 0 to 4 ms" in lines[1]
    assert "delay" not in lines[2]


# Training --------------------------------------------------------------------------------------


@pytest.mark.parametrize("silent_ratio", [0.0, 0.5])
def test_result_does_not_depend_on_threads(wide, silent_ratio):
    _, encoder, x, y = wide
    delay, init = sr.UniformDelay(0, 4), sr.Uniform(-0.6, 1.0)
    layers = [
        sr.Dense(150, v_th=2.0, init=init, delay=delay),
        sr.Recurrent(
            150,
            v_th=20.0,
            init=init,
            recurrent_init=sr.Uniform(-0.1, 0.1),
            delay=delay,
            recurrent_delay=delay,
        ),
        sr.Dense(4, v_th=20.0, delay=3.0),
    ]
    trainers = [
        trainer_of(
            sr.Network(30, layers, seed=3),
            encoder,
            n_threads=n_threads,
            clip_norm=1.0,
            rule=sr.StRsbp(silent_ratio=silent_ratio),
        )
        for n_threads in (1, 2, 5)
    ]
    for trainer in trainers:
        trainer.fit(x, y, epochs=2, progress=False)
        assert_same(trainer.network.weights, trainers[0].network.weights)


@pytest.mark.parametrize("optimizer", [sr.AdamW(weight_decay=0.1), sr.SGD(lr=1e-3)])
@pytest.mark.parametrize("set_one_by_one", [False, True])
def test_resumed_equals_uninterrupted(task, tmp_path, optimizer, set_one_by_one):
    x, y, encoder = task

    def trainer():
        network = make_network() if set_one_by_one else drawn()
        if set_one_by_one:
            network.set_delays(drawn().delays)
        return trainer_of(network, encoder, optimizer=optimizer)

    whole, half = trainer(), trainer()
    whole.fit(x, y, epochs=4, progress=False)
    half.fit(x, y, epochs=2, progress=False)
    half.save(tmp_path / "half.safetensors")
    resumed = sr.Trainer.load(tmp_path / "half.safetensors", n_threads=1)
    assert_same(resumed.network.delays, drawn().delays)
    resumed.fit(x, y, epochs=4, progress=False)
    assert_same(resumed.network.weights, whole.network.weights)


def test_synapses_are_as_many_as_without_delays(task):
    """What stands in a matrix for other delays of a synapse is never trained."""
    x, y, encoder = task
    lr = 1e-2
    network = drawn(dtype="float64")
    before, mask = network.weights, network.recurrent_mask(1)
    assert network.n_parameters == make_network().n_parameters
    np.testing.assert_array_equal(mask, make_network().recurrent_mask(1))
    options = {"optimizer": sr.SGD(lr=lr, momentum=0.0), "batch_size": len(x)}
    trainer = trainer_of(network, encoder, **options)
    record = trainer.fit(x, y, epochs=1, progress=False).epochs[0]
    # The norm is that of the synapses' gradients, all of which have moved their weights.
    steps = [
        (new[key] - old[key]) / lr
        for old, new in zip(before, network.weights, strict=True)
        for key in old
    ]
    norm = np.sqrt(sum((step**2).sum() for step in steps))
    assert record["grad_norm"] == pytest.approx(norm, rel=1e-9)
    assert not network.weights[1]["recurrent_weight"][~mask].any()
    # Were stray weights in the matrix, these would be lost with other delays.
    spikes = network.run(x, encoder=encoder).spikes
    copy = make_network(dtype="float64")
    copy.set_weights(network.weights)
    copy.set_delays(network.delays)
    assert copy.run(x, encoder=encoder).spikes == spikes


def test_weight_penalty_counts_each_synapse_once():
    init, delay = sr.Uniform(-1.0, 1.0), sr.UniformDelay(0, 9)
    layer = sr.Recurrent(20, delay=delay, recurrent_delay=delay, init=init, recurrent_init=init)
    network = sr.Network(5, [layer], seed=1)
    before = network.weights[0]
    penalty = sr.ExponentialPenalty(lam=3.0, beta=2.0, scale=0.8)
    trainer = sr.Trainer(
        network,
        encoder=sr.BernoulliEncoder(20),
        optimizer=sr.SGD(lr=1e-2, momentum=0.0),
        rule=sr.StRsbp(teacher_spikes=False),
        weight_penalty=penalty,
    )
    trainer.fit(np.zeros((4, 5), np.uint8), np.zeros(4, np.int64), epochs=1, progress=False)
    for name, weight in before.items():
        gradient = exponential_penalty_gradient(
            weight.astype(np.float64), penalty.lam, penalty.beta, penalty.scale
        )
        expected = weight - 1e-2 * gradient
        np.testing.assert_allclose(network.weights[0][name], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_which_input_leads_is_learnt_with_delays_only(rng, seed):
    """One input echoes the other 15 ms later, longer than the neurons remember; which one?"""
    n_samples, n_steps, lag = 320, 200, 15
    y = np.arange(n_samples) % 2
    leading = rng.random((n_samples, n_steps + lag)) < 0.05
    raster = np.zeros((n_samples, n_steps, 2), dtype=np.bool_)
    raster[np.arange(n_samples), :, y] = leading[:, lag:]
    raster[np.arange(n_samples), :, 1 - y] = leading[:, :-lag]

    def accuracy(delay):
        constants = {"tau_m": 4.0, "tau_s": 2.0}
        layers = [
            sr.Dense(40, v_th=1.0, init=sr.Uniform(0.0, 1.5), delay=delay, **constants),
            sr.Dense(2, v_th=2.0, init=sr.Uniform(-0.5, 1.0), **constants),
        ]
        trainer = sr.Trainer(
            sr.Network(2, layers, seed=seed),
            loss=sr.CountMSE(target=15, other=3, dead_zone=2),
            optimizer=sr.Adam(lr=1e-2),
            batch_size=8,
            clip_norm=1.0,
        )
        trainer.fit(raster[:200], y[:200], epochs=15, progress=False)
        return trainer.evaluate(raster[200:], y[200:]).accuracy

    assert accuracy(sr.UniformDelay(0, 30)) > 0.8
    # 120 samples: four standard deviations of guessing.
    assert accuracy(0.0) < 0.68
