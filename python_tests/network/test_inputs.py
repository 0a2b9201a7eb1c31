"""Samples in the forms that people have them in: the table of docs/inputs.md."""

import pathlib
import re

import numpy as np
import pytest
from input_cases import ENCODER, counts_of, net, took

import strsbp_rs as sr

# Rasters -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["?", "b", "B", "h", "H", "i", "I", "l", "L", "e", "f", "d", "g"])
@pytest.mark.parametrize("most", [1, 3])
def test_rasters_of_any_dtype_keep_their_counts(dtype, most):
    if dtype == "?" and most > 1:
        dtype = ">i2"
    counts = counts_of(most=most)
    expected = sr.SpikeTrains.from_counts(counts)
    x = counts.astype(dtype)
    assert took(x) == sr.SpikeTrains.from_dense(x) == expected
    assert expected.n_spikes == counts.sum()
    np.testing.assert_array_equal(net().spike_counts(x), net().spike_counts(expected))


def test_counts_of_three_are_three_spikes():
    """m09: as uint8 they became one."""
    counts = np.zeros((1, 30, 2), np.uint8)
    counts[0, 0] = 3
    one = sr.Network(2, [sr.Dense(1, v_th=3.0, init=sr.ConstantInit(5.0))])
    expected = one.spike_counts(sr.SpikeTrains.from_counts(counts))
    assert expected > one.spike_counts(counts > 0)
    for dtype in (np.uint8, np.int16, np.float32):
        np.testing.assert_array_equal(one.spike_counts(counts.astype(dtype)), expected)


def test_frames_are_flattened_as_pixels_are_numbered():
    frames = counts_of(shape=(2, 30, 2, 3, 4))
    expected = sr.SpikeTrains.from_counts(frames.reshape(2, 30, 24))
    assert took(frames.astype(np.int16), n_in=24) == expected
    # Alone in its frame, pixel (x, y) of polarity p is neuron x + W (y + H p).
    single = np.zeros((1, 1, 2, 3, 4), np.int16)
    single[0, 0, 1, 2, 3] = 1
    trains = sr.SpikeTrains.from_dense(single)
    assert trains.to_events()[0]["x"].tolist() == [3 + 4 * (2 + 3 * 1)]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            lambda c: c * 0.4,
            ValueError,
            r"x\[0, 0, 0\] must be a whole number .*got 1\.2.*analog .*encoder",
        ),
        (lambda c: np.where(c == 3, np.nan, c), ValueError, r"x\[.*must be a whole .*got nan"),
        (lambda c: c - 1, ValueError, r"x\[0, 0, 5\] must be in \[0, 65535\], got -1"),
        (lambda c: np.where(c == 3, np.inf, c), ValueError, r"must be in \[0, 65535\], got inf"),
        (lambda c: c * 2**20, ValueError, r"must be in \[0, 65535\], got 3145728"),
        (
            lambda c: (c > 0) * np.uint8(255),
            ValueError,
            "mask of 0 and 255: give x > 0 if .*from_c",
        ),
        (lambda c: c.astype(complex), TypeError, "x has dtype complex128, expected truth values"),
        (lambda c: c.astype(str), TypeError, "x has dtype <U.*, expected truth values"),
        (
            lambda c: c[0, 0],
            ValueError,
            r"x has shape \(12,\), expected \(n_samples, n_steps, n_in",
        ),
        (lambda c: c[..., :5], ValueError, r"x has shape \(5, 30, 5\), expected .*n_in=12\)$"),
        (
            lambda c: c[0],
            ValueError,
            r"encoder must be given.*shape \(30, 12\); if .* give x\[None\]",
        ),
        (lambda c: c[:, 0, :7], ValueError, r"encoder must be given .*got None, .*\(5, 7\)$"),
    ],
)
def test_what_is_no_raster(change, error, message):
    with pytest.raises(error, match=message):
        took(change(counts_of()))


def test_255_is_a_count_among_others_or_where_it_is_said():
    counts = counts_of().astype(np.uint8)
    counts[0, 0, 0] = 255
    assert took(counts).n_spikes == counts.sum()
    mask = (counts > 0) * np.uint8(255)
    assert sr.SpikeTrains.from_counts(mask).n_spikes == int(mask.sum())
    assert sr.SpikeTrains.from_dense(mask > 0).n_spikes == np.count_nonzero(counts)
    with pytest.raises(ValueError, match=r"raster must be .*got a mask of 0 and 255"):
        sr.SpikeTrains.from_dense(mask)


# Analog values -----------------------------------------------------------------------------------


def test_images_are_flattened_whatever_their_axes():
    values = np.random.default_rng(0).random((5, 12))
    expected = took(values, encoder=ENCODER)
    for shape in ((5, 3, 4), (5, 4, 3), (5, 1, 3, 4), (5, 3, 2, 2), (5, 12, 1), (5, 1, 12)):
        assert took(values.reshape(shape), encoder=ENCODER) == expected
    y = np.arange(5) % 3
    results = []
    for x in (values, values.reshape(5, 3, 4)):
        augment = sr.ImageAugment((3, 4), max_shift=1)
        trainer = sr.Trainer(net(), encoder=ENCODER, augment=augment, n_threads=1)
        trainer.fit(x, y, epochs=1, validation_data=(x, y), progress=False)
        results.append(trainer.network.weights[0]["weight"])
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("dtype", ["e", "f", "d", "g", ">f4", ">f8"])
def test_floats_of_any_width(dtype):
    values = (np.random.default_rng(0).integers(0, 9, (5, 12)) / 8).astype(dtype)
    assert took(values, encoder=ENCODER) == took(values.astype(np.float64), encoder=ENCODER)


def test_bytes_and_truth_values():
    x = np.random.default_rng(0).random((5, 12)) < 0.5
    expected = took(x.astype(np.float32), encoder=ENCODER)
    assert took(x, encoder=ENCODER) == took(x * np.uint8(255), encoder=ENCODER) == expected


@pytest.mark.parametrize(
    ("shape", "dtype", "error", "message"),
    [
        # The row of m09: images of 28 x 28 and a network of 28 inputs.
        (
            (3, 28, 12),
            np.uint8,
            ValueError,
            r"x has shape \(3, 28, 12\), expected .*images of 336 values, for a network with "
            r"n_in=336; if it is a raster of 28 steps, give SpikeTrains\.from_dense\(x\), or no",
        ),
        ((3, 28, 12), bool, ValueError, "if it is a raster of 28 steps"),
        ((3, 9, 3, 4), bool, ValueError, "images of 108 values.*raster of 9 steps"),
        ((3, 5, 5), np.uint8, ValueError, r"x has shape \(3, 5, 5\), expected .*n_in=12\)$"),
        ((12,), np.uint8, ValueError, r"x has shape \(12,\), expected \(n_samples, n_in=12\)$"),
        ((3, 12), np.int64, TypeError, r"dtype int64, .*astype\(np\.uint8\) if .*x / x\.max\(\)"),
        ((3, 3, 4), np.uint16, TypeError, "x has dtype uint16, expected uint8, float32 or float64"),
        (
            (3, 12),
            complex,
            TypeError,
            "x has dtype complex128, expected uint8, float32 or float64$",
        ),
        ((3, 12), object, TypeError, "x must be an array of numbers, got ndarray"),
    ],
)
def test_what_is_ambiguous_or_no_image(shape, dtype, error, message):
    x = np.zeros(shape, dtype)
    with pytest.raises(error, match=message):
        took(x, encoder=ENCODER)
    trainer = sr.Trainer(net(), encoder=ENCODER, n_threads=1)
    with pytest.raises(error, match=message):
        trainer.fit(x, np.zeros(len(x), int), epochs=1, progress=False)
    assert trainer.epoch == 0


def test_images_without_an_encoder_are_told_to_have_one():
    for dtype in (np.uint8, np.float32, bool):
        with pytest.raises(ValueError, match="as images of 12 values they need an encoder"):
            took(np.zeros((5, 3, 4), dtype))


def test_spike_trains_stay_what_they_are():
    trains = sr.SpikeTrains.from_counts(counts_of())
    assert took(trains, encoder=ENCODER) == took(trains) == trains


# Events ------------------------------------------------------------------------------------------


def test_event_lists_go_straight_in():
    raster = counts_of(most=1) > 0
    trains = sr.SpikeTrains.from_dense(raster)
    y = np.arange(5) % 3
    events = trains.to_events()
    small = [np.zeros(len(array), [("x", "u1"), ("t", "i2")]) for array in events]
    for array, same in zip(small, events, strict=True):
        array["t"], array["x"] = same["t"], same["x"]
    as_objects = np.empty(5, object)
    as_objects[:] = events
    for x in (events, tuple(events), small, as_objects):
        assert took(x, n_steps=30) == trains
        # An encoder brings its steps along.
        assert took(x, encoder=ENCODER) == trains
    network = net()
    np.testing.assert_array_equal(network.predict(events, n_steps=30), network.predict(trains))
    fixed = network.to_fixed()
    np.testing.assert_array_equal(fixed.predict(small, n_steps=30), fixed.predict(trains))
    assert fixed.run(events, n_steps=30).spikes == fixed.run(trains).spikes
    assert fixed.report(events, y, n_steps=30) == fixed.report(trains, y)
    weights = []
    for x, steps in ((events, 30), (trains, None)):
        trainer = sr.Trainer(net(), n_threads=1)
        held_out = (x, y)
        trainer.fit(x, y, epochs=1, n_steps=steps, validation_data=held_out, progress=False)
        found = trainer.evaluate(x, y, n_steps=steps)
        gradients = trainer.gradients(x, y, n_steps=steps)
        weights.append((trainer.network.weights, found.counts, gradients.weights))
    np.testing.assert_equal(*weights)


def test_steps_of_event_lists_are_said_and_others_agree():
    trains = sr.SpikeTrains.from_dense(counts_of(most=1) > 0)
    events = trains.to_events()
    with pytest.raises(ValueError, match="n_steps must be given with lists of events"):
        took(events)
    with pytest.raises(ValueError, match=r"x\[0\]\['t'\]\[.*must be a step in \[0, 29\), got 29"):
        took(events, n_steps=29)
    assert took(events, n_steps=40).shape == (5, 40, 12)
    assert took(trains, n_steps=30) == took(trains.to_dense(), n_steps=30) == trains
    for x, options, of in (
        (trains, {}, "x"),
        (trains.to_dense(), {}, "x"),
        (np.zeros((5, 12)), {"encoder": ENCODER}, "the encoder"),
    ):
        with pytest.raises(ValueError, match=f"n_steps must be 30, those of {of}, got 31"):
            took(x, n_steps=31, **options)
    with pytest.raises(TypeError, match="x must be a list of event arrays, one a sample, got one"):
        took(events[0], n_steps=30)
    with pytest.raises(TypeError, match=r"x\[1\] has ndarray, expected a structured array"):
        took([events[0], np.zeros(3)], n_steps=30)
    pixels = [np.zeros(1, [("t", int), ("x", int), ("y", int)])]
    with pytest.raises(
        TypeError, match=r"a pixel is one number, .*from_events\(sensor_size=\.\.\.\)"
    ):
        took(pixels, n_steps=30)


def test_the_code_of_the_page_runs():
    pytest.importorskip("sklearn")
    page = pathlib.Path(__file__).parents[2] / "docs" / "inputs.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 4
    names = {}
    for block in blocks:
        exec(block, names)
    assert names["spikes"].shape == (8, 100, 2312)
    assert (len(names["x_train"]), len(names["x_test"])) == (6, 2)
