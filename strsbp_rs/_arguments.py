"""Checks of arguments: every message names the one that is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["integer", "labels", "number"]


def integer(name: str, value: Any) -> int:
    """Returns a non-negative integer below 2^64.

    Raises:
        TypeError: If it is not an integer.
        ValueError: If it is negative or too large.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < 0:
        raise ValueError(f"{name} must be >= 0, got {value}")
    if value >= 2**64:
        raise ValueError(f"{name} must be < 2^64, got {value}")
    return int(value)


def number(name: str, value: Any) -> float:
    """Returns a number as a float.

    Raises:
        TypeError: If it is none.
    """
    try:
        if not isinstance(value, (str, bytes)):
            return float(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise TypeError(f"{name} must be a number, got {value!r}")


def labels(
    name: str, y: ArrayLike, n_samples: int | None = None, n_out: int | None = None
) -> NDArray[np.int64]:
    """Returns classes as int64 of shape (n_samples,), in [0, n_out) where that is given.

    Raises:
        TypeError: If they are no integers.
        ValueError: If their shape or one of them is another.
    """
    array = np.asarray(y)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} has dtype {array.dtype}, expected integers")
    if array.ndim != 1 or n_samples not in (None, len(array)):
        n = "n_samples" if n_samples is None else f"n_samples={n_samples}"
        raise ValueError(f"{name} has shape {array.shape}, expected ({n},)")
    if n_out is not None:
        for index in np.flatnonzero((array < 0) | (array >= n_out))[:1]:
            raise ValueError(f"{name}[{index}] must be a class in [0, {n_out}), got {array[index]}")
    return array.astype(np.int64)
