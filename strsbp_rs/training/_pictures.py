"""Pictures of a training run, in files. Needs matplotlib, the extra `plot`."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from strsbp_rs._files import write_bytes
from strsbp_rs._recording import Recording
from strsbp_rs.plot import learning_curves, rasters
from strsbp_rs.plot._figure import agg_figure
from strsbp_rs.plot._raster import rasters_layout
from strsbp_rs.training._history import History

__all__ = ["learning_curve", "new_figure", "save_figure", "spike_raster"]

new_figure = agg_figure


def save_figure(figure: Any, path: Path) -> None:
    """Writes a figure to a PNG file, atomically."""
    picture = io.BytesIO()
    figure.savefig(picture, dpi=130, format="png")
    write_bytes(path, picture.getvalue())


def learning_curve(records: Sequence[dict[str, Any]], path: Path, title: str = "") -> None:
    """Draws accuracy and loss over the epochs.

    Args:
        records: Entries of a `History`.
        path: The PNG file to write, atomically.
        title: Title of the picture.

    Raises:
        ImportError: Without matplotlib.
    """
    figure = agg_figure(9.2, 3.6)
    learning_curves(History(list(records)), ax=figure.subplots(1, 2))
    if title:
        figure.suptitle(title)
    save_figure(figure, path)


def spike_raster(
    recording: Recording,
    path: Path,
    *,
    dt: float = 1.0,
    class_names: Sequence[str] = (),
    true_class: int | None = None,
    title: str = "",
) -> None:
    """Draws the spikes of the first sample of a recording, of the input and of every layer.

    Args:
        recording: What `Network.run` gave.
        path: The PNG file to write, atomically.
        dt: Time step [ms].
        class_names: Names of the output neurons.
        true_class: The class of the sample.
        title: Title of the picture.

    Raises:
        ImportError: Without matplotlib.
    """
    (width, height), heights = rasters_layout(recording.spikes)
    figure = agg_figure(width, height)
    axes = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    rasters(recording, dt=dt, class_names=class_names, true_class=true_class, ax=axes)
    if title:
        figure.suptitle(title)
    save_figure(figure, path)
