"""Networks with transmission delays that several tests use."""

import numpy as np

import strsbp_rs as sr


def make_network(delay=0.0, recurrent_delay=0.0, **options):
    """A small network whose every group but the last has the delays."""
    layers = [
        sr.Dense(20, v_th=2.0, delay=delay, init=sr.Uniform()),
        sr.Recurrent(
            18,
            v_th=2.0,
            mask=sr.Sparse(0.5),
            delay=delay,
            recurrent_delay=recurrent_delay,
            init=sr.Uniform(),
            recurrent_init=sr.Uniform(),
        ),
        sr.Dense(3, v_th=2.0, lateral_inhibition=0.2, init=sr.Uniform()),
    ]
    return sr.Network(12, layers, **{"seed": 3, **options})


def drawn(**options):
    return make_network(sr.UniformDelay(0, 6), sr.UniformDelay(1, 4), **options)


def assert_same(a, b):
    """The same arrays, to the bit."""
    for layer_a, layer_b in zip(a, b, strict=True):
        assert layer_a.keys() == layer_b.keys()
        for key in layer_a:
            np.testing.assert_array_equal(layer_a[key], layer_b[key])


def trainer_of(network, encoder, **options):
    return sr.Trainer(network, encoder=encoder, **{"batch_size": 7, "seed": 5, **options})
