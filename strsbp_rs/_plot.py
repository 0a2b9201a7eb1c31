"""Pictures of a training run. Needs matplotlib, the extra `plot`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from strsbp_rs._files import replacing
from strsbp_rs._network import Recording

__all__ = ["learning_curve", "spike_raster"]

_TRAIN, _TEST, _SPIKE = "#8896a5", "#d1495b", "#1d3557"


def new_figure(width: float, height: float) -> Any:
    """Returns a figure of a size in inches.

    Raises:
        ImportError: Without matplotlib.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "pictures need matplotlib: pip install 'strsbp_rs[plot]'", name="matplotlib"
        ) from error
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Any, path: Path) -> None:
    """Writes a figure to a PNG file, atomically."""
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=130, format="png")


def learning_curve(records: Sequence[dict[str, Any]], path: Path, title: str = "") -> None:
    """Draws accuracy and loss over the epochs.

    Args:
        records: Entries of a `History`.
        path: The PNG file to write, atomically.
        title: Title of the picture.

    Raises:
        ImportError: Without matplotlib.
    """
    figure = new_figure(8.0, 3.6)
    accuracy, loss = figure.subplots(1, 2)
    epochs = [record["epoch"] for record in records]
    marker = "o" if len(epochs) < 30 else None
    for axes, key, scale, label in (
        (accuracy, "accuracy", 100.0, "accuracy [%]"),
        (loss, "loss", 1.0, "mean loss"),
    ):
        train = [scale * record[key] for record in records]
        axes.plot(epochs, train, color=_TRAIN, marker=marker, ms=3.5, label="training (running)")
        tested = [record for record in records if f"val_{key}" in record]
        if tested:
            axes.plot(
                [record["epoch"] for record in tested],
                [scale * record[f"val_{key}"] for record in tested],
                color=_TEST,
                marker=marker,
                ms=3.5,
                label="test",
            )
        axes.set_xlabel("epoch")
        axes.set_ylabel(label)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    tested = [record for record in records if "val_accuracy" in record]
    if tested:
        best = max(tested, key=lambda record: record["val_accuracy"])
        value = 100.0 * best["val_accuracy"]
        accuracy.axhline(value, color=_TEST, lw=0.8, ls=":")
        accuracy.set_title(f"best test accuracy {value:.2f} % (epoch {best['epoch']})", fontsize=9)
    accuracy.legend(frameon=False, loc="lower right")
    if title:
        figure.suptitle(title)
    save_figure(figure, path)


def spike_raster(
    recording: Recording,
    path: Path,
    *,
    dt: float = 1.0,
    class_names: Sequence[str] = (),
    title: str = "",
) -> None:
    """Draws the spikes of the first sample of a recording, of the input and of every layer.

    Args:
        recording: What `Network.run` gave.
        path: The PNG file to write, atomically.
        dt: Time step [ms].
        class_names: Names of the output neurons.
        title: Title of the picture.

    Raises:
        ImportError: Without matplotlib.
    """
    n_layers = len(recording.spikes)
    figure = new_figure(9.0, 1.0 + 2.1 * (n_layers - 1) + 1.8)
    heights = [2.0] * (n_layers - 1) + [1.7]
    all_axes = figure.subplots(n_layers, 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    for index, (axes, trains) in enumerate(zip(all_axes, recording.spikes, strict=True)):
        events = trains[:1].to_events()[0]
        n_neurons = trains.shape[2]
        output = index == n_layers - 1
        if output and n_neurons <= 30:
            times = [dt * events["t"][events["x"] == i] for i in range(n_neurons)]
            counts = recording.counts[0]
            colors = [_TEST if i == np.argmax(counts) else _SPIKE for i in range(n_neurons)]
            axes.eventplot(times, colors=colors, lineoffsets=range(n_neurons), linelengths=0.8)
            names = list(class_names) or [str(i) for i in range(n_neurons)]
            labels = [f"{name}  {count}" for name, count in zip(names, counts, strict=True)]
            axes.set_yticks(range(n_neurons), labels, fontsize=7)
        else:
            size = 1.5 if len(events) < 8000 else 0.5
            axes.scatter(dt * events["t"], events["x"], s=size, color=_SPIKE, linewidths=0)
            axes.set_ylabel("neuron" if index else "input")
        name = "input" if index == 0 else "output" if output else f"layer {index}"
        axes.set_title(f"{name}: {len(events):,} spikes", fontsize=9, loc="left")
        axes.set_ylim(n_neurons - 0.5, -0.5)
        axes.spines[["top", "right"]].set_visible(False)
    all_axes[-1].set_xlabel("time [ms]")
    all_axes[-1].set_xlim(0, dt * recording.spikes[0].shape[1])
    if title:
        figure.suptitle(title)
    save_figure(figure, path)
