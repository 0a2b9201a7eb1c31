"""Arrays that say who fires when."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from strsbp_rs._arrays import as_array

__all__ = ["spike_numbers"]

_MOST_SPIKES = 2**16 - 1
"""Of a neuron in a step, where they are given as counts."""


def spike_numbers(name: str, raster: Any) -> NDArray[Any]:
    """Returns how often each neuron fires at each step, bool or uint16 (n_samples, n_steps, n).

    Args:
        name: Name of the argument.
        raster: Truth values, integers or whole floats of shape (n_samples, n_steps, ...); the axes
            after the second are flattened in C order.

    Raises:
        TypeError: If the dtype is another.
        ValueError: If there are fewer than three dimensions, a number is not whole or out of range,
            or all that are not 0 are 255 in uint8: a picture of a raster, and no counts.
    """
    array = as_array(name, raster)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} has dtype {array.dtype}, expected truth values or whole numbers")
    if array.ndim < 3:
        raise ValueError(
            f"{name} has shape {array.shape}, expected (n_samples, n_steps, n_neurons)"
        )
    if array.dtype == np.float16:
        # Its largest number is below the largest count, with which it could not be compared.
        array = array.astype(np.float32)
    if array.dtype != np.bool_:
        _check_numbers(name, array)
        array = array.astype(np.uint16)
    n_samples, n_steps = array.shape[:2]
    flat = array.reshape(n_samples, n_steps, int(np.prod(array.shape[2:])))
    return np.ascontiguousarray(flat)


def _check_numbers(name: str, array: NDArray[Any]) -> None:
    if array.size == 0:
        return
    if array.dtype.kind == "f":
        cures = f" (analog values need an encoder; {name} > threshold makes a raster of them)"
        _refuse(name, array, array != np.rint(array), "a whole number of spikes", cures)
    if array.min() < 0 or array.max() > _MOST_SPIKES:
        beyond = (array < 0) | (array > _MOST_SPIKES)
        _refuse(name, array, beyond, f"in [0, {_MOST_SPIKES}]")
    if array.dtype == np.uint8 and array.max() == 255 and not ((array > 0) & (array < 255)).any():
        raise ValueError(
            f"{name} must be spikes or their counts, got a mask of 0 and 255: "
            f"give {name} > 0 if 255 is one spike, SpikeTrains.from_counts({name}) if it is 255"
        )


def _refuse(
    name: str, array: NDArray[Any], bad: NDArray[np.bool_], expected: str, cures: str = ""
) -> None:
    for at in np.argwhere(bad)[:1]:
        index = ", ".join(map(str, at))
        raise ValueError(f"{name}[{index}] must be {expected}, got {array[tuple(at)]}{cures}")
