"""Spikes against time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strsbp_rs._arguments import integer, strings, time_step
from strsbp_rs._recording import Recording
from strsbp_rs._spikes import SpikeTrains
from strsbp_rs.plot._figure import INK, PREDICTED, TRUE, axes_or_new, bare

__all__ = ["layer_names", "raster", "rasters", "rasters_layout", "trains_of"]

_NAMED = 30
"""Neurons up to which each has a line, a tick and a name of its own."""


def raster(
    spikes: SpikeTrains | NDArray[Any],
    *,
    sample: int = 0,
    dt: float = 1.0,
    names: Sequence[str] | None = None,
    true_class: int | None = None,
    predicted_class: int | None = None,
    ax: Any = None,
) -> Any:
    """Draws the spikes of one sample, neuron 0 on top.

    Up to 30 neurons have their names and counts beside them; the true and the predicted class are
    marked by colour and by word.

    Args:
        spikes: SpikeTrains; or events, a structured array with fields t (integers are steps, floats
            ms) and x, as `Simulator.advance` gives them.
        sample: Which of the SpikeTrains' samples.
        dt: Time step [ms].
        names: Names of the neurons, as class names.
        true_class: The neuron of the sample's class.
        predicted_class: The neuron that was predicted.
        ax: Axes to draw on; of a new figure if None.

    Returns:
        The axes.

    Raises:
        ImportError: Without matplotlib.
        TypeError: If spikes or ax are something else.
        ValueError: If there is no such sample or neuron.
    """
    dt = time_step("dt", dt)
    names = None if names is None else strings("names", names)
    if isinstance(spikes, SpikeTrains):
        n_samples, n_steps, n_neurons = spikes.shape
        chosen = integer("sample", sample)
        if chosen >= n_samples:
            raise ValueError(f"sample must be < {n_samples}, got {sample}")
        events = spikes[chosen : chosen + 1].to_events()[0]
        end: float | None = n_steps * dt
    else:
        events = np.asarray(spikes)
        if not {"t", "x"} <= set(events.dtype.names or ()):
            raise TypeError(
                f"spikes must be SpikeTrains or events with fields t and x, got {spikes!r:.200}"
            )
        n_neurons = max(int(events["x"].max(initial=-1)) + 1, len(names or ()), 1)
        end = None
    marked = _marks(n_neurons, true_class, predicted_class)
    if names is not None and len(names) != n_neurons:
        raise ValueError(f"names must be {n_neurons}, one a neuron, got {len(names)}")
    unit = 1.0 if events["t"].dtype.kind == "f" else dt
    height = 0.8 + 0.22 * n_neurons if n_neurons <= _NAMED else 3.2
    axes = axes_or_new(ax, (8.0, max(height, 1.6)))
    times, neurons = unit * events["t"], events["x"]
    if n_neurons <= _NAMED:
        _named_rows(axes, times, neurons, n_neurons, names, marked)
    else:
        _dots(axes, times, neurons, n_neurons, names, marked)
    axes.set_ylim(n_neurons - 0.5, -0.5)
    if end is not None:
        axes.set_xlim(0, end)
    axes.set_xlabel("time [ms]")
    bare(axes)
    return axes


def rasters(
    recording: Recording | Sequence[SpikeTrains],
    *,
    sample: int = 0,
    dt: float = 1.0,
    class_names: Sequence[str] | None = None,
    true_class: int | None = None,
    title: str = "",
    ax: Any = None,
) -> Any:
    """Draws the spikes of one sample in the input and every layer, above each other.

    The predicted class, whose neuron fired most, is marked in the output, and the true one if it is
    given.

    Args:
        recording: What `Network.run` or `FixedNetwork.run` gave.
        sample: Which of its samples.
        dt: Time step [ms].
        class_names: Names of the classes; output neurons beyond them have numbers.
        true_class: The class of the sample.
        title: Title of a new figure.
        ax: Axes to draw on, one for the input and one a layer; of a new figure if None.

    Returns:
        Object array of the axes, (n_layers + 1,).

    Raises:
        ImportError: Without matplotlib.
        TypeError: If an argument has the wrong type.
        ValueError: If there is no such sample or class, or another number of axes.
    """
    trains, dt = trains_of(recording), time_step("dt", dt)
    known = [] if class_names is None else strings("class_names", class_names)
    chosen, n_samples = integer("sample", sample), len(trains[0])
    if chosen >= n_samples:
        raise ValueError(f"sample must be < {n_samples}, got {sample}")
    n, n_out = len(trains), trains[-1].shape[2]
    _marks(n_out, true_class, None)
    size, heights = rasters_layout(trains)
    all_axes = np.atleast_1d(axes_or_new(ax, size, n, sharex=True, height_ratios=heights))
    for index, (axes, train, name) in enumerate(zip(all_axes, trains, layer_names(n), strict=True)):
        part = train[chosen : chosen + 1]
        output = index == n - 1
        options: dict[str, Any] = {}
        if output:
            names = [str(i) for i in range(n_out)]
            names[: len(known)] = known[:n_out]
            predicted = int(np.argmax(part.counts()[0]))
            options = {"names": names, "true_class": true_class, "predicted_class": predicted}
        raster(part, dt=dt, ax=axes, **options)
        if train.shape[2] > _NAMED:
            axes.set_ylabel("neuron")
        if not output:
            axes.set_xlabel("")
        axes.set_title(f"{name}: {part.n_spikes:,} spikes", fontsize="medium", loc="left")
    if title and ax is None:
        all_axes[0].figure.suptitle(title)
    return all_axes


def trains_of(recording: Recording | Sequence[SpikeTrains]) -> list[SpikeTrains]:
    """Returns the spike trains of the input and of every layer.

    Raises:
        TypeError: If they are something else.
    """
    if isinstance(recording, Recording):
        return recording.spikes
    trains = list(recording) if isinstance(recording, list | tuple) else []
    if not trains or not all(isinstance(train, SpikeTrains) for train in trains):
        raise TypeError(
            f"recording must be a Recording or a list of SpikeTrains, got {recording!r:.200}"
        )
    return trains


def rasters_layout(trains: Sequence[SpikeTrains]) -> tuple[tuple[float, float], list[float]]:
    """Returns the size of a figure for `rasters` and the heights of its axes [inches]."""
    sizes = [train.shape[2] for train in trains]
    heights = [0.5 + 0.17 * n if n <= _NAMED else 2.2 for n in sizes]
    return (9.0, sum(heights) + 0.8), heights


def layer_names(n: int) -> list[str]:
    """Returns what the n spike trains of a recording are of, with the numbers layers have."""
    names = ["input", *(f"layer {index}" for index in range(n - 1))]
    if n > 1:
        names[-1] += " (output)"
    return names


def _marks(
    n_neurons: int, true_class: int | None, predicted_class: int | None
) -> dict[int, tuple[str, str]]:
    """Returns colour and words of the neurons that are marked."""
    marks: dict[int, tuple[str, str]] = {}
    for name, value in (("predicted_class", predicted_class), ("true_class", true_class)):
        if value is not None and integer(name, value) >= n_neurons:
            raise ValueError(f"{name} must be < {n_neurons}, got {value}")
    if predicted_class is not None:
        marks[int(predicted_class)] = (PREDICTED, "predicted")
    if true_class is not None:
        both = int(true_class) in marks
        marks[int(true_class)] = (TRUE, "true, predicted" if both else "true")
    return marks


def _named_rows(
    axes: Any,
    times: NDArray[Any],
    neurons: NDArray[Any],
    n_neurons: int,
    names: Sequence[str] | None,
    marked: dict[int, tuple[str, str]],
) -> None:
    """A line for every neuron, with its name and number of spikes."""
    rows = [times[neurons == i] for i in range(n_neurons)]
    colours = [marked[i][0] if i in marked else INK for i in range(n_neurons)]
    axes.eventplot(
        rows, colors=colours, lineoffsets=range(n_neurons), linelengths=0.8, linewidths=1.0
    )
    names = [str(i) for i in range(n_neurons)] if names is None else names
    labels = [f"{name}  {len(row)}" for name, row in zip(names, rows, strict=True)]
    axes.set_yticks(range(n_neurons), labels, fontsize="small")
    for i, (colour, words) in marked.items():
        label = axes.get_yticklabels()[i]
        label.set_color(colour)
        label.set_fontweight("bold")
        _say(axes, i, words, colour)


def _dots(
    axes: Any,
    times: NDArray[Any],
    neurons: NDArray[Any],
    n_neurons: int,
    names: Sequence[str] | None,
    marked: dict[int, tuple[str, str]],
) -> None:
    """A dot for every spike."""
    size = 6.0 if len(times) < 1000 else 1.5 if len(times) < 8000 else 0.5
    colours: Any = INK
    if marked:
        colours = np.full(len(times), INK, dtype=object)
        for i, (colour, _) in marked.items():
            colours[neurons == i] = colour
    axes.scatter(times, neurons, s=size, c=colours, linewidths=0, rasterized=len(times) > 10_000)
    # Words of neighbours are beside each other's rows, not over each other.
    close = max(marked) - min(marked) < 0.1 * n_neurons if len(marked) == 2 else False
    for i, (colour, words) in marked.items():
        side = "center" if not close else "bottom" if i == min(marked) else "top"
        _say(axes, i, words if names is None else f"{names[i]}: {words}", colour, side)


def _say(axes: Any, neuron: int, words: str, colour: str, side: str = "center") -> None:
    """Words to the right of a neuron's row."""
    axes.annotate(
        words,
        (1.0, neuron),
        xycoords=axes.get_yaxis_transform(),
        xytext=(5, 0),
        textcoords="offset points",
        va=side,
        fontsize="small",
        color=colour,
        annotation_clip=False,
    )
