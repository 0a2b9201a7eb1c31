"""Numbers and choices of formats: one for all neurons, or one for each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strsbp_rs._arguments import integer, integers
from strsbp_rs._arrays import as_array

__all__ = [
    "Device",
    "Overflow",
    "PerNeuron",
    "Reset",
    "Rounding",
    "SignMode",
    "UnsignedPerNeuron",
    "integer_array",
    "per_neuron",
    "plain",
]


def per_neuron(name: str, value: Any, low: int, below: int) -> int | tuple[int, ...]:
    """Returns one integer, or those of a list of at least one.

    Raises:
        TypeError: If it is another thing.
        ValueError: If an integer is out of range, or the list is empty.
    """
    if as_array(name, value).ndim == 0:
        return integer(name, value, low=low, below=below)
    each = integers(name, value, low=low, below=below)
    if not each:
        raise ValueError(f"{name} must be one integer, or one for each neuron, got none")
    return each


def plain(value: Any) -> Any:
    """Returns a value of a field as the core takes it."""
    return list(value) if isinstance(value, tuple) else value


def integer_array(name: str, values: ArrayLike) -> NDArray[np.int64]:
    """Returns integers as a contiguous array of int64.

    Raises:
        TypeError: If they are none.
    """
    array = as_array(name, values)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} has dtype {array.dtype}, expected integers")
    return np.ascontiguousarray(array, dtype=np.int64)


_Integers = int | Sequence[int] | NDArray[np.integer[Any]]
PerNeuron = Annotated[_Integers, partial(per_neuron, low=-(2**31), below=2**31)]
"""One integer for all neurons of a population, or one for each."""

UnsignedPerNeuron = Annotated[_Integers, partial(per_neuron, low=0, below=2**32)]

Rounding = Literal["toward_zero", "floor", "nearest", "nearest_even", "stochastic"]
Overflow = Literal["saturate", "wrap", "saturate_symmetric", "wrap_upper"]
Device = Literal["a1", "audio2", "audio3", "imu"]
Reset = Literal["zero", "subtract"]
SignMode = Literal["mixed", "excitatory", "inhibitory"]
