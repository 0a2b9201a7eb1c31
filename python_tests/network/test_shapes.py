"""Shapes of inputs and layers: what fits, what is refused by name, and arrays that have them."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from shape_cases import ENCODER, line, max_pools, planes

import strsbp_rs as sr

# What a network knows of shapes ------------------------------------------------------------------


def test_shapes_of_inputs_and_layers() -> None:
    net = planes()
    assert (net.n_in, net.in_shape, net.n_out) == (108, (2, 6, 9), 3)
    assert net.shapes == [(4, 6, 9), (4, 3, 3), (5,), (3,)]
    assert line().in_shape == (3, 25)
    assert line().shapes == [(6, 11), (6, 3), (3,)]
    for n_in in (12, (12,), np.array(12), np.array([12])):
        flat = sr.Network(n_in, [sr.Dense(3)])
        assert (flat.n_in, flat.in_shape, flat.shapes) == (12, (12,), [(3,)])
    assert sr.Network((3, 4), [sr.Dense(3)]).in_shape == (1, 3, 4)
    assert sr.Network([3, 4], [sr.AvgPool2d(2), sr.Dense(2)]).in_shape == (1, 3, 4)
    assert sr.Network((3, 1, 4), [sr.Conv1d(2, 2)]).in_shape == (3, 4)
    fixed = net.to_fixed()
    assert (fixed.in_shape, fixed.shapes) == (net.in_shape, net.shapes)


def test_a_pool_takes_one_weight_however_large_its_plane() -> None:
    """A billion inputs: to go through their synapses would take many minutes."""
    net = sr.Network((2**15 - 1, 2**15), [sr.AvgPool2d(2**12)])
    assert net.shapes == [(1, 7, 8)] and net.n_parameters == 0


@pytest.mark.parametrize("make", [planes, line, max_pools])
def test_in_shape_and_layers_make_the_network_again(make: Any) -> None:
    net = make(dtype="float64")
    again = sr.Network(net.in_shape, net.layers, seed=net.seed, dtype="float64")
    assert (again.in_shape, again.shapes) == (net.in_shape, net.shapes)
    same_arrays(again.weights, net.weights)
    same_arrays(again.delays, net.delays)


def test_summaries() -> None:
    first, *lines = planes().summary().splitlines()
    # 4 kernels of 1 x 3 x 3, 5 neurons above 36 and 4 others, 3 above 5.
    assert first == "Network of 2 x 6 x 9 inputs, 251 weights, float32"
    assert lines[0].startswith("  0: conv2d     4 x 6 x 9 neurons, tau_m 64 ms")
    assert (
        "kernel 3 x 3, stride 1 x 1, padding 1 x 1, 2 groups, 36 weights, delay 0 to 3 ms"
        in (lines[0])
    )
    assert lines[1].startswith("  1: avg_pool2d 4 x 3 x 3 neurons,")
    assert lines[1].endswith("kernel 2 x 3, stride 2 x 3, no weights")
    assert lines[3].startswith("  3: dense              3 neurons,")
    assert planes().outline == "2x6x9-4C3-P2x3-R5-3"
    assert line().outline == "3x25-6C5s2-P3-3"
    pooled = sr.Network((28, 28), [sr.Conv2d(15, 5), sr.AvgPool2d(2, 1), sr.Dense(10)])
    assert pooled.outline == "28x28-15C5-P2s1-10"
    largest = sr.Network((28, 28), [sr.Conv2d(15, 5), sr.MaxPool2d(2), sr.MaxPool2d((3, 1), 2, 1)])
    assert largest.outline == "28x28-15C5-MP2-MP3x1s2"
    lines = largest.summary().splitlines()
    assert lines[2].startswith("  1: max_pool2d 15 x 12 x 12 neurons, largest count, kernel 2 x 2,")
    assert lines[2].endswith("stride 2 x 2, no weights")
    assert "none" in largest._repr_html_() and "15 x 12 x 12" in largest._repr_html_()
    html = planes()._repr_html_()
    assert "4 x 6 x 9" in html and "none" in html and "2x6x9-4C3-P2x3-R5-3" in html


def test_default_weights_go_by_the_fan_in_of_kernels() -> None:
    """Those of a dense layer with so many inputs; a pool of the input keeps its rate."""
    conv, pool, dense = sr.Conv2d(2, 3, groups=2), sr.AvgPool2d(2), sr.Dense(4)
    net = sr.Network((4, 6, 6), [pool, conv, dense])
    assert net.layers[1].init == sr.Network(2 * 9, [sr.Dense(4)]).layers[0].init
    below = sr.Network(5, [sr.Dense(2), sr.Dense(4)]).layers[1].init
    assert net.layers[2].init == below
    # The learning rate as well, in which pools do not count.
    flat = sr.Network(2 * 9, [sr.Dense(2), sr.Dense(4)])
    rates = [sr.Trainer(n).config["optimizer"]["lr"] for n in (net, flat)]
    assert rates[0] == rates[1]


# What does not fit -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_in", "layers", "message"),
    [
        (784, [sr.Conv2d(3, 5)], r"layers\[0\] must be above neurons in a plane.*got 784 neurons"),
        ((28, 28), [sr.Conv2d(3, 29)], r"layers\[0\]\.kernel .*28 places of the height.*got 29"),
        (
            (28, 28),
            [sr.Conv2d(3, 5), sr.AvgPool2d((2, 25))],
            r"layers\[1\]\.kernel must be a window of at most the 24 places of the width.*got 25",
        ),
        ((8, 8), [sr.Conv2d(3, 3, dilation=4)], r"layers\[0\]\.kernel .*8 places.*got 9 places"),
        ((8, 8), [sr.Conv2d(3, 3, dilation=4, padding=(1, 0))], r"8 places of the width"),
        ((8, 8), [sr.Dense(9), sr.AvgPool2d(3)], r"layers\[1\] must be above neurons in a plane"),
        ((4, 8, 8), [sr.Conv2d(6, 3, groups=4)], r"layers\[0\]\.groups must be a divisor of the 4"),
        ((3, 8, 8), [sr.Conv2d(6, 3, groups=2)], r"of the 3 channels below and of the layer's 6"),
        ((2, 8, 8), [sr.Conv2d(6, 3, groups=0)], r"layers\[0\]\.groups must be .*got 0"),
        ((8, 8), [sr.Conv2d(0, 3)], r"layers\[0\]\.channels must be in \[1, 2\^24\), got 0"),
        ((8, 8), [sr.Conv2d(2, 0)], r"layers\[0\]\.kernel must be in \[1, 2\^24\], got 0"),
        ((8, 8), [sr.Conv2d(2, 2, 0)], r"layers\[0\]\.stride must be in \[1, 2\^24\], got 0"),
        ((8, 8), [sr.Conv2d(2, 2, dilation=0)], r"layers\[0\]\.dilation must be in .*got 0"),
        ((8, 8), [sr.Conv2d(2, 2, padding=2**25)], r"layers\[0\]\.padding must be in \[0, 2\^24\]"),
        ((2, 8, 8), [sr.Conv1d(2, 3)], r"layers\[0\] must be above neurons in a line.*8 x 8"),
        ((2, 8), [sr.Conv1d(2, 9)], r"layers\[0\]\.kernel .*8 places of the width.*got 9"),
        (8, [sr.MaxPool2d(2)], r"layers\[0\] must be above neurons in a plane.*got 8 neurons"),
        (8, [sr.MaxPool1d(2)], r"layers\[0\] must be above neurons in a line.*got 8 neurons"),
        (
            (6, 9),
            [sr.MaxPool2d((2, 3)), sr.MaxPool2d((4, 1))],
            r"layers\[1\]\.kernel must be a window of at most the 3 places of the height.*got 4",
        ),
        ((8, 8), [sr.MaxPool2d(2, 0)], r"layers\[0\]\.stride must be in \[1, 2\^24\], got 0"),
        (8, [sr.AvgPool1d(2)], r"layers\[0\] must be above neurons in a line.*got 8 neurons"),
        ((28, 28), [sr.Conv2d(2**23, 5)], r"layers\[0\]: the number of neurons must be in \[1, 2"),
        ((2, 3, 4, 5), [sr.Dense(3)], r"n_in must be a number of inputs, \(height, width\),"),
        ((), [sr.Dense(3)], r"n_in must be a number of inputs.*got \(\)"),
        ((2, 0, 4), [sr.Dense(3)], r"n_in\[1\] must be >= 1, got 0"),
        ((2**16, 2**15), [sr.Dense(3)], r"n_in must be < 2\^31 in all, got 65536 x 32768"),
    ],
)
def test_impossible_shapes_are_refused(n_in: Any, layers: list[Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sr.Network(n_in, layers)


@pytest.mark.parametrize("n_in", ["8", b"8", None, 2.5, (2.5, 2), (True, 2), {}])
def test_what_is_no_shape(n_in: Any) -> None:
    with pytest.raises(TypeError, match=r"n_in.* must be"):
        sr.Network(n_in, [sr.Dense(3)])


def test_sizes_of_kernels() -> None:
    assert sr.Conv2d(3, 5) == sr.Conv2d(3, (5, 5), (1, 1), (0, 0), np.array([1, 1]))
    assert sr.AvgPool2d((2, 3)).stride == (2, 3) and sr.AvgPool1d(4).stride == 4
    assert sr.AvgPool2d(2, (1, 2), 1).stride == (1, 2)
    assert sr.MaxPool2d((2, 3)).stride == (2, 3) and sr.MaxPool1d(4).stride == 4
    assert sr.MaxPool2d(2, (1, 2), 1) == sr.MaxPool2d((2, 2), (1, 2), (1, 1))
    assert sr.Conv2d(3, (5, 3), dilation=(1, 2), padding="same").padding == (2, 2)
    assert sr.Conv2d(3, 4, 2, padding="valid").padding == (0, 0)
    assert sr.Conv1d(3, 7, dilation=2, padding="same").padding == 6
    assert sr.Network((9, 7), [sr.Conv2d(3, (5, 3), padding="same")]).shapes == [(3, 9, 7)]
    for wrong, error, message in [
        (lambda: sr.Conv2d(3, (3, 3, 3)), ValueError, "Conv2d.kernel must be an integer or two"),
        (lambda: sr.Conv2d(3, 3.5), TypeError, "Conv2d.kernel must be an integer or two"),
        (lambda: sr.Conv2d(3, (3, 3.5)), TypeError, "Conv2d.kernel.1. must be an integer"),
        (lambda: sr.Conv2d(3, 3, -1), ValueError, "Conv2d.stride must be >= 0, got -1"),
        (lambda: sr.Conv1d(3, (3, 3)), TypeError, "Conv1d.kernel must be an integer, got"),
        (lambda: sr.Conv2d(3, 3, padding="smae"), ValueError, "did you mean 'same'"),
        (lambda: sr.Conv2d(3, 4, padding="same"), ValueError, "with kernels of odd size, got"),
        (lambda: sr.Conv1d(3, 3, 2, padding="same"), ValueError, "with stride 1, got 2"),
        (lambda: sr.AvgPool2d(2, padding="same"), TypeError, "AvgPool2d.padding must be an"),
        (lambda: sr.MaxPool2d(2, padding="same"), TypeError, "MaxPool2d.padding must be an"),
        (lambda: sr.MaxPool1d((2, 2)), TypeError, "MaxPool1d.kernel must be an integer, got"),
    ]:
        with pytest.raises(error, match=message):
            wrong()


# Weights and delays ------------------------------------------------------------------------------


def same_arrays(found: Any, expected: Any) -> None:
    for of_layer, same in zip(found, expected, strict=True):
        assert of_layer.keys() == same.keys()
        for name, array in of_layer.items():
            np.testing.assert_array_equal(array, same[name])


def test_weights_have_the_axes_of_kernels() -> None:
    shapes = [[array.shape for array in of_layer.values()] for of_layer in planes().weights]
    assert shapes == [[(4, 1, 3, 3)], [], [(5, 36), (5, 5)], [(3, 5)]]
    assert planes().delays[0]["delay"].shape == (4, 1, 3, 3)
    assert [array.shape for array in line().weights[0].values()] == [(6, 3, 5)]
    n = sum(array.size for of_layer in line().weights for array in of_layer.values())
    assert line().n_parameters == n


@pytest.mark.parametrize("make", [planes, line])
def test_weights_come_back_as_they_were_set(make: Any) -> None:
    net, rng = make(), np.random.default_rng(1)
    weights, delays = net.weights, net.delays
    weights[0]["weight"] = rng.normal(size=weights[0]["weight"].shape).astype(np.float32)
    delays[0]["delay"] = rng.integers(0, 5, delays[0]["delay"].shape).astype(np.float64)
    net.set_weights(weights)
    net.set_delays(delays)
    same_arrays(net.weights, weights)
    same_arrays(net.delays, delays)
    # An entry where the layer's page says it is: a lone weight carries one spike to one neuron.
    weight = weights[0]["weight"]
    weight[:] = 0.0
    weight[(2, 0, *[1] * (weight.ndim - 2))] = 100.0
    net.set_weights(weights)
    net.set_delays([{name: 0.0 * delay for name, delay in layer.items()} for layer in delays])
    spikes = np.zeros((1, 6, *net.in_shape), np.bool_)
    # Channel 2 of the planes is in the second group, which hears the second channel.
    at = (1, 3, 4) if make is planes else (0, 9)
    spikes[(0, 0, *at)] = True
    fired = net.run(spikes).spikes[1].to_dense()[0].any(axis=0).reshape(net.shapes[0])
    # Stride 1 and padding 1: tap (1, 1) lies on the place itself. Stride 2: place 9 is tap 1 of 4.
    assert np.argwhere(fired).tolist() == [[2, 3, 4] if make is planes else [2, 4]]


def test_wrong_arrays_are_named_by_their_axes() -> None:
    net = planes()
    before = net.weights

    def changed(arrays: Any, layer: int, name: str, value: Any) -> Any:
        arrays = copy.deepcopy(arrays)
        arrays[layer][name] = value
        return arrays

    flat = before[0]["weight"].reshape(4, 9)
    expected = r"channels=4, channels_in / groups=1, kernel height=3, kernel width=3"
    with pytest.raises(ValueError, match=rf"weights\[0\]\['weight'\] has shape .*{expected}"):
        net.set_weights(changed(before, 0, "weight", flat))
    bad = before[0]["weight"].copy()
    bad[3, 0, 1, 2] = np.nan
    with pytest.raises(ValueError, match=r"weights\[0\]\['weight'\]\[3, 0, 1, 2\] must be finite"):
        net.set_weights(changed(before, 0, "weight", bad))
    delay = net.delays[0]["delay"]
    delay[2, 0, 1, 1] = 0.5
    with pytest.raises(ValueError, match=r"delays\[0\]\['delay'\]\[2, 0, 1, 1\] must be a whole"):
        net.set_delays(changed(net.delays, 0, "delay", delay))
    with pytest.raises(ValueError, match=r"weights\[1\] must be with keys \[\], got key 'weight'"):
        net.set_weights(changed(before, 1, "weight", np.zeros((1, 1))))
    with pytest.raises(
        ValueError, match=r"expected \(channels=6, channels_in / groups=3, kernel=5"
    ):
        line().set_weights(changed(line().weights, 0, "weight", np.zeros((6, 3, 1, 5))))
    same_arrays(net.weights, before)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("make", [planes, line, max_pools])
def test_files_and_pickles(make: Any, dtype: str, tmp_path: Any) -> None:
    net = make(dtype=dtype)
    delays = net.delays
    delays[0]["delay"] += 1.0
    net.set_delays(delays)
    path = tmp_path / "net.safetensors"
    net.save(path)
    for other in (sr.Network.load(path), pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        assert (other.layers, other.in_shape) == (net.layers, net.in_shape)
        assert other.summary() == net.summary()
        same_arrays(other.weights, net.weights)
        same_arrays(other.delays, net.delays)


def test_training_goes_on_from_a_checkpoint_with_the_same_bits(tmp_path: Any) -> None:
    rng = np.random.default_rng(2)
    x, y = rng.random((20, 2, 6, 9)), np.arange(20) % 3
    path = tmp_path / "checkpoint.safetensors"

    def trainer() -> sr.Trainer:
        return sr.Trainer(planes(), encoder=ENCODER, batch_size=8, n_threads=2)

    whole, first = trainer(), trainer()
    whole.fit(x, y, epochs=3, progress=False)
    first.fit(x, y, epochs=2, progress=False, checkpoint=path)
    resumed = sr.Trainer.load(path)
    assert resumed.network.in_shape == (2, 6, 9)
    resumed.fit(x, y, epochs=3, progress=False)
    same_arrays(resumed.network.weights, whole.network.weights)
    assert not np.array_equal(whole.network.weights[0]["weight"], planes().weights[0]["weight"])
    assert repr(whole).startswith("<Trainer: 2x6x9-4C3-P2x3-R5-3, ")


def test_kernels_there_is_no_memory_for() -> None:
    message = rf"layers\[0\]: weights of kernels = {2**59} of .* no memory for so many"
    with pytest.raises(MemoryError, match=message):
        sr.Network((2**29, 1, 2), [sr.Conv2d(2**23, (1, 128), padding=(0, 127))])
