"""What an index of spike trains selects."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from strsbp_rs._arrays import as_array

__all__ = ["samples_of", "split", "window_of"]


def split(key: Any) -> tuple[Any, Any]:
    """Returns what an index says of the samples and of the steps; neurons are not selected.

    Raises:
        IndexError: If it has more than three entries, or one for the neurons.
    """
    parts = list(key) if isinstance(key, tuple) else [key]
    # Not `in`: it would compare arrays.
    dots = [at for at, part in enumerate(parts) if part is Ellipsis]
    if len(dots) > 1 or len(parts) - len(dots) > 3:
        raise IndexError(f"SpikeTrains have three axes, samples, steps and neurons, got {key!r}")
    if dots:
        parts[dots[0] : dots[0] + 1] = [slice(None)] * (4 - len(parts))
    parts += [slice(None)] * (3 - len(parts))
    if not (isinstance(parts[2], slice) and parts[2] == slice(None)):
        raise IndexError(f"SpikeTrains are indexed by samples and steps, not neurons, got {key!r}")
    return parts[0], parts[1]


def samples_of(key: Any, n: int) -> range | list[int]:
    """Returns the samples that an index, slice, mask or array of indices selects of `n`.

    Raises:
        IndexError: If a sample does not exist, or a mask has another length.
        TypeError: If the key is something else.
    """
    if isinstance(key, slice):
        return range(*key.indices(n))
    if not isinstance(key, (list, tuple)) and np.ndim(key) == 0:
        at = _index(key, n, "sample")
        return range(at, at + 1)
    array = as_array("index", key)
    if array.size == 0 and array.ndim == 1:
        return []
    if array.dtype == np.bool_:
        if array.shape != (n,):
            raise IndexError(f"mask has shape {array.shape}, expected (n_samples={n},)")
        return [int(at) for at in np.flatnonzero(array)]
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise TypeError(
            "SpikeTrains are indexed by integers, slices, masks or arrays of integers of one "
            f"dimension, got {array.dtype} of shape {array.shape}"
        )
    bad = np.flatnonzero((array < -n) | (array >= n))
    if bad.size:
        got = array[bad[0]]
        raise IndexError(f"index[{bad[0]}] must be a sample in [-{n}, {n}), got {got}")
    found: list[int] = np.where(array < 0, array + n, array).tolist()
    return found


def window_of(key: Any, n: int) -> tuple[int, int]:
    """Returns the first step, and that after the last, which an index or slice selects of `n`.

    Raises:
        IndexError: If the step does not exist.
        ValueError: If a slice is empty, or leaves steps out.
        TypeError: If the key is something else.
    """
    if not isinstance(key, slice):
        at = _index(key, n, "step")
        return at, at + 1
    start, stop, step = key.indices(n)
    if step != 1:
        raise ValueError(f"slices of steps must have step 1, as spikes would be lost, got {step}")
    if start >= stop:
        raise ValueError(f"slices of steps must hold one of [0, {n}), got {start}:{stop}")
    return start, stop


def _index(key: Any, n: int, what: str) -> int:
    try:
        if isinstance(key, (bool, np.bool_)):
            raise TypeError
        at = operator.index(key)
    except TypeError:
        raise TypeError(f"{what} must be an integer or a slice, got {key!r}") from None
    if not -n <= at < n:
        raise IndexError(f"{what} must be in [-{n}, {n}), got {at}")
    return at % n
