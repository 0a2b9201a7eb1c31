"""What all pictures share: figures, colours, and the error without matplotlib."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    *("GREY", "INK", "PREDICTED", "TRUE"),
    *("agg_figure", "axes_or_new", "bare", "colours", "largest_shown"),
]

# Told apart by colour-blind people too (Okabe and Ito's).
INK, GREY, TRUE, PREDICTED = "#1d3557", "#8896a5", "#009e73", "#d55e00"


@contextmanager
def _matplotlib() -> Iterator[None]:
    """Names the extra where matplotlib is missing."""
    try:
        yield
    except ImportError as error:
        raise ImportError(
            "pictures need matplotlib: pip install 'strsbp_rs[plot]'", name="matplotlib"
        ) from error


def axes_or_new(
    ax: Any, size: tuple[float, float], n: int = 1, columns: int = 1, **options: Any
) -> Any:
    """Returns the axes to draw on: those that are given or, if None, those of a new figure.

    Args:
        ax: One axes, or for n > 1 a sequence of them; None for new ones.
        size: Width and height of a new figure [inches].
        n: How many axes are needed.
        columns: How many of them are beside each other.
        options: Of matplotlib's `subplots`.

    Returns:
        The axes; for n > 1, or where a sequence was given, an object array of shape (n,).

    Raises:
        ImportError: Without matplotlib.
        TypeError: If something is no axes.
        ValueError: If there are not n.
    """
    with _matplotlib():
        from matplotlib.axes import Axes
    if ax is None:
        with _matplotlib():
            from matplotlib import pyplot
        _, new = pyplot.subplots(
            n // columns, columns, figsize=size, layout="constrained", squeeze=False, **options
        )
        return new.ravel() if n > 1 else new[0, 0]
    if isinstance(ax, Axes) and n == 1:
        return ax
    several = isinstance(ax, Sequence | np.ndarray)
    given = list(np.ravel(np.asarray(ax, dtype=object))) if several else [ax]
    for one in given:
        if not isinstance(one, Axes):
            raise TypeError(f"ax must be of matplotlib's Axes, got {one!r}")
    if len(given) != n:
        raise ValueError(f"ax must be {n} axes, got {len(given)}")
    result = np.empty(n, dtype=object)
    result[:] = given
    return result


def agg_figure(width: float, height: float) -> Any:
    """Returns a figure of a size in inches that is drawn to files only, without pyplot.

    Raises:
        ImportError: Without matplotlib.
    """
    with _matplotlib():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def bare(axes: Any) -> None:
    """Takes the frame's upper and right side away."""
    axes.spines[["top", "right"]].set_visible(False)


def colours(n: int) -> list[Any]:
    """Returns n colours: matplotlib's own while they last, else of a map."""
    with _matplotlib():
        from matplotlib import colormaps
    return (
        [f"C{i}" for i in range(n)]
        if n <= 10
        else list(colormaps["viridis"](np.linspace(0, 0.95, n)))
    )


def largest_shown(values: NDArray[Any]) -> float:
    """Returns the size that colours reach to: the 99.5th percentile, lest a few pale all others."""
    return float(np.quantile(np.abs(values), 0.995)) or float(np.abs(values).max()) or 1.0
