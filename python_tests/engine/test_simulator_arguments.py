"""Nonsense in arguments of simulators: an error that names it, nothing is changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from backends import Backend
from graph_cases import ENGINES, events

import strsbp_rs as sr

NAN, INF = float("nan"), float("inf")


def graph_of_two() -> tuple[sr.Graph, sr.Population, sr.Population]:
    graph = sr.Graph()
    return graph, graph.add_input(3, name="eye"), graph.add_population(4, name="brain")


def test_simulator_arguments() -> None:
    graph, eye, brain = graph_of_two()
    with pytest.raises(
        TypeError, match="network must be a Graph, a Network or a FixedNetwork, got 'brain'"
    ):
        sr.Simulator("brain")
    for record, error, message in [
        ([eye], ValueError, "record must be of neurons of the network, got Population"),
        ([brain, brain], ValueError, "record must be different populations of neurons, got 1"),
        ([0], ValueError, "record must be of neurons, got 0, the input 'eye'"),
        ([2], ValueError, r"record must be in \[0, 2\), got 2"),
        ([-1], ValueError, r"record must be in \[0, 2\), got -1"),
        (["brain"], TypeError, "record must be a Population or its number, got 'brain'"),
        ([True], TypeError, "record must be a Population or its number, got True"),
    ]:
        with pytest.raises(error, match=message):
            sr.Simulator(graph, record=record)
        simulator = sr.Simulator(graph)
        if record != [brain, brain]:
            for method, rest in [
                ("set_potentials", ([0] * 4,)),
                ("potentials", ()),
                ("currents", ()),
            ]:
                with pytest.raises(error, match=message.replace("record", "population")):
                    getattr(simulator, method)(record[0], *rest)


@pytest.mark.parametrize("engine", ENGINES)
def test_numbers_name_populations_of_a_graph_and_layers_of_a_network(engine: str) -> None:
    graph, _, brain = graph_of_two()
    above = graph.add_population(2)
    for population in (brain, above):
        simulator = sr.Simulator(graph, engine=engine, record=[population.index])
        assert simulator.recorded == [population]
        simulator.set_potentials(population.index, np.full(population.n, -1.0))
        assert simulator.potentials(population).tolist() == [-1.0] * population.n
    net = sr.Network(3, [sr.Dense(4), sr.Dense(5)])
    simulator = sr.Simulator(net, engine=engine, record=[0, 1])
    assert [population.n for population in simulator.recorded] == [4, 5]
    assert len(simulator.potentials(1)) == 5


@pytest.mark.parametrize("engine", ["clocked", "event", "auto"])
def test_the_longest_refractory_time(engine: str) -> None:
    """All engines count as far, and not a step further."""
    longest = 2**24
    graph = sr.Graph()
    with pytest.raises(ValueError, match=r"t_ref must be at most 2\^24 steps"):
        graph.add_population(1, sr.LIF(t_ref=longest + 1.0))
    eye, brain = (
        graph.add_input(1),
        graph.add_population(1, sr.LIF(v_th=1.0, tau_s=1.0, t_ref=longest)),
    )
    graph.connect(eye, brain, weight=500.0)
    simulator = sr.Simulator(graph, engine=engine)
    at = [0, longest - 1, longest, longest + 1]
    simulator.push(events(at, 0))
    expected = [1, longest + 2]
    assert simulator.advance(longest + 10)["t"].tolist() == expected


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
    (None, TypeError, "advance takes one of until, steps and ms, got none"),
    (True, TypeError, "until must be a number, got True"),
    (np.array([3]), TypeError, "until must be a number"),
]


def test_until(backend: Backend) -> None:
    simulator = backend.simulator(backend.chain())
    simulator.advance(3)
    on_grid: list[tuple[Any, type[Exception], str]] = [
        (7.0, TypeError, r"until must be an integer, time steps, got 7.0 \(or say ms=7.0\)")
    ]
    for until, error, message in UNTIL + on_grid * (not backend.in_ms):
        with pytest.raises(error, match=message):
            simulator.advance(until)
        assert simulator.now == 3
    simulator.advance(np.int32(9))
    simulator.advance(2)
    assert simulator.now == 9 and simulator.time == 9.0


def test_time_in_steps_and_in_ms(backend: Backend) -> None:
    simulator = backend.simulator(backend.graph(dt=0.1))
    for options, time in [
        ({"steps": 3}, 0.3),
        ({"ms": 0.7}, 0.7),
        ({"ms": 2}, 2.0),
        ({"steps": np.int64(25)}, 2.5),
        ({"until": 30}, 3.0),
    ]:
        simulator.advance(**options)
        assert simulator.now == pytest.approx(
            time if backend.in_ms else round(10 * time), rel=1e-15
        )
        assert isinstance(simulator.now, float if backend.in_ms else int)
    for options, error, message in [
        ({}, TypeError, "advance takes one of until, steps and ms, got none"),
        ({"steps": 1, "ms": 1.0}, TypeError, "one of until, steps and ms, got steps and ms"),
        ({"steps": 50.0}, TypeError, "steps must be an integer, got 50.0"),
        ({"steps": -1}, ValueError, "steps must be finite and >= 0, got -1"),
        ({"ms": "9"}, TypeError, "ms must be a number, got '9'"),
        ({"ms": NAN}, ValueError, "ms must be finite and >= 0, got nan"),
        *[({"ms": 4.05}, ValueError, "ms must be a whole number of steps of 0.1 ms")]
        * (not backend.in_ms),
    ]:
        with pytest.raises(error, match=message):
            simulator.advance(**options)
    assert simulator.time == pytest.approx(3.0)
