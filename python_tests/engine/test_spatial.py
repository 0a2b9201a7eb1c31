"""Convolutions and pools in every engine: spikes are those of dense correlation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from backends import Layered
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracle.neuron import Array, simulate
from oracle.synapses import Shape, Windows, convolution, pooling
from spatial_cases import SpatialCase, build_spatial, oracle_spatial, spatial_cases, windows

import strsbp_rs as sr

NEAR = 1e-9
"""Potentials this near the threshold may fall on either side, by the order of sums."""


def correlated(plane: Array, kernels: Array, of: Windows, groups: int) -> Array:
    """Cross-correlation of (C, H, W) with (channels, C / groups, kh, kw), as textbooks have it."""
    (sy, sx), (dy, dx) = of.stride, of.dilation
    padded = np.pad(plane, [(0, 0), *((p, p) for p in of.padding)])
    reach = [d * (k - 1) + 1 for d, k in zip(of.dilation, of.kernel, strict=True)]
    views = np.lib.stride_tricks.sliding_window_view(padded, reach, axis=(1, 2))
    views = views[:, ::sy, ::sx, ::dy, ::dx]
    inner, outer = len(plane) // groups, len(kernels) // groups
    parts = [
        np.einsum(
            "iyxkl,oikl->oyx",
            views[g * inner : (g + 1) * inner],
            kernels[g * outer : (g + 1) * outer],
        )
        for g in range(groups)
    ]
    return np.concatenate(parts)


@settings(max_examples=100)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_lists_of_synapses_are_correlations(data: st.DataObject, seed: int) -> None:
    """The oracle against the textbook."""
    rng = np.random.default_rng(seed)
    groups = data.draw(st.integers(1, 3))
    below: Shape = (groups * data.draw(st.integers(1, 2)), *rng.integers(1, 7, 2).tolist())
    of = data.draw(windows(below, is_line=False, is_pool=False))
    channels = groups * data.draw(st.integers(1, 3))
    kernels = rng.normal(size=(channels, below[0] // groups, *of.kernel))
    plane = rng.normal(size=below)
    synapses, above = convolution(below, channels, of, groups)
    found = synapses.unrolled(kernels.reshape(-1)) @ plane.reshape(-1)
    expected = correlated(plane, kernels, of, groups)
    assert above == expected.shape
    np.testing.assert_allclose(found.reshape(above), expected, atol=1e-12)
    # No pair of neurons has two synapses.
    assert len(set(zip(synapses.pre.tolist(), synapses.post.tolist(), strict=True))) == len(
        synapses.pre
    )
    of = Windows(of.kernel, of.stride, of.padding)
    synapses, above = pooling(below, of)
    mean = np.full((1, 1, *of.kernel), 1.0 / math.prod(of.kernel))
    expected = np.concatenate([correlated(plane[c : c + 1], mean, of, 1) for c in range(below[0])])
    found = synapses.unrolled(mean.reshape(-1)[:1]) @ plane.reshape(-1)
    np.testing.assert_allclose(found.reshape(above), expected, atol=1e-12)


def test_spikes_are_those_of_dense_correlation() -> None:
    """All sizes, delays, both discretisations, float64."""
    seen = {"cases": 0, "spikes": 0, "all layers": 0}

    @settings(max_examples=100)
    @given(case=spatial_cases(most=200, max_steps=60))
    def check(case: SpatialCase) -> None:
        net = build_spatial(case, "float64")
        layers = oracle_spatial(case, net)
        recording = net.run(case.rasters)
        for sample, raster in enumerate(case.rasters):
            records = simulate(layers, raster)
            for layer, record in zip(layers, records, strict=True):
                assume((np.abs(record.before_reset - layer.v_th) > NEAR).all())
            for trains, record in zip(recording.spikes[1:], records, strict=True):
                np.testing.assert_array_equal(trains.to_dense()[sample], record.spikes)
        seen["cases"] += 1
        seen["spikes"] += sum(trains.n_spikes for trains in recording.spikes[1:])
        seen["all layers"] += all(trains.n_spikes for trains in recording.spikes)

    check()
    assert seen["spikes"] > 10_000 and seen["all layers"] > 0.4 * seen["cases"] > 30, seen


def test_potentials_are_those_of_dense_correlation() -> None:
    """Traces of planes, of which the spikes tell little."""

    @settings(max_examples=30)
    @given(case=spatial_cases(most=60))
    def check(case: SpatialCase) -> None:
        net = build_spatial(case, "float64")
        layers = oracle_spatial(case, net)
        chosen = {
            number: range(layer.n_out)
            for number, layer in enumerate(layers)
            if not layer.is_max_pool
        }
        recording = net.run(case.rasters, record_traces=chosen)
        for sample, raster in enumerate(case.rasters):
            records = simulate(layers, raster)
            for layer, record in zip(layers, records, strict=True):
                assume((np.abs(record.before_reset - layer.v_th) > NEAR).all())
            for number in chosen:
                record = records[number]
                for found, expected in (
                    (recording.potential[number], record.before_reset),
                    (recording.current[number], record.current),
                ):
                    np.testing.assert_allclose(found[sample], expected, atol=1e-9)

    check()


def test_event_engine_gives_the_clocked_spikes() -> None:
    seen = {"cases": 0, "without ties": 0, "spikes": 0}

    @settings(max_examples=60)
    @given(case=spatial_cases(most=150, max_steps=60))
    def check(case: SpatialCase) -> None:
        net = build_spatial(case, "float64")
        clocked, event = (net.run(case.rasters, engine=engine) for engine in ("clocked", "event"))
        seen["cases"] += 1
        if event.operations.near_ties > 0:
            return
        seen["without ties"] += 1
        seen["spikes"] += event.operations.spikes
        assert event.spikes == clocked.spikes
        assert event.operations.synaptic_events == clocked.operations.synaptic_events
        counts = net.spike_counts(case.rasters, engine="auto", n_threads=2)
        np.testing.assert_array_equal(counts, clocked.counts)

    check()
    assert seen["without ties"] > 0.9 * seen["cases"] and seen["spikes"] > 5_000, seen


def paper_like(**options: Any) -> sr.Network:
    """Two convolutions with pools and two flat layers, one of them recurrent, as the paper's."""
    init = sr.Firing(drive=3.0)
    layers: list[Any] = [
        sr.Conv2d(5, 5, padding=(2, 1), init=init),
        sr.AvgPool2d(2),
        sr.Conv2d(18, 3, init=init, delay=sr.UniformDelay(0, 4)),
        sr.AvgPool2d((2, 1)),
        sr.Recurrent(30, init=init),
        sr.Dense(6, init=init),
    ]
    return sr.Network((2, 13, 11), layers, **{"dtype": "float64", "seed": 5, **options})


def some_spikes(n_samples: int = 7) -> np.ndarray[Any, Any]:
    return np.random.default_rng(6).random((n_samples, 50, 2, 13, 11)) < 0.1


def test_a_network_as_the_papers_in_every_engine(layered: Layered) -> None:
    net, x = paper_like(), some_spikes()
    expected = layered.holds(net).run(x)
    assert all(trains.counts().any(axis=0).mean() > 0.2 for trains in expected.spikes)
    if layered.name not in ("fixed", "continuous"):
        assert expected.spikes == net.run(x).spikes
    held = layered.holds(net)
    counts = [held.spike_counts(x, n_threads=n) for n in (1, 2, 5)]
    for found in counts:
        np.testing.assert_array_equal(found, expected.counts)
    # Samples do not see each other.
    assert held.run(x[3:4]).spikes[-2] == expected.spikes[-2][3:4]


@pytest.mark.parametrize("name", ["clocked", "event", "auto", "fixed"])
def test_a_simulator_of_planes_is_the_network(name: str) -> None:
    """Events pushed into a stream, of the network or of its integers."""
    net, x = paper_like(), some_spikes(1)
    held = Layered(name).holds(net)
    expected = held.run(x).spikes[1:]
    sizes = [math.prod(shape) for shape in net.shapes]
    ends = np.cumsum([0, *sizes])
    simulator = sr.Simulator(
        net if name != "fixed" else held.network.to_graph(),
        engine=held.engine,
        record=range(len(sizes)) if name != "fixed" else range(1, len(sizes) + 1),
    )
    t, neuron = np.nonzero(x[0].reshape(50, -1))
    pushed = np.empty(len(t), [("t", "i8"), ("x", "i8")])
    pushed["t"], pushed["x"] = t, neuron
    simulator.push(pushed)
    spikes = simulator.advance(50)
    for layer, trains in enumerate(expected):
        of_layer = (spikes["x"] >= ends[layer]) & (spikes["x"] < ends[layer + 1])
        found = np.zeros((50, sizes[layer]), np.bool_)
        found[spikes["t"][of_layer], spikes["x"][of_layer] - ends[layer]] = True
        np.testing.assert_array_equal(found, trains.to_dense()[0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_does_not_depend_on_threads(dtype: str) -> None:
    x, y = some_spikes(24), np.arange(24) % 6
    found = []
    for n_threads in (1, 2, 5):
        net = paper_like(dtype=dtype)
        before = net.weights
        trainer = sr.Trainer(net, batch_size=7, n_threads=n_threads)
        trainer.fit(x, y, epochs=2, progress=False)
        for weights, old in zip(net.weights, before, strict=True):
            for name in weights:
                assert (weights[name] != old[name]).any()
        found.append((net.weights, trainer.history.epochs[-1]["loss"]))
    for weights, loss in found[1:]:
        assert loss == found[0][1]
        for of_layer, same in zip(weights, found[0][0], strict=True):
            for name, weight in of_layer.items():
                np.testing.assert_array_equal(weight, same[name])
