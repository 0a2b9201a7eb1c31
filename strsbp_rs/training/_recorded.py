"""Recorded spikes and sample weights, as the core takes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strsbp_rs._arrays import as_array
from strsbp_rs._network import Network
from strsbp_rs._spikes import SpikeTrains
from strsbp_rs._strsbp_rs import SpikeTrainsCore

__all__ = ["checked_weights", "recorded_cores"]


def recorded_cores(spikes: Sequence[SpikeTrains], network: Network) -> list[SpikeTrainsCore]:
    """Returns spike trains of the input and of every layer.

    Raises:
        TypeError: If they are no list, or one is something else.
        ValueError: If there are more or fewer.
    """
    if not isinstance(spikes, Iterable):
        raise TypeError(f"spikes must be a list of SpikeTrains, got {type(spikes).__name__}")
    spikes = list(spikes)
    for index, trains in enumerate(spikes):
        if not isinstance(trains, SpikeTrains):
            raise TypeError(f"spikes[{index}] must be SpikeTrains, got {type(trains).__name__}")
    n = len(network.layers) + 1
    if len(spikes) != n:
        raise ValueError(
            f"spikes must be {n} spike trains, of the input and of each layer, got {len(spikes)}"
        )
    return [trains._core for trains in spikes]


def checked_weights(sample_weight: ArrayLike | None) -> NDArray[np.float64] | None:
    """Returns sample weights, (n_samples,), or None.

    Raises:
        TypeError: If they are no numbers.
        ValueError: If they have more dimensions or fewer.
    """
    if sample_weight is None:
        return None
    array = as_array("sample_weight", sample_weight)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"sample_weight has dtype {array.dtype}, expected floats")
    if array.ndim != 1:
        raise ValueError(f"sample_weight has shape {array.shape}, expected (n_samples,)")
    return array.astype(np.float64)
