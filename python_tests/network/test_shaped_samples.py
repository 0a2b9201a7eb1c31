"""Samples of networks whose inputs have a shape, their warnings and their recipes."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from shape_cases import ENCODER, INIT, line, planes

import strsbp_rs as sr
from strsbp_rs.datasets import load_demo
from strsbp_rs.recipes._recipe import RecipeError, load_recipe
from strsbp_rs.training._data import inputs_of

# Samples -----------------------------------------------------------------------------------------


def test_samples_have_the_axes_of_the_input_or_are_flat() -> None:
    net, rng = planes(), np.random.default_rng(3)
    x = rng.random((4, 2, 6, 9))
    expected = net.spike_counts(x, encoder=ENCODER)
    assert expected.any()
    for same in (x.reshape(4, 108), x.reshape(4, 2, 1, 6, 9), x.tolist()):
        np.testing.assert_array_equal(net.spike_counts(same, encoder=ENCODER), expected)
    raster = rng.random((4, 30, 2, 6, 9)) < 0.2
    expected = net.spike_counts(raster)
    for same in (raster.reshape(4, 30, 108), raster.astype(np.uint8)):
        np.testing.assert_array_equal(net.spike_counts(same), expected)
    trains = sr.SpikeTrains.from_dense(raster)
    np.testing.assert_array_equal(net.spike_counts(trains), expected)
    # With an encoder of its own, images need it and rasters do not.
    net.encoder = ENCODER
    np.testing.assert_array_equal(net.spike_counts(raster), expected)
    assert net.spike_counts(x).shape == (4, 3)


def test_one_channel_goes_without_saying() -> None:
    net = sr.Network((6, 9), [sr.Conv2d(2, 3, v_th=1.0, init=INIT)])
    x = np.random.default_rng(3).random((4, 6, 9))
    expected = net.spike_counts(x, encoder=ENCODER)
    for same in (x[:, None], x[..., None], x.reshape(4, 54)):
        np.testing.assert_array_equal(net.spike_counts(same, encoder=ENCODER), expected)
    raster = np.random.default_rng(3).random((4, 20, 6, 9)) < 0.3
    np.testing.assert_array_equal(net.spike_counts(raster), net.spike_counts(raster[:, :, None]))
    net.encoder = ENCODER
    assert net.spike_counts(x).any()


@pytest.mark.parametrize(
    ("shape", "encoder", "message"),
    [
        ((3, 6, 9, 2), ENCODER, r"x has shape \(3, 6, 9, 2\), expected \(n_samples, channels=2,"),
        ((3, 2, 9, 6), ENCODER, r"height=6, width=9\) or \(n_samples, n_in=108\)"),
        ((3, 12, 9), ENCODER, r"x has shape \(3, 12, 9\), expected"),
        ((3, 5, 6, 9, 2), None, r"expected \(n_samples, n_steps, channels=2, height=6, width=9\)"),
        ((3, 2, 6, 9), None, r"as images of 108 values they need an encoder"),
        ((3, 30, 2, 6, 9), ENCODER, r"if it is a raster of 30 steps, give SpikeTrains.from_dense"),
    ],
)
def test_samples_with_other_axes_are_refused(shape: Any, encoder: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        planes().spike_counts(np.zeros(shape), encoder=encoder)
    trainer = sr.Trainer(planes(), encoder=encoder)
    with pytest.raises(ValueError, match=message):
        trainer.fit(np.zeros(shape), np.zeros(3, int), epochs=1, progress=False)


def pixel_events() -> np.ndarray[Any, Any]:
    events = np.zeros(4, [("t", "i8"), ("x", "i2"), ("y", "u1"), ("p", "?")])
    events["t"], events["x"] = [0, 1, 2, 3], [1, 2, 3, 8]
    events["y"], events["p"] = [3, 0, 5, 5], [0, 1, 0, 1]
    return events


def test_events_of_pixels_are_spikes_of_a_plane() -> None:
    net, events = planes(), pixel_events()
    found = net.run([events], n_steps=6).spikes[0]
    expected = np.zeros((1, 6, 2, 6, 9), np.bool_)
    for t, x, y, p in events.tolist():
        expected[0, t, int(p), y, x] = True
    np.testing.assert_array_equal(found.to_dense().reshape(expected.shape), expected)
    trains = sr.SpikeTrains.from_events(
        [events], n_steps=6, sensor_size=(9, 6, 2), time_unit="step"
    )
    assert found == trains
    # Without y and p, x alone says which input it is.
    flat = np.zeros(2, [("t", "i8"), ("x", "i8")])
    flat["x"] = [0, 107]
    assert net.run([flat], n_steps=6).spikes[0].counts()[0, [0, 107]].tolist() == [1, 1]
    # On a line p is the channel.
    of_line = line().run([events[["t", "x", "p"]]], n_steps=6).spikes[0]
    assert of_line.counts().reshape(3, 25).nonzero()[0].tolist() == [0, 0, 1, 1]


def test_events_off_the_plane_are_named() -> None:
    events = pixel_events()
    events["y"][2] = 6
    with pytest.raises(ValueError, match=r"x\[0\]\['y'\]\[2\] must be in \[0, 6\), got 6"):
        planes().run([events], n_steps=6)
    with pytest.raises(TypeError, match=r"x\[0\] has fields .*expected p too"):
        planes().run([pixel_events()[["t", "x", "y"]]], n_steps=6)
    with pytest.raises(TypeError, match=r"x\[0\] has fields .*expected t and x"):
        sr.Network(108, [sr.Dense(3)]).run([events], n_steps=6)


# Warnings and recipes ----------------------------------------------------------------------------


def test_silent_pools_are_told_how_to_fire() -> None:
    net = sr.Network((8, 8), [sr.AvgPool2d(2, v_th=90.0), sr.Dense(3)])
    with pytest.warns(sr.SilentLayerWarning, match="layer 0 .avg_pool2d, 16 neurons.") as caught:
        net.run(np.ones((40, 30, 8, 8), np.bool_))
    text = str(caught[0].message)
    assert "Lower its v_th (90); or raise the rate of the input" in text and "init=" not in text


def test_max_pools_are_as_silent_as_what_is_below() -> None:
    net = sr.Network(
        (8, 8), [sr.Conv2d(2, 3, init=sr.ConstantInit(0.0)), sr.MaxPool2d(2), sr.Dense(3)]
    )
    with pytest.warns(
        sr.SilentLayerWarning, match=r"layer 0 .*Silent as well: layers 1, 2"
    ) as caught:
        net.run(np.ones((40, 30, 8, 8), np.bool_))
    assert len(caught) == 1
    top = sr.Network((8, 8), [sr.MaxPool2d(2)])
    with pytest.warns(sr.SilentLayerWarning, match="It fires as often as what lies below"):
        top.run(np.zeros((40, 30, 8, 8), np.bool_))
    # However often it fires, it passes on what is there.
    top.run(np.ones((40, 30, 8, 8), np.bool_))


RECIPE = """
[data]
name = "demo"
[[layers]]
kind = "conv2d"
channels = 4
kernel = [5, 3]
padding = "valid"
[[layers]]
kind = "avg_pool2d"
kernel = 2
[[layers]]
kind = "dense"
n = 10
"""


def test_recipes(tmp_path: Any) -> None:
    path = tmp_path / "cnn.toml"
    path.write_text(RECIPE)
    recipe = load_recipe(path)
    assert recipe.layers[0] == sr.Conv2d(4, (5, 3)) and recipe.layers[1] == sr.AvgPool2d(2)
    path.write_text(recipe.to_toml())
    assert load_recipe(path) == recipe
    net = recipe.build(inputs_of(recipe, load_demo())).network
    assert net.shapes == [(4, 24, 26), (4, 12, 13), (10,)]
    given = load_recipe(path, ["network.in_shape=[1, 14, 56]", "layers.0.stride=2"])
    assert given.build(inputs_of(given, load_demo())).network.in_shape == (1, 14, 56)
    wrong = load_recipe(path, ["network.in_shape=[3, 28, 28]"])
    with pytest.raises(ValueError, match=r"network\.in_shape must be of 784 places, as"):
        inputs_of(wrong, load_demo())
    path.write_text(RECIPE.replace("avg_pool2d", "max_pool2d"))
    largest = load_recipe(path)
    assert largest.layers[1] == sr.MaxPool2d(2)
    path.write_text(largest.to_toml())
    assert load_recipe(path) == largest
    # Flat networks have no shape, and are as they were.
    assert inputs_of(load_recipe("demo"), load_demo()) == 784


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("layers.0.kernel=2.5", r"layers\.0\.kernel must be an integer >= 0 or a list of two"),
        ("layers.0.kernel=[1, 2, 3]", r"layers\.0\.kernel must be an integer >= 0 or a list of"),
        ("layers.0.padding='smae'", r"layers\.0\.padding must be .*one of \['same', 'valid'\]"),
        ("layers.0.chanels=3", r"layers\.0\.chanels is not a field of Conv2d; did you mean"),
        ("layers.0.kind='conv2'", r"layers\.0\.kind must be one of .*did you mean 'conv2d'"),
        ("layers.1.stride='a'", r"layers\.1\.stride must be an integer >= 0 or a list of two"),
    ],
)
def test_wrong_sizes_in_recipes(override: str, message: str, tmp_path: Any) -> None:
    path = tmp_path / "cnn.toml"
    path.write_text(RECIPE)
    with pytest.raises(RecipeError, match=message):
        load_recipe(path, [override])


def test_every_order_of_layers_is_a_network() -> None:
    """Planes below and above one another; what is flat ends them."""
    kinds: list[Any] = [sr.Conv2d(2, 2), sr.AvgPool2d(1), sr.Dense(3), sr.Recurrent(3)]
    for layers in itertools.product(kinds, repeat=3):
        flat = [not isinstance(layer, sr.Conv2d | sr.AvgPool2d) for layer in layers]
        above = any(flat[i] and isinstance(layers[i + 1], sr.Conv2d) for i in range(2))
        # A pool of one place fits what lies nowhere.
        if above or (flat[0] and isinstance(layers[2], sr.Conv2d)):
            with pytest.raises(ValueError, match=r"must be above neurons in a plane"):
                sr.Network((8, 8), list(layers))
            continue
        net = sr.Network((8, 8), list(layers))
        assert net.spike_counts(np.zeros((1, 5, 64), np.bool_)).shape == (1, net.n_out)
