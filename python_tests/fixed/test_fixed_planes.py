"""Convolutions and pools in fixed point: against unbounded integers and graphs; refusals."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fixed_cases import formats, ours, philox, theirs
from hypothesis import given, settings
from oracle.neuron import Layer, simulate_layer
from references.generic import Format, generic_reference
from references.integers import Ints
from spatial_cases import SpatialCase, build_spatial, spatial_cases, unrolled

import strsbp_rs as sr
from strsbp_rs import fixed
from strsbp_rs.datasets import load_demo
from strsbp_rs.fixed._targets import Target

ENCODER = sr.BernoulliEncoder(n_steps=60, rate_scale=0.3)
TARGETS: list[Target] = [
    sr.QFormat(),
    sr.QFormat(granularity="neuron"),
    sr.QFormat(weight_bits=16, state_bits=32, decay_bits=20, rounding="floor"),
    sr.QFormat(weight_bits=4, state_bits=12, granularity="neuron"),
    sr.Loihi(granularity="neuron"),
    sr.Spinnaker(),
    sr.CortexM(weight_bits=16),
]


def network(lateral: float = 0.2) -> sr.Network:
    """Kernels of an odd size, windows over them, kernels with groups, and flat layers."""
    wide = sr.Uniform(-0.5, 1.0)
    layers = [
        sr.Conv2d(6, (3, 2), stride=(1, 2), padding=(2, 0), v_th=1.0, init=wide),
        sr.AvgPool2d(2, padding=1, v_th=0.5),
        sr.Conv2d(20, 3, padding=1, groups=2, v_th=1.0, init=wide, delay=sr.UniformDelay(0.0, 3.0)),
        sr.Recurrent(12, v_th=2.0, init=wide, recurrent_init=sr.Uniform(-0.1, 0.1)),
        sr.Dense(4, v_th=2.0, lateral_inhibition=lateral, init=wide),
    ]
    return sr.Network((2, 9, 11), layers, seed=3)


def samples(n: int = 6) -> np.ndarray[Any, Any]:
    return np.random.default_rng(1).random((n, 2, 9, 11))


def is_max_pool(layer: Any) -> bool:
    return isinstance(layer, sr.MaxPool2d | sr.MaxPool1d)


def largest_counts(joined: Ints, raster: Ints) -> Ints:
    """Spikes of neurons that fire where the largest count of their inputs has grown a step ago."""
    layer = Layer(joined.astype(np.float64), is_max_pool=True)
    return simulate_layer(layer, raster.astype(np.bool_)).spikes.astype(np.int64)


def reference(
    form: fixed.Format, weight: Ints, raster: Ints, recurrent: Ints | None, delays: list[Ints]
) -> tuple[Ints, int, int]:
    """Spikes and overflows of a layer, neurons of each threshold by themselves."""
    v_th = np.broadcast_to(form.v_th, len(weight))
    spikes = np.zeros((len(raster), len(weight)), np.int64)
    lost = np.zeros(2, np.int64)
    if recurrent is None:
        recurrent = np.zeros((len(weight), len(weight)), np.int64)
        delays = [delays[0], recurrent]
    elif np.unique(v_th).size > 1:
        # Those of others are not known before.
        raise NotImplementedError
    for level in np.unique(v_th):
        own = v_th == level
        inner = np.ix_(own, own)
        found = generic_reference(
            theirs(replace(form, v_th=int(level))),
            weight[own],
            raster,
            recurrent[inner],
            delay=delays[0][own],
            recurrent_delay=delays[1][inner],
        )
        spikes[:, own] = found.spikes
        lost += (found.current_overflows, found.membrane_overflows)
    return spikes, int(lost[0]), int(lost[1])


@settings(max_examples=60)
@given(case=spatial_cases(max_samples=1, max_steps=20), form=formats())
def test_planes_are_the_reference(case: SpatialCase, form: Format) -> None:
    net = build_spatial(case, "float32")
    rng = np.random.default_rng(case.seed)
    templates = net.to_fixed(sr.QFormat(state_bits=32, decay_bits=20)).layers
    layers = []
    for template in templates:
        reach = 2 ** (form.weight_bits - 1)
        weights = {
            name: rng.integers(-reach, reach, array.shape)
            for name in ("weight", "recurrent_weight")
            if (array := getattr(template, name)) is not None
        }
        if "recurrent_weight" in weights:
            # No neuron has a synapse onto itself.
            np.fill_diagonal(weights["recurrent_weight"], 0)
        if is_max_pool(net.layers[len(layers)]):
            layers.append(template)
            continue
        layers.append(replace(template, format=ours(form, case.seed), step=1, **weights))
    held = sr.FixedNetwork(net, layers)
    run = held.run(sr.SpikeTrains.from_dense(case.rasters))
    assert [layer.weight.shape for layer in held.layers] == [x.weight.shape for x in layers]
    rasters = [trains.to_dense()[0].astype(np.int64) for trains in run.spikes]
    below: tuple[int, ...] = case.in_shape
    for at, (layer, integers) in enumerate(zip(net.layers, layers, strict=True)):
        delays = {
            name: np.round(delay / case.dt).astype(np.int64)
            for name, delay in net.delays[at].items()
        }
        weight, delay, below = unrolled(layer, integers.weight, delays.get("delay"), below)
        if is_max_pool(layer):
            np.testing.assert_array_equal(rasters[at + 1], largest_counts(weight, rasters[at]))
            assert held.overflows[at] == fixed.Overflows(0, 0)
            continue
        expected = generic_reference(
            form,
            weight,
            rasters[at],
            integers.recurrent_weight,
            delay=delay,
            recurrent_delay=delays.get("recurrent_delay"),
            draw=lambda step, neuron, use, at=at: philox([neuron, at + 1, step, 0], [case.seed, 0])[
                use
            ],
        )
        np.testing.assert_array_equal(rasters[at + 1], expected.spikes)
        assert held.overflows[at].current == expected.current_overflows
        assert held.overflows[at].membrane == expected.membrane_overflows


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_every_target_is_the_reference(target: Target) -> None:
    net = network()
    # Thresholds of recurrent neurons differ, which the reference has one of.
    held = net.to_fixed(replace(target, granularity="layer"))
    planes = net.to_fixed(target)
    layers = [*planes.layers[:3], *held.layers[3:]]
    held = sr.FixedNetwork(net, layers)
    trains = held.run(samples(1), encoder=ENCODER, seed=5).spikes
    rasters = [train.to_dense()[0].astype(np.int64) for train in trains]
    below: tuple[int, ...] = (2, 9, 11)
    for at, (layer, integers) in enumerate(zip(net.layers, layers, strict=True)):
        form = integers.format
        if isinstance(target, sr.Loihi):
            assert held.overflows[at] == fixed.Overflows(0, 0)
            form = replace(form, current_overflow="saturate", membrane_overflow="saturate")
        delays = {name: delay.astype(np.int64) for name, delay in net.delays[at].items()}
        weight, delay, below = unrolled(layer, integers.weight, delays.get("delay"), below)
        own = delays.get("recurrent_delay", np.zeros((len(weight), len(weight)), np.int64))
        recurrent = integers.recurrent_weight
        spikes, *lost = reference(form, weight, rasters[at], recurrent, [delay, own])
        np.testing.assert_array_equal(rasters[at + 1], spikes)
        assert [held.overflows[at].current, held.overflows[at].membrane] == lost
        assert spikes.sum() > 10
    # And they fire about as floats do.
    if target != TARGETS[3]:
        floats = net.run(samples(), encoder=ENCODER, seed=5).spikes
        integers_spikes = planes.run(samples(), encoder=ENCODER, seed=5).spikes
        for one, other in zip(floats[1:], integers_spikes[1:], strict=True):
            assert abs(one.n_spikes - other.n_spikes) < 0.1 * one.n_spikes


def test_windows_that_fire_at_once_have_room() -> None:
    """Untrained kernels with the usual threshold, and images with bright patches."""
    net = sr.Network((28, 28), [sr.Conv2d(4, 5, stride=2), sr.AvgPool2d(2), sr.Dense(10)], seed=0)
    images, encoder = load_demo().x_test[:10], sr.BernoulliEncoder(n_steps=40)
    for granularity in ("layer", "neuron"):
        held = net.to_fixed(sr.QFormat(granularity=granularity))
        for layer in held.report(images, encoder=encoder).layers:
            assert layer.changed is not None and layer.changed < 0.01
            assert layer.distance < 0.1
    # Of lower thresholds currents are larger, in the layer above the windows too.
    low = [sr.Conv2d(4, 5, stride=2, v_th=10.0), sr.AvgPool2d(2, v_th=0.5), sr.Dense(10, v_th=10.0)]
    net = sr.Network((28, 28), low, seed=0)
    for granularity in ("layer", "neuron"):
        held = net.to_fixed(sr.QFormat(state_bits=14, granularity=granularity))
        report = held.report(images, encoder=encoder)
        assert [layer.changed for layer in report.layers] == [0.0] * 3
        assert max(layer.distance for layer in report.layers) < 0.1


@pytest.mark.parametrize("engine", ["clocked", "event"])
def test_graphs_of_planes_fire_as_layers(engine: str) -> None:
    for target in (sr.QFormat(granularity="neuron"), sr.Loihi(), sr.QFormat(state_bits=10)):
        held = network().to_fixed(target)
        trains = held.run(samples(1), encoder=ENCODER, seed=5).spikes
        simulator = sr.Simulator(held, engine=engine, record=range(5))
        simulator.push(trains[0].to_events()[0])
        found = simulator.advance(steps=ENCODER.n_steps)
        sizes = [math.prod(shape) for shape in held.shapes]
        counts = np.bincount(found["x"], minlength=sum(sizes))
        expected = np.concatenate([layer.counts()[0] for layer in trains[1:]])
        np.testing.assert_array_equal(counts, expected)
        assert counts.sum() > 500
        assert simulator.overflows is not None
        assert list(simulator.overflows) == held.overflows


@pytest.mark.parametrize("target", [sr.QFormat(), sr.Loihi(), sr.CortexM()], ids=str)
def test_traces_are_what_a_stream_goes_through(target: Target) -> None:
    held = network().to_fixed(target)
    chosen = {0: [0, 131, 200], 1: [17], 2: [250, 3], 3: [5], 4: [1]}
    run = held.run(samples(1), encoder=ENCODER, record_traces=chosen)
    simulator = sr.Simulator(held, engine="clocked", record=range(5))
    simulator.push(run.spikes[0].to_events()[0])
    fired = [trains.to_counts()[0] for trains in run.spikes[1:]]
    n_fired = 0
    for step in range(ENCODER.n_steps):
        simulator.advance(steps=step + 1)
        for layer, neurons in chosen.items():
            current, potential = run.current[layer][0, step], run.potential[layer][0, step]
            np.testing.assert_array_equal(current, simulator.currents(layer)[neurons])
            silent = fired[layer][step, neurons] == 0
            after = simulator.potentials(layer)[neurons]
            np.testing.assert_array_equal(potential[silent], after[silent])
            n_fired += int((~silent).sum())
    assert n_fired > 5


def test_threads_give_the_same_bits() -> None:
    for target in (sr.QFormat(), sr.QFormat(rounding="stochastic", state_bits=12)):
        runs = []
        for n_threads in (1, 2):
            held = network().to_fixed(target)
            counts = held.spike_counts(samples(), encoder=ENCODER, n_threads=n_threads)
            runs.append((counts.tolist(), held.overflows))
        assert runs[0] == runs[1] and np.sum(runs[0][0]) > 30


def test_what_is_held_is_shown_kept_and_made_again(tmp_path: Path) -> None:
    net = network()
    held = net.to_fixed(sr.QFormat(granularity="neuron"))
    kernels, windows, grouped = held.layers[:3]
    assert kernels.weight.shape == net.weights[0]["weight"].shape == (6, 2, 3, 2)
    assert (windows.weight.tolist(), grouped.weight.shape) == ([[127]], (20, 3, 3, 3))
    assert (kernels.scale.shape, windows.scale.shape) == ((6,), (1,))
    # Exact: the weight of a window of 2 x 2.
    assert windows.weight.item() * windows.scale.item() == pytest.approx(0.25, rel=1e-12)
    apart = net.weights[0]["weight"] - kernels.weight * kernels.scale[:, None, None, None]
    assert np.abs(apart / kernels.scale[:, None, None, None]).max() < 20
    v_th = np.asarray(kernels.format.v_th).reshape(held.shapes[0])
    assert (v_th == v_th[:, :1, :1]).all() and len(np.unique(v_th)) > 1
    summary = held.summary().splitlines()
    assert "0: conv2d     6 x 11 x 5 neurons, weights of 8 bits" in summary[1]
    assert "1: avg_pool2d" in summary[2] and "6 x 11 x 5" in held._repr_html_()
    held.save(tmp_path / "held.safetensors")
    again = sr.FixedNetwork.load(tmp_path / "held.safetensors")
    made = sr.FixedNetwork(net, held.layers)
    expected = held.spike_counts(samples(), encoder=ENCODER)
    for other in (again, made, pickle.loads(pickle.dumps(held))):
        np.testing.assert_array_equal(other.spike_counts(samples(), encoder=ENCODER), expected)
        for one, two in zip(held.layers, other.layers, strict=True):
            np.testing.assert_array_equal(one.weight, two.weight)
            assert one.format == two.format
    line = sr.Network((3, 20), [sr.Conv1d(4, 5, v_th=1.0), sr.AvgPool1d(2), sr.Dense(3)], seed=1)
    assert [x.weight.shape for x in line.to_fixed().layers] == [(4, 3, 5), (1, 1), (3, 32)]


def test_reports_and_calibration_know_kernels() -> None:
    net = network()
    held = net.to_fixed(
        sr.QFormat(weight_bits=4), calibration=samples(3), encoder=ENCODER, seed=5, progress=False
    )
    assert isinstance(held.target, sr.QFormat)
    # Nothing is clipped of windows.
    assert held.target.clip[1] == 1.0 and min(held.target.clip) < 1.0
    report = held.report(samples(), encoder=ENCODER, seed=5)
    errors = [layer.weight_error for layer in report.layers]
    weight, integers = net.weights[0]["weight"], held.layers[0]
    apart = weight - integers.weight * integers.scale
    expected = np.sqrt(np.sum(apart.astype(float) ** 2) / np.sum(weight.astype(float) ** 2))
    assert errors[0] == pytest.approx(expected, rel=1e-5) and errors[1] < 1e-12
    assert all(0.01 < error < 0.2 for error in [errors[0], *errors[2:]])
    assert [layer.zeros for layer in report.layers][1] == 0.0
    # A scale that is the chip's own.
    spinnaker = net.to_fixed("spinnaker").report(samples(), encoder=ENCODER, seed=5).layers[1]
    assert 0.0 <= spinnaker.weight_error < 0.01


def test_refusals_name_the_layer_and_what_it_is() -> None:
    net = network()
    layers = net.to_fixed().layers
    with pytest.raises(
        ValueError,
        match=r"layers\[0\] must be dense or recurrent on Xylo-Audio 3, which holds a weight for "
        r"every synapse, got a convolution",
    ):
        net.to_fixed("xylo")
    pool = sr.Network((1, 4, 4), [sr.AvgPool2d(2), sr.Dense(3)])
    with pytest.raises(ValueError, match=r"layers\[0\] must be dense .* got average pooling"):
        pool.to_fixed(sr.Xylo(enforce_limits=False))
    with pytest.raises(ValueError, match=r"layers\[0\] must be dense .* got average pooling"):
        sr.Trainer(pool, hardware=sr.Xylo(enforce_limits=False)).fit(
            np.zeros((2, 5, 16), np.uint8), [0, 1], epochs=1, progress=False
        )
    for at, weight, message in [
        (
            0,
            layers[0].weight.reshape(6, -1),
            r"layers\[0\]\.weight has shape \(6, 12\), expected "
            r"\(channels=6, channels_in / groups=2, kernel height=3, kernel width=2\)",
        ),
        (1, np.array([[1, 2]]), r"layers\[1\]\.weight has shape \(1, 2\)"),
        (0, layers[0].weight * 1000, r"layers\[0\]\.weight\[\d+, \d+\] must be in \[-128, 127\]"),
        (0, layers[0].weight[0, 0, 0], r"weight has shape \(2,\), expected two dimensions, or"),
    ]:
        changed = list(layers)
        changed[at] = replace(layers[at], weight=weight)
        with pytest.raises(ValueError, match=message):
            sr.FixedNetwork(net, changed)
    scale = replace(layers[0], scale=np.ones(layers[0].weight[0].size))
    with pytest.raises(ValueError, match=r"scale has shape \(12,\), expected \(1,\) or, a number"):
        sr.FixedNetwork(net, [scale, *layers[1:]])
    wide = sr.Network((17, 16, 16), [sr.Conv2d(2, 16, v_th=1.0)])
    with pytest.raises(
        ValueError, match=r"layers\[0\] must be of at most 4096 synapses onto a neuron, .* got 4352"
    ):
        wide.to_fixed("loihi")
    assert wide.to_fixed(sr.Loihi(enforce_limits=False)).shapes == [(2, 1, 1)]


def bars(n: int, seed: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Images of a bar, which lies or stands, and noise."""
    rng = np.random.default_rng(seed)
    x, y = 0.25 * rng.random((n, 8, 8)), rng.integers(0, 2, n)
    for image, label, at, first in zip(
        x, y, rng.integers(0, 8, n), rng.integers(0, 4, n), strict=True
    ):
        line = image[at] if label else image[:, at]
        line[first : first + 5] = 1.0
    return x, y


def test_training_through_brings_accuracy() -> None:
    layers = [sr.Conv2d(8, 3, v_th=4.0), sr.AvgPool2d(2, v_th=0.2), sr.Dense(2, v_th=2.0)]
    net = sr.Network((8, 8), layers, seed=2)
    target, encoder = sr.QFormat(weight_bits=4), sr.BernoulliEncoder(n_steps=40, rate_scale=0.5)
    (x, y), (x_test, y_test) = bars(200, 1), bars(100, 2)
    trainer = sr.Trainer(
        net,
        hardware=target,
        encoder=encoder,
        loss=sr.SoftmaxCrossEntropy(),
        optimizer=sr.Adam(lr=0.02),
        batch_size=16,
    )
    assert trainer.evaluate(x_test, y_test).accuracy < 0.6
    history = trainer.fit(x, y, epochs=5, validation_data=(x_test, y_test), progress=False)
    after = trainer.evaluate(x_test, y_test)
    assert after.accuracy > 0.9
    assert len(history.epochs[0]["overflows"]) == 3
    held = net.to_fixed(target)
    np.testing.assert_array_equal(held.spike_counts(x_test, encoder=encoder), after.counts)
    # It is the integers that have learnt: fifteen of them.
    assert 7 < len(np.unique(held.layers[0].weight)) <= 15


@pytest.mark.parametrize("target", [*TARGETS[:2], *TARGETS[4:]], ids=str)
def test_gradients_are_those_of_the_integers_spikes(target: Target) -> None:
    net, x, y = network(lateral=0.0), samples(), np.arange(6) % 4
    trainer = sr.Trainer(net, encoder=ENCODER, hardware=target, seed=7)
    got = trainer.gradients(x, y)
    held = net.to_fixed(target)
    spikes = held.run(x, encoder=ENCODER, seed=7).spikes
    rounded, weights = network(lateral=0.0), []
    for layer, floats in zip(held.layers, net.weights, strict=True):
        scale = layer.scale.reshape(-1, *[1] * (layer.weight.ndim - 1))
        values = {"weight": layer.weight * scale}
        if "recurrent_weight" in floats:
            assert layer.recurrent_weight is not None
            values["recurrent_weight"] = layer.recurrent_weight * scale
        weights.append({name: values[name] for name in floats})
    rounded.set_weights(weights)
    expected = sr.gradients_from_spikes(rounded, spikes, y)
    assert got.loss == expected.loss
    for one, other in zip(got.weights, expected.weights, strict=True):
        assert one.keys() == other.keys()
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])
    assert all(np.abs(got.weights[at]["weight"]).max() > 0 for at in (0, 2))
