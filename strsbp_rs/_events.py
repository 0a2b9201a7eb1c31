"""Event arrays of any layout: which step and which neuron an event is of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strsbp_rs._arguments import integers, number, one_of
from strsbp_rs._arrays import as_array

__all__ = [
    "Columns",
    "columns_of",
    "event_columns",
    "is_events",
    "pixel_columns",
    "sensor",
]

Columns = list[tuple[str, NDArray[np.int64], NDArray[np.int64]]]
"""Of every sample: what messages call it, the step of each event, and its neuron."""

MILLISECONDS = {"us": 1e-3, "ms": 1.0, "s": 1e3}
"""Milliseconds of the units of time."""


def is_events(array: Any) -> bool:
    """Whether something is an event array: a structured one."""
    return getattr(getattr(array, "dtype", None), "names", None) is not None


def columns_of(
    name: str,
    events: Sequence[Any],
    sensor_size: tuple[int, int, int] | None,
    time_unit: str | None,
    dt: float,
    *,
    may_be_flat: bool = False,
) -> Columns:
    """Returns the step and the neuron of the events of every sample.

    Args:
        name: What messages call the list.
        events: One structured array a sample.
        sensor_size: Size of the sensor; None where x alone says which neuron it is.
        time_unit: What t counts; steps, if None.
        dt: Time step [ms].
        may_be_flat: Whether, with `sensor_size`, x alone says which neuron it is in arrays that
            have neither y nor p.

    Raises:
        TypeError: If an array lacks a field, or a field has the wrong type.
        ValueError: If an event is not on the sensor, or unit or step are none.
    """
    if is_events(events):
        raise TypeError(f"{name} must be a list of event arrays, one a sample, got one array")
    if isinstance(events, (str, bytes, dict)) or not isinstance(events, Iterable):
        got = type(events).__name__
        raise TypeError(f"{name} must be a list of event arrays, one a sample, got {got}")
    if sensor_size is not None and time_unit is None:
        raise ValueError("time_unit must be given with sensor_size ('us' for tonic's events)")
    unit = one_of("time_unit", "step" if time_unit is None else time_unit, ("step", *MILLISECONDS))
    step = number("dt", dt)
    if not 0 < step < inf:
        raise ValueError(f"dt must be finite and > 0 ms, got {dt}")
    if unit == "step" and step != 1.0:
        raise ValueError(f"dt must be left out where t counts steps, got {dt}")
    columns = []
    for sample, array in enumerate(events):
        of = f"{name}[{sample}]"
        is_flat = may_be_flat and not {"y", "p"} & set(_fields(array))
        if sensor_size is None or is_flat:
            cure = "; SpikeTrains.from_events(sensor_size=...) makes it of them"
            t, neuron = event_columns(of, array, allow_float=unit != "step", cure=cure)
        else:
            t, neuron = pixel_columns(of, array, sensor_size)
        columns.append((of, _steps_of(of, t, unit, step), neuron))
    return columns


def event_columns(
    name: str, array: Any, *, allow_float: bool = False, cure: str = ""
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Returns the fields t and x of an event array: t as int64 or, if allowed, float64.

    Raises:
        TypeError: If a field is missing or has another type, or there is a field y.
        ValueError: If an integer is 2^63 or more.
    """
    array, fields = _structured(name, array)
    if "y" in fields:
        also = ", with polarity p: x + width * (y + height * p)" if "p" in fields else ""
        raise TypeError(
            f"{name} has fields {fields}, expected t and x: a pixel is one number, "
            f"as x + width * y{also}{cure}"
        )
    return _times(name, array, allow_float), _column(name, array, "x")


def _fields(array: Any) -> tuple[str, ...]:
    return getattr(getattr(array, "dtype", None), "names", None) or ()


def _structured(name: str, array: Any) -> tuple[NDArray[Any], tuple[str, ...]]:
    fields = _fields(array)
    if "t" not in fields or "x" not in fields:
        got = f"fields {fields}" if fields else type(array).__name__
        raise TypeError(f"{name} has {got}, expected a structured array with t and x")
    array = as_array(name, array)
    if array.ndim != 1:
        raise TypeError(f"{name} has shape {array.shape}, expected one dimension")
    return array, fields


def _times(name: str, array: NDArray[Any], allow_float: bool) -> NDArray[Any]:
    kind = array["t"].dtype.kind
    if allow_float and kind == "f":
        return array["t"].astype(np.float64)
    if allow_float and kind not in "iu":
        raise TypeError(f"{name}['t'] has dtype {array['t'].dtype}, expected integers or floats")
    return _column(name, array, "t")


def _column(name: str, array: NDArray[Any], key: str, kinds: str = "iu") -> NDArray[np.int64]:
    """An integer field as int64."""
    column = array[key]
    if column.dtype.kind not in kinds:
        raise TypeError(f"{name}['{key}'] has dtype {column.dtype}, expected integers")
    if column.dtype == np.uint64:
        bad = np.flatnonzero(column >= 2**63)
        if bad.size:
            raise ValueError(f"{name}['{key}'][{bad[0]}] must be < 2^63, got {column[bad[0]]}")
    return column.astype(np.int64)


# Sensors -----------------------------------------------------------------------------------------


def pixel_columns(
    name: str, array: Any, sensor_size: tuple[int, int, int]
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Returns the times of events and their neurons, x + width * (y + height * p).

    That is the order in which an array (P, H, W) lies in memory. A missing y or p is 0, and so is
    every p where there is one polarity.

    Raises:
        TypeError: If a field is missing that the sensor has, or has the wrong type.
        ValueError: If an event is not on the sensor; the message names the first.
    """
    array, fields = _structured(name, array)
    neuron = np.zeros(len(array), np.int64)
    stride = 1
    for key, size in zip(("x", "y", "p"), sensor_size, strict=True):
        if key in fields and not (key == "p" and size == 1):
            column = _column(name, array, key, "iub" if key == "p" else "iu")
            bad = np.flatnonzero((column < 0) | (column >= size))
            if bad.size:
                at, got = bad[0], column[bad[0]]
                raise ValueError(f"{name}['{key}'][{at}] must be in [0, {size}), got {got}")
            neuron += stride * column
        elif size != 1 and key not in fields:
            raise TypeError(
                f"{name} has fields {fields}, expected {key} too: sensor_size={sensor_size}"
            )
        stride *= size
    return _times(name, array, True), neuron


def sensor(sensor_size: Any) -> tuple[int, int, int]:
    """Checks the size (W, H, P) of a sensor."""
    sizes = integers("sensor_size", sensor_size, low=1, below=2**32)
    if len(sizes) != 3:
        raise ValueError(f"sensor_size must be (width, height, polarities), got {sensor_size!r}")
    return sizes[0], sizes[1], sizes[2]


# Time --------------------------------------------------------------------------------------------


def _steps_of(name: str, t: NDArray[Any], time_unit: str, dt: float) -> NDArray[np.int64]:
    """Returns the step that each time falls into, floor(t / dt).

    A time within rounding of a step's begin is in that step: 0.3 ms are 3 steps of 0.1 ms.

    Raises:
        TypeError: If times in steps are no integers.
        ValueError: If a time is not finite or too large.
    """
    if time_unit == "step":
        if t.dtype.kind == "f":
            raise TypeError(f"{name}['t'] has dtype {t.dtype}, expected integers, time steps")
        return t
    step = dt / MILLISECONDS[time_unit]
    if t.dtype.kind == "i" and step >= 1 and abs(step - round(step)) <= 1e-9 * step < 1e9:
        return t // round(step)
    exact = t / step
    bad = np.flatnonzero(~(np.abs(exact) < 2.0**53))
    if bad.size:
        raise ValueError(
            f"{name}['t'][{bad[0]}] must be within 2^53 steps of {dt:g} ms, got {t[bad[0]]}"
        )
    nearest = np.rint(exact)
    close = np.abs(exact - nearest) <= 1e-9 * np.maximum(np.abs(exact), 1.0)
    return np.where(close, nearest, np.floor(exact)).astype(np.int64)
