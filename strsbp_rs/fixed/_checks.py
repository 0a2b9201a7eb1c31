"""How far fixed point is off: weights, spikes, rates, and saturation that matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from strsbp_rs import _config as config
from strsbp_rs._spike_functions import van_rossum
from strsbp_rs._spikes import SpikeTrains
from strsbp_rs.fixed._format import Format, Overflows
from strsbp_rs.fixed._targets import QFormat, Target

if TYPE_CHECKING:
    from strsbp_rs.fixed._layer import FixedLayer

__all__ = [
    "changed_share",
    "rate_notes",
    "saturation_notes",
    "spike_distance",
    "weight_errors",
    "widened",
]

_MANY = 0.05
"""Share of a layer's spikes that saturation may change without a word."""

_FACTOR = 2.0
"""By which a layer's rate may change without a word."""

_ENOUGH = 20
"""Spikes from which on a rate says something."""


def widened(form: Format) -> Format | None:
    """The same neurons with states of 32 bits, which saturate; None where rules forbid it."""
    if form.rules != "lif":
        return None
    return replace(
        form,
        current_bits=32,
        membrane_bits=32,
        current_overflow="saturate",
        membrane_overflow="saturate",
        limits={},
    )


def changed_share(trains: SpikeTrains, reference: SpikeTrains) -> float:
    """By how much spike counts differ, neuron by neuron and sample by sample, over all spikes."""
    counts, expected = (each.counts().astype(np.int64) for each in (trains, reference))
    return float(np.abs(counts - expected).sum() / max(expected.sum(), 1))


def saturation_notes(
    overflows: Sequence[Overflows], changed: Sequence[float | None], target: Target | None
) -> list[str]:
    """Says which layers fire otherwise for states that did not fit."""
    notes = []
    for index, (lost, share) in enumerate(zip(overflows, changed, strict=True)):
        if share is None or share <= _MANY or lost.current + lost.membrane == 0:
            continue
        if isinstance(target, QFormat):
            cure = f"more state_bits than {target.state_bits}, or fewer weight_bits"
        else:
            cure = "smaller weights, or a target with wider states"
        notes.append(
            f"layers[{index}]: {share:.1%} of the spikes change, as {lost.current:,} currents and "
            f"{lost.membrane:,} membranes do not fit their bits; to keep them, use {cure}, or "
            "train through this target"
        )
    return notes


def rate_notes(
    spikes: Sequence[SpikeTrains], reference: Sequence[SpikeTrains], layers: Sequence[Format]
) -> list[str]:
    """Says which layer is the first that fires far less, or far more, than in floating point."""
    for index, form in enumerate(layers):
        n, expected = spikes[index + 1].n_spikes, reference[index + 1].n_spikes
        less = expected >= _ENOUGH and n * _FACTOR < expected
        # Neurons that fire several times in a step are expected to fire more.
        more = form.max_spikes == 1 and n >= _ENOUGH and n > _FACTOR * expected
        if less or more:
            return [
                f"layers[{index}]: {n:,} spikes in fixed point, {expected:,} in floating point; "
                "see the report for its weights, and use more bits, calibration, or train through "
                "this target"
            ]
    return []


def spike_distance(
    trains: SpikeTrains, reference: SpikeTrains, tau: float, dt: float, n_threads: int | None
) -> float:
    """Squared van Rossum distance to the reference, over that of it to no spikes at all."""
    n_rows = reference.shape[0] * reference.shape[1]
    no_spikes = np.zeros(0, np.int64)
    silence = SpikeTrains.from_csr(np.zeros(n_rows + 1, np.int64), no_spikes, reference.shape)
    silence = silence.with_lengths(reference.lengths)

    def distance(trains: SpikeTrains) -> float:
        each = van_rossum(trains, reference, tau=tau, dt=dt, n_threads=n_threads)
        return float(each.sum())

    return distance(trains) / (distance(silence) or 1.0)


def weight_errors(
    layer: config.LayerConfig,
    weights: dict[str, NDArray[Any]],
    held: FixedLayer,
    below: tuple[int, ...] = (),
) -> tuple[float, float, float]:
    """Relative error of the weights, the share clipped and the share that became 0.

    `below` is the shape of what a pool has below it.
    """
    if isinstance(layer, config.MaxPool):
        return 0.0, 0.0, 0.0
    if isinstance(layer, config.Pool):
        constant = 1.0 / np.prod(layer.kernel) if _reaches(layer, below) else 0.0
        weights = {"weight": np.full((1, 1), constant)}
    pairs = [(weights["weight"], held.weight)]
    if "recurrent_weight" in weights and held.recurrent_weight is not None:
        pairs.append((weights["recurrent_weight"], held.recurrent_weight))
    errors, squares, clipped, zeros, n = 0.0, 0.0, 0, 0, 0
    for weight, integers in pairs:
        exists = weight != 0
        scale = held.scale.reshape(-1, *[1] * (weight.ndim - 1))
        error = np.where(exists, weight - integers * scale, 0.0)
        errors += float(np.sum(error**2))
        squares += float(np.sum(weight.astype(np.float64) ** 2))
        # Half a step off is rounding: what is further off has been clipped.
        clipped += int(np.count_nonzero(np.abs(error) > 0.5001 * held.step * scale))
        zeros += int(np.count_nonzero(exists & (integers == 0)))
        n += int(np.count_nonzero(exists))
    n = max(n, 1)
    return float(np.sqrt(errors / (squares or 1.0))), clipped / n, zeros / n


def _reaches(layer: config.AvgPool2d | config.AvgPool1d, below: tuple[int, ...]) -> bool:
    """Whether any window of a pool holds more than padding."""
    sizes: list[Any] = [layer.kernel, layer.stride, layer.padding]
    if isinstance(layer, config.AvgPool1d):
        sizes = [(size,) for size in sizes]
    for n, kernel, stride, padding in zip(below[-len(sizes[0]) :], *sizes, strict=True):
        firsts = range(-padding, n + padding - kernel + 1, stride)
        if not any(-kernel < first < n for first in firsts):
            return False
    return True
