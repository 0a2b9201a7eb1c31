"""Samples of data sets of every kind: what is drawn is the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sound_files import tone

import strsbp_rs as sr
from strsbp_rs import plot
from strsbp_rs.audio import LyonEar
from strsbp_rs.datasets import Dataset, load_demo

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")
from matplotlib import pyplot  # noqa: E402

BLUE, ORANGE = (0x1D, 0x35, 0x57), (0xD5, 0x5E, 0x00)


@pytest.fixture(autouse=True)
def _close() -> Any:
    yield
    pyplot.close("all")


def of(x: Any, y: Any, **options: Any) -> Dataset:
    labels = np.array(y, np.int64)
    names = ("no", "yes", "maybe")
    options = {"image_shape": None, **options}
    return Dataset(
        name="made", x_train=x, y_train=labels, x_test=x, y_test=labels, class_names=names,
        source="here", licence="none", **options,
    )  # fmt: skip


def titles(axes: Any) -> list[str]:
    return [title for ax in np.ravel(axes) if (title := ax.get_title(loc="left"))]


def test_images_of_as_many_classes_as_there_are() -> None:
    data = load_demo()
    axes = plot.samples(data, n=10, part="test", seed=3)
    found = [title.split(": ") for title in titles(axes)]
    assert [name for _, name in found] == list(data.class_names)
    for (at, name), ax in zip(found, axes, strict=True):
        assert data.class_names[data.y_test[int(at)]] == name
        np.testing.assert_array_equal(ax.images[0].get_array().ravel(), data.x_test[int(at)])
    assert titles(plot.samples(data, n=3, seed=1)) != titles(plot.samples(data, n=3, seed=2))
    assert len(set(titles(plot.samples(of(np.zeros((5, 2)), [0, 0, 0, 1, 1]), n=5)))) == 5


def test_sounds_and_what_is_heard() -> None:
    sounds = [tone(n, n) for n in (4_000, 2_000)]
    data = of(sounds, [1, 0], sample_rate=8_000.0)
    axes = plot.samples(data, n=2)
    assert axes.shape == (4,) and titles(axes) == ["1: no", "0: yes"]
    np.testing.assert_array_equal(axes[0].lines[0].get_ydata(), sounds[1])
    assert axes[0].get_xlim() == (0, 250) and axes[2].get_xlim() == (0, 500)
    heard = np.sqrt(LyonEar(8_000.0, 64)(sounds[1])).T
    np.testing.assert_allclose(axes[1].images[0].get_array(), heard)
    assert axes[1].images[0].get_extent()[1] == heard.shape[1] * 8.0
    assert (
        axes[1].get_yticklabels()[0].get_text()
        == f"{LyonEar(8_000.0).center_frequencies[0] / 1e3:.1f}"
    )
    # Of the first and the second, as a front end has heard them.
    one = plot.samples(of([np.eye(5) - 0.5, np.ones((2, 5))], [1, 1], step_ms=4.0), n=1, seed=1)
    assert one.images[0].get_extent()[1] in (20.0, 8.0)


def test_spikes_of_a_line() -> None:
    rasters = [np.eye(40, dtype=bool), np.eye(40, dtype=bool)[:20]]
    data = of(sr.SpikeTrains.from_rasters(rasters), [0, 1], sensor_size=(40, 1, 1), step_ms=2.5)
    axes = plot.samples(data, n=2)
    assert [ax.get_xlim() for ax in axes] == [(0, 100), (0, 50)]
    xy = axes[1].collections[0].get_offsets()
    np.testing.assert_array_equal(xy, np.stack([2.5 * np.arange(20), np.arange(20)], axis=1))


def test_frames_of_events() -> None:
    # Pixel (1, 0) grows lighter in the first fifth of 10 steps, (0, 0) as the second begins, and
    # (2, 1) darker in the last.
    events = np.array(
        [(0, 1, 0, 1), (1, 1, 0, 1), (2, 0, 0, 1), (9, 2, 1, 0)], [(k, "i8") for k in "txyp"]
    )
    spikes = sr.SpikeTrains.from_events([events], sensor_size=(3, 2, 2), time_unit="ms")
    axes = plot.samples(of(spikes, [2], sensor_size=(3, 2, 2), step_ms=3.0), n=1)
    assert titles(axes) == ["0: maybe"] and len(axes) == 5
    pictures = [np.rint(255 * np.asarray(ax.images[0].get_array())) for ax in axes]
    assert tuple(pictures[0][0, 1]) == ORANGE
    white = [(picture == 255).all(axis=-1) for picture in pictures]
    assert [int((~one).sum()) for one in white] == [1, 1, 0, 0, 1]
    assert not white[4][1, 2] and pictures[4][1, 2, 2] > pictures[4][1, 2, 0]
    assert [ax.get_xlabel() for ax in axes][::4] == ["0 to 6 ms", "24 to 30 ms"]


def test_what_is_refused() -> None:
    data = of(np.zeros((2, 3)), [0, 1])
    with pytest.raises(ValueError, match="n must be <= 2, the samples of part train, got 3"):
        plot.samples(data, n=3)
    with pytest.raises(ValueError, match=r"n must be in \[1, 1001\), got 0"):
        plot.samples(data, n=0)
    with pytest.raises(ValueError, match="part must be one of"):
        plot.samples(data, part="validation")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="data must be Dataset, got 3"):
        plot.samples(3)  # type: ignore[arg-type]
