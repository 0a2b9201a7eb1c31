"""S-PSPs: the oracle's three forms of them, their identity with the potentials, and the core's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle.neuron import Array, Propagator, Raster, Steps, propagator, simulate
from oracle.s_psp import s_psp_by_adjoint, s_psp_by_definition, s_psp_sparse
from strategies import Case, cases, random_oracle_layers

import strsbp_rs

FORMS = {"sparse": s_psp_sparse, "adjoint": s_psp_by_adjoint}


@st.composite
def neuron_constants(draw: st.DrawFn) -> dict[str, Any]:
    """Keyword arguments of `propagator` and of the core's s_psp."""
    dt = draw(st.sampled_from([0.5, 1.0]))
    return {
        "tau_m": draw(st.floats(2.0, 128.0)),
        "tau_s": draw(st.floats(2.0, 128.0)),
        "t_ref": dt * draw(st.integers(0, 5)),
        "dt": dt,
        "discretisation": draw(st.sampled_from(["euler", "exact"])),
    }


def random_trains(seed: int, n_steps: int, n_neurons: int, rate: float) -> Raster:
    """Trains of any neuron: no refractory period kept, silent neurons, firings at step 0."""
    rng = np.random.default_rng(seed)
    trains = rng.random((n_steps, n_neurons)) < rate
    trains[:, rng.random(n_neurons) < 0.2] = False
    return trains


def assert_equal(got: Array, expected: Array, relative: float = 1e-12) -> None:
    """To `relative` of the largest S-PSP."""
    assert got.shape == expected.shape
    assert np.abs(got - expected).max(initial=0.0) <= relative * np.abs(expected).max(initial=0.0)


def shifted(pre: Raster, delay: int) -> Raster:
    """The trains so many steps later; what leaves the window is lost."""
    later = np.zeros_like(pre)
    later[delay:] = pre[: max(len(pre) - delay, 0)]
    return later


def with_delays(
    form: Callable[[Raster, Raster, Propagator], Array],
    pre: Raster,
    post: Raster,
    step: Propagator,
    delay: Steps,
) -> Array:
    """S-PSPs by a form that knows no delays: those of shifted trains, for each delay there is."""
    e = np.zeros(delay.shape)
    for d in np.unique(delay):
        e = np.where(delay == d, form(shifted(pre, d), post, step), e)
    return e


@pytest.mark.parametrize("form", sorted(FORMS))
@given(
    constants=neuron_constants(),
    seed=st.integers(0, 2**32 - 1),
    n_steps=st.integers(1, 120),
    rate=st.sampled_from([0.02, 0.2, 0.7]),
    max_delay=st.sampled_from([0, 1, 9, 200]),
)
def test_forms_equal_the_definition(
    form: str, constants: dict[str, Any], seed: int, n_steps: int, rate: float, max_delay: int
) -> None:
    """Sparse form and adjoint traces, for trains the neuron itself would not produce too."""
    step = propagator(**constants)
    pre, post = (random_trains(seed + k, n_steps, 4 + k, rate) for k in range(2))
    delay = np.random.default_rng(seed + 2).integers(0, max_delay, (5, 4), endpoint=True)
    got = with_delays(FORMS[form], pre, post, step, delay)
    assert_equal(got, s_psp_by_definition(pre, post, step, delay))


@given(case=cases())
def test_weighted_s_psps_are_the_potentials_before_the_resets(case: Case) -> None:
    """sum_j w_ij e_ij + sum_k r_ik e_ik = summed potential of i just before each of its resets."""
    layers = random_oracle_layers(case)
    pre = case.rasters[0]
    for layer, record in zip(layers, simulate(layers, pre), strict=True):
        e = s_psp_by_definition(pre, record.spikes, layer.propagator, layer.delay)
        e_within = s_psp_by_definition(
            record.spikes, record.spikes, layer.propagator, layer.recurrent_delay
        )
        total = np.sum(layer.weight * e, axis=1) + np.sum(layer.within_weight * e_within, axis=1)
        potentials = np.sum(record.before_reset * record.spikes, axis=0)
        np.testing.assert_allclose(total, potentials, rtol=1e-12, atol=1e-12)
        # The origin of o ~ a / v_th: every firing is a potential just above the threshold.
        counts = record.spikes.sum(axis=0)
        assert np.all((total > layer.v_th * counts)[counts > 0])
        pre = record.spikes


@given(
    constants=neuron_constants(),
    seed=st.integers(0, 2**32 - 1),
    n_steps=st.integers(1, 120),
    rate=st.sampled_from([0.02, 0.2, 0.7]),
    delay=st.sampled_from([0, 1, 9, 119, 200]),
)
def test_core_equals_the_definition(
    constants: dict[str, Any], seed: int, n_steps: int, rate: float, delay: int
) -> None:
    """The core's s_psp of several samples, more neurons than one block of it holds."""
    pre = np.stack([random_trains(seed + k, n_steps, 5, rate) for k in range(3)])
    post = np.stack([random_trains(seed + 9 + k, n_steps, 37, rate) for k in range(3)])
    got = strsbp_rs.s_psp(
        strsbp_rs.SpikeTrains.from_dense(pre),
        strsbp_rs.SpikeTrains.from_dense(post),
        delay=delay * constants["dt"],
        **constants,
    )
    assert got.dtype == np.float64 and got.shape == (3, 37, 5)
    step = propagator(**constants)
    for sample in range(3):
        expected = s_psp_by_definition(pre[sample], post[sample], step, np.full((37, 5), delay))
        assert_equal(got[sample], expected)


def test_core_is_linear_in_the_presynaptic_trains() -> None:
    """The S-PSPs of disjoint trains add up: what de_ij/do_j = e_ij/o_j rests on."""
    trains = random_trains(0, 200, 3, 0.3)
    halves = np.arange(200)[:, None] % 2 == 0
    post = strsbp_rs.SpikeTrains.from_dense(random_trains(1, 200, 6, 0.1)[None])

    def e(pre: Raster) -> Array:
        pre_trains = strsbp_rs.SpikeTrains.from_dense(pre[None])
        return np.asarray(strsbp_rs.s_psp(pre_trains, post, tau_m=64.0, tau_s=8.0, t_ref=2.0))

    np.testing.assert_allclose(e(trains & halves) + e(trains & ~halves), e(trains), rtol=1e-12)


def test_core_silent_trains_have_no_s_psp() -> None:
    """Exactly 0 where either neuron is silent."""
    firing, silent = np.ones((1, 50, 1), dtype=np.bool_), np.zeros((1, 50, 1), dtype=np.bool_)
    both = strsbp_rs.SpikeTrains.from_dense(np.concatenate([firing, silent], axis=2))
    e = strsbp_rs.s_psp(both, both, tau_m=64.0, tau_s=8.0, t_ref=2.0)
    assert e[0, 0, 0] > 0.0
    assert e[0, 0, 1] == e[0, 1, 0] == e[0, 1, 1] == 0.0
