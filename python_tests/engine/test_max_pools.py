"""Max pools in every engine: at any time they have fired as often as the most of their window."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest
from backends import Layered
from graph_cases import events
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view
from oracle.synapses import Windows
from spatial_cases import windows

import strsbp_rs as sr

Raster = np.ndarray[Any, np.dtype[np.bool_]]


def largest(counts: Any, of: Windows) -> Any:
    """The largest of (..., H, W) in each window, 0 where there is padding alone."""
    padding = [(0, 0)] * (counts.ndim - 2) + [(p, p) for p in of.padding]
    views = sliding_window_view(np.pad(counts, padding), of.kernel, axis=(-2, -1))
    return views[..., :: of.stride[0], :: of.stride[1], :, :].max(axis=(-2, -1))


def expected_of(raster: Raster, of: Windows, *, in_ms: bool = False) -> Raster:
    """Spikes of a max pool, (..., T, C, H', W'), of (..., T, C, H, W).

    A spike arrives a step later; in continuous time at once, and what happens before the first
    step is seen at it.
    """
    most = largest(np.cumsum(raster, axis=-4), of)
    grown = np.diff(most, axis=-4, prepend=0) > 0
    seen = np.zeros_like(grown)
    if in_ms:
        seen[..., 1:, :, :, :] = grown[..., 1:, :, :, :]
        seen[..., 1, :, :, :] |= grown[..., 0, :, :, :]
    else:
        seen[..., 1:, :, :, :] = grown[..., :-1, :, :, :]
    return seen


@settings(max_examples=100)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1), is_line=st.booleans())
def test_spikes_are_the_largest_counts(data: st.DataObject, seed: int, is_line: bool) -> None:
    """Odd sizes, strides beyond the kernel, padding, channels beyond a vector; two pools."""
    rng = np.random.default_rng(seed)
    channels = data.draw(st.sampled_from([1, 2, 17, 40]))
    below = (channels, 1 if is_line else int(rng.integers(1, 7)), int(rng.integers(1, 9)))
    assume(below[1] * below[2] > 1)
    raster = rng.random((3, 40, *below)) < data.draw(st.sampled_from([0.02, 0.2, 0.7]))
    layers: list[Any] = []
    expected: list[Raster] = []
    slid, shape = [], below
    for _ in range(2):
        of = data.draw(windows(shape, is_line=is_line, is_pool=True))
        slid.append(of)
        expected.append(expected_of(expected[-1] if expected else raster, of))
        sizes: list[Any] = [of.kernel, of.stride, of.padding]
        layers.append(sr.MaxPool1d(*[s[1] for s in sizes]) if is_line else sr.MaxPool2d(*sizes))
        shape = (channels, *of.sizes(shape))
        if shape[1] * shape[2] == 1:
            break
    net = sr.Network((below[0], below[2]) if is_line else below, layers, dtype="float64")
    for engine, n_threads in (("clocked", 1), ("clocked", 2), ("event", 2), ("auto", 1)):
        found = net.run(raster, engine=engine, n_threads=n_threads).spikes[1:]
        for trains, spikes in zip(found, expected, strict=True):
            np.testing.assert_array_equal(trains.to_dense(), spikes.reshape(3, 40, -1))
    found = net.run(raster, engine="continuous").spikes[1]
    at_once = expected_of(raster, slid[0], in_ms=True)
    np.testing.assert_array_equal(found.to_dense(), at_once.reshape(3, 40, -1))


def pooled(**options: Any) -> sr.Network:
    """Max pools above the input, a convolution and an average pool; a recurrent layer above."""
    init = sr.Firing(drive=3.0)
    layers: list[Any] = [
        sr.MaxPool2d((1, 2), 1, (1, 2)),
        sr.Conv2d(5, 4, padding=(2, 1), init=init, delay=sr.UniformDelay(0, 3)),
        sr.MaxPool2d(2),
        sr.AvgPool2d(2, 1, v_th=0.2),
        sr.MaxPool2d(3, 2, 1),
        sr.Recurrent(20, init=init),
        sr.Dense(4, init=init),
    ]
    return sr.Network((2, 11, 9), layers, **{"dtype": "float64", "seed": 5, **options})


WINDOWS = {
    0: Windows((1, 2), (1, 1), (1, 2)),
    2: Windows((2, 2), (2, 2)),
    4: Windows((3, 3), (2, 2), (1, 1)),
}


def some_spikes(n_samples: int = 5) -> Raster:
    return np.random.default_rng(6).random((n_samples, 50, 2, 11, 9)) < 0.08


def test_pools_within_a_network_in_everything_that_runs_it(layered: Layered) -> None:
    """In floating and in fixed point each pool has the largest counts of what is below it."""
    net, x = pooled(), some_spikes()
    held = layered.holds(net)
    found = held.run(x).spikes
    shapes = [net.in_shape, *net.shapes]
    for index, of in WINDOWS.items():
        below = found[index].to_dense().reshape(*x.shape[:2], *shapes[index])
        above = found[index + 1].to_dense().reshape(*x.shape[:2], *shapes[index + 1])
        assert above.any(axis=(0, 1)).mean() > 0.5
        if layered.name != "continuous":
            np.testing.assert_array_equal(above, expected_of(below, of))
    if layered.name in ("event", "auto"):
        clocked = net.run(x)
        assert found == clocked.spikes
        done = held.run(x).operations
        assert done is not None and clocked.operations is not None
        assert done.synaptic_events == clocked.operations.synaptic_events
    for n_threads in (1, 2, 5):
        np.testing.assert_array_equal(held.spike_counts(x, n_threads=n_threads), found[-1].counts())
    # Counts begin anew with every sample.
    assert held.run(x[3:4]).spikes[-2] == found[-2][3:4]


def test_counts_in_continuous_time() -> None:
    """Of every spike at its time: none is left out, and none comes twice."""
    graph, x = pooled().to_graph(), some_spikes(1)[0]
    simulator = sr.Simulator(graph, engine="continuous", record=range(1, len(graph.populations)))
    simulator.push(pushed(x))
    ends = np.cumsum([0, *(population.n for population in graph.populations[1:])])
    neurons = np.bincount(simulator.advance(60.0)["x"], minlength=ends[-1])
    counts = [x.sum(axis=0), *np.split(neurons, ends[1:-1])]
    shapes = [pooled().in_shape, *pooled().shapes]
    for index, of in WINDOWS.items():
        expected = largest(counts[index].reshape(shapes[index]), of)
        np.testing.assert_array_equal(counts[index + 1].reshape(shapes[index + 1]), expected)
        assert (expected > 0).mean() > 0.5


def graph_of(name: str) -> tuple[sr.Graph, str]:
    net = pooled()
    return (net.to_fixed().to_graph(), name[6:]) if name[:5] == "fixed" else (net.to_graph(), name)


STREAMS = ["clocked", "event", "auto", "continuous", "fixed clocked", "fixed event", "fixed auto"]


def pushed(raster: Raster, first: int = 0) -> Any:
    t, x = np.nonzero(raster.reshape(len(raster), 2 * 11 * 9))
    return events(t + first, x)


@pytest.mark.parametrize("name", STREAMS)
def test_states_hold_what_was_counted(name: str) -> None:
    """In chunks, each from the bytes of a state on, a stream is what it is in one go."""
    graph, engine = graph_of(name)
    record = range(1, len(graph.populations))
    raster = some_spikes(1)[0]
    whole = sr.Simulator(graph, engine=engine, record=record)
    whole.push(pushed(raster))
    expected = whole.advance(60)
    assert len(expected) > 500
    part, found = sr.Simulator(graph, engine=engine, record=record), []
    for first in range(0, 60, 7):
        part.push(pushed(raster[first : first + 7], first))
        found.append(part.advance(min(first + 7, 60)))
        state = part.state()
        part = sr.Simulator(graph, engine=engine, record=record)
        part.set_state(state)
        assert part.state() == state
    np.testing.assert_array_equal(np.concatenate(found), expected)
    # From rest again, the same.
    whole.reset()
    whole.push(pushed(raster))
    np.testing.assert_array_equal(whole.advance(60), expected)
    other = copy.deepcopy(part)
    more = pushed(raster[:20], 60)
    for simulator in (part, other):
        simulator.push(more)
    np.testing.assert_array_equal(part.advance(90), other.advance(90))


@pytest.mark.parametrize("name", ["clocked", "fixed clocked"])
def test_grid_engines_go_on_from_each_others_states(name: str) -> None:
    graph, _ = graph_of(name)
    record, raster = range(1, len(graph.populations)), some_spikes(1)[0]
    one, other = (sr.Simulator(graph, engine=e, record=record) for e in ("clocked", "event"))
    for simulator in (one, other):
        simulator.push(pushed(raster))
        simulator.advance(23)
    states = one.state(), other.state()
    found = []
    for simulator, state in ((one, states[1]), (other, states[0])):
        simulator.set_state(state)
        found.append(simulator.advance(60))
    np.testing.assert_array_equal(found[0], found[1])
    assert len(found[0]) > 300


@pytest.mark.parametrize("engine", ["clocked", "event", "auto", "continuous"])
def test_several_spikes_of_an_input_in_a_step_count(engine: str) -> None:
    """The pool then fires once, and later when the other input has sent more."""
    graph = sr.Network((1, 1, 2), [sr.MaxPool2d((1, 2))]).to_graph()
    simulator = sr.Simulator(graph, engine=engine)
    # Input 0 three times at once; input 1 once at a time, the fourth of which is more.
    t = [2, 2, 2, 4, 6, 8, 10, 12]
    simulator.push(events(np.array(t), np.array([0, 0, 0, 1, 1, 1, 1, 0])))
    spikes = simulator.advance(30)
    step = 0 if engine == "continuous" else 1
    np.testing.assert_array_equal(spikes["t"], [2 + step, 10 + step])
    assert (spikes["x"] == 0).all()


def test_windows_of_padding_never_fire() -> None:
    net = sr.Network((1, 2, 2), [sr.MaxPool2d(1, 1, 2)])
    found = net.run(np.ones((1, 20, 4), np.bool_)).spikes[1].counts().reshape(6, 6)
    expected = np.zeros((6, 6))
    expected[2:4, 2:4] = 19
    np.testing.assert_array_equal(found, expected)


def test_graphs_with_max_pools_are_copied_and_stay_as_they_are() -> None:
    graph = pooled().to_graph()
    pool = graph.populations[3]
    assert pool.n == math.prod(pooled().shapes[2])
    with pytest.raises(ValueError, match="post must be neurons that integrate: max pools have the"):
        graph.connect(graph.populations[0], pool, weight=1.0)
    for again in (copy.deepcopy(graph), pickle.loads(pickle.dumps(graph))):
        found = []
        for of in (graph, again):
            simulator = sr.Simulator(of, engine="event")
            simulator.push(pushed(some_spikes(1)[0]))
            found.append(simulator.advance(60))
        np.testing.assert_array_equal(found[0], found[1])
        assert len(found[0]) > 20
    simulator = sr.Simulator(graph)
    for call in (
        lambda: simulator.set_potentials(graph.populations[3], np.zeros(pool.n)),
        lambda: simulator.potentials(graph.populations[3]),
    ):
        with pytest.raises(ValueError, match="population must be one of neurons, got 3"):
            call()


def test_states_of_other_counts_are_refused() -> None:
    small, large = (sr.Network((1, n, n), [sr.MaxPool2d(2)]).to_graph() for n in (4, 6))
    with pytest.raises(ValueError, match="of a graph with the same populations"):
        sr.Simulator(small).set_state(sr.Simulator(large).state())
    average = sr.Network((1, 4, 4), [sr.AvgPool2d(2)]).to_graph()
    with pytest.raises(ValueError, match="of a graph with the same populations"):
        sr.Simulator(small).set_state(sr.Simulator(average).state())


def test_there_are_no_potentials_to_record() -> None:
    net = sr.Network((4, 4), [sr.MaxPool2d(2), sr.Dense(2)])
    raster = np.zeros((1, 5, 16), np.bool_)
    for held in (net, net.to_fixed()):
        with pytest.raises(ValueError, match=r"record_traces\[0\] must be neurons that integrate"):
            held.run(raster, record_traces={0: [1]})
        held.run(raster, record_traces={1: [1]})
