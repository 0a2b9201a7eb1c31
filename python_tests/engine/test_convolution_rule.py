"""`Graph.connect` with a convolution: against the explicit list of its synapses."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest
from graph_cases import events
from oracle.synapses import Windows, convolution

import strsbp_rs as sr

CONVOLUTIONS = {
    "plain": sr.Convolution((2, 9, 8), 5, 3),
    "same": sr.Convolution((3, 6, 7), 3, (3, 5), padding="same"),
    "odd": sr.Convolution((4, 9, 8), 6, (2, 3), (2, 1), (3, 1), (1, 2), groups=2),
    "far apart": sr.Convolution((2, 7, 9), 4, 2, stride=3, padding=4),
    "along a line": sr.Convolution((5, 1, 40), 7, (1, 9), stride=(1, 2)),
    "one by one": sr.Convolution((8, 3, 3), 8, 1, groups=8),
}


def listed(rule: sr.Convolution, weight: Any, delay: Any) -> dict[str, Any]:
    """The synapses, by neuron, delay and target; there is none of weight 0."""
    windows = Windows(
        *(getattr(rule, name) for name in ("kernel", "stride", "padding", "dilation"))
    )
    synapses, above = convolution(rule.in_shape, rule.channels, windows, rule.groups)
    assert above == rule.out_shape
    weights = np.broadcast_to(weight, rule.weight_shape).ravel()[synapses.index]
    delays = np.broadcast_to(delay, rule.weight_shape).ravel()[synapses.index]
    order = np.lexsort((synapses.post, delays, synapses.pre))
    order = order[weights[order] != 0]
    columns = {"pre": synapses.pre, "post": synapses.post, "weight": weights, "delay": delays}
    return {name: column[order] for name, column in columns.items()}


def kernels(rule: sr.Convolution, dtype: str) -> tuple[Any, Any]:
    """Weights, about a fifth of which is 0, and delays of 0 to 3 ms."""
    rng = np.random.default_rng(4)
    weight = rng.normal(0.4, 1.0, rule.weight_shape) * (rng.random(rule.weight_shape) < 0.8)
    if dtype.startswith("int"):
        weight = np.rint(40 * weight)
    return weight.astype(dtype), rng.integers(0, 4, rule.weight_shape).astype(float)


NEURON = sr.fixed.qformat_format(tau_m=64.0, tau_s=8.0, v_th=400, t_ref_steps=1, input_shift=4)


def populations(rule: sr.Convolution, dtype: str) -> tuple[sr.Graph, sr.Population, sr.Population]:
    graph = sr.Graph(dtype=dtype, seed=3)
    pre = graph.add_input(math.prod(rule.in_shape))
    neuron = NEURON if dtype == "int16" else sr.LIF(v_th=1.0, t_ref=1.0)
    return graph, pre, graph.add_population(math.prod(rule.out_shape), neuron)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_synapses_are_those_of_the_windows(name: str, dtype: str) -> None:
    rule = CONVOLUTIONS[name]
    weight, delay = kernels(rule, dtype)
    for own_weight, own_delay in [
        (weight, delay),
        (weight, 2.0),
        (weight.flat[1] + 1, delay),
        (3, 1.0),
    ]:
        graph, pre, post = populations(rule, dtype)
        projection = graph.connect(pre, post, rule, weight=own_weight, delay=own_delay)
        expected = listed(rule, np.asarray(own_weight, dtype), own_delay)
        found = graph.synapses(projection)
        assert projection.n_synapses == graph.n_synapses == len(found) == len(expected["pre"]) > 0
        for field, values in expected.items():
            np.testing.assert_array_equal(found[field], values)
        assert f"{projection.n_synapses:,} synapses" in repr(graph)


@pytest.mark.parametrize(
    ("engine", "dtype"),
    [
        *((engine, "float32") for engine in ("clocked", "event", "auto")),
        *((engine, "float64") for engine in ("clocked", "event", "continuous")),
        *((engine, "int16") for engine in ("clocked", "event")),
    ],
)
@pytest.mark.parametrize("name", ["odd", "same", "along a line"])
def test_streams_are_those_of_the_lists(name: str, engine: str, dtype: str) -> None:
    """The same bits and counts; each chunk from the state of a copy on."""
    rule = CONVOLUTIONS[name]
    weight, delay = kernels(rule, dtype)
    back = sr.Convolution(rule.out_shape, rule.channels, (1, 3), padding="same")
    back_weight, back_delay = kernels(back, dtype)
    rng = np.random.default_rng(9)
    found = []
    for by_lists in (False, True):
        graph, pre, post = populations(rule, dtype)
        # The second one is from a population onto itself.
        for one, two, conv, w, d in [
            (pre, post, rule, weight, delay),
            (post, post, back, back_weight, back_delay),
        ]:
            if by_lists:
                of = listed(conv, w, d)
                pairs = of["pre"], of["post"]
                graph.connect(one, two, pairs, weight=of["weight"], delay=of["delay"])
            else:
                graph.connect(one, two, conv, weight=w, delay=d)
        simulator = sr.Simulator(graph, engine=engine)
        if not by_lists:
            raster = rng.random((80, pre.n)) < 0.05
        parts = []
        for first in range(0, len(raster), 16):
            t, x = np.nonzero(raster[first : first + 16])
            simulator.push(events(t + first, x))
            parts.append(simulator.advance(first + 16))
            simulator.set_state(copy.deepcopy(simulator).state())
        numbers = [simulator.potentials(post), simulator.currents(post)]
        found.append((np.concatenate(parts), np.concatenate(numbers), simulator.operations))
    (spikes, numbers, done), (expected, of_lists, of_lists_done) = found
    np.testing.assert_array_equal(spikes, expected)
    np.testing.assert_array_equal(numbers, of_lists)
    assert done == of_lists_done
    assert len(spikes) > 100


@pytest.mark.parametrize("again", [copy.deepcopy, lambda graph: pickle.loads(pickle.dumps(graph))])
def test_kernels_are_kept_once(again: Any) -> None:
    """As the pickle tells, which holds the arrays: four bytes a weight, for 150,000 synapses."""
    rule = sr.Convolution((15, 12, 12), 40, 5)
    graph, pre, post = populations(rule, "float32")
    weight = np.random.default_rng(0).normal(size=rule.weight_shape).astype("f4")
    projection = graph.connect(pre, post, rule, weight=weight)
    assert projection.n_synapses == 8 * 8 * weight.size > 900_000
    assert len(pickle.dumps(graph)) < weight.nbytes + 2**12
    other = again(graph)
    np.testing.assert_array_equal(other.synapses(other.projections[0]), graph.synapses(projection))
    state = sr.Simulator(graph, engine="event").state()
    sr.Simulator(other, engine="event").set_state(state)


def test_a_layer_and_its_kernels_are_one_projection() -> None:
    layer = sr.Conv2d(6, (3, 2), 2, 1, groups=2, delay=sr.UniformDelay(0.0, 3.0))
    net = sr.Network((2, 7, 6), [layer], seed=5)
    rule = sr.Convolution((2, 7, 6), 6, layer.kernel, layer.stride, layer.padding, groups=2)
    assert rule.out_shape == net.shapes[0]
    graph, pre, post = populations(rule, "float32")
    parameters = net.weights[0]["weight"], net.delays[0]["delay"]
    projection = graph.connect(pre, post, rule, weight=parameters[0], delay=parameters[1])
    own = net.to_graph()
    np.testing.assert_array_equal(graph.synapses(projection), own.synapses(own.projections[0]))


@pytest.mark.parametrize("dtype", ["float64", "int16"])
def test_drawn_kernels_are_shared_by_positions(dtype: str) -> None:
    rule = CONVOLUTIONS["odd"]
    drawn: dict[str, Any] = {
        "weight": sr.Uniform(1.0, 127.0),
        "delay": sr.UniformDelay(0.0, 3.0),
    }
    found = []
    for _ in range(2):
        graph, pre, post = populations(rule, dtype)
        found.append(graph.synapses(graph.connect(pre, post, rule, **drawn)))
        found.append(graph.synapses(graph.connect(pre, post, rule, **drawn)))
    first, second, again, _ = found
    np.testing.assert_array_equal(first, again)
    assert (first["weight"] != second["weight"]).any()
    # Numbers of the weights, by which synapses share one.
    numbers = np.arange(math.prod(rule.weight_shape)).reshape(rule.weight_shape) + 1
    graph, pre, post = populations(rule, "float64")
    of_weights = graph.synapses(graph.connect(pre, post, rule, weight=numbers.astype(float)))
    by_pair = [np.sort(synapses, order=["pre", "post"]) for synapses in (first, of_weights)]
    shared: dict[Any, Any] = {}
    for own, number in zip(by_pair[0], by_pair[1]["weight"], strict=True):
        values = own["weight"], own["delay"]
        assert shared.setdefault(number, values) == values
    assert len({weight for weight, _ in shared.values()}) > 0.5 * numbers.size
    assert {delay for _, delay in shared.values()} == {0.0, 1.0, 2.0, 3.0}


def connect(n_pre: int = 144, n_post: int = 240, dtype: str = "float32", **options: Any) -> None:
    graph = sr.Graph(dtype=dtype)
    neuron = NEURON if dtype == "int16" else sr.LIF()
    pre, post = graph.add_input(n_pre), graph.add_population(n_post, neuron)
    rule = options.pop("rule", sr.Convolution((2, 9, 8), 5, (2, 3)))
    try:
        graph.connect(pre, post, rule, **options)
    finally:
        assert graph.n_synapses == 0


WEIGHT = np.ones((5, 2, 2, 3))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        *(
            (options, ValueError, message)
            for given in ({}, {"weight": WEIGHT}, {"weight": sr.Uniform()})
            for options, message in [
                (
                    given | {"n_pre": 143},
                    "^pre must be of 2 x 9 x 8 = 144 neurons, as in_shape says, got 143$",
                ),
                (
                    given | {"n_post": 241},
                    "^post must be of 5 x 8 x 6 = 240 neurons, one a position, got 241$",
                ),
            ]
        ),
        (
            {"weight": WEIGHT[0]},
            ValueError,
            r"weight has shape \(2, 2, 3\), expected \(5, 2, 2, 3\)",
        ),
        ({"weight": WEIGHT.ravel()}, ValueError, r"weight has shape \(60,\), expected \(5, 2"),
        ({"delay": WEIGHT[:, :1]}, ValueError, r"delay has shape \(5, 1, 2, 3\), expected \(5, 2"),
        ({"weight": WEIGHT * np.nan}, ValueError, r"weight\[0\] must be finite"),
        (
            {"weight": WEIGHT, "delay": -WEIGHT},
            ValueError,
            r"delay\[0\] must be finite and >= 0 ms",
        ),
        ({"weight": WEIGHT, "delay": -1.0}, ValueError, "delay must be finite and >= 0 ms, got -1"),
        (
            {"weight": WEIGHT, "delay": sr.UniformDelay(0, 1)},
            TypeError,
            "must be numbers or arrays",
        ),
        ({"weight": sr.Uniform(), "delay": WEIGHT}, TypeError, "must be numbers or arrays"),
        ({"weight": "a"}, TypeError, "weight must be a number, got 'a'"),
        ({"weight": 0.5, "dtype": "int16"}, ValueError, "weight must be whole"),
        ({"weight": 0.5 * WEIGHT, "dtype": "int16"}, ValueError, "weight must be whole"),
        ({"rule": "convolution"}, TypeError, r"must be Convolution\(in_shape=\.\.\., channels="),
    ],
)
def test_nonsense(options: dict[str, Any], error: type[Exception], message: str) -> None:
    """Nothing is connected then, which `connect` asserts."""
    with pytest.raises(error, match=message):
        connect(**options)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kernel": 9}, "Convolution.kernel must be a window of at most the 8 places of the width"),
        ({"kernel": 0}, r"Convolution.kernel must be in \[1, 2\^24\], got 0"),
        ({"stride": 0}, r"Convolution.stride must be in \[1, 2\^24\], got 0"),
        ({"groups": 2}, "Convolution.groups must be a divisor of the 2 channels below and of"),
        ({"channels": 0}, r"Convolution.channels must be in \[1, 2\^24\), got 0"),
        ({"in_shape": (2, 0, 8)}, "Convolution.in_shape must be of 1 to .* neurons, got 2 x 0 x 8"),
        ({"in_shape": (2**20, 2**20, 1)}, "Convolution.in_shape must be of 1 to"),
        ({"in_shape": (9, 8)}, "Convolution.in_shape must be 3 integers"),
        (
            {"kernel": 2, "padding": "same"},
            "Convolution.padding 'same' must come with kernels of odd",
        ),
    ],
)
def test_fields(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sr.Convolution(**{"in_shape": (2, 9, 8), "channels": 5, "kernel": 3, **fields})
