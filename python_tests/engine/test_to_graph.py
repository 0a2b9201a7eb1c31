"""Networks as graphs: a `Simulator` of a network, float or fixed, fires as its layers do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fixed_cases import events_of, raster_of

import strsbp_rs as sr

GRID = ("clocked", "event", "auto")
N_STEPS, N_IN = 80, 12
TARGETS: dict[str, tuple[Any, bool]] = {
    "loihi": (sr.Loihi(), True),
    "xylo": (sr.Xylo(), False),
    "qformat": (sr.QFormat(), True),
    "narrow": (sr.QFormat(weight_bits=4, state_bits=8), True),
    "wide": (sr.QFormat(weight_bits=16, state_bits=28, granularity="neuron"), True),
    "stochastic": (sr.QFormat(rounding="stochastic"), True),
    "cortex_m": (sr.CortexM(), True),
    "cortex_m_16": (sr.CortexM(weight_bits=16), True),
    "spinnaker": (sr.Spinnaker(), True),
}
"""Targets, and whether their neurons have delays and refractory times."""

pytestmark = pytest.mark.filterwarnings("ignore::strsbp_rs.StrsbpWarning")


def network(is_delayed: bool, seed: int = 3) -> sr.Network:
    """Dense, recurrent, and with lateral inhibition; layer after layer fires."""
    own: dict[str, Any] = {"t_ref": 2.0 if is_delayed else 0.0, "init": sr.Uniform()}
    drawn = sr.UniformDelay(0.0, 5.0) if is_delayed else 0.0
    layers = [
        sr.Dense(14, v_th=0.5, delay=drawn, lateral_inhibition=0.2, **own),
        sr.Recurrent(
            11,
            v_th=0.4,
            mask=sr.Sparse(0.4),
            recurrent_init=sr.Uniform(),
            delay=drawn,
            recurrent_delay=2.0 if is_delayed else 0.0,
            **own,
        ),
        sr.Recurrent(9, v_th=0.3, recurrent_init=sr.Uniform(), recurrent_delay=drawn, **own),
        sr.Dense(4, v_th=0.2, delay=3.0 if is_delayed else 0.0, **own),
    ]
    return sr.Network(N_IN, layers, seed=seed)


def raster(counts: bool) -> np.ndarray[Any, Any]:
    """Busy, silent, busy; where inputs may fire several times in a step, they do."""
    rng = np.random.default_rng(2)
    found = (rng.random((N_STEPS, N_IN)) < 0.25).astype(np.int64)
    found[30:55] = 0
    return found * rng.integers(1, 4, found.shape) if counts else found


def recorded(fixed: sr.FixedNetwork, spikes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Counts of all layers, (n_steps, n_neurons), of their own engine."""
    trains = fixed.run(sr.SpikeTrains.from_counts(spikes[None])).spikes
    return np.concatenate([train.to_counts()[0] for train in trains[1:]], axis=1)


@pytest.mark.parametrize("engine", GRID)
@pytest.mark.parametrize("target", TARGETS)
def test_a_fixed_network_fires_as_its_layers_do(target: str, engine: str) -> None:
    chosen, is_delayed = TARGETS[target]
    fixed = network(is_delayed).to_fixed(chosen)
    spikes = raster(counts=target == "xylo")
    expected = recorded(fixed, spikes)
    n = expected.shape[1]
    simulator = sr.Simulator(fixed, engine=engine, record=range(4))
    simulator.push(events_of(spikes))
    whole = simulator.advance(N_STEPS)
    np.testing.assert_array_equal(raster_of(whole, N_STEPS, n), expected)
    assert simulator.overflows == fixed.overflows
    assert (expected.sum(axis=0).reshape(-1) > 0).sum() > n // 3, "most neurons are silent"
    # In a stream: chunks of events, pushed when their time has come, and a state in between.
    streamed, parts = sr.Simulator(fixed, engine=engine, record=range(4)), []
    for first in range(0, N_STEPS, 7):
        chunk = events_of(spikes[first : first + 7])
        chunk["t"] += first
        streamed.push(chunk)
        parts.append(streamed.advance(min(first + 7, N_STEPS)))
        streamed.set_state(streamed.state())
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("target", TARGETS)
def test_the_output_layer_is_what_is_read(target: str) -> None:
    chosen, is_delayed = TARGETS[target]
    fixed = network(is_delayed).to_fixed(chosen)
    spikes = raster(counts=target == "xylo")
    simulator = sr.Simulator(fixed)
    assert [population.name for population in simulator.recorded] == ["layer 3"]
    simulator.push(events_of(spikes))
    found = raster_of(simulator.advance(N_STEPS), N_STEPS, 4)
    np.testing.assert_array_equal(found, recorded(fixed, spikes)[:, -4:])
    if target == "xylo":
        assert recorded(fixed, spikes).max() > 1, "no neuron fires several times in a step"


@pytest.mark.parametrize("target", TARGETS)
def test_states_and_operations_are_told(target: str) -> None:
    """The engines of the time grid tell the same states; all count what they have done."""
    chosen, is_delayed = TARGETS[target]
    fixed = network(is_delayed).to_fixed(chosen)
    spikes = raster(counts=False)
    expected = recorded(fixed, spikes)
    of_engines = []
    for engine in GRID:
        simulator = sr.Simulator(fixed, engine=engine)
        simulator.push(events_of(spikes))
        states = []
        for until in (20, 50, N_STEPS):
            simulator.advance(until)
            found = [(simulator.currents(n), simulator.potentials(n)) for n in range(4)]
            states.append(np.concatenate([np.concatenate(pair) for pair in found]))
        assert all(state.dtype == np.int32 for state in states)
        counts = simulator.operations
        assert (counts.input_events, counts.spikes) == (spikes.sum(), expected.sum())
        assert counts.synaptic_events > counts.spikes and counts.near_ties == 0
        of_engines.append((np.array(states), counts.synaptic_events))
    for states, n_events in of_engines[1:]:
        np.testing.assert_array_equal(states, of_engines[0][0])
        assert n_events == of_engines[0][1]
    assert np.abs(of_engines[0][0]).max() > 0


def test_potentials_are_set_of_fixed_layers() -> None:
    fixed = network(True).to_fixed("cortex_m")
    simulator = sr.Simulator(fixed, engine="clocked")
    start = np.arange(4)
    simulator.set_potentials(3, start)
    simulator.advance(1)
    np.testing.assert_array_equal(simulator.potentials(3), start)
    with pytest.raises(ValueError, match=r"potentials\[0\] must be a whole number"):
        sr.Simulator(fixed).set_potentials(3, start + 0.5)
    with pytest.raises(ValueError, match=r"population must be in \[0, 4\), got 4"):
        simulator.potentials(4)


@pytest.mark.parametrize("target", TARGETS)
def test_graphs_of_fixed_layers_hold_their_integers(target: str) -> None:
    chosen, is_delayed = TARGETS[target]
    net = network(is_delayed)
    fixed = net.to_fixed(chosen)
    graph = fixed.to_graph()
    names = ["input", *(f"layer {layer}" for layer in range(4))]
    assert [population.name for population in graph.populations] == names
    assert (graph.dt, graph.n_inputs, graph.n_neurons) == (net.dt, N_IN, 38)
    width = max(layer.format.weight_bits for layer in fixed.layers)
    assert graph.dtype.itemsize * 8 >= width > graph.dtype.itemsize * 4 * (graph.dtype != np.int8)
    found = {}
    for projection in graph.projections:
        synapses = graph.synapses(projection)
        weights = np.zeros((projection.post.n, projection.pre.n), np.int64)
        delays = np.zeros(weights.shape)
        weights[synapses["post"], synapses["pre"]] = synapses["weight"]
        delays[synapses["post"], synapses["pre"]] = synapses["delay"]
        found[projection.pre.index, projection.post.index] = weights, delays
    expected = {}
    for at, (layer, delays) in enumerate(zip(fixed.layers, net.delays, strict=True), start=1):
        expected[at - 1, at] = layer.weight, delays["delay"]
        if layer.recurrent_weight is not None:
            own = np.zeros(layer.recurrent_weight.shape)
            expected[at, at] = layer.recurrent_weight, delays.get("recurrent_delay", own)
    assert found.keys() == expected.keys()
    for pair, (weights, delays) in expected.items():
        np.testing.assert_array_equal(found[pair][0], weights)
        # A synapse of weight 0 is none.
        np.testing.assert_array_equal(found[pair][1][weights != 0], delays[weights != 0])


def test_room_on_a_chip_is_taken_by_synapses_that_there_are() -> None:
    """A fan-out that just fits the chip fits it as a graph, whatever weights are 0."""
    fixed = sr.Network(4, [sr.Dense(3, v_th=1.0), sr.Recurrent(70, v_th=1.0)]).to_fixed(
        sr.Loihi(enforce_limits=False)
    )
    form = sr.fixed.xylo_format(v_th=100, dash_syn=2, dash_mem=3)
    assert form.limits["fan_out"] == 64
    weight = np.ones((70, 3), np.int32)
    weight[64:] = 0
    layers = [
        sr.FixedLayer(form, np.full((3, 4), 9, np.int32), None, np.ones(1)),
        sr.FixedLayer(form, weight, np.zeros((70, 70), np.int32), np.ones(1)),
    ]
    of_chip = sr.FixedNetwork(fixed.network, layers)
    spikes = (np.random.default_rng(4).random((N_STEPS, 4)) < 0.5).astype(np.int64)
    simulator = sr.Simulator(of_chip, record=range(2))
    simulator.push(events_of(spikes))
    found = raster_of(simulator.advance(N_STEPS), N_STEPS, 73)
    np.testing.assert_array_equal(found, recorded(of_chip, spikes))
    assert found.sum() > 20


@pytest.mark.parametrize("engine", GRID)
def test_a_network_fires_as_its_layers_do(engine: str) -> None:
    net = network(True)
    spikes = raster(counts=False)
    trains = net.run(sr.SpikeTrains.from_counts(spikes[None])).spikes
    expected = np.concatenate([train.to_counts()[0] for train in trains[1:]], axis=1)
    for of in (net, net.to_graph()):
        populations = range(4) if of is net else range(1, 5)
        simulator = sr.Simulator(of, engine=engine, record=populations)
        simulator.push(events_of(spikes))
        found = raster_of(simulator.advance(N_STEPS), N_STEPS, 38)
        np.testing.assert_array_equal(found, expected)
    assert expected.sum() > 100


def test_continuous_time_is_refused_for_fixed_layers() -> None:
    with pytest.raises(ValueError, match="'clocked', 'event' or 'auto' for fixed-point neurons"):
        sr.Simulator(network(True).to_fixed(), engine="continuous")


@pytest.mark.parametrize("odd", [None, "net", 3, np.ones(3), sr.Dense(3)])
def test_what_cannot_be_simulated_is_refused(odd: Any) -> None:
    with pytest.raises(TypeError, match="network must be a Graph, a Network or a FixedNetwork"):
        sr.Simulator(odd)
