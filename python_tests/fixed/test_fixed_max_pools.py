"""Max pools in fixed point: counters, which targets that are software hold, and chips refuse."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracle.neuron import Layer, simulate_layer
from oracle.synapses import Windows, pooling

import strsbp_rs as sr
from strsbp_rs.fixed._targets import Target

TARGETS: list[Target] = [
    sr.QFormat(),
    sr.QFormat(weight_bits=4, state_bits=12, granularity="neuron"),
    sr.CortexM(weight_bits=16),
    sr.Spinnaker(),
]
INIT = sr.Uniform(-0.5, 1.0)


def network(**options: Any) -> sr.Network:
    layers: list[Any] = [
        sr.MaxPool2d((1, 2), 1),
        sr.Conv2d(18, 3, padding=1, v_th=1.0, init=INIT, delay=sr.UniformDelay(0.0, 3.0)),
        sr.MaxPool2d(2, padding=1),
        sr.Recurrent(8, v_th=2.0, init=INIT, recurrent_init=sr.Uniform(-0.1, 0.1)),
        sr.Dense(3, v_th=2.0, init=INIT),
    ]
    return sr.Network((2, 6, 7), layers, seed=3, **options)


WINDOWS = {0: Windows((1, 2)), 2: Windows((2, 2), (2, 2), (1, 1))}


def some_spikes(n: int = 4) -> Any:
    return np.random.default_rng(1).random((n, 60, 2, 6, 7)) < 0.1


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_targets_that_are_software_count(target: Target) -> None:
    net, x = network(), some_spikes()
    held = net.to_fixed(target)
    found = held.run(x).spikes
    shapes = [net.in_shape, *net.shapes]
    for index, of in WINDOWS.items():
        channels, height, width = shapes[index]
        synapses, _ = pooling((channels, height, width), of)
        layer = Layer(synapses.unrolled(np.ones(1)), is_max_pool=True)
        for sample in range(len(x)):
            below, above = (found[at].to_dense()[sample] for at in (index, index + 1))
            np.testing.assert_array_equal(above, simulate_layer(layer, below).spikes)
            assert above.any(axis=0).mean() > 0.5
        integers = held.layers[index]
        assert (integers.weight.tolist(), integers.scale.tolist()) == ([[1]], [1.0])
        assert held.overflows[index] == sr.fixed.Overflows(0, 0)
    for n_threads in (1, 2, 5):
        counts = held.spike_counts(x, n_threads=n_threads)
        np.testing.assert_array_equal(counts, found[-1].counts())
    # As a graph, in both engines.
    graph, sizes = held.to_graph(), [int(np.prod(shape)) for shape in net.shapes]
    ends = np.cumsum([0, *sizes])
    t, neuron = np.nonzero(x[0].reshape(60, -1))
    pushed = np.empty(len(t), [("t", "i8"), ("x", "i8")])
    pushed["t"], pushed["x"] = t, neuron
    for engine in ("clocked", "event"):
        simulator = sr.Simulator(graph, engine=engine, record=range(1, len(sizes) + 1))
        simulator.push(pushed)
        spikes = simulator.advance(60)
        raster = np.zeros((60, ends[-1]), np.bool_)
        raster[spikes["t"], spikes["x"]] = True
        for layer_spikes, part in zip(found[1:], np.split(raster, ends[1:-1], axis=1), strict=True):
            np.testing.assert_array_equal(part, layer_spikes.to_dense()[0])


def test_chips_without_counters_refuse_by_name() -> None:
    net = network()
    expected = (
        "layers[0] must be AvgPool2d, AvgPool1d or a stride of the convolution below on Loihi, "
        "whose neurons integrate and do not count the spikes of each input, got max pooling"
    )
    x, y = some_spikes(), [0, 1, 2, 0]
    for call in (
        lambda: net.to_fixed("loihi"),
        lambda: net.to_fixed(sr.Loihi(enforce_limits=False)),
        lambda: sr.Trainer(net, hardware=sr.Loihi()).fit(x, y, epochs=1, progress=False),
    ):
        with pytest.raises(ValueError, match=re.escape(expected)):
            call()
    with pytest.raises(ValueError, match=r"layers\[0\] must be dense or .* got max pooling"):
        net.to_fixed(sr.Xylo(enforce_limits=False))


def test_files_reports_and_words(tmp_path: Path) -> None:
    net, x = network(), some_spikes()
    held = net.to_fixed(sr.QFormat(), calibration=x)
    assert re.search("0: max_pool2d +2 x 6 x 6 neurons, counters", held.summary())
    assert "max_pool2d" in held._repr_html_()
    held.save(tmp_path / "held")
    again = sr.FixedNetwork.load(tmp_path / "held")
    assert again.run(x).spikes == held.run(x).spikes
    report = held.report(x, [0, 1, 2, 0])
    pools = [report.layers[index] for index in WINDOWS]
    assert all(pool.weight_error == pool.zeros == pool.clipped == 0.0 for pool in pools)
    # Right above the input nothing changes.
    assert pools[0].distance == 0.0 and 0.0 < pools[1].distance < 1.0
    layers = [replace(layer) for layer in held.layers]
    layers[2] = replace(layers[2], weight=np.array([[0]]))
    with pytest.raises(ValueError, match=r"layers\[2\]\.weight\[0, 0\] must be 1, with which max"):
        sr.FixedNetwork(net, layers)
    # A window of padding alone has no synapses.
    padded = sr.Network((1, 1, 2), [sr.MaxPool1d(1, 9, 4), sr.Dense(2)])
    assert padded.to_fixed().run(np.ones((1, 9, 2), np.bool_)).spikes[1].n_spikes == 0


def test_training_through_integers() -> None:
    x, y = some_spikes(12), np.arange(12) % 3
    found = []
    for n_threads in (1, 2):
        net = network()
        before = net.weights
        trainer = sr.Trainer(net, hardware=sr.QFormat(), batch_size=4, n_threads=n_threads)
        trainer.fit(x, y, epochs=2, progress=False)
        for weights, old in zip(net.weights, before, strict=True):
            assert all((weights[name] != old[name]).any() for name in weights)
        found.append(net.weights)
    for of_layer, same in zip(*found, strict=True):
        for name, weight in of_layer.items():
            np.testing.assert_array_equal(weight, same[name])
