"""The state of a simulation: taken up again with the same bits, and refused if it is not that."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest
from backends import Backend
from graph_cases import (
    ENGINES,
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


def cut_short(graph: sr.Graph, engine: str, at: int = 100, until: int = 200) -> sr.Simulator:
    """A simulation with spikes under way and inputs that wait."""
    simulator = sr.Simulator(graph, engine=engine)
    simulator.push(some_events(until=until))
    simulator.advance(at)
    return simulator


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=100)
@given(case=graph_cases(min_t_ref=1), data=st.data())
def test_resumed_is_uninterrupted(
    engine: str, dtype: str, case: GraphCase, data: st.DataObject
) -> None:
    """To the bit, in a new simulator and in ones that have been elsewhere."""
    graph, _ = build_graph(case, dtype)
    pushed = draw_events(case)
    ties = True
    if engine == "auto":
        by_event = sr.Simulator(graph, engine="event")
        by_event.push(pushed)
        by_event.advance(case.n_steps)
        ties = by_event.operations.near_ties > 0
    whole = sr.Simulator(graph, engine=engine)
    whole.push(pushed)
    whole.advance(case.n_steps)
    left = sr.Simulator(graph, engine=engine)
    n_pushed = data.draw(st.integers(0, len(pushed)))
    last = case.n_steps if n_pushed == len(pushed) else int(pushed["t"][n_pushed])
    cut = data.draw(st.integers(0, last))
    left.push(pushed[:n_pushed])
    first = left.advance(cut)
    state, now = left.state(), left.now
    used = sr.Simulator(graph, engine=engine)
    used.push(pushed[n_pushed // 2 :])
    used.advance(case.n_steps)
    expected = in_one_go(graph, pushed, case.n_steps, engine)
    for resumed in (left, sr.Simulator(graph, engine=engine), used):
        resumed.set_state(state)
        assert resumed.now == now
        # The engine that `auto` runs at present may be another one than that which was left.
        assert engine == "auto" or resumed.state() == state
        resumed.push(pushed[n_pushed:])
        rest = resumed.advance(case.n_steps)
        if engine != "auto":
            np.testing.assert_array_equal(np.concatenate([first, rest]), expected)
            assert resumed.state() == whole.state()
        elif not ties:
            # Whichever engine runs when, their spikes are the same.
            np.testing.assert_array_equal(np.concatenate([first, rest]), expected)


def test_grid_engines_take_over_from_each_other() -> None:
    """With the spikes of one of them alone, without near ties."""
    seen = {"cases": 0, "without ties": 0, "spikes": 0, "spikes after": 0}

    @settings(max_examples=60)
    @given(case=graph_cases(), share=st.floats(0, 1))
    def check(case: GraphCase, share: float) -> None:
        graph, _ = build_graph(case)
        pushed = draw_events(case)
        cut = int(share * case.n_steps)
        alone = sr.Simulator(graph, engine="event")
        alone.push(pushed)
        expected = alone.advance(case.n_steps)
        seen["cases"] += 1
        if alone.operations.near_ties > 0:
            return
        seen["without ties"] += 1
        seen["spikes"] += len(expected)
        seen["spikes after"] += int((expected["t"] >= cut).sum())
        for first in ("clocked", "event", "auto"):
            left = sr.Simulator(graph, engine=first)
            left.push(pushed)
            before = left.advance(cut)
            state = left.state()
            for second in ("clocked", "event", "auto"):
                resumed = sr.Simulator(graph, engine=second)
                resumed.set_state(state)
                spikes = np.concatenate([before, resumed.advance(case.n_steps)])
                np.testing.assert_array_equal(spikes, expected)

    check()
    assert seen["without ties"] > 0.8 * seen["cases"], seen
    assert seen["spikes"] > 1000 and seen["spikes after"] > 300, seen


def test_what_is_no_part_of_the_state(backend: Backend) -> None:
    """Counts go on; spikes are what `advance` has returned, whatever the state."""
    simulator = cut_short(backend.chain(), backend.engine)
    done, state = simulator.operations, simulator.state()
    simulator.set_state(state)
    assert simulator.operations == done
    assert len(simulator.advance(100)) == 0
    assert cut_short(backend.chain(), backend.engine).state() == state


# Refused ---------------------------------------------------------------------------------------


def test_damaged_bytes(backend: Backend, rng: np.random.Generator) -> None:
    """Any byte flipped, any part missing: refused, and the simulation goes on as if never asked."""
    graph = backend.chain()
    state = cut_short(graph, backend.engine).state()
    simulator = cut_short(graph, backend.engine, at=50)
    before = simulator.state()
    damaged = [b"", state[:7], state[:-1], state[: len(state) // 2], state + b"\0", state[1:]]
    for at in rng.integers(0, len(state), 300):
        for flip in (1, 128, 255):
            changed = bytes([state[at] ^ flip])
            damaged.append(state[:at] + changed + state[at + 1 :])
    for data in damaged:
        with pytest.raises(ValueError, match="state must be"):
            simulator.set_state(data)
    assert simulator.state() == before
    np.testing.assert_array_equal(
        simulator.advance(300), cut_short(graph, backend.engine, at=50).advance(300)
    )


def rewritten(state: bytes, **changes: Any) -> bytes:
    """The state with other columns, and the checksum that they should have."""
    (length,) = struct.unpack_from("<Q", state)
    header = json.loads(state[8 : 8 + length])
    data = state[8 + length :]
    (version, kind, dtype, _) = header["__metadata__"]["strsbp_rs.state"].split(" ")
    columns = {
        name: changes.get(name, data[slice(*entry["data_offsets"])])
        for name, entry in header.items()
        if name != "__metadata__"
    }
    total = 0xCBF29CE484222325
    parts = [kind.encode(), dtype.encode()]
    for name in sorted(columns):
        parts += [name.encode(), columns[name]]
    for part in parts:
        for byte in part + struct.pack("<Q", len(part)):
            total = ((total ^ byte) * 0x100000001B3) % 2**64
    new, at = {}, 0
    for name, column in columns.items():
        end = at + len(column)
        new[name] = {**header[name], "shape": [len(column) // 8], "data_offsets": [at, end]}
        at = end
    new["__metadata__"] = {"strsbp_rs.state": f"{version} {kind} {dtype} {total:016x}"}
    text = json.dumps(new).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(columns.values())


def u64(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}Q", *values)


def f64(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}d", *values)


INCONSISTENT = [
    ("event", {"graph": u64(1, 2, 3)}, "with 4 numbers in 'graph', got 3"),
    ("event", {"now": u64()}, "'now'"),
    ("event", {"1.p": f64(*[0.0] * 19)}, "columns of one length in '1'"),
    ("event", {"1.p": f64(float("nan"), *[0.0] * 19)}, "finite numbers in '1.p'"),
    ("event", {"2.last": u64(0, 0, 0, 100, 0)}, r"state\.last\[2\]\[3\] must be in the past"),
    ("event", {"2.held": u64(0, 2**40, 0, 0, 0)}, r"state\.held\[2\]\[1\] must be within"),
    ("event", {"pending.step": u64(99), "pending.input": u64(0)}, "pending"),
    ("event", {"pending.step": u64(150), "pending.input": u64(3)}, "pending"),
    ("event", {"pending.step": u64(160, 150), "pending.input": u64(0, 0)}, "pending"),
    ("event", {"pending.step": u64(150), "pending.input": u64(2**32)}, "indices below 2"),
    (
        "event",
        {"spikes.population": u64(1), "spikes.step": u64(100), "spikes.neuron": u64(0)},
        "spikes must be past",
    ),
    (
        "event",
        {"spikes.population": u64(1), "spikes.step": u64(99), "spikes.neuron": u64(20)},
        "spikes must be past",
    ),
    (
        "event",
        {"spikes.population": u64(7), "spikes.step": u64(99), "spikes.neuron": u64(0)},
        "spikes must be past",
    ),
    ("continuous", {"now": f64(1.0)}, "state.last must be times up to now"),
    ("event", {"now": u64(2**62 + 1)}, r"state\.now must be at most 2\^62 steps, got"),
    (
        "event",
        {
            "spikes.population": u64(1, 1),
            "spikes.step": u64(99, 98),
            "spikes.neuron": u64(0, 0),
        },
        r"state\.spikes must be in order of time for each population, got step 98 after",
    ),
    ("continuous", {"neurons.p": f64(1.0)}, "columns of one length in 'neurons'"),
    (
        "continuous",
        {"neurons.p": f64(*[1e200] * 25)},
        r"state\.neurons\[0\] must be of sizes up to",
    ),
    ("continuous", {"neurons.last": f64(*[-1.0] * 25)}, r"state\.last must be times up to now"),
    ("continuous", {"neurons.held": f64(*[-1.0] * 25)}, r"state\.held\[0\] must be a time >= 0 ms"),
    (
        "continuous",
        {"neurons.held": f64(*[1e9] * 25)},
        r"state\.held\[0\] must be at most 1 ms after",
    ),
    (
        "continuous",
        {
            "neurons.p": f64(*[100.0] * 25),
            "neurons.last": f64(*[1.0] * 25),
            "neurons.held": f64(*[2.0] * 25),
        },
        r"state\.neurons\[0\] must be of a neuron that does not fire before now = 100 ms",
    ),
    ("continuous", {"pending.time": f64(99.0), "pending.input": u64(0)}, "pending"),
    ("continuous", {"pending.time": f64(150.0), "pending.input": u64(3)}, "pending"),
    *[
        (
            "continuous",
            {
                f"arrivals.{name}": pack(value)
                for name, pack, value in zip(
                    ("time", "fired", "projection", "pre", "place"),
                    (f64, f64, u64, u64, u64),
                    arrival,
                    strict=True,
                )
            },
            "arrivals",
        )
        for arrival in (
            (99.0, 98.0, 0, 0, 0),
            (101.0, 100.0, 3, 0, 0),
            (101.0, 100.0, 0, 3, 0),
            (101.0, 100.0, 0, 1, 0),
            (101.0, 100.5, 0, 0, 0),
            (101.0, -1e9, 0, 0, 0),
        )
    ],
]


@pytest.mark.parametrize(("engine", "changes", "message"), INCONSISTENT)
def test_inconsistent_states(engine: str, changes: dict[str, bytes], message: str) -> None:
    """Well-formed, but of no simulation of this graph."""
    simulator = cut_short(chain(), engine)
    state = simulator.state()
    simulator.set_state(rewritten(state))
    assert simulator.state() == state
    with pytest.raises(ValueError, match=message):
        simulator.set_state(rewritten(state, **changes))
    assert simulator.state() == state


@pytest.mark.parametrize("engine", ["clocked", "event"])
def test_numbers_are_checked_as_they_will_be_kept(engine: str) -> None:
    """After narrowing: what is finite as float64 may be infinite as float32, or no integer."""
    simulator = cut_short(chain("float32"), engine)
    state = simulator.state()
    for name in ("1.p", "1.u"):
        huge = f64(*[1e308] * 20)
        with pytest.raises(
            ValueError, match=f"state must be of numbers of float32 in '{name}', got 1"
        ):
            simulator.set_state(rewritten(state, **{name: huge}))
    assert simulator.state() == state
    graph = sr.Graph(dtype="int16", seed=1)
    eye, form = graph.add_input(2), sr.fixed.loihi_format(du=1, dv=1, v_th=9)
    graph.connect(eye, graph.add_population(2, form), weight=3)
    fixed = sr.Simulator(graph, engine=engine)
    state = fixed.state()
    for value in (0.5, 2.0**40, -1e300):
        with pytest.raises(ValueError, match=r"state must be of numbers of int32 in '1\.u', got"):
            fixed.set_state(rewritten(state, **{"1.u": f64(0.0, value)}))
    assert fixed.state() == state


def test_time_ends_before_its_numbers_do(backend: Backend) -> None:
    simulator = backend.simulator(backend.chain())
    if not backend.in_ms:
        with pytest.raises(ValueError, match=r"until must be at most 2\^62 steps, got"):
            simulator.advance(2**62 + 1)
    if backend.engine == "event":
        simulator.advance(2**62)
        assert not len(simulator.advance(2**62))
        again = backend.simulator(backend.chain())
        again.set_state(simulator.state())
        assert again.now == 2**62


def test_states_of_others() -> None:
    other = chain()
    other.add_population(3)
    larger = sr.Graph(dtype="float64", seed=2)
    for n in (3, 20, 6):
        _ = larger.add_input(n) if n == 3 else larger.add_population(n)
    states = {
        "float32": cut_short(chain("float32"), "event").state(),
        "continuous": cut_short(chain(), "continuous").state(),
        "populations": cut_short(other, "event").state(),
        "sizes": cut_short(larger, "event").state(),
    }
    populations = r"state must be of a graph with the same populations \(sizes and constants\), got"
    messages = {
        "float32": "state must be of float64, got float32",
        "continuous": "state must be one of a simulation on the time grid, got one in continuous",
        "populations": populations,
        "sizes": populations,
    }
    for engine in ("clocked", "event", "auto"):
        simulator = cut_short(chain(), engine)
        before = simulator.state()
        for name, state in states.items():
            with pytest.raises(ValueError, match=messages[name]):
                simulator.set_state(state)
        net = sr.Network(3, [sr.Dense(4)])
        net_bytes = sr.Trainer(net).network.__reduce__()[1][0]
        with pytest.raises(ValueError, match="state must be bytes that strsbp_rs has written"):
            simulator.set_state(net_bytes)
        for data in (bytearray(before), before.hex(), None):
            with pytest.raises(TypeError, match="state must be bytes, got"):
                simulator.set_state(data)
        assert simulator.state() == before
    simulator = cut_short(chain(), "continuous")
    with pytest.raises(ValueError, match="one of a simulation in continuous time, got one on"):
        simulator.set_state(cut_short(chain(), "event").state())


def chain_but(**other: Any) -> sr.Graph:
    """Populations of equal sizes, some of which differ from each other's."""
    options = {"dt": 0.5, "v_th": 0.4, "delay": 2.0, "seed": 1, "low": 0.0, "to": 0, **other}
    graph = sr.Graph(dt=options["dt"], seed=options["seed"], dtype="float64")
    eye, brain = graph.add_input(3), graph.add_population(30, sr.LIF(v_th=options["v_th"]))
    weight = sr.Uniform(options["low"], 1.0)
    graph.connect(eye, brain, weight=weight, delay=options["delay"])
    graph.connect(brain, brain, sr.FixedOutDegree(3), weight=weight, delay=sr.UniformDelay(0, 9))
    pairs = ([0, 1], [5, options["to"]])
    graph.connect(eye, brain, pairs, weight=1.0, delay=np.array([0.5, options["delay"]]))
    return graph


@pytest.mark.parametrize("engine", ENGINES)
def test_states_of_graphs_of_equal_sizes(engine: str) -> None:
    """What differs is said; a graph made anew, and one of other weights, goes on."""
    simulator = cut_short(chain_but(), engine)
    before = simulator.state()
    for other, message in [
        ({"dt": 0.25, "delay": 1.0}, "of a graph with dt = 0.5 ms, got 0.25"),
        ({"v_th": 0.5}, r"of a graph with the same populations \(sizes and constants\), got one"),
        ({"seed": 2}, r"of a graph with the same synapses \(pairs of neurons\), got one"),
        ({"to": 1}, r"of a graph with the same synapses \(pairs of neurons\), got one"),
        ({"delay": 2.5}, "of a graph with the same delays, got one"),
    ]:
        state = sr.Simulator(chain_but(**other), engine=engine).state()
        with pytest.raises(ValueError, match=f"state must be {message}"):
            simulator.set_state(state)
        assert simulator.state() == before
    for same in ({}, {"low": -1.0}):
        simulator.set_state(cut_short(chain_but(**same), engine).state())


def test_events_before_the_state_are_refused() -> None:
    state = cut_short(chain(), "event").state()
    simulator = sr.Simulator(chain(), engine="clocked")
    simulator.set_state(state)
    with pytest.raises(ValueError, match="must be >= "):
        simulator.push(events([99], [0]))
