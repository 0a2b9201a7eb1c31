"""The clocked engine: closed formulas for single neurons, and the oracle for networks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from oracle.neuron import Array, Raster, propagator, simulate
from strategies import Case, build_network, cases, oracle_layers

import strsbp_rs

DISCRETISATIONS = ("euler", "exact")


def single_neuron(weight: float, **constants: Any) -> strsbp_rs.Network:
    """One input, one neuron, a given weight, float64."""
    net = strsbp_rs.Network(1, [strsbp_rs.Dense(1, **constants)], dtype="float64")
    net.set_weights([{"weight": np.array([[weight]])}])
    return net


def membrane(net: strsbp_rs.Network, raster: Raster) -> Array:
    """Potential of the only neuron, shape (T,)."""
    recording = net.run(raster[None], record_traces={0: [0]})
    return np.asarray(recording.potential[0][0, :, 0])


def firing_steps(net: strsbp_rs.Network, raster: Raster, engine: str = "clocked") -> list[int]:
    """Steps at which the only neuron fires."""
    spikes = net.run(raster[None], engine=engine).spikes[1]
    return np.flatnonzero(spikes.to_dense()[0, :, 0]).tolist()


def double_exponential(a: float, b: float, n_steps: int) -> Array:
    """(a^n - b^n)/(a - b) for n = 0 .. n_steps-1, as the sum of a^(n-k) b^(k-1) that it is.

    Nothing cancels in the sum, however near a is to b.
    """
    k = np.arange(n_steps - 1.0)
    return np.concatenate([[0.0], np.convolve(a**k, b**k)[: n_steps - 1]])


@pytest.mark.parametrize("discretisation", DISCRETISATIONS)
@pytest.mark.parametrize("tau_m", [4.0, 20.0, 64.0])
@pytest.mark.parametrize("difference", [0.0, 1e-10, -1e-10, 1e-3, 2.0, -3.0])
def test_psp_of_one_spike(discretisation: str, tau_m: float, difference: float) -> None:
    """weight * mem_gain * (mem_decay^n - syn_decay^n)/(mem_decay - syn_decay), n steps later."""
    constants: dict[str, Any] = {"tau_m": tau_m, "tau_s": tau_m + difference, "t_ref": 2.0}
    net = single_neuron(0.7, v_th=1e3, discretisation=discretisation, **constants)
    raster = np.zeros((100, 1), dtype=np.bool_)
    raster[3] = True
    step = propagator(discretisation=discretisation, **constants)
    psp = 0.7 * step.mem_gain * double_exponential(step.mem_decay, step.syn_decay, 97)
    expected = np.concatenate([np.zeros(3), psp])
    np.testing.assert_allclose(membrane(net, raster), expected, rtol=1e-12)


@pytest.mark.parametrize("tau_s", [8.0, 63.0, 64.0 - 1e-10, 64.0, 64.0 + 1e-10, 65.0])
def test_exact_psp_is_the_continuous_neurons(tau_s: float) -> None:
    """tau_m u' = -u + (tau_m/tau_s) p: the textbook double exponential at the grid points."""
    tau_m = 64.0
    net = single_neuron(1.0, v_th=1e3, tau_m=tau_m, tau_s=tau_s, discretisation="exact")
    raster = np.zeros((200, 1), dtype=np.bool_)
    raster[0] = True
    t = np.arange(200.0)
    if abs(tau_m - tau_s) < 1e-6:
        psp = t / tau_m * np.exp(-t / tau_m)
    else:
        psp = tau_m / (tau_m - tau_s) * (np.exp(-t / tau_m) - np.exp(-t / tau_s))
    np.testing.assert_allclose(membrane(net, raster), psp, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("engine", ["clocked", "event"])
@pytest.mark.parametrize("discretisation", DISCRETISATIONS)
@pytest.mark.parametrize("t_ref", range(6))
@pytest.mark.parametrize("v_th", [0.5, 3.0, 20.0])
def test_firing_under_constant_drive(
    discretisation: str, t_ref: int, v_th: float, engine: str
) -> None:
    """First firing from the step response, later intervals from that of a settled current."""
    weight, n_steps = 1.3, 2000
    constants: dict[str, Any] = {"tau_m": 64.0, "tau_s": 8.0, "t_ref": float(t_ref)}
    net = single_neuron(weight, v_th=v_th, discretisation=discretisation, **constants)
    steps = firing_steps(net, np.ones((n_steps, 1), dtype=np.bool_), engine)

    step = propagator(discretisation=discretisation, **constants)
    t = np.arange(float(n_steps))
    settled = weight / (1.0 - step.syn_decay)
    rise = (1.0 - step.mem_decay**t) / (1.0 - step.mem_decay)
    fall = (step.mem_decay**t - step.syn_decay**t) / (step.mem_decay - step.syn_decay)
    potential = step.mem_gain * settled * (rise - step.syn_decay * fall)
    assert steps[0] == np.flatnonzero(potential > v_th)[0]

    limit = step.mem_gain * settled / (1.0 - step.mem_decay)
    interval = t_ref + math.floor(math.log(1.0 - v_th / limit) / math.log(step.mem_decay)) + 1
    assert set(np.diff([at for at in steps if at > 500]).tolist()) == {interval}


@pytest.mark.parametrize("engine", ["clocked", "event"])
def test_nothing_fires_below_threshold_or_at_step_0(engine: str) -> None:
    """The limit of the potential under constant drive is approached, never reached."""
    step = propagator(tau_m=64.0, tau_s=8.0, t_ref=2.0)
    limit = step.mem_gain / (1.0 - step.syn_decay) / (1.0 - step.mem_decay)
    always = np.ones((3000, 1), dtype=np.bool_)
    assert firing_steps(single_neuron(1.0, v_th=limit * 1.0001), always, engine) == []
    assert firing_steps(single_neuron(1.0, v_th=1e-6), always, engine)[0] == 1


def test_a_held_neuron_keeps_its_current() -> None:
    """While the potential is 0, the synaptic current goes on decaying and accumulating."""
    net = single_neuron(2.0, v_th=0.1, tau_m=64.0, tau_s=8.0, t_ref=4.0)
    raster = np.zeros((12, 1), dtype=np.bool_)
    raster[[0, 2, 3]] = True
    recording = net.run(raster[None], record_traces={0: [0]})
    current, potential = recording.current[0][0, :, 0], recording.potential[0][0, :, 0]
    assert firing_steps(net, raster) == [1, 6, 11]
    assert np.all(potential[2:6] == 0.0) and potential[6] > 0.1
    expected = [0.0]
    for t in range(1, 12):
        expected.append(0.875 * expected[-1] + 2.0 * raster[t - 1, 0])
    np.testing.assert_allclose(current, expected, rtol=1e-15)


@settings(max_examples=100)
@given(case=cases(max_side=10, max_steps=100))
def test_spikes_equal_the_oracles(case: Case) -> None:
    """Random networks of every kind, Euler and exact, refractory periods of 0 to 5 steps."""
    net = build_network(case, "float64")
    layers = oracle_layers(case, net)
    chosen = {number: list(range(layer.n_out)) for number, layer in enumerate(layers)}
    recording = net.run(case.rasters, record_traces=chosen)
    np.testing.assert_array_equal(recording.spikes[0].to_dense(), case.rasters)
    for sample, raster in enumerate(case.rasters):
        for number, record in enumerate(simulate(layers, raster)):
            spikes = recording.spikes[number + 1].to_dense()[sample]
            np.testing.assert_array_equal(spikes, record.spikes)
            for got, expected in (
                (recording.current[number][sample], record.current),
                (recording.potential[number][sample], record.before_reset),
            ):
                scale = 1.0 + np.abs(expected).max(initial=0.0)
                np.testing.assert_allclose(got, expected, rtol=0.0, atol=1e-12 * scale)
    np.testing.assert_array_equal(recording.counts, recording.spikes[-1].to_dense().sum(axis=1))


@given(case=cases(max_side=10, max_steps=100))
def test_spike_trains_and_rasters_are_the_same_input(case: Case) -> None:
    """A dense raster, of bool or uint8, and spike trains."""
    net = build_network(case, "float64")
    trains = strsbp_rs.SpikeTrains.from_dense(case.rasters)
    expected = net.run(trains).spikes[-1].to_dense()
    for raster in (case.rasters, case.rasters.astype(np.uint8)):
        np.testing.assert_array_equal(net.run(raster).spikes[-1].to_dense(), expected)
