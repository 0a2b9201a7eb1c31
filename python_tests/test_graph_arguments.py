"""Nonsense in arguments of graphs and simulators: an error that names it, nothing is changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from graph_cases import ENGINES

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
        graph.add_population(4, **{field: value})
    assert len(graph.populations) == 2


def test_names_and_kinds() -> None:
    graph, *_ = graph_of_two()
    with pytest.raises(ValueError, match="name must be of no other population, got 'eye'"):
        graph.add_population(4, name="eye")
    with pytest.raises(TypeError, match=r"magic.*euler"):
        graph.add_population(4, discretisation="magic")
    assert [p.name for p in graph.populations] == ["eye", "brain"]


@pytest.mark.parametrize(
    ("rule", "options", "error", "message"),
    [
        (3, {}, TypeError, "rule must be a connection rule or two arrays, got 3"),
        (sr.Sparse(0.5), {}, TypeError, "rule must be a connection rule"),
        (sr.OneToOne(), {}, ValueError, "post must be of 3 neurons, as pre, got 4"),
        (sr.FixedProbability(0.0), {}, ValueError, r"probability must be in \(0, 1\], got 0"),
        (sr.FixedProbability(1.1), {}, ValueError, r"probability must be in \(0, 1\], got 1.1"),
        (sr.FixedProbability(NAN), {}, ValueError, r"probability must be in \(0, 1\], got NaN"),
        (sr.FixedOutDegree(5), {}, ValueError, "n must be <= 4, the targets, got 5"),
        (sr.FixedInDegree(4), {}, ValueError, "n must be <= 3, the sources, got 4"),
        (sr.FixedOutDegree(-1), {}, TypeError, "-1"),
        (None, {"weight": [1.0, 2.0]}, ValueError, "weight must be one number"),
        (None, {"weight": NAN}, ValueError, "value must be finite, got NaN"),
        (None, {"weight": 1e300}, ValueError, "weight must be in the range of float32"),
        (None, {"weight": sr.Uniform(1, -1)}, ValueError, "low|high"),
        (None, {"weight": sr.Normal(0, -1)}, ValueError, "std"),
        (None, {"delay": [1.0, 2.0]}, ValueError, "delay must be one number"),
        (None, {"delay": -1.0}, ValueError, "delay must be finite and >= 0 ms, got -1"),
        (None, {"delay": INF}, ValueError, "delay must be finite and >= 0 ms, got inf"),
        (None, {"delay": sr.UniformDelay(3, 1)}, ValueError, "delay"),
        (None, {"delay": sr.UniformDelay(-1, 1)}, ValueError, "delay"),
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
        graph.connect(eye, brain, rule, **options)
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
    assert graph.projections == []
    projection = other.connect(*foreign)
    graph.connect(eye, brain)
    with pytest.raises(ValueError, match="projection must be one of this graph, got"):
        graph.synapses(projection)
    with pytest.raises(TypeError, match="projection must be a Projection, got 0"):
        graph.synapses(0)


def test_simulator_arguments() -> None:
    graph, eye, brain = graph_of_two()
    with pytest.raises(TypeError, match="network must be a Graph or a Network, got 'brain'"):
        sr.Simulator("brain")
    for record, error, message in [
        ([eye], ValueError, "record must hold populations of neurons"),
        ([brain, brain], ValueError, "record must be different populations of neurons, got 1"),
        ([1], ValueError, r"record must hold layers in \[0, 1\), got 1"),
        ([-1], ValueError, r"record must hold layers in \[0, 1\), got -1"),
        (["brain"], TypeError, "record must hold populations or layer numbers, got 'brain'"),
        ([True], TypeError, "record must hold populations or layer numbers, got True"),
    ]:
        with pytest.raises(error, match=message):
            sr.Simulator(graph, record=record)


@pytest.mark.parametrize("engine", ["clocked", "event", "auto"])
@pytest.mark.parametrize(("delay", "named"), [(0.7, r"0\.7"), (2.0**25, "33554432")])
def test_delays_that_the_grid_cannot_have(engine: str, delay: float, named: str) -> None:
    graph, eye, brain = graph_of_two()
    graph.connect(brain, brain, delay=1.0)
    graph.connect(eye, brain, ([0, 1], [0, 0]), weight=[1.0, 1.0], delay=[3.0, delay])
    with pytest.raises(ValueError, match=rf"projections\[1\]\.delay must be .*got {named}"):
        sr.Simulator(graph, engine=engine)
    assert sr.Simulator(graph, engine="continuous").now == 0.0


UNTIL: list[tuple[Any, type[Exception], str]] = [
    (-1, ValueError, "until must be finite and >= 0, got -1"),
    (-0.5, ValueError, "until must be finite and >= 0, got -0.5"),
    (NAN, ValueError, "until must be finite and >= 0, got nan"),
    (2**64, ValueError, "until must be < 2\\^63, got 18446744073709551616"),
    (INF, ValueError, "until must be finite and >= 0, got inf"),
    ("5", TypeError, "until must be a number, got '5'"),
    (None, TypeError, "until must be a number, got None"),
    (True, TypeError, "until must be a number, got True"),
    (np.array([3]), TypeError, "until must be a number"),
]


@pytest.mark.parametrize("engine", ENGINES)
def test_until(engine: str) -> None:
    simulator = sr.Simulator(graph_of_two()[0], engine=engine)
    simulator.advance(3)
    on_grid: list[tuple[Any, type[Exception], str]] = [
        (7.0, ValueError, "until must be a whole number of steps, got 7")
    ]
    for until, error, message in UNTIL + on_grid * (engine != "continuous"):
        with pytest.raises(error, match=message):
            simulator.advance(until)
        assert simulator.now == 3
    simulator.advance(np.int32(9))
    simulator.advance(2)
    assert simulator.now == 9 and simulator.time == 9.0
