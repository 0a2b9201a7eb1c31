"""Fixtures shared by all tests, and the profile that hypothesis runs them with."""

import signal

import numpy as np
import pytest
from backends import BACKENDS, LAYERED
from hypothesis import HealthCheck, settings

import strsbp_rs as sr

# The same examples in every run: what fails in CI fails at home. No example is timed, as machines
# may be busy. It is loaded here, before any test is made: a test keeps the settings of that moment.
settings.register_profile(
    "strsbp",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=30,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.load_profile("strsbp")


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
            sr.Recurrent(150, v_th=20.0, init=init, recurrent_init=sr.Uniform(-0.1, 0.1)),
            sr.Dense(4, v_th=20.0, init=sr.Uniform()),
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
            sr.Dense(20, v_th=2.0, init=sr.Uniform()),
            sr.Recurrent(
                18, v_th=2.0, mask=sr.Sparse(0.5), init=sr.Uniform(), recurrent_init=sr.Uniform()
            ),
            sr.Dense(3, v_th=2.0, init=sr.Uniform()),
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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Gives tests that take them a `backend` (every engine) or a `layered` (what runs networks).

    Not by fixtures of one test each, which hypothesis refuses.
    """
    for name, found in {"backend": BACKENDS, "layered": LAYERED}.items():
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, found, ids=lambda one: one.name)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuses tests that hypothesis times."""
    for item in items:
        of_test = getattr(getattr(item, "obj", None), "_hypothesis_internal_use_settings", None)
        if of_test is not None and of_test.deadline is not None:
            raise pytest.UsageError(
                f"{item.nodeid}: has a deadline, which busy machines do not meet"
            )
