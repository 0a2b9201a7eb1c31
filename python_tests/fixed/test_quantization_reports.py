"""What is told and kept of networks brought to fixed point: reports, files, layers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from quantization_cases import ENCODER, network, samples

import strsbp_rs as sr


def test_report_against_numpy() -> None:
    net, x = network(), samples(30)
    y = net.predict(x, encoder=ENCODER, seed=4)
    fixed = net.to_fixed(sr.QFormat(weight_bits=3, state_bits=10))
    report = fixed.report(x, y, encoder=ENCODER, seed=4)
    assert report.accuracy == 1.0 and report.n_samples == 30
    assert report.fixed_accuracy == np.mean(fixed.predict(x, encoder=ENCODER, seed=4) == y)
    floats = net.run(x, encoder=ENCODER, seed=4).spikes
    integers = fixed.run(x, encoder=ENCODER, seed=4).spikes
    for index, layer in enumerate(report.layers):
        weights, held = net.weights[index], fixed.layers[index]
        errors = [weights["weight"] - held.scale[0] * held.weight]
        values = [weights["weight"]]
        if "recurrent_weight" in weights:
            assert held.recurrent_weight is not None
            errors.append(weights["recurrent_weight"] - held.scale[0] * held.recurrent_weight)
            values.append(weights["recurrent_weight"])
        flat = [np.concatenate([array.ravel() for array in arrays]) for arrays in (errors, values)]
        exists = flat[1] != 0
        error = np.sqrt(np.sum(flat[0] ** 2) / np.sum(flat[1] ** 2))
        assert layer.weight_error == pytest.approx(error, rel=1e-5)
        clipped = np.abs(flat[0][exists]) > 0.5001 * held.scale[0]
        assert layer.clipped == pytest.approx(clipped.mean())
        assert layer.rate == pytest.approx(floats[index + 1].to_dense().mean())
        assert layer.fixed_rate == pytest.approx(integers[index + 1].to_dense().mean())
        filtered = []
        for trains in (integers[index + 1], floats[index + 1]):
            raster = np.concatenate([trains.to_dense(), np.zeros_like(trains.to_dense())], axis=1)
            value, trace = np.zeros((30, raster.shape[2])), []
            for t in range(200):
                value = value * np.exp(-1.0 / net.layers[index].tau_s) + raster[:, t]
                trace.append(value)
            filtered.append(np.array(trace))
        # On the grid the integral is a sum, but for a factor that the ratio loses.
        expected = np.sum((filtered[0] - filtered[1]) ** 2) / np.sum(filtered[1] ** 2)
        assert layer.distance == pytest.approx(expected, rel=1e-3)
    # Those of this run alone, though the network has run before.
    again = fixed.report(x, y, encoder=ENCODER, seed=4)
    assert again == report
    assert sum(layer.overflows.membrane + layer.overflows.current for layer in report.layers) > 0
    assert "accuracy 100.00% before" in str(report)


def test_van_rossum_by_hand() -> None:
    raster = np.zeros((1, 20, 3), bool)
    other = raster.copy()
    raster[0, 3, 0] = raster[0, 4, 1] = other[0, 9, 1] = True
    raster[0, 5, 2] = other[0, 5, 2] = True
    got = sr.van_rossum(
        sr.SpikeTrains.from_dense(raster), sr.SpikeTrains.from_dense(other), tau=4.0, dt=0.5
    )
    np.testing.assert_allclose(got, [[0.5, 1.0 - np.exp(-2.5 / 4.0), 0.0]], rtol=1e-12, atol=1e-15)


def test_files_hold_all(tmp_path: Path) -> None:
    net = network()
    net.set_delays([{k: np.full_like(v, 2.0) for k, v in layer.items()} for layer in net.delays])
    path = tmp_path / "fixed.safetensors"
    for target in (
        sr.QFormat(weight_bits=12, clip=(0.5, 0.6, 0.7)),
        sr.QFormat(scale="percentile", percentile=97.5),
        sr.Loihi(granularity="neuron"),
        sr.Spinnaker(scale="max"),
    ):
        fixed = net.to_fixed(target)
        fixed.save(path)
        read = sr.FixedNetwork.load(path)
        assert read.target == target
        for one, other in zip(read.layers, fixed.layers, strict=True):
            assert one.format.to_dict() == other.format.to_dict()
            np.testing.assert_array_equal(one.weight, other.weight)
            np.testing.assert_array_equal(one.scale, other.scale)
        counts = [each.spike_counts(samples(), encoder=ENCODER) for each in (fixed, read)]
        np.testing.assert_array_equal(*counts)
        assert counts[0].sum() > 50
        for one, other in zip(sr.Network.load(path).weights, net.weights, strict=True):
            np.testing.assert_array_equal(one["weight"], other["weight"])


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    net, path = network(), tmp_path / "net.safetensors"
    net.save(path)
    with pytest.raises(ValueError, match="holds a network, expected a network in fixed point"):
        sr.FixedNetwork.load(path)
    net.to_fixed().save(path)
    data = path.read_bytes()
    path.write_bytes(data[:-100])
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        sr.FixedNetwork.load(path)
    path.write_bytes(data.replace(b"layers.1.fixed_weight", b"layers.9.fixed_weight"))
    with pytest.raises(ValueError, match=r"lacks the array 'layers\.1\.fixed_weight'"):
        sr.FixedNetwork.load(path)


def test_what_runs_is_what_is_shown_and_saved(tmp_path: Path) -> None:
    fixed = network().to_fixed()
    layers = fixed.layers
    with pytest.raises(ValueError, match="read-only"):
        layers[0].weight[:] = 0
    own = layers[0].weight.copy()
    other = sr.FixedNetwork(network(), [replace(layers[0], weight=own), *layers[1:]])
    before = other.spike_counts(samples(), encoder=ENCODER)
    own[:] = 0
    other.save(tmp_path / "f.safetensors")
    read = sr.FixedNetwork.load(tmp_path / "f.safetensors")
    np.testing.assert_array_equal(read.spike_counts(samples(), encoder=ENCODER), before)
    for scale, message in [
        (np.ones(7), r"layers\[0\]\.scale has shape \(7,\), expected \(1,\) or \(n_out=30,\)"),
        (np.array([np.nan]), r"layers\[0\]\.scale must be finite and > 0, got NaN"),
        (np.array([0.0]), r"layers\[0\]\.scale must be finite and > 0, got 0"),
    ]:
        with pytest.raises(ValueError, match=message):
            sr.FixedNetwork(network(), [replace(layers[0], scale=scale), *layers[1:]])
    with pytest.raises(ValueError, match=r"layers\[0\]\.weight must have 32 bits"):
        wide = layers[0].weight.astype(np.int64) + 2**32
        sr.FixedNetwork(network(), [replace(layers[0], weight=wide), *layers[1:]])


def test_classes_are_checked() -> None:
    fixed = network().to_fixed()
    for error, y in [(TypeError, np.zeros(12)), (ValueError, np.full(12, 5)), (ValueError, [0, 1])]:
        with pytest.raises(error, match="y"):
            fixed.report(samples(), y, encoder=ENCODER)


def test_clipping_is_counted_whatever_the_weights_have_in_common() -> None:
    net = sr.Network(2, [sr.Dense(1)])
    net.set_weights([{"weight": [[1.0, -1.0]]}])
    report = net.to_fixed(sr.QFormat(clip=(0.8,))).report(samples(2)[:, :2], encoder=ENCODER)
    assert report.layers[0].clipped == 1.0
