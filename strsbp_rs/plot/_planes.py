"""Kernels and feature maps of layers in a plane or on a line, channel by channel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strsbp_rs._arguments import integer, integers
from strsbp_rs._network import Network
from strsbp_rs._protocol import SpikingNetwork
from strsbp_rs._recording import Recording
from strsbp_rs._shapes import by
from strsbp_rs._spikes import SpikeTrains
from strsbp_rs.fixed._network import FixedNetwork
from strsbp_rs.plot._figure import axes_or_new, largest_shown
from strsbp_rs.plot._raster import trains_of

__all__ = ["feature_maps", "kernels"]

Tiles = list[list[NDArray[Any] | None]]
"""Pictures of one size in rows; None where a row is not full."""


def kernels(
    network: Network,
    layer: int = 0,
    *,
    channels: Sequence[int] | None = None,
    ax: Any = None,
) -> Any:
    """Draws the kernels of a convolution, red where a spike excites and blue where it inhibits.

    A row is a channel of the layer, a column a channel below, of its group; with one channel below,
    kernels fill a square. Of a Conv1d every picture is a channel: its kernels, one above the other.
    Colours reach to the 99.5th percentile of the weights' sizes.

    Args:
        network: The network.
        layer: Which layer; 0 is the first above the input.
        channels: Which of its channels; all if None.
        ax: Axes to draw on; of a new figure if None.

    Returns:
        The axes.

    Raises:
        ImportError: Without matplotlib.
        TypeError: If an argument has the wrong type.
        ValueError: If there is no such layer or channel, or the layer has no kernels.
    """
    if not isinstance(network, Network):
        raise TypeError(f"network must be a Network, got {network!r:.200}")
    index = _layer_of(network, layer)
    values = network.weights[index].get("weight")
    if values is None or values.ndim < 3:
        kind = network.layers[index].kind
        raise ValueError(f"layer must be one with kernels, got {index}, which is {kind}")
    chosen = _chosen(channels, len(values))
    if values.ndim == 3:
        tiles = _squared([values[channel] for channel in chosen])
    elif values.shape[1] == 1:
        tiles = _squared([values[channel, 0] for channel in chosen])
    else:
        tiles = [list(values[channel]) for channel in chosen]
    most = largest_shown(values)
    axes = axes_or_new(ax, _size(tiles))
    image = _draw(axes, tiles, cmap="RdBu_r", vmin=-most, vmax=most)
    beyond = "both" if np.abs(values).max() > most else "neither"
    axes.figure.colorbar(image, ax=axes, label="weight", extend=beyond)
    if values.ndim == 4 and values.shape[1] > 1:
        before = "the input" if index == 0 else f"layer {index - 1}"
        axes.set_xlabel(f"channel of {before}, of its group")
        _number_rows(axes, chosen, _pitch(tiles)[0], (values.shape[2] - 1) / 2)
        axes.set_ylabel(f"channel of layer {index}")
    axes.set_title(
        f"layer {index}: kernels of {by(values.shape[2:])}, "
        f"{len(chosen)} of {len(values)} channels",
        fontsize="medium",
    )
    return axes


def feature_maps(
    recording: Recording | Sequence[SpikeTrains],
    network: SpikingNetwork,
    layer: int | None = 0,
    *,
    sample: int = 0,
    channels: Sequence[int] | None = None,
    ax: Any = None,
) -> Any:
    """Draws how often every neuron of a layer fires in one sample, a picture a channel.

    Channels of a layer on a line are rows.

    Args:
        recording: What `Network.run` or `FixedNetwork.run` gave.
        network: What gave it.
        layer: Which layer; 0 is the first above the input, None the input.
        sample: Which of its samples.
        channels: Which channels; all if None.
        ax: Axes to draw on; of a new figure if None.

    Returns:
        The axes.

    Raises:
        ImportError: Without matplotlib.
        TypeError: If an argument has the wrong type.
        ValueError: If there is no such layer, sample or channel, the layer is flat, or the
            recording is of another network.
    """
    trains = trains_of(recording)
    if not isinstance(network, Network | FixedNetwork):
        raise TypeError(f"network must be a Network or FixedNetwork, got {network!r:.200}")
    shapes = [network.in_shape, *network.shapes]
    if [train.shape[2] for train in trains] != [math.prod(shape) for shape in shapes]:
        raise ValueError(
            f"recording must be of a network of {', '.join(map(by, shapes))} neurons, "
            f"got {', '.join(str(train.shape[2]) for train in trains)}"
        )
    row = 0 if layer is None else _layer_of(network, layer) + 1
    name, shape = "input" if row == 0 else f"layer {row - 1}", shapes[row]
    if len(shape) == 1:
        raise ValueError(f"layer must be one in a plane, got {layer} of {shape[0]} neurons")
    at = integer("sample", sample)
    if at >= len(trains[row]):
        raise ValueError(f"sample must be < {len(trains[row])}, got {sample}")
    chosen = _chosen(channels, shape[0])
    counts = trains[row][at : at + 1].counts()[0].reshape(shape)[list(chosen)]
    is_line = len(shape) == 2
    tiles: Tiles = [[counts]] if is_line else _squared(list(counts))
    axes = axes_or_new(ax, (7.5, 3.6) if is_line else _size(tiles))
    most = max(1, int(counts.max()))
    aspect = "auto" if is_line else "equal"
    image = _draw(axes, tiles, cmap="viridis", vmin=0, vmax=most, aspect=aspect)
    axes.figure.colorbar(image, ax=axes, label="spikes")
    if is_line:
        _number_rows(axes, chosen, 1, 0.0)
        axes.set_ylabel("channel")
        axes.set_xlabel("place")
    axes.set_title(
        f"{name}: {len(chosen)} of {shape[0]} channels of {by(shape[1:])}, "
        f"{int(counts.sum()):,} spikes of sample {at}",
        fontsize="medium",
    )
    return axes


def _layer_of(network: Network | FixedNetwork, layer: Any) -> int:
    index, n = integer("layer", layer), len(network.layers)
    if index >= n:
        raise ValueError(f"layer must be < {n}, got {layer}")
    return index


def _chosen(channels: Any, n: int) -> Sequence[int]:
    if channels is None:
        return range(n)
    chosen = integers("channels", channels, low=0, below=n)
    if not chosen:
        raise ValueError("channels must be some, got none")
    return chosen


def _squared(pictures: Sequence[NDArray[Any]]) -> Tiles:
    """Rows of pictures that make about a square."""
    height, width = pictures[0].shape
    across = math.ceil(math.sqrt(len(pictures) * (height + 1) / (width + 1)))
    padded: list[NDArray[Any] | None] = [*pictures, *[None] * (-len(pictures) % across)]
    return [padded[first : first + across] for first in range(0, len(padded), across)]


def _pitch(tiles: Tiles) -> tuple[int, int]:
    """Places from one picture to the next; what lies between them grows with them."""
    first = tiles[0][0]
    assert first is not None
    gap = max(1, round(max(first.shape) / 12))
    return first.shape[0] + gap, first.shape[1] + gap


def _size(tiles: Tiles) -> tuple[float, float]:
    """Size of a figure [inches]."""
    high, wide = _pitch(tiles)
    high, wide = high * len(tiles), wide * len(tiles[0])
    longest = max(high, wide)
    return max(7.0 * wide / longest, 2.5) + 1.2, max(6.0 * high / longest, 1.5) + 0.6


def _draw(axes: Any, tiles: Tiles, **options: Any) -> Any:
    high, wide = _pitch(tiles)
    first = tiles[0][0]
    assert first is not None
    rows, columns = first.shape
    height, width = len(tiles) * high - (high - rows), len(tiles[0]) * wide - (wide - columns)
    whole = np.full((height, width), np.nan)
    for y, row in enumerate(tiles):
        for x, picture in enumerate(row):
            if picture is not None:
                whole[y * high :, x * wide :][:rows, :columns] = picture
    image = axes.imshow(whole, interpolation="nearest", **options)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    return image


def _number_rows(axes: Any, chosen: Sequence[int], pitch: int, middle: float) -> None:
    """Names the channels of rows, of about twenty of them at most."""
    rows = range(0, len(chosen), math.ceil(len(chosen) / 20))
    labels = [str(chosen[row]) for row in rows]
    axes.set_yticks([row * pitch + middle for row in rows], labels, fontsize="small")
