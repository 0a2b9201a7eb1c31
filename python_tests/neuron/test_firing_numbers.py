"""The default initial weights and learning rates, against their rules written out step by step."""

import math

import numpy as np
import pytest

import strsbp_rs as sr

INPUT_RATE, HIDDEN_RATE = 0.3, 0.05


def kernel(layer, dt, within):
    """The potential after one spike, by steps of a current and a membrane."""
    tau_m, tau_s = max(layer.tau_m, dt), max(layer.tau_s, dt)
    if layer.discretisation == "euler":
        syn, mem, gain = 1 - dt / tau_s, 1 - dt / tau_m, dt / tau_s
    else:
        syn, mem = math.exp(-dt / tau_s), math.exp(-dt / tau_m)
        # The integral of the current over a step, as the membrane forgets it.
        n = 20_000
        at = ((i + 0.5) * dt / n for i in range(n))
        gain = sum(math.exp(-(dt - t) / tau_m - t / tau_s) for t in at) / n * dt / tau_s
    current, potential, found = 1.0, 0.0, []
    for _ in range(max(1, round(within / dt))):
        potential = mem * potential + gain * current
        current *= syn
        found.append(potential)
    return found


def expected(layer, n_in, dt, init, rate, spread):
    k = kernel(layer, dt, init.within)
    drift, noise = rate * sum(k), rate * sum(value**2 for value in k)
    level = init.drive * layer.v_th
    std = level / math.sqrt(n_in * (spread * drift**2 + noise))
    mean = min(0.7 * level / (n_in * drift), std)
    return mean - math.sqrt(3) * std, mean + math.sqrt(3) * std


CONSTANTS = [
    {},
    {"tau_m": 10.0, "tau_s": 2.0, "v_th": 3.0},
    {"tau_m": 10.0, "tau_s": 10.0},
    {"tau_m": 30.0, "tau_s": 30.0 + 3e-5},
]
QUICK = [{"tau_m": 0.2, "tau_s": 8.0}, {"tau_m": 5.0, "tau_s": 0.01}]
"""Neurons that forget within a step: only the exact discretisation has them."""


@pytest.mark.parametrize("dt", [1.0, 0.5])
@pytest.mark.parametrize(
    ("discretisation", "constants"),
    [
        *(("euler", constants) for constants in CONSTANTS),
        *(("exact", constants) for constants in [*CONSTANTS, *QUICK]),
    ],
)
def test_initial_weights(dt, discretisation, constants):
    init = sr.Firing(within=17.2, drive=0.9)
    options = {"discretisation": discretisation, **constants}
    layers = [
        sr.Recurrent(9, init=sr.Firing(rate=0.1), recurrent_init=init, **options),
        sr.Dense(3, init=init, **options),
    ]
    first, second = sr.Network(6, layers, dt=dt).layers
    for found, layer, n_in, rule, rate, spread in (
        (first.init, first, 6, sr.Firing(), 0.1, 1.0),
        (first.recurrent_init, first, 8, init, HIDDEN_RATE, 2.0),
        (second.init, second, 9, init, HIDDEN_RATE, 2.0),
    ):
        low_high = expected(layer, n_in, dt, rule, rate, spread)
        assert (found.low, found.high) == pytest.approx(low_high, rel=1e-6)
    alone = sr.Network(1, [sr.Dense(2, **options)], dt=dt).layers[0]
    low_high = expected(alone, 1, dt, sr.Firing(), INPUT_RATE, 1.0)
    assert (alone.init.low, alone.init.high) == pytest.approx(low_high, rel=1e-6)


@pytest.mark.parametrize(
    ("mask", "n_in"),
    [
        (sr.AllToAll(), 59),
        (sr.AllToAll(self_loops=True), 60),
        (sr.Sparse(0.2), 0.2 * 59),
        (sr.Sparse(0.2, self_loops=True), 0.2 * 60),
        # A synapse for each neuron at least, or there would be nothing to divide by.
        (sr.Sparse(0.01), 1),
        (sr.Reservoir((3, 4, 5)), 18),
        (sr.Reservoir((3, 4, 5), self_loops=True), 19),
    ],
)
def test_recurrent_weights(mask, n_in):
    layer = sr.Network(5, [sr.Recurrent(60, mask=mask)]).layers[0]
    low_high = expected(layer, n_in, 1.0, sr.Recurrent(1).recurrent_init, HIDDEN_RATE, 2.0)
    assert (layer.recurrent_init.low, layer.recurrent_init.high) == pytest.approx(low_high)


def test_where_hardly_anything_is_heard():
    """The mean is no more than the standard deviation."""
    init = sr.Network(2, [sr.Dense(3, init=sr.Firing(rate=1e-4))]).layers[0].init
    mean, std = (init.low + init.high) / 2, (init.high - init.low) / math.sqrt(12)
    assert mean == pytest.approx(std)


def test_a_few_neurons_of_a_reservoir():
    layer = sr.Network(5, [sr.Recurrent(8, mask=sr.Reservoir((2, 2, 2)))]).layers[0]
    low_high = expected(layer, 7, 1.0, sr.Recurrent(1).recurrent_init, HIDDEN_RATE, 2.0)
    assert (layer.recurrent_init.low, layer.recurrent_init.high) == pytest.approx(low_high)


def test_weights_of_thresholds_that_differ():
    """Each row is drawn in units of its own; the learning rate is of their geometric mean."""
    v_th = (2.0, 0.5, 8.0)
    one = sr.Network(6, [sr.Recurrent(3, v_th=1.0), sr.Dense(3, v_th=1.0)], seed=3)
    each = sr.Network(6, [sr.Recurrent(3, v_th=v_th), sr.Dense(3, v_th=v_th)], seed=3)
    for layer, found in zip(one.layers, each.layers, strict=True):
        expected = sr.UniformOfThreshold(layer.init.low, layer.init.high)
        assert found.init == expected
    assert isinstance(each.layers[0].recurrent_init, sr.UniformOfThreshold)
    for weights, found in zip(one.weights, each.weights, strict=True):
        for name, array in weights.items():
            scaled = array * np.array(v_th, np.float32)[:, None]
            np.testing.assert_array_equal(found[name], scaled)
    again = sr.Network(6, each.layers, seed=3).weights
    np.testing.assert_array_equal(again[1]["weight"], each.weights[1]["weight"])
    rates = [sr.Trainer(net).config["optimizer"]["lr"] for net in (one, each)]
    assert rates[1] == pytest.approx(2.0 * rates[0], rel=1e-6)
    equal = sr.Network(6, [sr.Recurrent(3, v_th=[2.0] * 3), sr.Dense(3, v_th=[2.0] * 3)])
    alone = sr.Network(6, [sr.Recurrent(3, v_th=2.0), sr.Dense(3, v_th=2.0)])
    rates = [sr.Trainer(net).config["optimizer"]["lr"] for net in (equal, alone)]
    assert rates[1] == pytest.approx(rates[0], rel=1e-12)


@pytest.mark.parametrize("discretisation", ["euler", "exact"])
def test_learning_rates(discretisation):
    layers = [
        sr.Recurrent(9, v_th=3.0, tau_m=12.0, discretisation=discretisation),
        sr.Dense(4, discretisation=discretisation),
    ]
    heard = [6 * INPUT_RATE + 8 * HIDDEN_RATE, 9 * HIDDEN_RATE]
    each = [
        0.07 * layer.v_th / (n * sum(kernel(layer, 1.0, 20.0)))
        for n, layer in zip(heard, layers, strict=True)
    ]
    trainer = sr.Trainer(sr.Network(6, layers))
    assert trainer.config["optimizer"]["lr"] == pytest.approx(math.prod(each) ** 0.5, rel=1e-6)
