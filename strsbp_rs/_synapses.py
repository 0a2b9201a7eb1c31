"""What users say of the synapses of a projection, as the core takes it."""

from __future__ import annotations

import math
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strsbp_rs import _config as config
from strsbp_rs._arguments import number
from strsbp_rs._arrays import as_array, as_floats
from strsbp_rs._fields import refuse_subclass

__all__ = ["delay_rule", "kernel_arrays", "pair_arrays", "weight_rule"]


def pair_arrays(
    pairs: tuple[ArrayLike, ...], sizes: tuple[int, int], weight: Any, delay: Any, dtype: Any
) -> tuple[tuple[NDArray[np.uint32], NDArray[np.uint32]], NDArray[Any], NDArray[np.float64]]:
    """Returns explicit pairs between populations of these sizes, their weights and delays.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If shapes disagree, or a neuron does not exist.
    """
    if len(pairs) != 2:
        raise ValueError(f"rule must be two arrays, got {len(pairs)}")
    sources, targets = (
        _indices(name, array, n)
        for name, array, n in zip(("pre", "post"), pairs, sizes, strict=True)
    )
    if isinstance(weight, config.Init) or isinstance(delay, config.UniformDelay):
        raise TypeError("weight and delay of explicit pairs must be numbers or arrays")
    weights = _weights(weight, dtype)
    if weights.ndim == 0:
        weights = np.full(len(sources), weights)
    delays = np.atleast_1d(as_floats("delay", delay, np.dtype(np.float64)))
    for name, array in (("weight", weights), ("delay", delays)):
        if array.ndim != 1:
            raise ValueError(f"{name} has shape {array.shape}, expected ({len(sources)},)")
    return (sources, targets), weights, delays


def kernel_arrays(
    rule: config.Convolution, weight: Any, delay: Any, dtype: Any
) -> tuple[NDArray[Any], NDArray[np.float64]] | None:
    """Returns the kernels of a convolution and their delays, flat; None if neither is an array.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a shape is not that of the kernels.
    """
    drawn = isinstance(weight, config.Init), isinstance(delay, config.UniformDelay)
    given = (np.ndim(weight) and not drawn[0]) or (np.ndim(delay) and not drawn[1])
    if not given:
        return None
    if any(drawn):
        raise TypeError("weight and delay must be numbers or arrays where one of them is an array")
    shape = rule.weight_shape
    weights, delays = _weights(weight, dtype), as_floats("delay", delay, np.dtype(np.float64))
    for name, array in (("weight", weights), ("delay", delays)):
        if array.ndim and array.shape != shape:
            raise ValueError(
                f"{name} has shape {array.shape}, expected {shape}: (channels, channels_in / "
                "groups, kernel height, kernel width)"
            )
    return np.ascontiguousarray(np.broadcast_to(weights, shape)).ravel(), delays.ravel()


def _weights(weight: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Returns weights of a graph's type."""
    if dtype.kind == "i":
        return _whole(weight, dtype).astype(dtype, order="C")
    return as_floats("weight", weight, dtype)


def _indices(name: str, array: ArrayLike, n: int) -> NDArray[np.uint32]:
    values = as_array(name, array)
    if values.dtype.kind not in "iu" and values.size:
        raise TypeError(f"{name} has dtype {values.dtype}, expected integers")
    if values.ndim != 1:
        raise ValueError(f"{name} has shape {values.shape}, expected one dimension")
    bad = np.flatnonzero((values < 0) | (values >= n))
    if bad.size:
        raise ValueError(f"{name}[{bad[0]}] must be a neuron in [0, {n}), got {values[bad[0]]}")
    return np.ascontiguousarray(values, dtype=np.uint32)


def _whole(weight: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Refuses weights that an integer type does not hold."""
    values = as_array("weight", weight)
    if values.dtype.kind not in "iuf":
        raise TypeError(f"weight has dtype {values.dtype}, expected whole numbers")
    limits = np.iinfo(dtype)
    bad = np.flatnonzero((values < limits.min) | (values > limits.max) | (values % 1 != 0))
    if bad.size:
        raise ValueError(f"weight must be whole, and of {dtype}, got {values.flat[bad[0]]}")
    return values


def weight_rule(weight: Any, dtype: np.dtype[Any]) -> dict[str, Any]:
    """Returns how weights are drawn.

    Raises:
        TypeError: If it is neither a number nor a distribution.
        ValueError: If it is an array, not finite, or no weight of `dtype`.
    """
    if isinstance(weight, config.Init):
        refuse_subclass("weight", weight, get_args(config.Init))
        return weight.to_dict()
    if dtype.kind == "i":
        _whole(weight, dtype)
    value = _number("weight", weight)
    if not math.isfinite(value):
        raise ValueError(f"weight must be finite, got {value}")
    return config.ConstantInit(value).to_dict()


def delay_rule(delay: Any) -> Any:
    """Returns how delays are drawn, or the one delay.

    Raises:
        TypeError: If it is neither a number nor a distribution.
        ValueError: If it is an array.
    """
    if not isinstance(delay, config.UniformDelay):
        return _number("delay", delay)
    refuse_subclass("delay", delay, (config.UniformDelay,))
    return delay.to_dict()


def _number(name: str, value: Any) -> float:
    if np.ndim(value) != 0:
        raise ValueError(f"{name} must be one number, or pairs must be explicit, got an array")
    return number(name, value)
