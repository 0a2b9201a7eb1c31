"""Analog samples, which do not change or are time series, as the core takes them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from strsbp_rs import _config as config
from strsbp_rs._arrays import as_array, what_else
from strsbp_rs._shapes import fits

__all__ = ["Frames", "analog_input", "named_axes", "numbers", "uneven"]


class Frames(NamedTuple):
    """Frames of all samples, (n_frames, n_features), and the first of each, (n_samples + 1,)."""

    frames: NDArray[Any]
    starts: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int]:
        """Number of samples."""
        return (len(self.starts) - 1,)


def uneven(x: Any) -> list[NDArray[Any]]:
    """Returns the arrays of a list whose samples differ in steps; none of anything else."""
    if not isinstance(x, (list, tuple)) or len({getattr(one, "shape", None) for one in x}) < 2:
        return []
    if any(getattr(one, "ndim", 0) < 2 for one in x):
        return []
    return [as_array(f"x[{at}]", one) for at, one in enumerate(x)]


def analog_input(
    name: str, x: Any, in_shape: tuple[int, ...], encoder: config.Encoder
) -> NDArray[Any] | Frames:
    """Returns values that an encoder makes spikes of.

    Args:
        name: Name of the argument.
        x: An array (n_samples, ...) or (n_samples, n_frames, ...), or a list of (n_frames, ...).
        in_shape: Shape of the network's inputs.
        encoder: The encoder.

    Raises:
        TypeError: If the dtype is one that says nothing of the kind.
        ValueError: If shapes do not fit.
    """
    features = _feature_shape(in_shape, encoder)
    if encoder.is_for_series and (series := uneven(x)):
        return _joined(name, series, features, encoder)
    array = numbers(name, x)
    shape = array.shape
    may_be_series = array.ndim > 2 and fits(shape[2:], features)
    if may_be_series and encoder.is_for_series:
        _refuse_raster(name, array)
        flat = _typed(name, array).reshape(shape[0] * shape[1], math.prod(features))
        starts = np.arange(shape[0] + 1, dtype=np.int64) * shape[1]
        _check_frames(name, starts)
        return Frames(np.ascontiguousarray(flat), starts)
    if array.ndim < 2 or not fits(shape[1:], features) or encoder.needs_series:
        expected = _expected(features, in_shape, encoder)
        cure = _cure(name, shape, features) if may_be_series else ""
        raise ValueError(f"{name} has shape {shape}, expected {expected}{cure}")
    flat = _typed(name, array).reshape(shape[0], math.prod(features))
    return np.ascontiguousarray(flat)


def _feature_shape(in_shape: tuple[int, ...], encoder: config.Encoder) -> tuple[int, ...]:
    """Shape of the values that drive inputs of a shape, of which the first axis is channels."""
    per = encoder.inputs_per_feature
    if in_shape[0] % per:
        kind = type(encoder).__name__
        channels = "n_in" if len(in_shape) == 1 else "the channels of n_in"
        raise ValueError(
            f"{channels} must be a multiple of {per}, the inputs a feature of {kind}, "
            f"got {in_shape[0]}"
        )
    return (in_shape[0] // per, *in_shape[1:])


def _expected(features: tuple[int, ...], in_shape: tuple[int, ...], encoder: config.Encoder) -> str:
    """What samples of an encoder may be."""
    kind, per = type(encoder).__name__, encoder.inputs_per_feature
    name = "n_in" if per == 1 else "n_features"
    series = f"a time series {named_axes(features, 'n_samples, n_frames', name)}"
    forms = [] if encoder.needs_series else [named_axes(features, "n_samples", name)]
    forms += [series] if encoder.is_for_series else []
    n_in = math.prod(in_shape)
    note = f": {kind} has {per} inputs a feature and the network n_in={n_in}" if per > 1 else ""
    return " or ".join(forms) + note


def _cure(name: str, shape: tuple[int, ...], features: tuple[int, ...]) -> str:
    """What an array might be that has the axes of a raster, and of a time series."""
    values = math.prod(shape[1:])
    return (
        f": with an encoder its samples are images of {values} values, for a network with "
        f"n_in={values}; if it is a raster of {shape[1]} steps, give "
        f"SpikeTrains.from_dense({name}), or no encoder; if it is a time series of {shape[1]} "
        f"frames of {math.prod(features)} features, give the encoder's hold, the steps of a frame"
    )


def _joined(
    name: str, series: list[NDArray[Any]], features: tuple[int, ...], encoder: config.Encoder
) -> Frames:
    n_features = math.prod(features)
    parts = []
    for at, one in enumerate(series):
        if not fits(one.shape[1:], features):
            expected = named_axes(features, "n_frames", "n_features")
            raise ValueError(f"{name}[{at}] has shape {one.shape}, expected {expected}")
        _refuse_raster(f"{name}[{at}]", one)
        parts.append(_typed(f"{name}[{at}]", one).reshape(len(one), n_features))
    starts = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
    _check_frames(name, starts)
    if len({part.dtype for part in parts}) > 1:
        # Bytes are parts of 255, which floats are not.
        parts = [part / 255.0 if part.dtype == np.uint8 else part for part in parts]
    return Frames(np.ascontiguousarray(np.concatenate(parts)), starts)


def _check_frames(name: str, starts: NDArray[np.int64]) -> None:
    empty = np.flatnonzero(np.diff(starts) == 0)
    if empty.size:
        raise ValueError(f"{name}[{empty[0]}] must have at least one frame, got none")


def _refuse_raster(name: str, array: NDArray[Any]) -> None:
    if array.dtype == np.bool_:
        raise TypeError(
            f"{name} has dtype bool, expected a time series of uint8 or floats for the encoder; if "
            f"it is a raster, give SpikeTrains.from_dense({name}), or no encoder"
        )


def _typed(name: str, array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind not in "bf" and array.dtype != np.uint8:
        cures = (
            f": give {name}.astype(np.uint8) if its values are 0 to 255, else floats in [0, 1], as "
            f"{name} / {name}.max()"
        )
        raise TypeError(
            f"{name} has dtype {array.dtype}, expected uint8, float32 or float64"
            f"{cures if array.dtype.kind in 'iu' else ''}"
        )
    # Types that the core does not read: truth values, and floats of other widths.
    wanted = {"?": np.float32, "e": np.float32, "g": np.float64}.get(array.dtype.char, array.dtype)
    return array.astype(wanted, copy=False)


def numbers(name: str, x: Any) -> NDArray[Any]:
    array = as_array(name, x)
    if array.dtype.kind not in "OSU":
        return array
    got = what_else(x, array)
    if array.dtype.kind != "O":
        raise TypeError(
            f"{name} has dtype {array.dtype}, expected truth values or numbers, got {got}"
        )
    cure = f": give {name}.toarray()" if hasattr(x, "toarray") else ""
    raise TypeError(f"{name} must be an array of numbers, got {got}{cure}")


def named_axes(in_shape: tuple[int, ...], axes: str, last: str = "n_in") -> str:
    """The shapes that samples may have, of which `axes` come first."""
    flat = f"({axes}, {last}={math.prod(in_shape)})"
    if len(in_shape) == 1:
        return flat
    names = ("channels", "length") if len(in_shape) == 2 else ("channels", "height", "width")
    sizes = ", ".join(f"{name}={size}" for name, size in zip(names, in_shape, strict=True))
    return f"({axes}, {sizes}) or {flat}"
