"""Networks in fixed point against graphs, against their networks, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import strsbp_rs as sr
from strsbp_rs.datasets import load_demo

ENCODER = sr.BernoulliEncoder(n_steps=100, rate_scale=1 / 5.5)


def network(**options: float) -> sr.Network:
    layers = [
        sr.Dense(30, v_th=1.0, init=sr.Uniform(), **options),
        sr.Recurrent(20, v_th=0.8, init=sr.Uniform(), recurrent_init=sr.Uniform(), **options),
        sr.Dense(5, v_th=0.4, lateral_inhibition=0.5, init=sr.Uniform(), **options),
    ]
    return sr.Network(40, layers, seed=3)


def samples(n: int = 12) -> np.ndarray:
    return np.random.default_rng(1).random((n, 40))


def graph_spikes(fixed: sr.FixedNetwork, trains: sr.SpikeTrains, sample: int) -> list[list[int]]:
    """Firing counts of every layer, from an engine of graphs."""
    graph = sr.Graph(dtype="int16")
    below = graph.add_input(40)
    populations = []
    for layer in fixed.layers:
        own = graph.add_population(len(layer.weight), layer.format)
        for pre, weight in ((below, layer.weight), (own, layer.recurrent_weight)):
            if weight is None:
                continue
            post_index, pre_index = np.nonzero(weight)
            graph.connect(pre, own, (pre_index, post_index), weight=weight[post_index, pre_index])
        populations.append(own)
        below = own
    simulator = sr.Simulator(graph, engine="event", record=populations)
    raster = trains.to_dense()[sample]
    t, x = np.nonzero(raster)
    events = np.empty(len(t), [("t", np.int64), ("x", np.int64)])
    events["t"], events["x"] = t, x
    simulator.push(events)
    spikes = simulator.advance(len(raster))
    counts = np.bincount(spikes["x"], minlength=sum(len(layer.weight) for layer in fixed.layers))
    ends = np.cumsum([len(layer.weight) for layer in fixed.layers])
    return [part.tolist() for part in np.split(counts, ends[:-1])]


def test_layers_fire_as_the_graph_of_them() -> None:
    fixed = network().to_fixed()
    trains = fixed.run(samples(3), encoder=ENCODER, seed=5).spikes
    total = 0
    for sample in range(3):
        expected = graph_spikes(fixed, trains[0], sample)
        got = [layer.counts()[sample].tolist() for layer in trains[1:]]
        assert got == expected
        total += sum(map(sum, got))
    assert total > 200
    np.testing.assert_array_equal(
        fixed.spike_counts(samples(3), encoder=ENCODER, seed=5), trains[-1].counts()
    )


@pytest.mark.parametrize("t_ref", [0.0, 2.0])
def test_many_bits_fire_as_floats_do(t_ref: float) -> None:
    """Nearly: few spikes move, where a potential comes near the threshold."""
    net = network(t_ref=t_ref)
    fixed = net.to_fixed(sr.QFormat(weight_bits=16, state_bits=28, decay_bits=20))
    trains = fixed.run(samples(), encoder=ENCODER, seed=5).spikes
    expected = net.run(samples(), encoder=ENCODER, seed=5).spikes
    for got, floats in zip(trains[1:], expected[1:], strict=True):
        assert floats.counts().sum() > 500
        assert abs(got.counts().astype(int) - floats.counts()).sum() < 0.01 * floats.counts().sum()
    assert all(lost == sr.fixed.Overflows(0, 0) for lost in fixed.overflows)


@pytest.mark.parametrize("target", ["qformat", "loihi", "xylo", "spinnaker", "cortex_m"])
def test_traces_are_what_a_stream_goes_through(target: str) -> None:
    """Against the engine of graphs, step by step; recurrent layers, and delays where there are."""
    net = network()
    if target == "xylo":
        below = [replace(layer, t_ref=0.0) for layer in net.layers[:2]]
        net = sr.Network(40, [*below, sr.Dense(5, v_th=0.4, t_ref=0.0, init=sr.Uniform())], seed=3)
    else:
        delays = np.random.default_rng(2)
        net.set_delays(
            [{k: delays.integers(0, 4, d.shape) for k, d in layer.items()} for layer in net.delays]
        )
    fixed = net.to_fixed(sr.Xylo(enforce_limits=False) if target == "xylo" else target)
    chosen = {0: [3, 0], 1: [19, 7, 1], 2: [4]}
    run = fixed.run(samples(1), encoder=ENCODER, record_traces=chosen)
    assert run.neurons == chosen
    simulator = sr.Simulator(fixed, engine="clocked", record=range(3))
    simulator.push(run.spikes[0].to_events()[0])
    fired = [trains.to_counts()[0] for trains in run.spikes[1:]]
    n_fired = 0
    for step in range(100):
        simulator.advance(steps=step + 1)
        for layer, neurons in chosen.items():
            current, potential = run.current[layer][0, step], run.potential[layer][0, step]
            assert current.dtype == potential.dtype == np.int32
            np.testing.assert_array_equal(current, simulator.currents(layer)[neurons])
            # Before a reset: after one, a simulator tells.
            form, spikes = fixed.layers[layer].format, fired[layer][step, neurons]
            after = simulator.potentials(layer)[neurons]
            silent = spikes == 0
            np.testing.assert_array_equal(potential[silent], after[silent])
            v_th = np.broadcast_to(form.v_th, len(fired[layer][step]))[neurons]
            if form.reset == "subtract":
                np.testing.assert_array_equal(potential, after + spikes * v_th)
            assert (potential[~silent] >= v_th[~silent]).all()
            n_fired += int(spikes.sum())
    assert n_fired > 20


def test_what_does_not_fit_is_counted() -> None:
    fixed = network().to_fixed()
    narrow = [
        replace(layer, format=replace(layer.format, current_bits=8)) for layer in fixed.layers
    ]
    fixed = sr.FixedNetwork(network(), narrow)
    assert fixed.overflows == [sr.fixed.Overflows(0, 0)] * 3
    fixed.spike_counts(samples(), encoder=ENCODER)
    once = fixed.overflows
    assert once[0].current > 0
    fixed.spike_counts(samples(), encoder=ENCODER)
    assert fixed.overflows[0].current == 2 * once[0].current


def test_threads_give_the_same_bits() -> None:
    runs = []
    for n_threads in (1, 2):
        fixed = network().to_fixed(sr.QFormat(rounding="stochastic"))
        counts = fixed.spike_counts(samples(), encoder=ENCODER, n_threads=n_threads)
        runs.append((counts.tolist(), fixed.overflows))
    assert runs[0] == runs[1] and np.sum(runs[0][0]) > 50


def test_delays_are_those_of_the_network() -> None:
    net = sr.Network(
        40,
        [
            sr.Dense(30, v_th=1.0, delay=sr.UniformDelay(0.0, 6.0), init=sr.Uniform()),
            sr.Dense(5, v_th=0.4, delay=3.0, init=sr.Uniform()),
        ],
        seed=2,
    )
    fixed = net.to_fixed(sr.QFormat(weight_bits=16, state_bits=28, decay_bits=20))
    got = fixed.spike_counts(samples(), encoder=ENCODER).astype(int)
    expected = net.spike_counts(samples(), encoder=ENCODER)
    assert expected.sum() > 500
    assert abs(got - expected).sum() < 0.02 * expected.sum()


def test_eight_bits_cost_a_trained_network_little() -> None:
    data = load_demo()
    net = sr.Network(
        784,
        [sr.Dense(60, v_th=10.0, init=sr.Uniform()), sr.Dense(10, v_th=5.0, init=sr.Uniform())],
        seed=1,
    )
    encoder = sr.BernoulliEncoder(n_steps=100, rate_scale=1 / 5.5)
    trainer = sr.Trainer(
        net, encoder=encoder, loss=sr.SoftmaxCrossEntropy(), optimizer=sr.Adam(lr=3e-3)
    )
    trainer.fit(data.x_train, data.y_train, epochs=3)
    accuracy = [
        np.mean(model.predict(data.x_test, encoder=encoder) == data.y_test)
        for model in (net, net.to_fixed(), net.to_fixed(sr.QFormat(weight_bits=2)))
    ]
    assert accuracy[0] > 0.6
    assert accuracy[1] > accuracy[0] - 0.03
    # Three values of a weight are not enough without training.
    assert accuracy[2] < accuracy[1]


def test_weights_of_other_shapes_and_sizes_are_refused() -> None:
    layers = network().to_fixed().layers
    for weight, message in [
        (layers[0].weight[:, 1:], r"layers\[0\].weight has shape \(30, 39\)"),
        (layers[0].weight * 1000, r"weight\[\d+, \d+\] must be in \[-128, 127\]"),
        (np.full((30, 40), -(2**31)), r"weight\[0, 0\] must be in \[-128, 127\]"),
        (np.full((30, 40), 2**31), r"weight must have 32 bits, got 2147483648 to 2147483648"),
        (np.full((30, 40), -(2**31) - 1), r"weight must have 32 bits, got -2147483649 to -2147"),
        (layers[0].weight[0], r"weight has shape \(40,\), expected two dimensions"),
    ]:
        with pytest.raises(ValueError, match=message):
            sr.FixedNetwork(network(), [replace(layers[0], weight=weight), *layers[1:]])
    alike = replace(layers[0], weight=np.full((30, 40), 3, np.int64))
    held = sr.FixedNetwork(network(), [alike, *layers[1:]]).layers[0]
    assert (held.weight == 3).all() and held.weight.dtype == np.int32
    with pytest.raises(TypeError, match=r"layers\[0\]\.weight must be integers, got float64"):
        weight = layers[0].weight.astype(float)
        sr.FixedNetwork(network(), [replace(layers[0], weight=weight), *layers[1:]])
    with pytest.raises(ValueError, match=r"layers must be 3 of them, got 2"):
        sr.FixedNetwork(network(), network().to_fixed().layers[:2])
