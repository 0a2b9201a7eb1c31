"""Simulators of graphs and networks, in every engine: spikes, states, operations."""

from __future__ import annotations

from typing import Any

from golden import build as b
from golden import build_fixed as bf
from golden import inputs
from golden.cases import samples
from golden.digest import of_bytes, of_floats, of_integers, of_spikes
from golden.registry import Entries, case

N_STEPS, CUT = 200, 90


def populations(dtype: str) -> Any:
    """Two inputs and three populations, all kinds of projections, delays of all kinds."""
    graph = b.graph(dt=0.5, dtype=dtype, seed=21)
    few, many = b.add_input(graph, 3), b.add_input(graph, 20)
    exc = b.add_population(graph, 40, tau_m=16.0, tau_s=4.0, v_th=4.0)
    inh = b.add_population(graph, 10, tau_m=8.0, tau_s=2.0, v_th=3.0, t_ref=0.5)
    out = b.add_population(graph, 20, v_th=2.0, t_ref=0.0)
    b.connect(graph, few, exc, weight=3.0)
    b.connect(graph, many, exc, b.FixedOutDegree(8), weight=b.Uniform(1.0, 6.0), delay=1.0)
    b.connect(graph, many, out, b.OneToOne(), weight=2.5)
    excites: dict[str, Any] = {"weight": 1.5, "delay": b.UniformDelay(0.0, 4.0)}
    b.connect(graph, exc, inh, b.FixedInDegree(12), **excites)
    b.connect(graph, exc, exc, b.FixedInDegree(6), weight=0.5, delay=b.UniformDelay(0.5, 9.0))
    b.connect(graph, inh, exc, weight=-1.0, delay=0.5)
    pre, post = inputs.below(70, (90,), 40), inputs.below(71, (90,), 20)
    weight = inputs.fractions(72, (90,), -1.0, 4.0)
    b.connect(graph, exc, out, (pre, post), weight=weight, delay=pre % 7 * 0.5)
    return graph


def exact(dtype: str) -> Any:
    """Exponential steps, drawn by logarithms."""
    graph = b.graph(dtype=dtype, seed=22)
    sensor = b.add_input(graph, 30)
    constants = {"tau_m": 20.0, "tau_s": 5.0, "discretisation": "exact"}
    exc = b.add_population(graph, 40, v_th=10.0, **constants)
    b.connect(graph, sensor, exc, b.FixedProbability(0.25), weight=b.Normal(8.0, 2.0))
    b.connect(graph, exc, exc, b.FixedProbability(0.125), weight=-1.0, delay=b.UniformDelay(1, 6))
    return graph


def sparse_events(n_inputs: int, n: int = 350) -> Any:
    return inputs.events(73, n, N_STEPS - 20, n_inputs)


def simulated(graph: Any, engine: str, events: Any, chosen: Any, cut: int = CUT) -> Entries:
    """Runs in two parts with a state between them, and the second part again from the state."""
    simulator = b.simulator(graph, engine, chosen)
    found = [b.advance(simulator, events, cut)]
    state = simulator.state()
    neurons = simulator.recorded[0]
    floats = of_floats if graph.dtype.kind == "f" else of_integers
    yield "states", floats(b.membranes(simulator, neurons))
    yield "state_bytes", of_bytes(state)
    found.append(b.advance(simulator, None, N_STEPS))
    yield "spikes", of_spikes([t for t, _ in found], found)
    lost = bf.overflows(simulator)
    yield "operations", of_integers([b.operations(simulator), lost], simulator.engine)
    again = b.simulator(graph, engine, chosen)
    again.set_state(state)
    rest = b.advance(again, None, N_STEPS)
    yield "resumed", of_spikes([rest[0]], rest)


def _floats(graphs: dict[str, Any], engines: tuple[str, ...]) -> Entries:
    for engine in engines:
        for dtype in b.FLOATS:
            for name, (make, n_inputs, chosen) in graphs.items():
                graph = make(dtype)
                events = sparse_events(n_inputs)
                for entry, value in simulated(graph, engine, events, chosen):
                    yield f"{engine}/{name}/{dtype}/{entry}", value


GRAPHS = {"populations": (populations, 23, None), "some": (populations, 23, [4, 2])}
EXACT = {"exact": (exact, 30, None)}


@case("graphs/euler")
def euler(n_threads: int) -> Entries:
    yield from _floats(GRAPHS, b.GRID_ENGINES)
    for engine in b.GRID_ENGINES:
        # Potentials to start from, hardly any input, then a reset.
        simulator = b.simulator(populations("float64"), engine)
        exc = simulator.recorded[0]
        simulator.set_potentials(exc, inputs.fractions(74, (40,), -2.0, 4.0))
        few = inputs.events(75, 25, 170, 23)
        found = b.advance(simulator, few, N_STEPS)
        yield f"{engine}/potentials/spikes", of_spikes([found[0]], found)
        yield f"{engine}/potentials/states", of_floats(b.membranes(simulator, exc))
        simulator.reset()
        found = b.advance(simulator, sparse_events(23), N_STEPS)
        yield f"{engine}/reset", of_spikes([found[0]], found)


def far(dtype: str) -> Any:
    """Delays of thousands of steps, of every synapse its own, and spikes of a neuron all over."""
    graph = b.graph(dtype=dtype, seed=23)
    sensor = b.add_input(graph, 2)
    neurons = b.add_population(graph, 30, tau_s=1.0, v_th=0.5, t_ref=0.0)
    pre, post = inputs.below(78, (60,), 2), inputs.below(79, (60,), 30)
    b.connect(graph, sensor, neurons, (pre, post), weight=1.0, delay=inputs.below(80, (60,), 5000))
    b.connect(graph, neurons, neurons, b.OneToOne(), weight=0.25, delay=1500.0)
    return graph


def changing(dtype: str) -> Any:
    """What is worth another engine when it is busy."""
    graph = b.graph(dtype=dtype, seed=24)
    sensor, neurons = b.add_input(graph, 50), b.add_population(graph, 200, v_th=1.0)
    b.connect(graph, sensor, neurons, weight=b.Uniform(-0.125, 0.25))
    own: dict[str, Any] = {"weight": b.Uniform(-0.5, 0.125), "delay": b.UniformDelay(0, 20)}
    b.connect(graph, neurons, neurons, b.FixedOutDegree(10), **own)
    return graph


@case("graphs/long")
def long(n_threads: int) -> Entries:
    for engine in b.GRID_ENGINES:
        simulator = b.simulator(far("float64"), engine)
        found = [b.advance(simulator, inputs.events(81, 12, 4000, 2), 4000)]
        yield f"far/{engine}/state_bytes", of_bytes(simulator.state())
        found.append(b.advance(simulator, None, 12_000))
        yield f"far/{engine}/spikes", of_spikes([t for t, _ in found], found)
        yield f"far/{engine}/operations", of_integers(b.operations(simulator))
    # Silent, busy, silent: "auto" changes its engine, and back.
    busy = inputs.events(82, 5000, 600, 50)
    busy["t"] += 1500
    simulator = b.simulator(changing("float64"), "auto")
    used, found = [simulator.engine], []
    for events, until in ((inputs.events(83, 2, 1000, 50), 1500), (busy, 2100), (None, 4500)):
        found.append(b.advance(simulator, events, until))
        used.append(simulator.engine)
    yield "changing/spikes", of_spikes([found[1][0]], found)
    yield "changing/operations", of_integers(b.operations(simulator), used)
    assert used == ["event", "event", "clocked", "event"], used


@case("graphs/libm", "libm")
def exponential(n_threads: int) -> Entries:
    yield from _floats(EXACT, b.GRID_ENGINES)
    yield from _floats({**GRAPHS, **EXACT}, ("continuous",))


@case("streams/grid")
def networks(n_threads: int) -> Entries:
    """Layered networks as streams."""
    for engine in b.GRID_ENGINES:
        for dtype in b.FLOATS:
            net = samples.recurrent(dtype=dtype)
            simulator = b.simulator(net, engine, [0, 2])
            events = inputs.events(76, 300, 150, samples.N_IN)
            found = b.advance(simulator, events, N_STEPS)
            at = f"{engine}/{dtype}"
            yield f"{at}/spikes", of_spikes([found[0]], found)
            yield f"{at}/operations", of_integers(b.operations(simulator), simulator.engine)
            yield f"{at}/states", of_floats(b.membranes(simulator, 1))
            yield f"{at}/state_bytes", of_bytes(simulator.state())


@case("streams/continuous", "libm")
def continuous(n_threads: int) -> Entries:
    simulator = b.simulator(samples.constants(), "continuous", [0, 2])
    found = b.advance(simulator, inputs.events(77, 300, 150, samples.N_IN), N_STEPS)
    yield "spikes", of_spikes([found[0]], found)
    yield "states", of_floats(b.membranes(simulator, 1))
    yield "state_bytes", of_bytes(simulator.state())
