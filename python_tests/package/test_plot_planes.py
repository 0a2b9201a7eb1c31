"""Pictures of layers in a plane and of images."""

import numpy as np
import pytest
from spatial_cases import planes

import strsbp_rs as sr
from strsbp_rs import plot

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")
from matplotlib import pyplot  # noqa: E402


@pytest.fixture(autouse=True)
def _close():
    yield
    pyplot.close("all")


def drawn_in(axes):
    """The values of the image, without what lies between pictures."""
    (image,) = axes.images
    values = np.ma.getdata(image.get_array())
    return values[np.isfinite(values)]


def test_kernels_are_those_of_the_network():
    net = planes()
    first = plot.kernels(net)
    # Two rows of pictures, each picture row by row.
    assert sorted(drawn_in(first)) == sorted(net.weights[0]["weight"].ravel())
    assert "kernels of 3 x 3, 5 of 5 channels" in first.get_title()
    third = plot.kernels(net, 2, channels=[3, 1])
    image = third.images[0].get_array()
    assert image.shape == (2 * 2 + 1, 5 * 3 + 4)
    np.testing.assert_array_equal(image[3:5, 4:7], net.weights[2]["weight"][1, 1])
    assert [label.get_text() for label in third.get_yticklabels()] == ["3", "1"]
    assert third.get_xlabel() == "channel of layer 1, of its group"
    line = sr.Network((2, 9), [sr.Conv1d(4, 3)])
    image = plot.kernels(line).images[0].get_array()
    np.testing.assert_array_equal(image[:2, :3], line.weights[0]["weight"][0])
    # As a matrix too.
    matrix = plot.weights(net, 2).images[0].get_array()
    np.testing.assert_array_equal(matrix, net.weights[2]["weight"].reshape(4, -1))
    assert len(plot.weight_histogram(net).get_legend().get_texts()) == 3


def test_feature_maps_are_the_counts_of_a_sample(rng):
    net = planes()
    recording = net.run(rng.random((3, 40, 8, 9)) < 0.3)
    counts = recording.spikes[1].counts()[2].reshape(5, 6, 7)
    assert counts.any()
    axes = plot.feature_maps(recording, net, sample=2)
    assert drawn_in(axes).sum() == counts.sum()
    assert f"5 of 5 channels of 6 x 7, {counts.sum():,} spikes of sample 2" in axes.get_title()
    image = plot.feature_maps(recording, net, 0, sample=2, channels=[3]).images[0].get_array()
    np.testing.assert_array_equal(image, counts[3])
    image = plot.feature_maps(recording, net, None).images[0].get_array()
    np.testing.assert_array_equal(image, recording.spikes[0].counts()[0].reshape(8, 9))
    pooled = sr.Network((8, 9), [sr.MaxPool2d(2)])
    recording = pooled.run(rng.random((1, 40, 8, 9)) < 0.3)
    image = plot.feature_maps(recording, pooled).images[0].get_array()
    np.testing.assert_array_equal(image, recording.counts.reshape(4, 4))
    line = sr.Network((2, 9), [sr.Conv1d(4, 3, v_th=1.0)])
    recording = line.run(rng.random((1, 40, 2, 9)) < 0.3)
    image = plot.feature_maps(recording, line).images[0].get_array()
    np.testing.assert_array_equal(image, recording.counts.reshape(4, 7))


def test_pictures_of_planes_refuse_nonsense(rng):
    net = planes()
    recording = net.run(rng.random((2, 10, 72)) < 0.3)
    pools = sr.Network((8, 9), [sr.AvgPool2d(2)])
    for draw, error, message in [
        (lambda: plot.kernels(net, 1), ValueError, "layer must be one with kernels, got 1, which"),
        (lambda: plot.kernels(net, 3), ValueError, "got 3, which is dense"),
        (lambda: plot.kernels(net, 4), ValueError, "layer must be < 4, got 4"),
        (lambda: plot.kernels(net, channels=[5]), ValueError, r"channels\[0\] must be < 5, got 5"),
        (lambda: plot.kernels(net, channels=[]), ValueError, "channels must be some, got none"),
        (lambda: plot.kernels(5), TypeError, "network must be a Network, got 5"),
        (lambda: plot.weights(net, 1), ValueError, "layer must be one with weights, got 1, which"),
        (lambda: plot.weight_histogram(pools), ValueError, "network must have weights"),
        (lambda: plot.feature_maps(recording, net, 3), ValueError, "got 3 of 3 neurons"),
        (lambda: plot.feature_maps(recording, net, sample=2), ValueError, "sample must be < 2"),
        (lambda: plot.feature_maps(recording, pools), ValueError, "recording must be of a network"),
        (lambda: plot.feature_maps(recording, 5), TypeError, "network must be a Network or Fixed"),
    ]:
        with pytest.raises(error, match=message):
            draw()


def test_augmented_images_are_those_of_the_epochs(rng):
    images = rng.integers(0, 256, (2, 6, 5)).astype(np.uint8)
    augment = sr.ImageAugment(max_shift=1, rotation=30.0, first_epoch=3)
    axes = plot.augmented(images, augment, n_epochs=4, seed=7)
    (drawn,) = axes.images
    sheet = drawn.get_array()
    # Two rows of five images, with white between them, and more of it after the first column.
    assert sheet.shape == (2 * 6 + 2, 5 * 5 + 4 * 2 + 2, 3)
    columns = [0, *(7 * i + 2 for i in range(1, 5))]
    expected = [images, *(augment.apply(images, seed=7, epoch=epoch) for epoch in range(3, 7))]
    for x, stage in zip(columns, expected, strict=True):
        for y, image in zip((0, 8), stage, strict=True):
            for colour in range(3):
                tile = sheet[y : y + 6, x : x + 5, colour]
                np.testing.assert_allclose(tile, image / 255.0)
    assert (sheet[6:8] == 1).all() and (sheet[:, 5:9] == 1).all()
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels == ["as it is", "3", "4", "5", "6"]
    assert list(axes.get_xticks()) == [x + 2 for x in columns]
    colours = rng.random((1, 3, 4, 4))
    sheet = plot.augmented(colours, augment, n_epochs=1).images[0].get_array()
    np.testing.assert_allclose(sheet[:4, :4], np.moveaxis(colours[0], 0, -1))
    two = plot.augmented(colours[:, :2], augment, n_epochs=1).images[0].get_array()
    np.testing.assert_allclose(two[:4, :4, 1], colours[0, :2].max(axis=0))
    with pytest.raises(ValueError, match=r"images has shape \(0, 6, 5\), expected at least one"):
        plot.augmented(images[:0], augment)


def test_augmented_spikes_are_those_of_the_epochs(rng):
    rasters = [rng.random((length, 6)) < 0.3 for length in (20, 30)]
    spikes = sr.SpikeTrains.from_rasters(rasters, n_steps=40)
    augment = sr.SpikeAugment(stretch=0.3, max_shift=2, first_epoch=3)
    axes = plot.augmented(spikes, augment, n_epochs=2, seed=7)
    sheet = axes.images[0].get_array()
    assert sheet.shape == (2 * 6 + 2, 3 * 40 + 2 * 2 + 2, 3)
    stages = [spikes, *(augment.apply(spikes, seed=7, epoch=epoch) for epoch in (3, 4))]
    for x, stage in zip((0, 44, 86), stages, strict=True):
        for y, one in zip((0, 8), stage, strict=True):
            n = one.lengths[0]
            tile = sheet[y : y + 6, x : x + 40]
            np.testing.assert_array_equal(tile[:, :n, 0] == 0, one.to_dense()[0, :n].T)
            assert (tile[:, n:] == 0.85).all() and ((tile[:, :n] == 0) | (tile[:, :n] == 1)).all()
    assert [label.get_text() for label in axes.get_xticklabels()] == ["as it is", "3", "4"]
    with pytest.raises(ValueError, match="spikes must be at least one sample"):
        plot.augmented(spikes[:0], augment)
    with pytest.raises(TypeError, match="spikes must be SpikeTrains"):
        plot.augmented(np.zeros((1, 6, 5)), augment)
