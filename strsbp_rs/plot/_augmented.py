"""Images and spikes as training sees them."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strsbp_rs._arguments import integer
from strsbp_rs._arrays import as_array
from strsbp_rs._config import ImageAugment, SpikeAugment
from strsbp_rs._fields import named
from strsbp_rs._spikes import SpikeTrains
from strsbp_rs.plot._figure import axes_or_new

__all__ = ["augmented"]

_GAP = 2
"""Pixels between images."""
_BEHIND = 0.85
"""Grey of the steps that a sample does not have."""


def augmented(
    images: ArrayLike | SpikeTrains,
    augment: ImageAugment | SpikeAugment,
    *,
    n_epochs: int = 8,
    seed: int = 0,
    ax: Any = None,
) -> Any:
    """Draws samples as they are and, to the right, as the first epochs that change them take them.

    Args:
        images: As `ImageAugment.apply` takes them: a row for every one. Three channels are red,
            green and blue; of other numbers the brightest is drawn. SpikeTrains for a
            `SpikeAugment`: neuron 0 on top, time to the right, grey behind the end.
        augment: The augmentation.
        n_epochs: Number of epochs, a column each.
        seed: Seed of the trainer.
        ax: Axes to draw on; of a new figure if None.

    Returns:
        The axes.

    Raises:
        ImportError: Without matplotlib.
        TypeError: If an argument has the wrong type.
        ValueError: If there are no samples, or what `apply` of the augmentation refuses.
    """
    named("augment", augment, (ImageAugment, SpikeAugment))
    columns = integer("n_epochs", n_epochs, low=1, below=1000)
    epochs = range(augment.first_epoch, augment.first_epoch + columns)
    if isinstance(augment, SpikeAugment):
        spikes: Any = images  # Of which `apply` refuses all that are no SpikeTrains.
        changed = [augment.apply(spikes, seed=seed, epoch=epoch) for epoch in epochs]
        if not len(changed[0]):
            raise ValueError("spikes must be at least one sample, got none")
        tiles = np.stack([_rasters(stage) for stage in (spikes, *changed)], axis=1)
        return _sheet(tiles, epochs, ax, "auto", (1.8, 1.2))
    array = as_array("images", images)
    if array.ndim and not len(array):
        raise ValueError(f"images has shape {array.shape}, expected at least one image")
    stages = [augment.apply(array, seed=seed, epoch=epoch) for epoch in epochs]
    shape = array.shape[1:] if array.ndim > 2 else augment._for_inputs(array.shape[1:]).image_shape
    assert shape is not None
    tiles = np.stack([_coloured(stage, shape) for stage in (array, *stages)], axis=1)
    return _sheet(tiles, epochs, ax, "equal", None)


def _sheet(
    tiles: NDArray[np.float64],
    epochs: range,
    ax: Any,
    aspect: Literal["auto", "equal"],
    inches: tuple[float, float] | None,
) -> Any:
    """Draws tiles, (n_samples, 1 + n_epochs, height, width, 3).

    Of these `inches`, wide and high; as high as their pixels say if None.
    """
    columns = len(epochs)
    n_images, _, height, width, _ = tiles.shape
    sheet = np.ones((n_images * (height + _GAP), (columns + 1) * (width + _GAP) + _GAP, 3))
    for (row, column), _ in np.ndenumerate(tiles[:, :, 0, 0, 0]):
        y, x = row * (height + _GAP), column * (width + _GAP) + (_GAP if column else 0)
        sheet[y : y + height, x : x + width] = tiles[row, column]
    sheet = sheet[:-_GAP, :-_GAP]
    if inches is None:
        wide = 0.62 * (columns + 1)
        size = (wide, wide * sheet.shape[0] / sheet.shape[1] + 0.3)
    else:
        size = (inches[0] * (columns + 1), inches[1] * n_images + 0.5)
    axes = axes_or_new(ax, size)
    axes.imshow(sheet, interpolation="nearest", aspect=aspect)
    middles = [
        (width - 1) / 2 + i * (width + _GAP) + (_GAP if i else 0) for i in range(columns + 1)
    ]
    axes.set_xticks(middles, ["as it is", *map(str, epochs)], fontsize="small")
    axes.set_yticks([])
    axes.set_xlabel("epoch")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return axes


def _rasters(spikes: SpikeTrains) -> NDArray[np.float64]:
    """Returns rasters as (n_samples, n_neurons, n_steps, 3) in [0, 1], black on white."""
    counts = np.minimum(spikes.to_counts(), 1).astype(np.float64)
    sheet = 1.0 - np.swapaxes(counts, 1, 2)
    for raster, length in zip(sheet, spikes.lengths, strict=True):
        raster[:, length:] = _BEHIND
    return np.repeat(sheet[..., None], 3, axis=-1)


def _coloured(images: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Returns images as (n_images, height, width, 3) in [0, 1]."""
    planes = images.reshape(len(images), -1, *shape[-2:])
    if planes.dtype == np.uint8:
        planes = planes / 255.0
    if planes.shape[1] != 3:
        planes = np.repeat(planes.max(axis=1, keepdims=True), 3, axis=1)
    return np.moveaxis(planes, 1, -1).astype(np.float64)
