"""Samples in every form that people have them in, as the core takes them.

What an array means depends on its axes and on whether an encoder is given, never on its values:

- without an encoder it is a raster (n_samples, n_steps, ...), of spikes or their counts;
- with one it holds analog values (n_samples, ...), which do not change, or time series
  (n_samples, n_frames, ...), of which the encoder makes spikes.

The axes that are left out here are flattened in C order. They must be those of the network's
inputs where these have a shape, else multiply to their number (or to that of the features, where
an encoder drives several inputs by one). Samples of different lengths are lists of arrays. Values
then decide only what is refused.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strsbp_rs import _config as config
from strsbp_rs._analog import Frames, analog_input, named_axes, numbers, uneven
from strsbp_rs._arguments import integer
from strsbp_rs._carried import checked_encoder
from strsbp_rs._events import columns_of, is_events
from strsbp_rs._shapes import fits, sensor_of
from strsbp_rs._spikes import SpikeTrains
from strsbp_rs._strsbp_rs import SpikeTrainsCore

__all__ = ["Input", "encoder_dict", "encoder_for", "input_options", "prepare_input"]

Input = ArrayLike | SpikeTrains | Sequence[NDArray[Any]]


def prepare_input(
    x: Input,
    in_shape: tuple[int, ...],
    encoder: config.Encoder | None,
    n_steps: int | None = None,
) -> SpikeTrainsCore | NDArray[Any] | Frames:
    """Returns samples as the core takes them.

    These are spike trains; analog values (n_samples, n_features); or, of time series, the frames
    of all samples, (n_frames, n_features), and the first frame of each, (n_samples + 1,).

    Args:
        x: SpikeTrains; a list of event arrays; an array, or a list of them, see above.
        in_shape: Shape of the network's inputs, (n_in,) where they have none.
        encoder: Makes spikes of analog values.
        n_steps: Number of time steps of event lists; of other samples that which they have.

    Raises:
        TypeError: If the dtype is one that says nothing of the kind.
        ValueError: If shapes or steps disagree, or a value is out of range.
    """
    name = "x"
    encoder_dict(encoder)
    steps = None if n_steps is None else integer("n_steps", n_steps)
    if isinstance(x, SpikeTrains):
        trains = x
    elif is_events(x) or _is_event_list(x):
        if steps is None and encoder is not None:
            steps = encoder.n_steps
        if steps is None:
            raise ValueError(
                "n_steps must be given with lists of events (or SpikeTrains.from_events of them)"
            )
        events: Any = x
        columns = columns_of(name, events, sensor_of(in_shape), "step", 1.0, may_be_flat=True)
        trains = SpikeTrains._of_columns(columns, steps, math.prod(in_shape), None)
    elif encoder is None and (rasters := uneven(x)):
        for at, raster in enumerate(rasters):
            if not fits(raster.shape[1:], in_shape):
                expected = named_axes(in_shape, "n_steps")
                raise ValueError(f"{name}[{at}] has shape {raster.shape}, expected {expected}")
        trains = SpikeTrains.from_rasters(rasters, steps)
    elif encoder is not None:
        data = analog_input(name, x, in_shape, encoder)
        if not isinstance(data, Frames):
            _check_steps(steps, encoder.n_steps, "the encoder")
        elif steps is not None:
            raise ValueError(f"n_steps must be None of time series with an encoder, got {steps}")
        return data
    else:
        trains = _raster(name, numbers(name, x), in_shape)
    _check_steps(steps, trains.shape[1], name)
    return trains._core


def _check_steps(asked: int | None, found: int | None, of: str) -> None:
    if asked not in (None, found):
        raise ValueError(f"n_steps must be {found}, those of {of}, got {asked}")


def _is_event_list(x: Any) -> bool:
    if isinstance(x, np.ndarray) and x.dtype != object:
        return False
    return isinstance(x, (list, tuple, np.ndarray)) and len(x) > 0 and is_events(x[0])


# Arrays ------------------------------------------------------------------------------------------


def _raster(name: str, array: NDArray[Any], in_shape: tuple[int, ...]) -> SpikeTrains:
    """Spikes or their counts, (n_samples, n_steps, ...)."""
    n_in = math.prod(in_shape)
    if array.ndim == 2:
        one = f"; if {name} is the raster of one sample, give {name}[None]"
        raise ValueError(
            f"encoder must be given where {name} holds analog values (n_samples, n_in={n_in}), "
            f"got None, and {name} of shape {array.shape}{one if array.shape[1] == n_in else ''}"
        )
    if array.ndim < 3 or not fits(array.shape[2:], in_shape):
        images = array.ndim > 2 and fits(array.shape[1:], in_shape)
        cure = f"; as images of {n_in} values they need an encoder" if images else ""
        expected = named_axes(in_shape, "n_samples, n_steps")
        raise ValueError(f"{name} has shape {array.shape}, expected {expected}{cure}")
    return SpikeTrains._of_raster(name, array)


# Encoders ----------------------------------------------------------------------------------------


def encoder_for(
    x: Input,
    in_shape: tuple[int, ...],
    given: config.Encoder | None,
    carried: config.Encoder | None,
) -> config.Encoder | None:
    """Returns the encoder of a call: the one given, else the network's own, if samples need one.

    A raster (n_samples, n_steps, ...) needs none. An array that might be images as well has one
    step, which no raster has. Floats of these axes are a time series where the encoder was made for
    one, see `is_for_series`.
    """
    if given is not None or carried is None or isinstance(x, SpikeTrains):
        return given
    if is_events(x) or _is_event_list(x):
        return carried
    try:
        shape = np.shape(x)
    except ValueError:  # No array at all, which is told where samples are taken.
        return carried
    is_raster = len(shape) > 2 and fits(shape[2:], in_shape) and not fits(shape[1:], in_shape)
    if is_raster and carried.is_for_series:
        # Floats are what such an encoder was made for, truth values and counts are spikes.
        is_raster = np.asarray(x).dtype.kind != "f"
    return None if is_raster else carried


def input_options(encoder: config.Encoder | None, seed: int) -> tuple[dict[str, Any] | None, int]:
    """Returns encoder and seed as the core takes them."""
    return encoder_dict(encoder), integer("seed", seed)


def encoder_dict(encoder: config.Encoder | None) -> dict[str, Any] | None:
    """Returns an encoder as the core takes it."""
    checked = checked_encoder(encoder)
    return None if checked is None else checked.to_dict()
