"""A network of every kind of layer, and the images that it is quantised and run with."""

from __future__ import annotations

import numpy as np

import strsbp_rs as sr

ENCODER = sr.BernoulliEncoder(n_steps=100, rate_scale=1 / 5.5)


def network(dtype: str = "float32", **options: float) -> sr.Network:
    layers = [
        sr.Dense(30, v_th=1.0, init=sr.Uniform(), **options),
        sr.Recurrent(
            20,
            v_th=0.8,
            mask=sr.Sparse(0.5),
            init=sr.Uniform(),
            recurrent_init=sr.Uniform(),
            **options,
        ),
        sr.Dense(5, v_th=0.4, lateral_inhibition=0.5, init=sr.Uniform(), **options),
    ]
    return sr.Network(40, layers, seed=3, dtype=dtype)


def samples(n: int = 12) -> np.ndarray:
    return np.random.default_rng(1).random((n, 40))
