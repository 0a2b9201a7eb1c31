"""Numbers that every machine makes alike: integers mixed by shifts and products, nothing drawn."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int, ...]


def integers(seed: int, shape: Shape) -> NDArray[np.uint64]:
    """Integers of 64 bits (SplitMix64)."""
    first = (seed * 0x2545F4914F6CDD1D) % 2**64
    z = np.arange(math.prod(shape), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z += np.uint64(first)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (z ^ (z >> np.uint64(31))).reshape(shape)


def below(seed: int, shape: Shape, bound: int) -> NDArray[np.int64]:
    """Integers in [0, bound)."""
    return (integers(seed, shape) % np.uint64(bound)).astype(np.int64)


def raster(seed: int, shape: Shape, one_in: int) -> NDArray[np.bool_]:
    """Spikes (n_samples, n_steps, n), about one in so many places."""
    return below(seed, shape, one_in) == 0


def counts(seed: int, shape: Shape, one_in: int) -> NDArray[np.uint16]:
    """As `raster`, but some spikes come twice or thrice in a step."""
    often = 1 + below(seed + 1, shape, 12) // 10 + below(seed + 2, shape, 12) // 11
    return (raster(seed, shape, one_in) * often).astype(np.uint16)


def pixels(seed: int, shape: Shape) -> NDArray[np.uint8]:
    """Bytes, a quarter of them 0."""
    values = below(seed, shape, 256)
    return np.where(below(seed + 1, shape, 4) == 0, 0, values).astype(np.uint8)


def fractions(seed: int, shape: Shape, low: float = 0.0, high: float = 1.0) -> NDArray[np.float64]:
    """Numbers from `low` to below `high` that float32 holds as well."""
    return low + (high - low) * (below(seed, shape, 1024) / 1024)


def classes(n: int, n_classes: int) -> NDArray[np.int64]:
    """Labels."""
    return np.arange(n) % n_classes


def events(seed: int, n: int, n_steps: int, n_inputs: int) -> NDArray[np.void]:
    """Events sorted by time: fields t (steps) and x (input)."""
    found = np.empty(n, dtype=[("t", "i8"), ("x", "i8")])
    found["t"] = np.sort(below(seed, (n,), n_steps))
    found["x"] = below(seed + 1, (n,), n_inputs)
    return found
