"""Graphs of convolutions and pools: kernels that are kept once, against lists of their synapses."""

from __future__ import annotations

import copy
import math
import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from graph_cases import events
from hypothesis import given, settings
from spatial_cases import SpatialCase, build_spatial, oracle_spatial, spatial_cases

import strsbp_rs as sr


def with_zeros(net: sr.Network, seed: int) -> sr.Network:
    """The network, about a fifth of whose weights is 0."""
    rng = np.random.default_rng(seed)
    weights = [
        {name: weight * (rng.random(weight.shape) < 0.8) for name, weight in of_layer.items()}
        for of_layer in net.weights
    ]
    net.set_weights(weights)
    return net


def listed(net: sr.Network) -> sr.Graph:
    """The graph of a network with a list of synapses for every projection."""
    graph = sr.Graph(dt=net.dt, dtype=net.dtype)
    populations = [graph.add_input(net.n_in)]
    for layer, shape in zip(net.layers, net.shapes, strict=True):
        names = ("tau_m", "tau_s", "v_th", "t_ref", "discretisation")
        neuron = sr.LIF(**{name: getattr(layer, name) for name in names})
        populations.append(graph.add_population(math.prod(shape), neuron))
    own = net.to_graph()
    for projection in own.projections:
        pre, post = (populations[of.index] for of in (projection.pre, projection.post))
        synapses = own.synapses(projection)
        lists = synapses["pre"], synapses["post"]
        graph.connect(pre, post, lists, weight=synapses["weight"], delay=synapses["delay"])
    return graph


@settings(max_examples=60)
@given(case=spatial_cases())
def test_synapses_are_those_of_the_windows(case: SpatialCase) -> None:
    """All that have a weight, none of weight 0, by neuron, delay and target."""
    case = replace(case, flat=())
    net = with_zeros(build_spatial(case, "float64"), case.seed)
    graph, layers = net.to_graph(), oracle_spatial(case, net)
    for projection, layer in zip(graph.projections, layers, strict=True):
        post, pre = np.nonzero(layer.weight)
        delay = np.zeros(len(pre)) if layer.delay is None else layer.delay[post, pre] * case.dt
        order = np.lexsort((post, delay, pre))
        found = graph.synapses(projection)
        assert projection.n_synapses == len(found) == len(pre)
        expected = {"pre": pre, "post": post, "weight": layer.weight[post, pre], "delay": delay}
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values[order])
    assert graph.n_synapses == sum(projection.n_synapses for projection in graph.projections)


LAYERS: dict[str, list[Any]] = {
    "plain": [sr.Conv2d(7, 3), sr.AvgPool2d(2), sr.Conv2d(18, 2, padding=1)],
    "odd": [
        sr.Conv2d(6, (2, 3), (2, 1), (3, 1), (1, 2), groups=2, delay=sr.UniformDelay(0.0, 4.0)),
        sr.AvgPool2d((3, 2), stride=(1, 2), padding=(1, 0)),
        sr.Conv2d(4, (1, 2), delay=2.0),
    ],
    "far apart": [sr.Conv2d(20, 2, stride=3, padding=4), sr.Conv2d(5, (5, 4), delay=1.0)],
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("engine", ["clocked", "event", "auto", "continuous"])
@pytest.mark.parametrize("name", LAYERS)
def test_streams_are_those_of_the_lists(name: str, engine: str, dtype: str) -> None:
    """The same bits and counts, in chunks, each from the state of a copy on."""
    rng = np.random.default_rng(8)
    layers = [
        replace(layer, v_th=0.2, t_ref=1.0)
        if isinstance(layer, sr.AvgPool2d)
        else replace(layer, v_th=1.0, t_ref=2.0, init=sr.Uniform(-0.5, 1.0))
        for layer in LAYERS[name]
    ]
    net = with_zeros(sr.Network((2, 9, 8), layers, seed=4, dtype=dtype), 3)
    raster = rng.random((90, net.n_in)) < 0.05
    raster[30:50] = False
    found = []
    for graph in (net.to_graph(), listed(net)):
        simulator = sr.Simulator(graph, engine=engine, record=range(1, len(layers) + 1))
        parts = []
        for first in range(0, len(raster), 9):
            t, x = np.nonzero(raster[first : first + 9])
            simulator.push(events(t + first, x))
            parts.append(simulator.advance(first + 9))
            simulator.set_state(copy.deepcopy(simulator).state())
        numbers = [
            of(population)
            for of in (simulator.potentials, simulator.currents)
            for population in simulator.recorded
        ]
        found.append((np.concatenate(parts), np.concatenate(numbers), simulator.operations))
    (spikes, numbers, done), (expected, of_lists, of_lists_done) = found
    np.testing.assert_array_equal(spikes, expected)
    np.testing.assert_array_equal(numbers, of_lists)
    assert done == of_lists_done
    sizes = np.cumsum([math.prod(shape) for shape in net.shapes])
    assert (np.bincount(np.searchsorted(sizes, spikes["x"], "right")) > 100).all()
    assert done.synaptic_events > 2000


def paper() -> sr.Network:
    """What lies in a plane of the paper's network, 15C5-P2-40C5-P2."""
    layers: list[Any] = [sr.Conv2d(15, 5), sr.AvgPool2d(2), sr.Conv2d(40, 5), sr.AvgPool2d(2)]
    return sr.Network((28, 28), layers)


def test_a_graph_takes_the_memory_of_its_kernels() -> None:
    """As its pickle does, which holds its arrays: four bytes a weight, for a million synapses."""
    graph = paper().to_graph()
    n_weights = 15 * 25 + 40 * 15 * 25
    # Each position of a kernel is a synapse, as nothing is padded; pools have one for each place.
    sizes = [24 * 24 * 15 * 25, 24 * 24 * 15, 8 * 8 * 40 * 15 * 25, 8 * 8 * 40]
    assert [projection.n_synapses for projection in graph.projections] == sizes
    assert sum(sizes) > 10**6
    assert len(pickle.dumps(graph)) < 4 * n_weights + 2**13


@pytest.mark.parametrize("again", [copy.deepcopy, lambda graph: pickle.loads(pickle.dumps(graph))])
def test_copies_have_the_same_synapses_and_states(again: Any) -> None:
    given: dict[str, Any] = {"v_th": 0.5, "init": sr.Uniform(), "delay": sr.UniformDelay(0.0, 4.0)}
    net = sr.Network((2, 9, 8), [sr.Conv2d(4, 3, 2, 1, groups=2, **given), sr.AvgPool2d(2)])
    graph = net.to_graph()
    other = again(graph)
    for own, found in zip(graph.projections, other.projections, strict=True):
        np.testing.assert_array_equal(other.synapses(found), graph.synapses(own))
        assert found.n_synapses == own.n_synapses
    simulator = sr.Simulator(graph, engine="event")
    simulator.push(events(np.arange(300) // 5, np.arange(300) * 7 % 144))
    simulator.advance(40)
    resumed = sr.Simulator(other, engine="event")
    resumed.set_state(simulator.state())
    np.testing.assert_array_equal(resumed.advance(90), simulator.advance(90))
    assert resumed.operations.spikes > 0


def test_states_of_the_lists_are_refused() -> None:
    """As they say where in the lists spikes are under way."""
    net = sr.Network((2, 5, 5), [sr.Conv2d(3, 3)])
    state = sr.Simulator(net.to_graph()).state()
    with pytest.raises(ValueError, match="of a graph with the same synapses"):
        sr.Simulator(listed(net)).set_state(state)


def test_what_is_no_kernel_is_refused() -> None:
    core = paper().to_graph()._core
    start, target, weight, distinct, index = core.parts(2)
    assert start is None and target is None and index is None
    sliding = core.sliding(2)
    with pytest.raises(ValueError, match="a weight for every tap of the kernels"):
        core.add_parts(2, 3, None, weight[1:], distinct, None, sliding)
    with pytest.raises(ValueError, match="finite"):
        core.add_parts(2, 3, None, weight * np.nan, distinct, None, sliding)
    with pytest.raises(ValueError, match="kernels that slide over a plane"):
        core.add_parts(2, 3, None, weight, distinct, None, sliding[1:])
    with pytest.raises(ValueError, match=r"synapses\.kernel"):
        core.add_parts(2, 3, None, weight, distinct, None, [*sliding[:6], 100, *sliding[7:]])
    with pytest.raises(ValueError, match=r"projection must be in \[0, 4\), got 4"):
        core.sliding(4)
    before = len(core.projections())
    core.add_parts(2, 3, None, weight, distinct, None, sliding)
    assert len(core.projections()) == before + 1
