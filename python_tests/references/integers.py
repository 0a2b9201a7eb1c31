"""Rounding and overflow of integers of any size."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Rounding = Literal["toward_zero", "floor", "nearest", "nearest_even", "stochastic"]
Overflow = Literal["saturate", "wrap"]

DRAW_BITS = 32


def round_shift(x: int, bits: int, rounding: Rounding, draw: int = 0) -> int:
    """x / 2^bits, rounded.

    Args:
        x: Any integer.
        bits: At least 0; 0 changes nothing.
        rounding: "nearest" takes halves up, "nearest_even" to the even neighbour. "stochastic" goes
            up with the probability of the dropped fraction.
        draw: For "stochastic", uniform in [0, 2^32): its upper `bits` bits are added before the
            floor, so `bits` is at most 32.
    """
    if bits == 0:
        return x
    if rounding == "toward_zero":
        return -(-x >> bits) if x < 0 else x >> bits
    if rounding == "floor":
        return x >> bits
    if rounding == "nearest":
        return (x + (1 << (bits - 1))) >> bits
    if rounding == "nearest_even":
        whole, rest = x >> bits, x & ((1 << bits) - 1)
        half = 1 << (bits - 1)
        return whole + (rest > half or (rest == half and whole % 2 == 1))
    if bits > DRAW_BITS:
        raise ValueError(f"bits must be <= {DRAW_BITS} to round stochastically, got {bits}")
    return (x + (draw >> (DRAW_BITS - bits))) >> bits


def limits(width: int) -> tuple[int, int]:
    """Smallest and largest number of a two's complement format."""
    return -(1 << (width - 1)), (1 << (width - 1)) - 1


def saturate(x: int, width: int) -> int:
    """The nearest number of the format."""
    low, high = limits(width)
    return min(max(x, low), high)


def wrap(x: int, width: int) -> int:
    """The lowest `width` bits, with sign."""
    low, _ = limits(width)
    return ((x - low) & ((1 << width) - 1)) + low


def fit(x: int, width: int, overflow: Overflow) -> tuple[int, bool]:
    """What a format makes of a number, and whether it had to change it."""
    kept = saturate(x, width) if overflow == "saturate" else wrap(x, width)
    return kept, kept != x


def arriving(weight: Ints, raster: Ints, delay: Ints | None, t: int) -> Ints:
    """Summed weights that reach each neuron at step t: of the spikes of step t - 1 - delay."""
    fired_at = t - 1 - (np.zeros_like(weight) if delay is None else delay)
    heard = raster[np.maximum(fired_at, 0), np.arange(raster.shape[1])] * (fired_at >= 0)
    return np.asarray(np.sum(weight * heard, axis=1, dtype=np.int64))
