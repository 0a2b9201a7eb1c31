"""Nonsense in arguments of graphs: an error that names it, nothing is changed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from graph_cases import ENGINES, events

import strsbp_rs as sr

NAN, INF = float("nan"), float("inf")


def graph_of_two() -> tuple[sr.Graph, sr.Population, sr.Population]:
    graph = sr.Graph()
    return graph, graph.add_input(3, name="eye"), graph.add_population(4, name="brain")


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: sr.Graph(dt=0.0), ValueError, "dt must be finite and > 0 ms, got 0"),
        (lambda: sr.Graph(dt=NAN), ValueError, "dt must be"),
        (lambda: sr.Graph(seed=-1), ValueError, "seed must be >= 0, got -1"),
        (lambda: sr.Graph(seed=0.5), TypeError, "seed must be an integer, got 0.5"),
        (lambda: sr.Graph(dt="a"), TypeError, "dt must be a number, got 'a'"),
        (
            lambda: sr.Graph(seed=2**64),
            ValueError,
            r"seed must be < 2\^64, got 18446744073709551616",
        ),
        (lambda: sr.Graph().add_input(10**30), ValueError, r"n must be in \[1, 2\^31\), got 1000"),
        (lambda: sr.Graph().add_input(-1), ValueError, r"n must be in \[1, 2\^31\), got -1"),
        (lambda: sr.Graph(dtype="float16"), ValueError, "dtype must be .*got 'float16'"),
        (lambda: sr.Graph().add_input(0), ValueError, "n must be in .*got 0"),
        (lambda: sr.Graph().add_input(2**31), ValueError, "n must be in .*got 2147483648"),
        (lambda: sr.Graph().add_input(True), TypeError, "n must be an integer, got True"),
        (lambda: sr.Graph().add_population(2.0), TypeError, "n must be an integer, got 2.0"),
        (lambda: sr.Graph().add_population(0), ValueError, "n must be in .*got 0"),
    ],
)
def test_graph(make: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("tau_m", v) for v in (0.0, -2.0, NAN, INF, 0.5)],
        *[("tau_s", v) for v in (0.0, -2.0, NAN, INF, 0.5)],
        *[("v_th", v) for v in (0.0, -1.0, NAN, INF)],
        *[("t_ref", v) for v in (-1.0, NAN, INF, 1.5)],
    ],
)
def test_neuron_constants(field: str, value: float) -> None:
    graph, *_ = graph_of_two()
    with pytest.raises(ValueError, match=f"{field} must be"):
        graph.add_population(4, sr.LIF(**{field: value}))
    assert len(graph.populations) == 2
    nothings: tuple[Any, ...] = ("a", None, [1.0, "a"], 10**400)
    for nothing in nothings:
        with pytest.raises(TypeError, match=rf"{field}(\[1\])? must be a number( or .*)?, got"):
            graph.add_population(4, sr.LIF(**{field: nothing}))


@pytest.mark.parametrize("rule", [sr.FixedOutDegree, sr.FixedInDegree])
def test_degrees(rule: Any) -> None:
    for n, error, message in [
        (-1, ValueError, "n must be >= 0, got -1"),
        (10**30, ValueError, r"n must be < 2\^64, got 1000"),
        (2.0, TypeError, "n must be an integer, got 2.0"),
    ]:
        with pytest.raises(error, match=message):
            rule(n)


def test_names_and_kinds() -> None:
    graph, *_ = graph_of_two()
    with pytest.raises(ValueError, match="name must be of no other population, got 'eye'"):
        graph.add_population(4, name="eye")
    with pytest.raises(ValueError, match=r"discretisation must be one of .*'exact.*got 'magic'"):
        graph.add_population(4, sr.LIF(discretisation="magic"))
    assert [p.name for p in graph.populations] == ["eye", "brain"]


def made(value: Any) -> Any:
    """What is refused when it is made is made where that is expected."""
    return value() if callable(value) else value


@pytest.mark.parametrize(
    ("rule", "options", "error", "message"),
    [
        (3, {}, TypeError, "rule must be a connection rule or two arrays, got 3"),
        (sr.Sparse(0.5), {}, TypeError, "rule must be a connection rule"),
        (sr.OneToOne(), {}, ValueError, "post must be of 3 neurons, as pre, got 4"),
        (
            lambda: sr.FixedProbability(0.0),
            {},
            ValueError,
            r"probability must be in \(0, 1\], got 0",
        ),
        (
            lambda: sr.FixedProbability(1.1),
            {},
            ValueError,
            r"probability must be in \(0, 1\], got 1.1",
        ),
        (
            lambda: sr.FixedProbability(NAN),
            {},
            ValueError,
            r"probability must be in \(0, 1\], got NaN",
        ),
        (sr.FixedOutDegree(5), {}, ValueError, "n must be <= 4, the targets, got 5"),
        (sr.FixedInDegree(4), {}, ValueError, "n must be <= 3, the sources, got 4"),
        (None, {"weight": [1.0, 2.0]}, ValueError, "weight must be one number"),
        (None, {"weight": "a"}, TypeError, "weight must be a number, got 'a'"),
        (None, {"weight": None}, TypeError, "weight must be a number, got None"),
        (None, {"delay": "a"}, TypeError, "delay must be a number, got 'a'"),
        (([0], [1]), {"weight": "a"}, TypeError, "weight must be a number or an array of numbers"),
        (([0], [1]), {"weight": None}, TypeError, "weight must be a number or an array of numbers"),
        (([0], [1]), {"delay": ["a"]}, TypeError, "delay must be a number or an array of numbers"),
        (None, {"weight": NAN}, ValueError, "weight must be finite, got nan"),
        (None, {"weight": 1e300}, ValueError, "weight must be in the range of float32"),
        (None, {"weight": lambda: sr.Uniform(1, -1)}, ValueError, "low|high"),
        (None, {"weight": lambda: sr.Normal(0, -1)}, ValueError, "std"),
        (None, {"delay": [1.0, 2.0]}, ValueError, "delay must be one number"),
        (None, {"delay": -1.0}, ValueError, "delay must be finite and >= 0 ms, got -1"),
        (None, {"delay": INF}, ValueError, "delay must be finite and >= 0 ms, got inf"),
        (None, {"delay": lambda: sr.UniformDelay(3, 1)}, ValueError, "Delay"),
        (None, {"delay": lambda: sr.UniformDelay(-1, 1)}, ValueError, "Delay"),
        (
            None,
            {"delay": sr.UniformDelay(0, 256)},
            ValueError,
            "delay must be of at most 256 .*257",
        ),
        (([0],), {}, ValueError, "rule must be two arrays, got 1"),
        (([0.0], [1]), {}, TypeError, "pre has dtype float64, expected integers"),
        (([[0]], [1]), {}, ValueError, r"pre has shape \(1, 1\), expected one dimension"),
        (([0, 3], [1, 1]), {}, ValueError, r"pre\[1\] must be a neuron in \[0, 3\), got 3"),
        (([0, 1], [1, -1]), {}, ValueError, r"post\[1\] must be a neuron in \[0, 4\), got -1"),
        (([0, 1], [1]), {}, ValueError, r"post has shape \(1,\), expected \(2,\) as pre"),
        (([0, 1], [1, 2]), {"weight": [1.0]}, ValueError, r"weight has shape \(1,\)"),
        (([0], [1]), {"weight": [[1.0]]}, ValueError, r"weight has shape \(1, 1\)"),
        (([0, 1], [1, 2]), {"weight": [1.0, NAN]}, ValueError, r"weight\[1\] must be finite"),
        (([0], [1]), {"weight": sr.Uniform()}, TypeError, "explicit pairs must be numbers"),
        (([0, 1], [1, 2]), {"delay": [1.0, 2.0, 3.0]}, ValueError, r"delay has shape \(3,\)"),
        (
            ([0, 1], [1, 2]),
            {"delay": [1.0, -2.0]},
            ValueError,
            r"delay\[1\] must be finite and >= 0",
        ),
        (([0, 1], [1, 2]), {"delay": NAN}, ValueError, "delay must be finite and >= 0 ms, got NaN"),
        (([0], [1]), {"delay": sr.UniformDelay()}, TypeError, "explicit pairs must be numbers"),
    ],
)
def test_connect(rule: Any, options: dict[str, Any], error: type[Exception], message: str) -> None:
    graph, eye, brain = graph_of_two()
    with pytest.raises(error, match=message):
        graph.connect(
            eye, brain, made(rule), **{key: made(value) for key, value in options.items()}
        )
    assert graph.projections == [] and graph.n_synapses == 0


def test_populations_to_connect() -> None:
    graph, eye, brain = graph_of_two()
    with pytest.raises(
        ValueError, match="post must be a population of neurons, got the input 'eye'"
    ):
        graph.connect(brain, eye)
    with pytest.raises(TypeError, match="pre must be a Population, got 0"):
        graph.connect(0, brain)
    with pytest.raises(TypeError, match="post must be a Population, got 'brain'"):
        graph.connect(eye, "brain")
    other = sr.Graph()
    foreign = [other.add_input(3), other.add_population(5)]
    with pytest.raises(ValueError, match=r"pre must be of this graph, got .*'input 0'"):
        graph.connect(foreign[0], brain)
    with pytest.raises(ValueError, match=r"post must be of this graph, got .*'population 1'"):
        graph.connect(eye, foreign[1])
    # Not even those that are alike.
    twin, *alike = graph_of_two()
    with pytest.raises(ValueError, match=r"pre must be of this graph, got .*'eye'"):
        graph.connect(alike[0], brain)
    with pytest.raises(ValueError, match=r"post must be of this graph, got .*'brain'"):
        graph.connect(eye, alike[1])
    with pytest.raises(ValueError, match="record must be of neurons of the network, got"):
        sr.Simulator(graph, record=[alike[1]])
    assert alike[1] != brain and repr(alike[1]) == repr(brain)
    assert graph.projections == []
    projection = other.connect(*foreign)
    graph.connect(eye, brain)
    with pytest.raises(ValueError, match="projection must be one of this graph, got"):
        graph.synapses(projection)
    with pytest.raises(ValueError, match="projection must be one of this graph, got"):
        graph.synapses(twin.connect(*alike))
    with pytest.raises(TypeError, match="projection must be a Projection, got 0"):
        graph.synapses(0)


def test_too_many_synapses_or_neurons() -> None:
    """More than any memory holds: an error, where the process would end."""
    graph = sr.Graph()
    pre, post = graph.add_input(10**9), graph.add_population(10**9)
    for rule, n in [
        (sr.AllToAll(), 10**18),
        (sr.FixedOutDegree(2**29), 10**9 * 2**29),
        (sr.FixedInDegree(2**29), 10**9 * 2**29),
        (sr.FixedProbability(0.5), 45 * 10**16),
    ]:
        for delay in (1.0, sr.UniformDelay(1, 4)):
            with pytest.raises(MemoryError, match=f"n_synapses = {n} of .* no memory for so many"):
                graph.connect(pre, post, rule, delay=delay)
    assert graph.projections == []


FULL = """
import resource
import sys
import strsbp_rs as sr

graph = sr.Graph()
graph.connect(graph.add_input(1), graph.add_population(2**31 - 1), ([0], [0]), weight=1.0)
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
try:
    sr.Simulator(graph, engine=sys.argv[1])
except MemoryError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS")
@pytest.mark.parametrize("engine", ENGINES)
def test_no_room_for_the_neurons(engine: str) -> None:
    command = [sys.executable, "-c", FULL, engine]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.startswith("n_neurons = 2147483647 of ")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("engine", ENGINES)
def test_weights_beyond_any_sum(engine: str, dtype: str) -> None:
    """Their sums would be infinite, and then no number: no state could be told."""
    for weight in (3e38, -3e38) if dtype == "float32" else (1e308, -1e308):
        graph = sr.Graph(dtype=dtype)
        eye, brain = graph.add_input(2), graph.add_population(3, name="brain")
        graph.connect(eye, brain, ([0, 1], [1, 1]), weight=weight)
        if dtype == "float32" and engine == "continuous":
            sr.Simulator(graph, engine=engine)
            continue
        with pytest.raises(ValueError, match=r"weight must be at most .* of 'brain'"):
            sr.Simulator(graph, engine=engine)
    graph = sr.Graph(dtype=dtype)
    eye, brain = graph.add_input(2), graph.add_population(3, sr.LIF(v_th=1e15))
    graph.connect(eye, brain, weight=-1e20)
    simulator = sr.Simulator(graph, engine=engine)
    simulator.push(events(np.repeat(np.arange(50), 40), np.tile([0, 1], 1000)))
    for until in range(0, 60, 7):
        simulator.advance(until)
        simulator.set_state(simulator.state())
    assert np.isfinite(simulator.potentials(brain)).all()


@pytest.mark.parametrize("engine", ENGINES)
def test_potentials_are_finite_in_their_type(engine: str) -> None:
    graph, _, brain = graph_of_two()
    simulator = sr.Simulator(graph, engine=engine)
    for bad in (-1e300, -INF, NAN, 21.0):
        with pytest.raises(ValueError, match=r"potentials\[1\] must be between -.* and v_th = 20"):
            simulator.set_potentials(brain, [0.0, bad, 0.0, 0.0])
    simulator.set_potentials(brain, [0.0, -1e30, 0.0, 20.0])
    simulator.set_state(simulator.state())
    simulator.advance(3)
    simulator.set_state(simulator.state())
