"""A network, and what it took for the samples that it was given."""

import numpy as np

import strsbp_rs as sr

ENCODER = sr.BernoulliEncoder(n_steps=30, rate_scale=0.5)


def net(n_in=12, **options):
    layers = [sr.Dense(8, v_th=2.0), sr.Dense(3, v_th=1.0)]
    return sr.Network(n_in, layers, **{"seed": 1, **options})


def counts_of(seed=0, shape=(5, 30, 12), most=3):
    return np.random.default_rng(seed).integers(0, most + 1, shape)


def took(x, *, n_in=12, **options):
    """The spikes that the network was given."""
    return net(n_in).run(x, n_threads=1, **options).spikes[0]
