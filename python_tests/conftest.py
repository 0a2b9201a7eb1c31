"""Fixtures shared by all tests."""

import signal

import numpy as np
import pytest

import strsbp_rs as sr


@pytest.fixture
def rng():
    return np.random.default_rng(20191208)


@pytest.fixture
def wide(rng):
    """The same with layers of 150 neurons, most of which fire: more than the core takes at once."""
    x, y = rng.random((24, 30)), np.arange(24) % 4
    init = sr.Uniform(-0.6, 1.0)

    def make_network(**options):
        layers = [
            sr.Dense(150, v_th=2.0, init=init),
            sr.Recurrent(150, v_th=20.0, init=init, rec_init=sr.Uniform(-0.1, 0.1)),
            sr.Dense(4, v_th=20.0),
        ]
        return sr.Network(30, layers, **{"seed": 3, **options})

    return make_network, sr.BernoulliEncoder(n_steps=60, rate_scale=0.3), x, y


@pytest.fixture
def small(rng):
    """A small network, its encoder and a learnable task: (make_network, encoder, x, y)."""
    prototypes = rng.random((3, 12))
    y = np.arange(60) % 3
    x = np.clip(prototypes[y] + 0.1 * rng.standard_normal((60, 12)), 0, 1)

    def make_network(**options):
        layers = [
            sr.Dense(20, v_th=2.0),
            sr.Recurrent(18, v_th=2.0, mask=sr.Sparse(0.5)),
            sr.Dense(3, v_th=2.0),
        ]
        return sr.Network(12, layers, **{"seed": 3, **options})

    return make_network, sr.BernoulliEncoder(n_steps=60, rate_scale=0.3), x, y


@pytest.fixture
def task(rng):
    """A learnable task of 12 inputs and 3 classes, and its encoder: (x, y, encoder)."""
    y = np.arange(30) % 3
    x = np.clip(rng.random((3, 12))[y] + 0.1 * rng.standard_normal((30, 12)), 0, 1)
    return x, y, sr.BernoulliEncoder(n_steps=60, rate_scale=0.3)


@pytest.fixture(autouse=True, scope="session")
def _ctrl_c() -> None:
    """Ctrl-C interrupts, though what a shell starts in the background ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
