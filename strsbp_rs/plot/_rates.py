"""Firing rates of neurons, and their membranes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from strsbp_rs._arguments import integer, number, time_step
from strsbp_rs._recording import Recording
from strsbp_rs._spikes import SpikeTrains
from strsbp_rs.plot._figure import GREY, INK, PREDICTED, axes_or_new, bare, colours
from strsbp_rs.plot._raster import layer_names, trains_of

__all__ = ["rates", "traces"]


def rates(recording: Recording | Sequence[SpikeTrains], *, ax: Any = None) -> Any:
    """Draws the firing rate of every neuron, a row of dots a layer, with their mean.

    Beside a row it says how many neurons never fire in these samples: a layer that is silent, or
    fires at every step, cannot learn.

    Args:
        recording: What `Network.run` or `FixedNetwork.run` gave.
        ax: Axes to draw on; of a new figure if None.

    Returns:
        The axes.

    Raises:
        ImportError: Without matplotlib.
        TypeError: If an argument has the wrong type.
        ValueError: If there are no samples.
    """
    trains = trains_of(recording)
    if not len(trains[0]):
        raise ValueError("recording has 0 samples, expected at least one")
    n = len(trains)
    axes = axes_or_new(ax, (7.5, 0.9 + 0.65 * n))
    scatter = np.random.default_rng(0)
    for row, train in enumerate(trains):
        n_neurons = train.shape[2]
        rate = 100.0 * train.counts().sum(axis=0, dtype=np.float64) / train.lengths.sum()
        height = row + scatter.uniform(-0.28, 0.28, n_neurons)
        axes.scatter(rate, height, s=7, color=GREY, alpha=0.6, linewidths=0)
        axes.plot([rate.mean()] * 2, [row - 0.35, row + 0.35], color=PREDICTED, lw=2)
        silent = int(np.count_nonzero(rate == 0))
        axes.annotate(
            f"mean {rate.mean():.2f} %\n{silent:,} of {n_neurons:,} silent",
            (1.0, row),
            xycoords=axes.get_yaxis_transform(),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize="small",
            color=INK,
            annotation_clip=False,
        )
    axes.set_yticks(range(n), [name.replace(" (", "\n(") for name in layer_names(n)])
    axes.set_ylim(n - 0.5, -0.5)
    axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
    axes.set_xlabel("firing rate [% of steps]")
    axes.grid(axis="x", alpha=0.3)
    bare(axes)
    return axes


def traces(
    recording: Recording,
    layer: int,
    *,
    what: str = "potential",
    sample: int = 0,
    dt: float = 1.0,
    v_th: float | None = None,
    ax: Any = None,
) -> Any:
    """Draws membrane potentials or synaptic currents of a layer over the time of one sample.

    Potentials are those before a reset: where one reaches the threshold, the neuron fires, which a
    dot marks.

    Args:
        recording: What `Network.run` gave with `record_traces`.
        layer: One of its layers; 0 is the first above the input.
        what: "potential" or "current".
        sample: Which of its samples.
        dt: Time step [ms].
        v_th: Threshold, drawn as a line; none if None.
        ax: Axes to draw on; of a new figure if None.

    Returns:
        The axes.

    Raises:
        ImportError: Without matplotlib.
        TypeError: If an argument has the wrong type.
        ValueError: If there are no such traces or sample.
    """
    if not isinstance(recording, Recording):
        raise TypeError(f"recording must be a Recording, got {recording!r:.200}")
    if what not in ("potential", "current"):
        raise ValueError(f"what must be 'potential' or 'current', got {what!r}")
    index, dt = integer("layer", layer), time_step("dt", dt)
    threshold = None if v_th is None else number("v_th", v_th)
    held = recording.potential if what == "potential" else recording.current
    if index not in held:
        known = ", ".join(str(key) for key in held) or "none"
        raise ValueError(
            f"layer must be one that record_traces of Network.run named ({known}), got {layer}"
        )
    chosen = integer("sample", sample)
    if chosen >= len(held[index]):
        raise ValueError(f"sample must be < {len(held[index])}, got {sample}")
    values = held[index][chosen]
    neurons = recording.neurons.get(index, list(range(values.shape[1])))
    axes = axes_or_new(ax, (8.0, 3.4))
    time = dt * np.arange(len(values))
    events = recording.spikes[index + 1][chosen : chosen + 1].to_events()[0]
    for column, (neuron, colour) in enumerate(zip(neurons, colours(len(neurons)), strict=True)):
        axes.plot(time, values[:, column], color=colour, lw=1.1, label=f"neuron {neuron}")
        if what == "potential":
            fired = events["t"][events["x"] == neuron]
            axes.plot(time[fired], values[fired, column], "o", color=colour, ms=3.5)
    if threshold is not None:
        axes.axhline(threshold, color="0.4", lw=0.9, ls="--", label=f"v_th {threshold:g}")
    axes.set_xlim(0, dt * len(values))
    axes.set_xlabel("time [ms]")
    axes.set_ylabel("membrane potential" if what == "potential" else "synaptic current")
    if len(neurons) <= 12:
        axes.legend(frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5))
    bare(axes)
    return axes
