"""Arrays that say who fires when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strsbp_rs._arguments import integer
from strsbp_rs._arrays import as_array

__all__ = ["joined_rows", "spike_numbers"]

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


Rows = tuple[NDArray[np.int64], NDArray[np.int32], tuple[int, int, int]]
"""Row starts, neurons and shape of spike trains, as `SpikeTrains.from_csr` takes them."""


def joined_rows(
    name: str, parts: Sequence[Rows], n_steps: int | None
) -> tuple[NDArray[np.int64], NDArray[np.int32], tuple[int, int, int], NDArray[np.int64]]:
    """Returns the rows of a set of samples that are given one by one, and their lengths.

    Args:
        name: Name of the argument.
        parts: Rows of each sample.
        n_steps: Number of time steps of the set; of the longest sample if None.

    Raises:
        ValueError: If there is no sample, they differ in neurons, or one is longer than `n_steps`.
    """
    if not parts:
        raise ValueError(f"{name} must hold at least one sample, got none")
    lengths = np.array([shape[1] for _, _, shape in parts])
    longest = int(lengths.max())
    whole = longest if n_steps is None else integer("n_steps", n_steps)
    if whole < longest:
        at = int(lengths.argmax())
        raise ValueError(f"n_steps must be >= {longest}, the length of {name}[{at}], got {whole}")
    n_neurons = parts[0][2][2]
    for at, (_, _, shape) in enumerate(parts):
        if shape[2] != n_neurons:
            raise ValueError(
                f"{name}[{at}] has {shape[2]} neurons, expected {n_neurons}, as {name}[0]"
            )
    in_each = np.zeros((len(parts), whole), np.int64)
    for counts, (indptr, _, _) in zip(in_each, parts, strict=True):
        counts[: len(indptr) - 1] = np.diff(indptr)
    starts = np.concatenate([[0], np.cumsum(in_each.ravel())])
    neurons = np.concatenate([indices for _, indices, _ in parts])
    return starts, neurons, (len(parts), whole, n_neurons), lengths
