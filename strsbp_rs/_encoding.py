"""Encoders at work: on whole sets of samples, and on streams."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strsbp_rs import _config as config
from strsbp_rs._analog import uneven
from strsbp_rs._arguments import count, integer, threads
from strsbp_rs._arrays import as_array
from strsbp_rs._carried import checked_encoder
from strsbp_rs._inputs import Input, prepare_input
from strsbp_rs._spikes import SpikeTrains
from strsbp_rs._strsbp_rs import EncoderStreamCore, encode_all

__all__ = ["EncoderStream", "encode"]


def encode(
    x: Input, encoder: config.Encoder, *, seed: int = 0, n_threads: int | None = None
) -> SpikeTrains:
    """Returns the spikes that an encoder makes of samples.

    They are those that a network is given which is run on the samples with the encoder and the
    seed, and do not depend on the number of threads.

    Args:
        x: Analog values (n_samples, ...); for an encoder of time series (n_samples, n_frames, ...),
            or a list of arrays (n_frames, ...). uint8, as parts of 255, or floats.
        encoder: The encoder.
        seed: Seed of encoders that draw.
        n_threads: Number of threads; None means all cores.

    Returns:
        SpikeTrains of encoder.n_inputs(number of features) neurons.

    Raises:
        TypeError: If there is no encoder, or the dtype is one that says nothing of the kind.
        ValueError: If shapes do not fit, or a value is outside what the encoder takes.
    """
    known = _checked(encoder)
    series = uneven(x) if known.is_for_series else []
    first = 1 if series or not known.is_for_series else 2
    shape = np.shape(series[0]) if series else np.shape(x)
    if len(shape) <= first:
        expected = "(n_samples, n_features)" if first == 1 else "(n_samples, n_frames, n_features)"
        raise ValueError(f"x has shape {shape}, expected {expected}")
    n_inputs = math.prod(shape[first:]) * known.inputs_per_feature
    data = prepare_input(x, (n_inputs,), known)
    core = encode_all(data, known.to_dict(), integer("seed", seed), threads(n_threads))
    return SpikeTrains(core)


class EncoderStream:
    """An encoder of frames that come one after the other, as of a microphone.

    All steps together are what the encoder makes of the whole series, however it is cut into calls;
    but a stream is not cut at the encoder's `n_steps`. Encoders that draw are refused: a device
    repeats the spikes of the others.
    """

    def __init__(self, encoder: config.Encoder, n_features: int) -> None:
        """Makes one at rest.

        Args:
            encoder: An encoder for time series, with a `hold` where it may have none.
            n_features: Number of values of a frame.

        Raises:
            TypeError: If there is no encoder.
            ValueError: If the encoder draws, or does not take time series.
        """
        self._encoder = _checked(encoder)
        self._core = EncoderStreamCore(self._encoder.to_dict(), count("n_features", n_features))

    @property
    def encoder(self) -> config.Encoder:
        """The encoder."""
        return self._encoder

    @property
    def n_features(self) -> int:
        """Number of values of a frame."""
        return self._core.sizes()[0]

    @property
    def n_inputs(self) -> int:
        """Number of inputs that fire."""
        return self._core.sizes()[1]

    @property
    def delay(self) -> int:
        """Number of steps that pass before what a step brings is known."""
        return self._core.sizes()[2]

    def encode(self, frames: ArrayLike) -> NDArray[np.bool_]:
        """Encodes the next frames; returns the steps that they decide, (n_steps, n_inputs).

        A call that is interrupted, or refused, has encoded nothing.

        Args:
            frames: (n_frames, n_features), uint8, as parts of 255, or floats; any number of frames.

        Raises:
            TypeError: If the dtype is another.
            ValueError: If the shape is another, or a value is outside what the encoder takes.
            RuntimeError: If another thread is at it.
        """
        array = as_array("frames", frames)
        if array.ndim != 2:
            expected = f"(n_frames, n_features={self.n_features})"
            raise ValueError(f"frames has shape {array.shape}, expected {expected}")
        if array.dtype.kind != "f" and array.dtype != np.uint8:
            raise TypeError(f"frames has dtype {array.dtype}, expected uint8 or floats")
        scale: Any = 255.0 if array.dtype == np.uint8 else 1.0
        return self._core.encode(np.ascontiguousarray(array, dtype=np.float64) / scale)

    def finish(self) -> NDArray[np.bool_]:
        """Returns the steps that are left at the end, (n_steps, n_inputs), and starts anew."""
        return self._core.finish()

    def __repr__(self) -> str:
        """The encoder."""
        return f"EncoderStream({self._encoder!r}, n_features={self.n_features})"


def _checked(encoder: Any) -> config.Encoder:
    known = checked_encoder(encoder)
    if known is None:
        raise TypeError("encoder must be given, as RegularEncoder(), got None")
    return known
