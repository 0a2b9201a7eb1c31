"""Histories against epochs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from strsbp_rs._arguments import strings
from strsbp_rs.plot._figure import GREY, PREDICTED, axes_or_new, bare, colours
from strsbp_rs.training._history import History

__all__ = ["learning_curve", "learning_curves"]


def learning_curve(
    history: History | Sequence[dict[str, Any]], quantity: str = "accuracy", *, ax: Any = None
) -> Any:
    """Draws a quantity over the epochs, in training and in validation where there is any.

    Accuracies and firing rates are in per cent. Of a list, as "firing_rate" is one, there is a
    curve an entry. The best epoch in validation, of a loss or an accuracy, is marked.

    Args:
        history: What `Trainer.fit` returned, or its entries.
        quantity: Name of an entry of the epochs, without val_.
        ax: Axes to draw on; of a new figure if None.

    Returns:
        The axes.

    Raises:
        ImportError: Without matplotlib.
        KeyError: If no epoch has the quantity.
        TypeError: If ax is no axes.
    """
    history = _as_history(history)
    values = history[quantity]
    axes = axes_or_new(ax, (5.5, 3.6))
    epochs = [record.get("epoch", i + 1) for i, record in enumerate(history)]
    percent = quantity.endswith("accuracy") or quantity.startswith("firing_rate")
    scale = 100.0 if percent else 1.0
    style: dict[str, Any] = {"marker": "o" if len(epochs) < 30 else None, "ms": 3.5}
    if any(isinstance(value, list | tuple) for value in values):
        _lists(axes, epochs, values, scale, style)
    else:
        validated = history[f"val_{quantity}"] if f"val_{quantity}" in history.names else []
        label = "training" if validated else None
        axes.plot(epochs, scale * _numbers(values), color=GREY, label=label, **style)
        if validated:
            _validation(axes, epochs, scale * _numbers(validated), quantity, style)
            axes.legend(frameon=False, loc="best")
    axes.set_xlabel("epoch")
    axes.set_ylabel(quantity.replace("_", " ") + (" [%]" if percent else ""))
    axes.xaxis.get_major_locator().set_params(integer=True)
    if len(epochs) == 1:
        axes.set_xticks(epochs)
    axes.grid(alpha=0.3)
    bare(axes)
    return axes


def learning_curves(
    history: History | Sequence[dict[str, Any]],
    quantities: Sequence[str] = ("accuracy", "loss"),
    *,
    title: str = "",
    ax: Any = None,
) -> Any:
    """Draws several quantities over the epochs, beside each other; see `learning_curve`.

    Args:
        history: What `Trainer.fit` returned, or its entries.
        quantities: Names of entries of the epochs, without val_.
        title: Title of a new figure.
        ax: As many axes to draw on; of a new figure if None.

    Returns:
        Object array of the axes, (n_quantities,).

    Raises:
        ImportError: Without matplotlib.
        KeyError: If no epoch has a quantity.
        TypeError: If ax are no axes.
        ValueError: If there is another number of them, or no quantity.
    """
    history = _as_history(history)
    if isinstance(quantities, str):
        raise ValueError(f"quantities must be a list of names, got {quantities!r}")
    quantities = strings("quantities", quantities)
    n = len(quantities)
    if n == 0:
        raise ValueError("quantities must be a list of names, got none")
    all_axes = np.atleast_1d(axes_or_new(ax, (4.6 * n, 3.6), n, columns=n))
    for axes, quantity in zip(all_axes, quantities, strict=True):
        learning_curve(history, quantity, ax=axes)
    if title and ax is None:
        all_axes[0].figure.suptitle(title)
    return all_axes


def _as_history(history: Any) -> History:
    if isinstance(history, History):
        return history
    records = list(history) if isinstance(history, Iterable) else []
    if not records or not all(isinstance(record, Mapping) for record in records):
        raise TypeError(f"history must be a History or its entries, got {history!r:.200}")
    return History(records)


def _numbers(values: Sequence[Any]) -> Any:
    """Returns them as floats, NaN where there are none."""
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _validation(
    axes: Any, epochs: list[int], values: Any, quantity: str, style: dict[str, Any]
) -> None:
    known = np.flatnonzero(np.isfinite(values))
    label = "validation"
    best = None
    if known.size and quantity.endswith(("accuracy", "loss")):
        pick = np.argmax if quantity.endswith("accuracy") else np.argmin
        best = known[pick(values[known])]
        unit = " %" if quantity.endswith("accuracy") else ""
        text = f"{values[best]:.2f}" if unit else f"{values[best]:.4g}"
        label = f"validation, best {text}{unit} (epoch {epochs[best]})"
    axes.plot(np.array(epochs)[known], values[known], color=PREDICTED, label=label, **style)
    if best is not None:
        axes.plot(epochs[best], values[best], "o", color=PREDICTED, ms=7, mfc="none", mew=1.5)


def _lists(
    axes: Any, epochs: list[int], values: list[Any], scale: float, style: dict[str, Any]
) -> None:
    n = max(len(value) for value in values if value is not None)
    rows = np.array([[np.nan] * n if value is None else value for value in values], np.float64)
    for index, colour in enumerate(colours(n)):
        axes.plot(epochs, scale * rows[:, index], color=colour, label=f"layer {index}", **style)
    axes.legend(frameon=False, loc="best")
