"""Checks of arguments: every message names the one that is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["integer", "number"]


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
