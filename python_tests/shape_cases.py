"""Small networks whose inputs lie in a plane and on a line."""

from __future__ import annotations

from typing import Any

import strsbp_rs as sr

INIT = sr.Uniform(-0.5, 1.0)
ENCODER = sr.BernoulliEncoder(n_steps=30, rate_scale=0.4)


def planes(**options: Any) -> sr.Network:
    layers: list[Any] = [
        sr.Conv2d(4, 3, padding=1, groups=2, v_th=1.0, init=INIT, delay=sr.UniformDelay(0, 3)),
        sr.AvgPool2d((2, 3)),
        sr.Recurrent(5, v_th=1.0, init=INIT),
        sr.Dense(3, v_th=1.0, init=INIT),
    ]
    return sr.Network((2, 6, 9), layers, seed=4, **options)


def line(**options: Any) -> sr.Network:
    layers: list[Any] = [
        sr.Conv1d(6, 5, 2, v_th=1.0, init=INIT),
        sr.AvgPool1d(3),
        sr.Dense(3, v_th=1.0, init=INIT),
    ]
    return sr.Network((3, 25), layers, seed=4, **options)


def max_pools(**options: Any) -> sr.Network:
    layers: list[Any] = [
        sr.Conv2d(4, 3, v_th=1.0, init=INIT),
        sr.MaxPool2d((2, 3), 1, (0, 1)),
        sr.Dense(3, v_th=1.0, init=INIT),
    ]
    return sr.Network((2, 6, 9), layers, seed=4, **options)
