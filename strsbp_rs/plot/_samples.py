"""Samples of a data set: images, sounds and what is heard in them, spikes and event frames."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from strsbp_rs._arguments import count, integer, one_of
from strsbp_rs._fields import named
from strsbp_rs._spikes import SpikeTrains
from strsbp_rs.audio import LyonEar
from strsbp_rs.datasets import Dataset
from strsbp_rs.plot._figure import INK, PREDICTED, axes_or_new, bare, largest_shown
from strsbp_rs.plot._raster import raster

__all__ = ["samples", "samples_layout"]

_N_FRAMES = 5
"""Event frames of a sample."""
_FRAME_MS = 8.0
"""From a frame of a cochleagram to the next."""

Kind = Literal["images", "sounds", "frames", "spikes", "events", "values"]


def samples(
    data: Dataset,
    *,
    n: int = 6,
    part: Literal["train", "test"] = "train",
    seed: int = 0,
    ax: Any = None,
) -> Any:
    """Draws samples of a data set, of as many classes as there are.

    Images as they are; sounds as waveform and as cochleagram, of Lyon's ear; what a front end has
    heard, channel 0 on top; spikes as rasters or, of a sensor with an area, as frames of events,
    orange where it grows lighter and blue where it grows darker; other values as bars.

    Args:
        data: The data set.
        n: How many samples.
        part: Of which part.
        seed: Seed of their choice.
        ax: Axes to draw on: one a sample, of sounds two, of frames of events five; of a new
            figure if None.

    Returns:
        Object array of the axes; the axes alone if there is one.

    Raises:
        ImportError: Without matplotlib.
        TypeError: If an argument has the wrong type.
        ValueError: If there are fewer samples, or another number of axes.
    """
    named("data", data, (Dataset,))
    one_of("part", part, ("train", "test"))
    x, y = (data.x_train, data.y_train) if part == "train" else (data.x_test, data.y_test)
    (columns, rows), size = samples_layout(data, n)
    wanted = count("n", n)
    if wanted > len(y):
        raise ValueError(f"n must be <= {len(y)}, the samples of part {part}, got {wanted}")
    axes = axes_or_new(ax, size, columns * rows, columns)
    each = np.atleast_1d(axes).reshape(wanted, -1)
    for at, of_sample in zip(_chosen(y, wanted, integer("seed", seed)), each, strict=True):
        _draw(data, x, int(at), of_sample)
        title = f"{at}: {data.class_names[y[at]]}"
        of_sample[0].set_title(title, fontsize="small", loc="left")
    return axes


def samples_layout(data: Dataset, n: int) -> tuple[tuple[int, int], tuple[float, float]]:
    """Returns columns and rows of axes for n samples, and the size of their figure [inches].

    Raises:
        TypeError: If n is no integer.
        ValueError: If n is not in [1, 1001).
    """
    n, kind = count("n", n, most=1_000), _kind(data)
    if kind in ("sounds", "events"):
        columns, width, height = (2, 4.2, 1.9) if kind == "sounds" else (_N_FRAMES, 1.8, 2.1)
        return (columns, n), (columns * width, n * height)
    most, width, height = (6, 1.6, 1.8) if kind == "images" else (3, 3.6, 2.5)
    columns = next(columns for columns in range(most, 0, -1) if n % columns == 0)
    return (columns, n // columns), (columns * width, n // columns * height)


def _kind(data: Dataset) -> Kind:
    if data.image_shape is not None:
        return "images"
    if data.sample_rate is not None:
        return "sounds"
    if isinstance(data.x_train, SpikeTrains):
        flat = data.sensor_size is None or min(data.sensor_size[:2]) == 1
        return "spikes" if flat else "events"
    return "frames" if isinstance(data.x_train, list) else "values"


def _chosen(y: NDArray[np.int64], n: int, seed: int) -> NDArray[np.int64]:
    """Returns samples by chance: no class has two before every class has one."""
    order = np.random.default_rng(seed).permutation(len(y))
    rank = np.empty(len(y), np.int64)
    for label in np.unique(y):
        of_class = order[y[order] == label]
        rank[of_class] = np.arange(len(of_class))
    first = order[np.argsort(rank[order], kind="stable")][:n]
    chosen: NDArray[np.int64] = first[np.argsort(y[first], kind="stable")]
    return chosen


def _draw(data: Dataset, x: Any, at: int, axes: NDArray[Any]) -> None:
    kind = _kind(data)
    if data.image_shape is not None:
        axes[0].imshow(np.reshape(x[at], data.image_shape), cmap="gray", interpolation="nearest")
        axes[0].set_axis_off()
    elif kind == "sounds":
        assert data.sample_rate is not None
        _sound(axes, x[at], data.sample_rate)
    elif kind == "frames":
        _frames(axes[0], x[at], data.step_ms or 1.0)
    elif kind == "spikes":
        raster(x[at], dt=data.step_ms or 1.0, ax=axes[0])
        axes[0].set_ylabel("input")
        axes[0].set_xlim(0, int(x.lengths[at]) * (data.step_ms or 1.0))
    elif kind == "events":
        assert data.sensor_size is not None
        _event_frames(axes, x[at], data.sensor_size, data.step_ms or 1.0)
    else:
        axes[0].bar(np.arange(len(x[at])), x[at], width=1.0, color=INK)
        axes[0].set_xlabel("input")
        bare(axes[0])


def _sound(axes: NDArray[Any], samples: NDArray[Any], rate: float) -> None:
    """A waveform, and what Lyon's ear hears in it."""
    times = np.arange(len(samples)) * 1e3 / rate
    axes[0].plot(times, samples, color=INK, linewidth=0.5)
    axes[0].set_xlim(0, len(samples) * 1e3 / rate)
    axes[0].set_xlabel("time [ms]")
    bare(axes[0])
    ear = LyonEar(rate, max(1, round(_FRAME_MS * rate / 1e3)))
    frames = ear(samples)
    _frames(axes[1], frames, ear.frame_ms)
    shown = np.linspace(0, ear.n_channels - 1, 4).round().astype(int)
    hertz = ear.center_frequencies[shown] / 1e3
    axes[1].set_yticks(shown, [f"{f:.1f}" for f in hertz], fontsize="small")
    axes[1].set_ylabel("channel [kHz]")


def _frames(axes: Any, frames: NDArray[Any], frame_ms: float) -> None:
    """Channels against time; roots of what they hear, as loud ones would pale all others."""
    n_frames, n_channels = frames.shape
    shown = np.sign(frames) * np.sqrt(np.abs(frames))
    axes.imshow(
        shown.T,
        aspect="auto",
        cmap="Greys",
        vmin=min(0.0, float(shown.min(initial=0.0))),
        vmax=largest_shown(shown) if shown.size else 1.0,
        interpolation="nearest",
        extent=(0, max(n_frames, 1) * frame_ms, n_channels - 0.5, -0.5),
    )
    axes.set_xlabel("time [ms]")
    axes.set_ylabel("channel")
    bare(axes)


def _event_frames(
    axes: NDArray[Any], spikes: SpikeTrains, sensor: tuple[int, int, int], step_ms: float
) -> None:
    """Events of equal parts of the time, pixel by pixel."""
    width, height, n_polarities = sensor
    length = int(spikes.lengths[0])
    (events,) = spikes.to_events()
    ends = np.linspace(0, length, len(axes) + 1)
    counts = np.zeros((len(axes), n_polarities, height, width))
    frame = np.searchsorted(ends[1:], events["t"], side="right")
    np.add.at(counts.reshape(len(axes), -1), (frame, events["x"]), 1.0)
    # The last polarity is lighter; all others are drawn as one.
    strength = np.minimum(counts / largest_shown(counts), 1.0)
    lighter = strength[:, -1] if n_polarities > 1 else np.zeros_like(strength[:, 0])
    darker = strength[:, :-1].max(axis=1) if n_polarities > 1 else strength[:, 0]
    for at, one in enumerate(axes):
        picture = np.ones((height, width, 3))
        for part, colour in ((lighter[at], PREDICTED), (darker[at], INK)):
            picture -= part[..., None] * (1.0 - _rgb(colour))
        one.imshow(np.clip(picture, 0.0, 1.0), interpolation="nearest")
        one.set_xticks([])
        one.set_yticks([])
        start, end = ends[at] * step_ms, ends[at + 1] * step_ms
        one.set_xlabel(f"{math.floor(start)} to {math.floor(end)} ms", fontsize="small")


def _rgb(colour: str) -> NDArray[np.float64]:
    """Returns red, green and blue in [0, 1] of a colour written as #rrggbb."""
    return np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
