"""Pickles and deep copies of everything that a user holds."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from backends import Backend
from graph_cases import some_events

import strsbp_rs as sr

WAYS: list[Callable[[Any], Any]] = [lambda one: pickle.loads(pickle.dumps(one)), copy.deepcopy]
ways = pytest.mark.parametrize("again", WAYS, ids=["pickle", "deepcopy"])

X = np.random.default_rng(1).random((40, 20, 10)) < 0.4
Y = np.arange(40) % 3


def make() -> sr.Network:
    return sr.Network(10, [sr.Recurrent(20, v_th=1.0), sr.Dense(3, v_th=1.0)], seed=1)


@ways
@pytest.mark.parametrize("options", [{}, {"hardware": "loihi", "optimizer": sr.SGD(0.1)}])
def test_trainers_go_on_with_the_same_bits(again: Any, options: dict[str, Any]) -> None:
    trainer = sr.Trainer(make(), batch_size=8, n_threads=2, schedule=sr.InverseSqrt(), **options)
    trainer.fit(X, Y, epochs=2, progress=False)
    other = again(trainer)
    assert (other.epoch, other.n_threads, other.encoder) == (2, 2, None)
    assert other.config == trainer.config
    assert other.history.epochs == trainer.history.epochs
    assert other.network is not trainer.network
    for one in (trainer, other):
        one.fit(X, Y, epochs=3, progress=False)
    np.testing.assert_equal(other.network.weights, trainer.network.weights)


@ways
def test_a_trainer_keeps_its_network(again: Any) -> None:
    net = make()
    trainer, other = again((sr.Trainer(net, encoder=sr.BernoulliEncoder(20)), net))
    assert trainer.network is other
    assert trainer.encoder == sr.BernoulliEncoder(20)


@ways
def test_networks_in_fixed_point(again: Any) -> None:
    fixed = make().to_fixed(sr.QFormat(granularity="neuron"))
    other = again(fixed)
    assert other.target == fixed.target
    for own, found in zip(fixed.layers, other.layers, strict=True):
        assert own.format == found.format and own.step == found.step
        for name in ("weight", "recurrent_weight", "scale"):
            np.testing.assert_array_equal(getattr(own, name), getattr(found, name))
    np.testing.assert_array_equal(other.spike_counts(X), fixed.spike_counts(X))


def graphs() -> dict[str, sr.Graph]:
    mixed = sr.Graph(dt=0.5, dtype="float64", seed=5)
    inputs, neurons = mixed.add_input(20, name="eye"), mixed.add_population(30, sr.LIF(v_th=1.0))
    mixed.connect(inputs, neurons, weight=sr.Normal(0.5, 0.2))
    mixed.connect(inputs, neurons, "all_to_all", delay=sr.UniformDelay(0, 3))
    mixed.connect(neurons, neurons, sr.FixedProbability(0.3), weight=-0.1)
    mixed.connect(neurons, neurons, sr.FixedInDegree(4), delay=sr.UniformDelay(1, 9))
    pairs = np.arange(300) % 20, np.arange(300) % 30
    mixed.connect(inputs, neurons, pairs, weight=np.ones(300), delay=np.arange(300) * 0.5)
    whole = sr.Graph(dtype="int16", seed=2)
    inputs, neurons = (
        whole.add_input(5),
        whole.add_population(4, sr.fixed.loihi_format(du=100, dv=100, v_th=10)),
    )
    whole.connect(inputs, neurons, weight=sr.Uniform(-9, 99))
    empty = sr.Graph()
    empty.connect(empty.add_input(2), empty.add_population(2), (np.zeros(0, int), np.zeros(0, int)))
    return {
        "mixed": mixed,
        "whole": whole,
        "empty": empty,
        "network": make().to_graph(),
    }


@ways
@pytest.mark.parametrize("name", graphs())
def test_graphs_are_the_same_to_the_bit(again: Any, name: str) -> None:
    """Synapses, what later ones are drawn from, and whose states they take."""
    graph = graphs()[name]
    other, population = again((graph, graph.populations[-1]))
    assert (other.dt, other.dtype) == (graph.dt, graph.dtype)
    assert population is other.populations[-1]
    assert [p.name for p in other.populations] == [p.name for p in graph.populations]
    if graph.dtype.kind == "f":
        for one in (graph, other):
            first, last = one.populations[0], one.populations[-1]
            one.connect(first, last, sr.FixedProbability(0.5), weight=sr.Uniform(0, 1))
    for own, found in zip(graph.projections, other.projections, strict=True):
        np.testing.assert_equal(other.synapses(found), graph.synapses(own))
    # A state is refused by a graph that differs in anything but weights.
    sr.Simulator(other).set_state(sr.Simulator(graph).state())


@ways
def test_simulators_go_on_with_the_same_bits(again: Any, backend: Backend) -> None:
    graph, pushed = backend.chain(), some_events()
    neurons = graph.populations[-1]
    simulator = backend.simulator(graph, record=[neurons])
    simulator.push(pushed)
    simulator.advance(100)
    # A simulator keeps the graph it was made of.
    backend.add_population(graph, 3)
    other = again(simulator)
    assert other.now == simulator.now and other.engine == simulator.engine
    assert [p.name for p in other.recorded] == [neurons.name]
    expected = simulator.advance(300)
    assert len(expected) > 20
    np.testing.assert_array_equal(other.advance(300), expected)


@ways
def test_a_simulator_of_a_network(again: Any) -> None:
    simulator = sr.Simulator(make(), record=[1, 0])
    other = again(simulator)
    assert [p.name for p in other.recorded] == ["layer 1", "layer 0"]
    np.testing.assert_array_equal(other.potentials(0), simulator.potentials(0))


def test_a_pickle_of_what_is_no_graph_is_refused() -> None:
    core = graphs()["mixed"]._core
    start, target, weight, distinct, index = core.parts(3)
    with pytest.raises(ValueError, match="targets that exist"):
        core.add_parts(1, 1, (start, target + 1000), weight, distinct, index)
    with pytest.raises(ValueError, match="finite"):
        core.add_parts(1, 1, (start, target), weight * np.nan, distinct, index)
    before = len(core.projections())
    core.add_parts(1, 1, (start, target), weight, distinct, index)
    assert len(core.projections()) == before + 1
