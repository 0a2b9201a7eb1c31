"""Streams: events in chunks, time in cuts, and what a stream may hold."""

from __future__ import annotations

import gc
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from backends import Backend
from graph_cases import (
    ENGINES,
    Events,
    GraphCase,
    build_graph,
    chain,
    draw_events,
    events,
    graph_cases,
    in_one_go,
    some_events,
)
from hypothesis import given, settings
from hypothesis import strategies as st

import strsbp_rs as sr

# Chunks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=40)
@given(case=graph_cases(min_t_ref=1), data=st.data())
def test_chunks_and_cuts_change_nothing(engine: str, case: GraphCase, data: st.DataObject) -> None:
    """Bit for bit, spike times in continuous time too; but `auto` may choose otherwise at ties."""
    graph, _ = build_graph(case)
    pushed = draw_events(case)
    expected = in_one_go(graph, pushed, case.n_steps, engine)
    simulator = sr.Simulator(graph, engine=engine)
    cuts = st.lists(st.integers(0, case.n_steps), max_size=8)
    parts, done = [], 0
    for cut in sorted(data.draw(cuts)):
        # All before the cut must have been pushed by then, later ones may have been.
        before = int(np.searchsorted(pushed["t"], cut, side="left"))
        first = done
        done = max(done, data.draw(st.integers(before, len(pushed))))
        middle = data.draw(st.integers(first, done))
        simulator.push(pushed[first:middle])
        simulator.push(pushed[middle:done])
        parts.append(simulator.advance(cut))
        assert simulator.now == cut * (case.dt if engine == "continuous" else 1)
    simulator.push(pushed[done:])
    parts.append(simulator.advance(case.n_steps))
    np.testing.assert_array_equal(np.concatenate(parts), expected)
    # Every spike comes once.
    assert len(simulator.advance(case.n_steps)) == 0


def test_stream_yields_what_is_certain(backend: Backend) -> None:
    graph, pushed = backend.chain(), some_events()
    chunks = [pushed[:10], pushed[10:10], pushed[10:11], pushed[11:]]
    simulator = backend.simulator(graph)
    parts = []
    for chunk, spikes in zip([chunks[0], *chunks[2:]], simulator.stream(chunks), strict=True):
        last = chunk["t"][-1]
        assert simulator.now == last
        assert len(spikes) == 0 or spikes["t"].max() < last
        parts.append(spikes)
    parts.append(simulator.advance(300))
    expected = backend.in_one_go(graph, pushed, 300)
    assert len(expected) > 50
    np.testing.assert_array_equal(np.concatenate(parts), expected)


def test_stream_takes_times_in_ms() -> None:
    pushed = some_events()
    in_ms = events(pushed["t"].astype(np.float64), pushed["x"])
    simulator = sr.Simulator(chain(), engine="continuous")
    parts = [*simulator.stream([in_ms[:20], in_ms[20:]]), simulator.advance(300.0)]
    expected = in_one_go(chain(), pushed, 300, "continuous")
    np.testing.assert_array_equal(np.concatenate(parts), expected)


def test_stream_stops_at_a_bad_chunk() -> None:
    pushed = some_events()
    simulator = sr.Simulator(chain(), engine="event")
    stream = simulator.stream([pushed[:20], pushed[:5]])
    first = next(stream)
    with pytest.raises(ValueError, match=r"events\['t'\]\[0\] must be"):
        next(stream)
    simulator.push(pushed[20:])
    rest = simulator.advance(300)
    np.testing.assert_array_equal(
        np.concatenate([first, rest]), in_one_go(chain(), pushed, 300, "event")
    )


# Outputs ---------------------------------------------------------------------------------------


def test_recorded_populations_are_numbered_in_their_order(backend: Backend) -> None:
    graph, pushed = backend.chain(), some_events()
    everything = backend.in_one_go(graph, pushed, 300)
    below, above = graph.populations[1:]
    assert 10 < (everything["x"] < 20).sum() < len(everything) - 10
    for record, shift in [
        ([above, below], {0: 5, 1: -20}),
        ([above], {1: -20}),
        ([2, 1], {0: 5, 1: -20}),
    ]:
        simulator = backend.simulator(graph, record=record)
        simulator.push(pushed)
        spikes = simulator.advance(300)
        expected = everything[np.isin(everything["x"] >= 20, list(shift))].copy()
        expected["x"] += np.where(expected["x"] >= 20, shift[1], shift.get(0, 0))
        # Populations of one step come in the graph's order.
        np.testing.assert_array_equal(spikes, expected)
        assert simulator.operations.spikes == len(everything)
    assert len(backend.simulator(graph, record=[]).advance(10)) == 0


def test_a_network_records_its_output_layer() -> None:
    net = sr.Network(2, [sr.Dense(3), sr.Dense(4)])
    assert [population.name for population in sr.Simulator(net).recorded] == ["layer 1"]
    said = repr(sr.Simulator(net, engine="event", record=[1, 0]))
    assert "engine event" in said and "layer 1, layer 0" in said


@pytest.mark.parametrize("engine", ENGINES)
def test_dtypes_and_the_clock(engine: str) -> None:
    graph = sr.Graph(dt=0.5)
    source, target = graph.add_input(1), graph.add_population(1, sr.LIF(v_th=0.1))
    graph.connect(source, target, weight=3.0)
    simulator = sr.Simulator(graph, engine=engine)
    assert simulator.now == 0 and simulator.time == 0.0
    simulator.push(np.array([(4, 0)], dtype=[("x", "u1"), ("t", "u2")])[["t", "x"]][:0])
    simulator.push(np.array([(0, 4)], dtype=[("x", "u1"), ("t", "u2")]))
    spikes = simulator.advance(10)
    assert spikes.dtype["t"] == (np.float64 if engine == "continuous" else np.int64)
    assert isinstance(simulator.now, float if engine == "continuous" else int)
    # An integer counts steps everywhere.
    assert simulator.time == 5.0
    first = spikes["t"][0] * (1 if engine == "continuous" else 0.5)
    assert 2.0 < first <= 2.5


def test_reset(backend: Backend) -> None:
    """As new: neurons, spikes under way, inputs that wait, counts."""
    graph, pushed = backend.chain(), some_events()
    expected = backend.in_one_go(graph, pushed, 300)
    simulator = backend.simulator(graph)
    simulator.push(pushed)
    simulator.advance(150)
    simulator.reset()
    assert simulator.now == 0
    assert set(vars(simulator.operations).values()) == {0}
    assert len(simulator.advance(150)) == 0
    simulator.reset()
    simulator.push(pushed)
    np.testing.assert_array_equal(simulator.advance(300), expected)
    assert simulator.operations.input_events == len(pushed)


# Auto ------------------------------------------------------------------------------------------


def silent_busy_silent() -> tuple[sr.Graph, Events]:
    """What engine "auto" runs by events, clocked from step 2000 on, and by events after 4000."""
    graph = sr.Graph(dtype="float64", seed=3)
    inputs, neurons = graph.add_input(50), graph.add_population(200, sr.LIF(v_th=1.0))
    graph.connect(inputs, neurons, weight=sr.Uniform(-0.1, 0.25))
    rule, delay = sr.FixedOutDegree(10), sr.UniformDelay(0, 20)
    graph.connect(neurons, neurons, rule, weight=sr.Uniform(-0.5, 0.1), delay=delay)
    rng = np.random.default_rng(5)
    busy = np.nonzero(rng.random((2000, 50)) < 0.2)
    t = np.concatenate([[10, 900], 2000 + busy[0], [5500]])
    return graph, events(t, np.concatenate([[3, 4], busy[1], [7]]))


@pytest.mark.parametrize("cut", [1000, 2100, 3000, 5000])
def test_auto_is_resumed_whichever_engine_ran(cut: int) -> None:
    graph, pushed = silent_busy_silent()
    expected = in_one_go(graph, pushed, 6000, "clocked")
    by_event = sr.Simulator(graph, engine="event")
    by_event.push(pushed)
    np.testing.assert_array_equal(by_event.advance(6000), expected)
    assert by_event.operations.near_ties == 0
    left, resumed = (sr.Simulator(graph, engine="auto") for _ in range(2))
    left.push(pushed)
    first = left.advance(cut)
    assert left.engine == ("clocked" if cut == 3000 else "event") or cut == 2100
    resumed.set_state(left.state())
    for simulator in (left, resumed):
        parts = [first, simulator.advance(3500), simulator.advance(6000)]
        np.testing.assert_array_equal(np.concatenate(parts), expected)
    assert resumed.operations.spikes == len(expected) - len(first)


def test_auto_changes_with_the_activity() -> None:
    """Silent, busy, silent: the event engine, the clocked one, and back; no spike is different."""
    graph, pushed = silent_busy_silent()
    simulator = sr.Simulator(graph, engine="auto")
    simulator.push(pushed)
    parts, used = [], []
    for until in (1900, 3900, 6000):
        parts.append(simulator.advance(until))
        used.append(simulator.engine)
    assert used == ["event", "clocked", "event"]
    # The clocked engine counts no near ties.
    assert simulator.ties_are_proven is False
    simulator.reset()
    assert simulator.ties_are_proven is True
    simulator.push(pushed)
    assert sum(len(simulator.advance(until)) for until in (1900, 6000)) == sum(map(len, parts))
    clocked = sr.Simulator(graph, engine="clocked")
    clocked.push(pushed)
    expected = clocked.advance(6000)
    assert len(expected) > 1000
    np.testing.assert_array_equal(np.concatenate(parts), expected)
    done, by_clock = simulator.operations, clocked.operations
    for name in ("input_events", "spikes", "synaptic_events"):
        assert getattr(done, name) == getattr(by_clock, name)
    assert done.state_updates < by_clock.state_updates


# Long streams ----------------------------------------------------------------------------------


def resident() -> int:
    """Memory that the process has at present [bytes]."""
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/self/statm")
@pytest.mark.parametrize(
    ("engine", "n_events"), [("event", 10**5), ("auto", 5 * 10**4), ("continuous", 5 * 10**4)]
)
def test_a_long_stream_takes_little_memory_and_work(engine: str, n_events: int) -> None:
    """A hundred million steps: a day at a step a millisecond.

    After a tenth of the stream, less memory is added than would hold the events, or a bit of every
    spike.
    """
    n_steps, n_chunks = 10**8, 100
    simulator = sr.Simulator(chain("float32"), engine=engine)

    def chunks() -> Iterator[Events]:
        for chunk in range(n_chunks):
            rng, n = np.random.default_rng(chunk), n_events // n_chunks
            t = np.sort(rng.integers(0, n_steps // n_chunks, n)) + chunk * (n_steps // n_chunks)
            yield events(t, rng.integers(0, 3, n))

    n_spikes, before = [], 0
    for spikes in simulator.stream(chunks()):
        n_spikes.append(len(spikes))
        if len(n_spikes) == n_chunks // 10:
            gc.collect()
            before = resident()
    gc.collect()
    grown = resident() - before
    simulator.advance(n_steps)
    assert grown < 2**18, grown
    assert sum(n_spikes[n_chunks // 10 :]) > 2**18
    done = simulator.operations
    assert done.input_events == n_events
    # Work follows what is sent: a neuron is touched when a spike arrives, and when it may fire.
    assert done.synaptic_events <= 20 * done.input_events + 25 * done.spikes
    assert done.state_updates < 1.5 * done.synaptic_events


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("engine", ["clocked", "event", "auto", "continuous"])
def test_ctrl_c(engine: str) -> None:
    """It ends a run that would take years, which may go on."""

    def kicked() -> sr.Simulator:
        # Once kicked, every neuron keeps itself firing.
        graph = sr.Graph(seed=1)
        kick, ring = graph.add_input(1), graph.add_population(50, sr.LIF(v_th=1.0, t_ref=2.0))
        graph.connect(kick, ring, weight=100.0)
        graph.connect(ring, ring, sr.OneToOne(), weight=20.0)
        simulator = sr.Simulator(graph, engine=engine)
        simulator.push(events([0], [0]))
        return simulator

    simulator = kicked()
    interrupt = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    interrupt.start()
    with pytest.raises(KeyboardInterrupt):
        simulator.advance(10**12)
    reached = int(simulator.now)
    assert 300 < reached < 10**12
    whole = simulator.advance(reached + 100)
    np.testing.assert_array_equal(whole, kicked().advance(reached + 100))
    assert len(whole) > 50 * reached / 10


# Two threads -----------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["clocked", "continuous"])
def test_a_second_thread_is_told(engine: str) -> None:
    """While one runs the simulation, the other gets an error from whatever it asks."""
    graph = sr.Graph(seed=1)
    kick, ring = graph.add_input(1), graph.add_population(2000, sr.LIF(v_th=1.0, t_ref=2.0))
    graph.connect(kick, ring, weight=100.0)
    graph.connect(ring, ring, sr.OneToOne(), weight=20.0)
    simulator = sr.Simulator(graph, engine=engine)
    simulator.push(events([0], [0]))
    asked = [
        lambda: simulator.now,
        lambda: simulator.engine,
        lambda: simulator.operations,
        lambda: simulator.ties_are_proven,
        lambda: repr(simulator),
        lambda: simulator.push(events([0], [0])),
        lambda: simulator.advance(1),
        lambda: simulator.potentials(ring),
        lambda: simulator.set_potentials(ring, np.zeros(2000)),
        lambda: simulator.state(),
        lambda: simulator.set_state(b""),
        lambda: simulator.reset(),
    ]
    told: list[str] = []

    def ask() -> None:
        time.sleep(0.2)
        for question in asked:
            try:
                question()
            except RuntimeError as error:
                told.append(str(error))
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=ask)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        simulator.advance(10**12)
    thread.join()
    assert told == ["the simulator is running: in another thread, or around a signal handler"] * 12
    assert simulator.now > 0
