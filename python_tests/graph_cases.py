"""Random graphs and event streams for the tests of the simulator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from hypothesis import strategies as st
from oracle.graph import GraphModel, Synapses
from oracle.neuron import Steps

import strsbp_rs as sr

Events = np.ndarray[Any, np.dtype[np.void]]

ENGINES = ("clocked", "event", "continuous", "auto")


@dataclass(frozen=True)
class Connection:
    """A projection before its synapses are drawn; delays in steps, from least to most."""

    pre: int
    post: int
    kind: Literal["all", "pairs"]
    delay: tuple[int, int]
    low: float


@dataclass(frozen=True)
class GraphCase:
    """A graph and what is pushed into it.

    Attributes:
        n_inputs: Size of population 0, the inputs.
        neurons: Of each further population, its size and constants.
        connections: The projections.
        n_steps: Steps to run.
        traffic: How the input events lie in time.
        n_events: Their number.
        dt: Time step [ms].
        seed: Of weights, pairs and events.
    """

    n_inputs: int
    neurons: tuple[tuple[int, dict[str, Any]], ...]
    connections: tuple[Connection, ...]
    n_steps: int
    traffic: Literal["even", "crowded", "bursts"]
    n_events: int
    dt: float
    seed: int

    @property
    def sizes(self) -> list[int]:
        """Of all populations."""
        return [self.n_inputs, *(n for n, _ in self.neurons)]


@st.composite
def graph_cases(draw: st.DrawFn, *, min_t_ref: int = 0) -> GraphCase:
    """One to three populations of up to 40 neurons, any connections among them.

    Without a refractory time of a step or more, populations that excite themselves without a delay
    may fire without end in continuous time.
    """
    dt = draw(st.sampled_from([1.0, 0.5]))
    neurons = []
    for _ in range(draw(st.integers(1, 3))):
        constants = {
            "tau_m": draw(st.sampled_from([1.0, 10.0, 64.0, 3000.0])),
            "tau_s": draw(st.sampled_from([1.0, 8.0, 10.0, 500.0])),
            "v_th": draw(st.sampled_from([0.3, 1.0, 4.0])),
            "t_ref": dt * draw(st.integers(min_t_ref, 5)),
            "discretisation": draw(st.sampled_from(["euler", "exact"])),
        }
        neurons.append((draw(st.integers(1, 40)), constants))
    n = len(neurons)

    def connection(pre: int, post: int) -> Connection:
        low = draw(st.integers(0, 6))
        kind = draw(st.sampled_from(["all", "pairs"]))
        most = low if kind == "all" else low + draw(st.sampled_from([0, 3, 20]))
        return Connection(pre, post, kind, (low, most), draw(st.sampled_from([-1.5, -0.5, 0.0])))

    pairs = draw(st.lists(st.tuples(st.integers(0, n), st.integers(1, n)), max_size=5))
    return GraphCase(
        n_inputs=draw(st.integers(1, 12)),
        neurons=tuple(neurons),
        connections=tuple(connection(*pair) for pair in [(0, 1), *pairs]),
        n_steps=draw(st.integers(2, 120)),
        traffic=draw(st.sampled_from(["even", "crowded", "bursts"])),
        n_events=draw(st.sampled_from([0, 5, 60, 400])),
        dt=dt,
        seed=draw(st.integers(0, 2**32 - 1)),
    )


def draw_events(case: GraphCase) -> Events:
    """Events sorted by time: spread out, at few steps (the ends among them) or in bursts."""
    rng = np.random.default_rng(case.seed)
    last = case.n_steps - 1
    if case.traffic == "crowded":
        t = rng.choice([0, last // 2, last], case.n_events)
    elif case.traffic == "bursts":
        t = np.minimum(rng.choice([0, last // 3, 2 * last // 3], case.n_events), last)
        t = np.minimum(t + rng.integers(0, 4, case.n_events), last)
    else:
        t = rng.integers(0, case.n_steps, case.n_events)
    return events(np.sort(t), rng.integers(0, case.n_inputs, case.n_events))


def events(t: Any, x: Any) -> Events:
    """An event array; times are steps if they are integers, ms if they are floats."""
    times = np.asarray(t)
    kind = "f8" if times.dtype.kind == "f" else "i8"
    array = np.empty(len(times), [("t", kind), ("x", "i8")])
    array["t"], array["x"] = times, x
    return array


def build_graph(case: GraphCase, dtype: str = "float64") -> tuple[sr.Graph, GraphModel]:
    """The graph in the core, and the oracle's, whose pairs and delays are drawn here."""
    rng = np.random.default_rng(case.seed + 1)
    graph = sr.Graph(dt=case.dt, dtype=dtype, seed=case.seed)
    populations = [graph.add_input(case.n_inputs, name="input")]
    populations += [graph.add_population(n, sr.LIF(**constants)) for n, constants in case.neurons]
    model = GraphModel(case.sizes, [None, *(c for _, c in case.neurons)], dt=case.dt)
    for c in case.connections:
        pre, post = populations[c.pre], populations[c.post]
        # About one neuron in two is driven over its threshold by a few spikes.
        weight = sr.Uniform(c.low, 2.0)
        if c.kind == "all":
            projection = graph.connect(
                pre, post, sr.AllToAll(self_loops=True), weight=weight, delay=c.delay[0] * case.dt
            )
            drawn = graph.synapses(projection)
            source, target = (a.ravel() for a in np.mgrid[: pre.n, : post.n])
            np.testing.assert_array_equal(drawn["pre"], source)
            np.testing.assert_array_equal(drawn["post"], target)
            delay = np.full(len(source), c.delay[0])
            weights = drawn["weight"].astype(np.float64)
        else:
            n = int(rng.integers(0, 3 * post.n + 1))
            source, target = rng.integers(0, pre.n, n), rng.integers(0, post.n, n)
            weights = rng.uniform(c.low, 2.0, n).astype(dtype).astype(np.float64)
            delay = rng.integers(c.delay[0], c.delay[1], n, endpoint=True)
            graph.connect(pre, post, (source, target), weight=weights, delay=delay * case.dt)
        model.synapses.append(Synapses(c.pre, c.post, source, target, weights, delay))
    return graph, model


def oracle_inputs(case: GraphCase, pushed: Events) -> list[Steps | None]:
    """The events as the oracle takes them."""
    counts = np.zeros((case.n_steps, case.n_inputs), dtype=np.int64)
    np.add.at(counts, (pushed["t"], pushed["x"]), 1)
    return [counts, *(None for _ in case.neurons)]


def oracle_events(case: GraphCase, spikes: list[Any]) -> Events:
    """The oracle's spikes of all neurons as the simulator numbers and sorts them."""
    t, x = np.nonzero(np.concatenate(spikes[1:], axis=1))
    return events(t, x)


# One graph, for tests of what is done with it ---------------------------------------------------


def chain(dtype: str = "float64") -> sr.Graph:
    """Three inputs, a population that is recurrent, and one above it, with delays."""
    graph = sr.Graph(dtype=dtype, seed=2)
    inputs = graph.add_input(3)
    below, above = (graph.add_population(n, sr.LIF(v_th=0.4, t_ref=1.0)) for n in (20, 5))
    graph.connect(inputs, below, weight=sr.Uniform(-0.5, 2.0), delay=1.0)
    rule = sr.FixedProbability(0.3)
    delay = sr.UniformDelay(0, 30)
    graph.connect(below, below, rule, weight=sr.Uniform(-1.0, 0.2), delay=delay)
    graph.connect(below, above, weight=sr.Uniform(-0.2, 0.6), delay=7.0)
    return graph


def some_events(n: int = 60, until: int = 200) -> Events:
    rng = np.random.default_rng(9)
    return events(np.sort(rng.integers(0, until, n)), rng.integers(0, 3, n))


def in_one_go(graph: sr.Graph, pushed: Events, until: float, engine: str) -> Events:
    simulator = sr.Simulator(graph, engine=engine)
    simulator.push(pushed)
    return simulator.advance(until)
