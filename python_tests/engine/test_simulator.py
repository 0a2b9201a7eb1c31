"""The simulator of graphs against the oracle's steps, and single cases chosen to be hard."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from graph_cases import (
    Events,
    GraphCase,
    build_graph,
    draw_events,
    events,
    graph_cases,
    oracle_events,
    oracle_inputs,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle.graph import simulate_graph
from oracle.neuron import propagator

import strsbp_rs as sr

GRID_ENGINES = ("clocked", "event", "auto")
TIE = 1e-9
"""Potentials this near the threshold, relative to it, might be on the other side in other sums."""


def run(graph: sr.Graph, pushed: Events, until: float, engine: str) -> tuple[Events, sr.Simulator]:
    """All spikes of a graph, and the simulator afterwards."""
    simulator = sr.Simulator(graph, engine=engine)
    simulator.push(pushed)
    return simulator.advance(until), simulator


def single(weight: float, **constants: Any) -> sr.Graph:
    """One input onto one neuron, float64."""
    graph = sr.Graph(dtype="float64")
    source = graph.add_input(1)
    graph.connect(source, graph.add_population(1, sr.LIF(**constants)), weight=weight)
    return graph


def firing_steps(graph: sr.Graph, at: list[int], until: int, engine: str) -> list[int]:
    return run(graph, events(np.array(at, dtype=np.int64), 0), until, engine)[0]["t"].tolist()


# Random graphs ---------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", GRID_ENGINES)
def test_spikes_and_counts_equal_the_oracles(engine: str) -> None:
    """Any topology, delays and input; repeated events and synapses add up."""
    seen = {"cases": 0, "without ties": 0, "spikes": 0}

    @settings(max_examples=200)
    @given(case=graph_cases())
    def check(case: GraphCase) -> None:
        graph, model = build_graph(case)
        pushed = draw_events(case)
        record = simulate_graph(model, oracle_inputs(case, pushed), case.n_steps)
        got, simulator = run(graph, pushed, case.n_steps, engine)
        done = simulator.operations
        seen["cases"] += 1
        if record.closest < TIE:
            return
        seen["without ties"] += 1
        seen["spikes"] += len(got)
        np.testing.assert_array_equal(got, oracle_events(case, record.spikes))
        assert done.input_events == len(pushed)
        assert done.spikes == len(got)
        assert done.synaptic_events == record.arrivals
        if engine == "clocked":
            assert done.state_updates == (case.n_steps - 1) * graph.n_neurons
        if engine == "event":
            assert done.state_updates <= (case.n_steps - 1) * graph.n_neurons
            # A bound that is proven holds no potential as far away as this.
            assert done.near_ties == 0 or not simulator.ties_are_proven

    check()
    assert seen["without ties"] > 0.9 * seen["cases"] and seen["spikes"] > 4000, seen


def test_float32_engines_agree_without_near_ties() -> None:
    seen = {"cases": 0, "without ties": 0, "spikes": 0}

    @settings(max_examples=100)
    @given(case=graph_cases())
    def check(case: GraphCase) -> None:
        graph, _ = build_graph(case, "float32")
        pushed = draw_events(case)
        clocked, _ = run(graph, pushed, case.n_steps, "clocked")
        by_event, simulator = run(graph, pushed, case.n_steps, "event")
        assert not simulator.ties_are_proven
        seen["cases"] += 1
        if simulator.operations.near_ties == 0:
            seen["without ties"] += 1
            seen["spikes"] += len(clocked)
            np.testing.assert_array_equal(by_event, clocked)

    check()
    assert seen["without ties"] > 0.5 * seen["cases"] and seen["spikes"] > 500, seen


# Hard cases ------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", GRID_ENGINES)
def test_events_at_the_first_and_the_last_step(engine: str) -> None:
    graph = single(5.0, tau_m=64.0, tau_s=1.0, v_th=1.0, t_ref=0.0)
    assert firing_steps(graph, [0], 1, engine) == []
    assert firing_steps(graph, [0], 2, engine) == [1]
    assert firing_steps(graph, [9], 10, engine) == []
    assert firing_steps(graph, [0, 9], 11, engine) == [1, 10]


@pytest.mark.parametrize("engine", GRID_ENGINES)
@pytest.mark.parametrize("n", [1, 15, 16, 17, 100])
def test_simultaneous_spikes_add_up(engine: str, n: int) -> None:
    """Each of n inputs brings 2/n of the threshold: all at once fire, all but half do not."""
    graph = sr.Graph(dtype="float64")
    source, target = (
        graph.add_input(n),
        graph.add_population(33, sr.LIF(tau_s=1.0, v_th=1.0, t_ref=0.0)),
    )
    graph.connect(source, target, weight=2.0 / n)
    everyone = events(np.zeros(n, np.int64), np.arange(n))
    spikes, simulator = run(graph, everyone, 5, engine)
    np.testing.assert_array_equal(spikes, events(np.ones(33, np.int64), np.arange(33)))
    assert simulator.operations.synaptic_events == 33 * n
    assert len(run(graph, everyone[: int(0.45 * n)], 5, engine)[0]) == 0


@pytest.mark.parametrize("engine", GRID_ENGINES)
@pytest.mark.parametrize("weight", [0.3, 1.0, 7.1])
def test_a_potential_at_the_threshold_is_a_tie_and_no_spike(engine: str, weight: float) -> None:
    """With tau_s = dt and Euler p = w and u = w: equal to v_th, whatever is rounded."""
    constants = {"tau_m": 10.0, "tau_s": 1.0, "t_ref": 0.0}
    for v_th, n_spikes in [(weight, 0), (np.nextafter(weight, 0), 1), (np.nextafter(weight, 9), 0)]:
        graph = single(weight, v_th=v_th, **constants)
        spikes, simulator = run(graph, events([3], 0), 20, engine)
        assert spikes["t"].tolist() == [4] * n_spikes
        if simulator.engine == "event":
            assert simulator.operations.near_ties == 1
            assert simulator.ties_are_proven
    distant, simulator = run(
        single(weight, v_th=0.999 * weight, **constants), events([3], 0), 20, engine
    )
    assert len(distant) == 1 and simulator.operations.near_ties == 0


def test_ties_are_proven_for_what_the_proof_covers() -> None:
    """No input fires twice at a step, and no state is one that the network does not lead to."""
    graph = single(0.3, tau_m=10.0, tau_s=1.0, v_th=1.0, t_ref=0.0)
    once, twice = events([3, 4], 0), events([3, 4, 4], 0)
    assert run(graph, once, 9, "event")[1].ties_are_proven
    assert run(graph, twice, 4, "event")[1].ties_are_proven
    simulator = run(graph, twice, 9, "event")[1]
    assert not simulator.ties_are_proven
    simulator.reset()
    assert simulator.ties_are_proven
    for potential, proven in [(-0.9, True), (-1e6, False)]:
        simulator = sr.Simulator(graph, engine="event")
        simulator.set_potentials(1, [potential])
        assert simulator.ties_are_proven is proven


@pytest.mark.parametrize("strange", [1, 2])
def test_one_strange_population_is_enough(strange: int) -> None:
    """Potentials beyond the proof, of the first population or of the last."""
    graph = sr.Graph(dtype="float64")
    source = graph.add_input(1)
    for _ in range(2):
        graph.connect(source, graph.add_population(1, sr.LIF(v_th=1.0, t_ref=0.0)), weight=0.3)
    simulator = sr.Simulator(graph, engine="event")
    assert simulator.ties_are_proven
    simulator.set_potentials(strange, [-1e6])
    assert not simulator.ties_are_proven
    # Nor after another population was set to what the proof covers.
    simulator.set_potentials(3 - strange, [0.1])
    assert not simulator.ties_are_proven


@pytest.mark.parametrize("engine", GRID_ENGINES)
def test_input_while_held_is_kept_as_current(engine: str) -> None:
    """As the network's test of a held neuron, worked out there."""
    graph = single(2.0, v_th=0.1, tau_m=64.0, tau_s=8.0, t_ref=4.0)
    assert firing_steps(graph, [0, 2, 3], 12, engine) == [1, 6, 11]


@pytest.mark.parametrize("engine", GRID_ENGINES)
@pytest.mark.parametrize("discretisation", ["euler", "exact"])
@pytest.mark.parametrize("share", [0.5, 0.99, 0.999999])
def test_firing_long_after_the_last_input(engine: str, discretisation: str, share: float) -> None:
    """A slow current: the response meets a threshold near its peak thousands of steps later."""
    constants = {"tau_m": 9000.0, "tau_s": 4000.0, "t_ref": 0.0, "discretisation": discretisation}
    step = propagator(**constants)
    n = np.arange(40_000.0)
    a, b = step.syn_decay, step.mem_decay
    response = step.mem_gain * (b**n - a**n) / (b - a)
    v_th = share * float(response.max())
    expected = int(np.flatnonzero(response > v_th)[0])
    assert expected > 1000
    assert firing_steps(single(1.0, v_th=v_th, **constants), [7], 40_000, engine)[0] == expected + 7


@pytest.mark.parametrize("engine", GRID_ENGINES)
def test_inhibition_is_overcome_late(engine: str) -> None:
    """From a potential far below 0 and a current that outlasts it, the whole rise is predicted."""
    graph = sr.Graph(dtype="float64")
    inputs = graph.add_input(2)
    target = graph.add_population(1, sr.LIF(tau_m=5.0, tau_s=400.0, v_th=0.2, t_ref=300.0))
    graph.connect(inputs, target, ([0, 1], [0, 0]), weight=[-50.0, 70.0])
    step = propagator(tau_m=5.0, tau_s=400.0, t_ref=300.0)
    p = u = 0.0
    expected = []
    held = 0
    for t in range(1, 3000):
        p = step.syn_decay * p + {6: -50.0, 41: 70.0}.get(t, 0.0)
        u = 0.0 if held else step.mem_decay * u + step.mem_gain * p
        held = max(held - 1, 0)
        if u > 0.2:
            expected.append(t)
            u, held = 0.0, 300
    assert expected[0] > 41 + 5
    spikes, _ = run(graph, events([5, 40], [0, 1]), 3000, engine)
    assert spikes["t"].tolist() == expected


def test_negative_weights_alone_never_fire() -> None:
    for engine in (*GRID_ENGINES, "continuous"):
        graph = single(-3.0, v_th=1e-9)
        assert firing_steps(graph, list(range(50)), 10_000, engine) == []


@pytest.mark.parametrize("gap", [10**6, 10**9])
def test_silence_leaves_nothing(gap: int) -> None:
    """After it, a network is as one that has just begun; the event engine passes it at once."""
    case = GraphCase(
        n_inputs=10,
        neurons=((30, {"tau_m": 64.0, "tau_s": 8.0, "v_th": 1.0, "t_ref": 2.0}),),
        connections=(),
        n_steps=100,
        traffic="even",
        n_events=80,
        dt=1.0,
        seed=4,
    )
    graph, _ = build_graph(case)
    inputs, neurons = graph.populations
    rule = sr.FixedProbability(0.5)
    graph.connect(inputs, neurons, rule, weight=sr.Uniform(0, 6), delay=sr.UniformDelay(0, 9))
    graph.connect(neurons, neurons, rule, weight=sr.Uniform(-1, 0.1), delay=3.0)
    pushed = draw_events(case)
    later = pushed.copy()
    later["t"] += gap
    simulator = sr.Simulator(graph, engine="event")
    simulator.push(pushed)
    first = simulator.advance(gap)
    counted = simulator.operations.spikes
    simulator.push(later)
    second = simulator.advance(gap + 1000)
    assert len(first) > 50 and simulator.operations.spikes == 2 * counted
    # Nothing is done in the gap: neurons are touched when a spike arrives, and when they may fire.
    assert simulator.operations.state_updates < 1.5 * simulator.operations.synaptic_events
    np.testing.assert_array_equal(second["t"] - gap, first["t"])
    np.testing.assert_array_equal(second["x"], first["x"])


@pytest.mark.parametrize("engine", GRID_ENGINES)
def test_silence_ends_in_zeros(engine: str) -> None:
    """A neuron that was driven once and one that never was: the same state, to the byte."""
    states = []
    for at in (0, None):
        simulator = sr.Simulator(single(1.0, v_th=1e-30), engine=engine)
        if at is not None:
            simulator.push(events([at], 0))
        simulator.advance(2_000_000)
        # Every neuron is touched by an event, so that it is known of the present.
        simulator.push(events([2_000_000], 0))
        simulator.advance(2_000_003)
        states.append(simulator.state())
        assert (simulator.operations.spikes > 10) == (at is not None)
    assert states[0] == states[1]


@pytest.mark.parametrize("engine", (*GRID_ENGINES, "continuous"))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_tiny_threshold(engine: str, dtype: str) -> None:
    """Scaling weights and threshold by 2^-100 changes no spike."""
    steps = []
    for scale in (1.0, 2.0**-100):
        graph = sr.Graph(dtype=dtype)
        source = graph.add_input(3)
        target = graph.add_population(20, sr.LIF(v_th=scale, t_ref=3.0))
        weight = scale * np.linspace(-2.0, 4.0, 60)
        graph.connect(source, target, (np.arange(60) % 3, np.arange(60) % 20), weight=weight)
        pushed = events(np.arange(0, 90, 3), np.arange(30) % 3)
        steps.append(run(graph, pushed, 200, engine)[0])
    assert len(steps[0]) > 20
    np.testing.assert_array_equal(steps[0]["x"], steps[1]["x"])
    np.testing.assert_allclose(steps[0]["t"], steps[1]["t"], rtol=1e-14)


def test_delays_longer_than_the_run_and_gaps_between(rng: np.random.Generator) -> None:
    """Spikes of many steps on their way at once: every one arrives once, at its time."""
    delay = rng.integers(0, 5000, 300)
    for engine in GRID_ENGINES:
        graph = sr.Graph(dtype="float64")
        source = graph.add_input(1)
        target = graph.add_population(300, sr.LIF(tau_s=1.0, v_th=0.5, t_ref=0.0))
        pairs = (np.zeros(300, np.int64), np.arange(300))
        graph.connect(source, target, pairs, weight=1.0, delay=delay)
        simulator = sr.Simulator(graph, engine=engine)
        simulator.push(events([0, 3, 1000, 4096], 0))
        spikes = simulator.advance(4096)
        expected = sorted(
            (t + 1 + d, i) for t in (0, 3, 1000) for i, d in enumerate(delay) if t + 1 + d < 4096
        )
        assert list(zip(spikes["t"], spikes["x"], strict=True)) == expected


# What is said of a run --------------------------------------------------------------------------


def test_engines_that_count_no_near_ties_claim_nothing() -> None:
    """An input exactly at threshold: only the event engine sees it."""
    weight = 7.0
    for engine, counted, proven in [
        ("clocked", 0, None),
        ("continuous", 0, None),
        ("event", 1, True),
        ("auto", 1, True),
    ]:
        graph = single(weight, tau_m=10.0, tau_s=1.0, v_th=weight, t_ref=0.0)
        _, simulator = run(graph, events([3], [0]), 50, engine)
        assert (simulator.ties_are_proven, simulator.operations.near_ties) == (proven, counted)
        simulator.reset()
        assert simulator.ties_are_proven is proven


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("engine", ["event", "auto"])
def test_currents_and_potentials_are_the_clocked_ones(engine: str, dtype: str) -> None:
    """At any moment, of neurons touched just now, long ago, held, or never."""
    seen = {"cases": 0, "compared": 0, "held": 0}
    size = {"float32": 1e-4, "float64": 1e-12}[dtype]

    @settings(max_examples=60)
    @given(case=graph_cases(), share=st.floats(0, 1))
    def check(case: GraphCase, share: float) -> None:
        graph, _ = build_graph(case, dtype)
        pushed = draw_events(case)
        alone = run(graph, pushed, case.n_steps, "event")[1]
        seen["cases"] += 1
        if alone.operations.near_ties > 0:
            return
        simulators = [sr.Simulator(graph, engine=name) for name in ("clocked", engine)]
        for simulator in simulators:
            simulator.push(pushed)
        for until in (int(share * case.n_steps), case.n_steps, case.n_steps + 300):
            for simulator in simulators:
                simulator.advance(until)
            for population in graph.populations[1:]:
                for name in ("potentials", "currents"):
                    expected, found = (getattr(s, name)(population) for s in simulators)
                    assert expected.dtype == found.dtype == dtype
                    scale = max(1.0, float(np.abs(expected).max()))
                    np.testing.assert_allclose(found, expected, rtol=0, atol=size * scale)
                    seen["compared"] += int(np.count_nonzero(expected))
                    seen["held"] += int((expected == 0).sum())

    check()
    assert seen["compared"] > 1000 and seen["held"] > 300, seen


def test_currents_and_potentials_of_one_spike() -> None:
    """The closed form, in continuous time and on the grid with its exact steps."""
    constants = {"tau_m": 20.0, "tau_s": 5.0, "v_th": 100.0, "discretisation": "exact"}
    graph = single(3.0, **constants)
    target = graph.populations[1]
    for engine in (*GRID_ENGINES, "continuous"):
        simulator = sr.Simulator(graph, engine=engine)
        assert simulator.potentials(target).tolist() == simulator.currents(target).tolist() == [0.0]
        simulator.push(events([4], [0]))
        for now in (5, 6, 7, 40):
            simulator.advance(now)
            passed = now - 4.0 if engine == "continuous" else now - 6.0
            current = 3.0 * np.exp(-passed / 5.0) if passed >= 0 else 0.0
            assert simulator.currents(target)[0] == pytest.approx(current, rel=1e-12)
            # The grid has the potential of the end of a step, one after the current was raised.
            since = max(passed + (engine != "continuous"), 0.0)
            potential = 3.0 * 4 / 3 * (np.exp(-since / 20.0) - np.exp(-since / 5.0))
            assert simulator.potentials(target)[0] == pytest.approx(potential, rel=1e-12)
