"""Confusion matrices and weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from strsbp_rs._arguments import integer, labels, strings
from strsbp_rs._evaluation import Evaluation
from strsbp_rs._network import Network, Weights
from strsbp_rs.fixed._network import FixedNetwork
from strsbp_rs.plot._figure import axes_or_new, bare, colours, largest_shown

__all__ = ["confusion_matrix", "weight_histogram", "weights"]

_WRITTEN = 20
"""Classes up to which every cell has its number."""


def confusion_matrix(
    y: ArrayLike,
    predictions: ArrayLike | Evaluation,
    *,
    class_names: Sequence[str] | None = None,
    ax: Any = None,
) -> Any:
    """Draws how often samples of each class were taken for which: numbers, coloured by row.

    Args:
        y: Classes, integers of shape (n_samples,).
        predictions: Predicted classes, likewise; or what `Trainer.evaluate` gave.
        class_names: Names of the classes. A network may have more outputs, which have numbers.
        ax: Axes to draw on; of a new figure if None.

    Returns:
        The axes.

    Raises:
        ImportError: Without matplotlib.
        TypeError: If classes are no integers, or ax is no axes.
        ValueError: If shapes disagree, there are no samples, or a class is negative or has no name.
    """
    guessed = predictions.predictions if isinstance(predictions, Evaluation) else predictions
    truth = labels("y", y)
    guess = labels("predictions", guessed, len(truth))
    if not len(truth):
        raise ValueError("y has shape (0,), expected samples")
    for name, values in (("y", truth), ("predictions", guess)):
        if values.min() < 0:
            raise ValueError(f"{name} must be classes >= 0, got {values.min()}")
    known = None if class_names is None else strings("class_names", class_names)
    n_rows = int(truth.max()) + 1 if known is None else len(known)
    if truth.max() >= n_rows:
        raise ValueError(f"class_names must name {truth.max() + 1} classes, got {n_rows}")
    n_columns = max(n_rows, int(guess.max()) + 1)
    names = [str(i) for i in range(n_columns)]
    names[: len(known or ())] = known or []
    counts = np.zeros((n_rows, n_columns), np.int64)
    np.add.at(counts, (truth, guess), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    written = n_columns <= _WRITTEN
    side = min(max(3.6, 0.52 * n_columns + 1.6), 9.0)
    axes = axes_or_new(ax, (side, side))
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    if written:
        for (row, column), count in np.ndenumerate(counts):
            dark = shares[row, column] > 0.55
            colour = "white" if dark else "0.7" if count == 0 else "0.15"
            axes.text(
                column, row, str(count), ha="center", va="center", fontsize="small", color=colour
            )
    if written or (class_names is not None and n_columns <= 2 * _WRITTEN):
        slanted = max(len(name) for name in names) > 3
        turn = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if slanted else {}
        axes.set_xticks(range(n_columns), names, fontsize="small", **turn)
        axes.set_yticks(range(n_rows), names[:n_rows], fontsize="small")
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    right = float(np.mean(truth == guess))
    axes.set_title(f"accuracy {100 * right:.2f} % on {len(truth):,} samples", fontsize="medium")
    return axes


def weights(
    network: Network | FixedNetwork, layer: int = 0, *, matrix: str = "weight", ax: Any = None
) -> Any:
    """Draws the weights of a layer as an image: rows are its neurons, columns where they listen.

    Of a convolution rows are its channels, columns the taps of their kernels; `kernels` draws these
    as pictures. Colours reach to the 99.5th percentile of the weights' sizes.

    Args:
        network: The network; of one in fixed point, what its integers stand for is drawn.
        layer: Which layer; 0 is the first above the input.
        matrix: "weight" or, of recurrent layers, "recurrent_weight".
        ax: Axes to draw on; of a new figure if None.

    Returns:
        The axes.

    Raises:
        ImportError: Without matplotlib.
        TypeError: If an argument has the wrong type.
        ValueError: If there is no such layer or matrix.
    """
    all_weights, index = _weights_of(network), integer("layer", layer)
    if index >= len(all_weights):
        raise ValueError(f"layer must be < {len(all_weights)}, got {layer}")
    if matrix not in all_weights[index]:
        known = " or ".join(repr(name) for name in all_weights[index])
        if not known:
            float_network = network if isinstance(network, Network) else network.network
            kind = float_network.layers[index].kind
            raise ValueError(f"layer must be one with weights, got {index}, which is {kind}")
        raise ValueError(f"matrix must be {known} for layer {index}, got {matrix!r}")
    values = all_weights[index][matrix]
    has_kernels = values.ndim > 2
    values = values.reshape(len(values), -1)
    axes = axes_or_new(ax, (6.4, 4.2))
    most = largest_shown(values)
    # Nearest: a matrix of few rows and many columns would be blurred across its rows.
    image = axes.imshow(
        values, cmap="RdBu_r", vmin=-most, vmax=most, aspect="auto", interpolation="nearest"
    )
    beyond = "both" if np.abs(values).max() > most else "neither"
    axes.figure.colorbar(image, ax=axes, label="weight", extend=beyond)
    before = "input" if index == 0 else f"neuron of layer {index - 1}"
    before = "tap of a kernel" if has_kernels else before
    axes.set_xlabel("presynaptic neuron" if matrix != "weight" else before)
    axes.set_ylabel(f"{'channel' if has_kernels else 'neuron'} of layer {index}")
    return axes


def weight_histogram(network: Network | FixedNetwork, *, ax: Any = None) -> Any:
    """Draws how the weights of all layers are distributed, of synapses that exist.

    Args:
        network: The network; of one in fixed point, what its integers stand for is drawn.
        ax: Axes to draw on; of a new figure if None.

    Returns:
        The axes.

    Raises:
        ImportError: Without matplotlib.
        TypeError: If an argument has the wrong type.
        ValueError: If it has none.
    """
    all_weights = _weights_of(network)
    float_network = network if isinstance(network, Network) else network.network
    axes = axes_or_new(ax, (6.4, 3.6))
    named = []
    for index, layer in enumerate(all_weights):
        mask = float_network.recurrent_mask(index)
        for name, values in layer.items():
            recurrent = name != "weight"
            exists = values[mask] if recurrent and mask is not None else values.ravel()
            label = f"layer {index}" + (", recurrent" if recurrent else "")
            named.append((label, exists))
    if not named:
        raise ValueError("network must have weights, got one of pools alone")
    low = min(float(values.min(initial=0.0)) for _, values in named)
    high = max(float(values.max(initial=0.0)) for _, values in named)
    n_bins = int(np.clip(np.sqrt(max(len(values) for _, values in named)), 10, 100))
    edges = np.linspace(low, high if high > low else low + 1.0, n_bins + 1)
    for (label, values), colour in zip(named, colours(len(named)), strict=True):
        share = np.histogram(values, edges)[0] / max(len(values), 1)
        axes.stairs(100.0 * share, edges, color=colour, label=f"{label} ({len(values):,})")
    axes.set_xlabel("weight")
    axes.set_ylabel("share [%]")
    axes.legend(frameon=False, loc="best", fontsize="small")
    bare(axes)
    return axes


def _weights_of(network: Network | FixedNetwork) -> Weights:
    """Returns the weights of all layers; of integers, what they stand for."""
    if isinstance(network, Network):
        return network.weights
    if not isinstance(network, FixedNetwork):
        raise TypeError(f"network must be a Network or a FixedNetwork, got {network!r:.200}")
    found = []
    for layer in network.layers:
        unit = layer.scale[:, np.newaxis]
        matrices = {"weight": layer.weight, "recurrent_weight": layer.recurrent_weight}
        found.append({name: unit * held for name, held in matrices.items() if held is not None})
    return found
