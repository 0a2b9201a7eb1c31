"""Layers that are silent or saturated are told of, once, with the cure."""

import warnings

import numpy as np
import pytest

import strsbp_rs as sr
from strsbp_rs._activity import Activity, warn_of_activity

ENCODER = sr.BernoulliEncoder(50, rate_scale=0.2)
X = np.full((40, 4), 0.5)
Y = np.arange(40) % 3


def caught(call):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        result = call()
    assert all(issubclass(w.category, sr.StrsbpWarning) for w in found)
    return result, [(w.category, str(w.message)) for w in found]


def network(*weights, **options):
    layers = [
        sr.Dense(n, init=sr.ConstantInit(weight), **options)
        for n, weight in zip((6, 5, 3), weights, strict=True)
    ]
    return sr.Network(4, layers)


@pytest.mark.parametrize(
    "run",
    [
        lambda net: net.run(X, encoder=ENCODER),
        lambda net: net.predict(X, encoder=ENCODER),
        lambda net: net.spike_counts(X, encoder=ENCODER, engine="event"),
        lambda net: sr.Trainer(net, encoder=ENCODER).evaluate(X, Y),
        lambda net: sr.Trainer(net, encoder=ENCODER).fit(X, Y, epochs=3, progress=False),
        lambda net: sr.Trainer(net, encoder=ENCODER).fit(
            X, Y, epochs=2, progress=False, validation_data=(X, Y)
        ),
    ],
)
def test_one_warning_names_the_first_silent_layer(run):
    _, found = caught(lambda: run(network(20.0, -1.0, 20.0)))
    ((category, message),) = found
    assert category is sr.SilentLayerWarning
    assert "layer 1 (dense, 5 neurons) is silent: 0 spikes a sample" in message
    assert "5 of its 5 neurons never fired in 40 samples" in message
    assert "layer 0 below it has 0." in message
    assert "Silent as well: layer 2 above it." in message
    for cure in ("init=Firing(rate=...)", "v_th (20)", "rate_scale", "number of steps (50)"):
        assert cure in message


def test_the_warning_is_of_the_callers_line():
    net = network(-1.0, 1.0, 1.0)
    with pytest.warns(sr.SilentLayerWarning) as found:
        net.run(X, encoder=ENCODER)
    assert [w.filename for w in found] == [__file__]


def test_layers_that_fire_are_not_warned_of():
    assert caught(lambda: network(20.0, 20.0, 20.0).run(X, encoder=ENCODER))[1] == []


def test_time_constants_in_seconds_are_told():
    layer = sr.Dense(1, tau_m=0.02, tau_s=0.005, t_ref=0.0, discretisation="exact")
    net = sr.Network(2, [layer])
    _, found = caught(lambda: net.spike_counts(np.ones((1, 99, 2), bool)))
    ((category, message),) = found
    assert category is sr.SilentLayerWarning
    assert "tau_m 0.02 ms and tau_s 0.005 ms end within a time step of 1 ms" in message
    assert "times are in ms, not in s" in message


def test_most_neurons_silent_counts_in_many_samples():
    net = network(20.0, 20.0, 20.0)
    weights = net.weights
    weights[0]["weight"][1:] = -1.0
    weights[1]["weight"][:] = 60.0
    net.set_weights([{"weight": layer["weight"]} for layer in weights])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # 5 of 6 are less than 90 %.
        net.run(X, encoder=ENCODER)
    wide = sr.Network(4, [sr.Dense(20, init=sr.ConstantInit(20.0)), sr.Dense(3)])
    weights = wide.weights
    weights[0]["weight"][2:] = -1.0
    weights[1]["weight"][:] = 60.0
    wide.set_weights([{"weight": layer["weight"]} for layer in weights])
    _, found = caught(lambda: wide.run(X, encoder=ENCODER))
    assert len(found) == 1
    assert "layer 0" in found[0][1]
    assert "18 of its 20 neurons never fired in 40 samples" in found[0][1]
    # Of one sample, or few, nothing can be told.
    assert caught(lambda: wide.run(X[:31], encoder=ENCODER))[1] == []


def test_saturated_layers_are_told_of():
    _, found = caught(
        lambda: sr.Trainer(network(1e4, 20.0, 20.0), encoder=ENCODER).fit(
            X, Y, epochs=2, progress=False
        )
    )
    saturated = [message for category, message in found if category is sr.SaturatedLayerWarning]
    # Each layer once, though there are two epochs; what hears a saturated layer is one too.
    assert [message[:7] for message in saturated] == ["layer 0", "layer 1"]
    assert "layer 0 (dense, 6 neurons) is saturated" in saturated[0]
    assert "of at most 0.333 with t_ref 2 ms" in saturated[0]
    assert "raise its v_th (20)" in saturated[0]


def test_training_through_hardware_warns():
    net = network(20.0, -1.0, 20.0)
    trainer = sr.Trainer(net, encoder=ENCODER, hardware=sr.QFormat(weight_bits=8))
    _, found = caught(lambda: trainer.evaluate(X, Y))
    silent = [message for category, message in found if category is sr.SilentLayerWarning]
    assert len(silent) == 1
    assert "layer 1" in silent[0]


def told(layers, n_spikes, silent, n_samples=40, n_steps=100):
    """What is said of layers that did this."""
    activity = Activity(n_spikes, silent, n_samples, n_steps, [layer.n for layer in layers])
    return [message for _, message in caught(lambda: warn_of_activity(layers, 1.0, activity))[1]]


def test_where_silence_begins():
    layers = [sr.Dense(20), sr.Dense(10)]
    # A spike a sample is enough, unless nine tenths are silent in 32 samples.
    assert told(layers, [40, 40], [17, 8]) == []
    assert told(layers, [31, 31], [18, 9], n_samples=31) == []
    (message,) = told(layers, [39, 40], [0, 0])
    assert message.startswith("layer 0 (dense, 20 neurons) is silent: 0.975 spikes a sample, 0.00")
    assert "0.00049 a neuron and step; 0 of its 20 neurons never" in message
    assert "tau_m" not in message and "Silent as well" not in message
    for n_samples in (32, 40):
        (message,) = told(layers, [400, 400], [17, 9], n_samples=n_samples)
        assert message.startswith("layer 1 (dense, 10 neurons) is silent")
    assert "layer 0 below it has 0.005; 9 of its 10" in message
    (message,) = told([*layers, sr.Dense(3), sr.Dense(2)], [0, 40, 0, 0], [20, 0, 3, 2])
    assert message.endswith("Silent as well: layers 2, 3 above it.")
    short = sr.Dense(20, tau_s=0.5, tau_m=1.0)
    (message,) = told([short], [0], [20])
    assert "Its tau_s 0.5 ms end within a time step of 1 ms" in message


def test_where_saturation_begins():
    # With t_ref of 2 steps, at most a spike in 3: 10 neurons that fire, 40 samples, 90 steps.
    layer = sr.Dense(20, t_ref=2.0)
    assert told([layer], [10 * 40 * 27], [10], n_steps=90) == []
    (message,) = told([layer], [10 * 40 * 27 + 1], [10], n_steps=90)
    assert message.startswith("layer 0 (dense, 20 neurons) is saturated: those")
    assert "have 0.3 spikes a step, of at most 0.333 with t_ref 2 ms" in message
    assert len(told([layer], [10 * 40 * 30], [10], n_steps=90)) == 1
    # More than is possible: of a chip whose neurons fire several times in a step.
    assert told([layer], [10 * 40 * 30 + 1], [10], n_steps=90) == []


def recorded_network():
    """Output neurons 0 and 1 follow inputs 0 and 1; neuron 2 never fires."""
    net = sr.Network(2, [sr.Dense(3, v_th=0.5, tau_s=1.0, t_ref=0.0)])
    net.set_weights([{"weight": [[10.0, 0.0], [0.0, 10.0], [0.0, 0.0]]}])
    return net


@pytest.mark.parametrize("n_threads", [1, 2])
def test_silent_neurons_ties_and_samples_without_spikes_are_counted(n_threads):
    raster = np.zeros((300, 30, 2), bool)
    raster[0::3, 5] = [True, True]  # a tie
    raster[1::3, 5, 1] = True
    y = np.zeros(300, int)
    trainer = sr.Trainer(recorded_network(), n_threads=n_threads)
    result = trainer.evaluate(raster, y)
    assert result.silent_neurons == [1]
    assert (result.n_tied, result.n_spikeless) == (100, 100)
    # Ties and silence both predict class 0, the first.
    assert result.accuracy == pytest.approx(200 / 300)
    raster[:, 5, 0] = False
    with pytest.warns(sr.SilentLayerWarning, match="0.667 spikes a sample"):
        assert trainer.evaluate(raster, y).silent_neurons == [2]


def test_a_neuron_that_fires_in_the_last_sample_only_is_not_silent():
    raster = np.zeros((600, 30, 2), bool)
    raster[:, 5, 0] = True
    raster[599, 5, 1] = True
    result = sr.Trainer(recorded_network()).evaluate(raster, np.zeros(600, int))
    assert result.silent_neurons == [1]


def test_teacher_spikes_are_not_the_networks():
    """They stand in for a silent output in the backward pass only."""
    net = network(20.0, 20.0, -1.0)
    trainer = sr.Trainer(net, encoder=ENCODER, optimizer=sr.SGD(lr=1e-12))
    _, found = caught(lambda: trainer.fit(X, Y, epochs=1, progress=False))
    ((_, message),) = found
    assert "layer 2" in message
    assert "3 of its 3 neurons never fired" in message
