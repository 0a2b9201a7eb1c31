"""Comparisons of networks in fixed point with those that they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from strsbp_rs import _config as config
from strsbp_rs._arguments import labels
from strsbp_rs._inputs import Input
from strsbp_rs._network import Network
from strsbp_rs._spikes import SpikeTrains
from strsbp_rs.fixed._checks import (
    changed_share,
    rate_notes,
    saturation_notes,
    spike_distance,
    weight_errors,
    widened,
)
from strsbp_rs.fixed._report import LayerReport, QuantizationReport

if TYPE_CHECKING:
    from strsbp_rs.fixed._network import FixedNetwork

__all__ = ["report_of"]


def report_of(
    held: FixedNetwork,
    net: Network,
    x: Input,
    y: ArrayLike | None,
    encoder: config.Encoder | None,
    n_steps: int | None,
    seed: int,
    n_threads: int | None,
) -> QuantizationReport:
    # Of its own, so that overflows are those of these samples.
    run = held._wrap(held._core.uncounted(), held.target, net.encoder, net.class_names)
    options = {"encoder": encoder, "n_steps": n_steps, "seed": seed}
    trains = run._quiet_run(x, n_threads, **options).spikes
    n_samples = trains[0].shape[0]
    classes = None if y is None else labels("y", y, n_samples, net.n_out)
    floats = net.run(trains[0], n_threads=n_threads).spikes
    changed = _changed(run, net, trains, n_threads)
    layers = []
    rows = zip(net.layers, net.weights, held.layers, run.overflows, changed, strict=True)
    for index, (layer, weights, integers, overflows, share) in enumerate(rows):
        below = net.shapes[index - 1] if index else net.in_shape
        error, clipped, zeros = weight_errors(layer, weights, integers, below)
        rate, fixed_rate = (
            train.n_spikes / float(np.prod(train.shape))
            for train in (floats[index + 1], trains[index + 1])
        )
        distance = spike_distance(
            trains[index + 1], floats[index + 1], _time_constant(net, index), net.dt, n_threads
        )
        layers.append(
            LayerReport(error, clipped, zeros, rate, fixed_rate, distance, overflows, share)
        )
    notes = saturation_notes(run.overflows, changed, held.target)
    notes += rate_notes(trains, floats, [layer.format for layer in held.layers])
    accuracy, fixed_accuracy = (
        None
        if classes is None
        else float(np.mean(np.argmax(train[-1].counts(), axis=1) == classes))
        for train in (floats, trains)
    )
    return QuantizationReport(layers, n_samples, accuracy, fixed_accuracy, tuple(notes))


def _time_constant(net: Network, index: int) -> float:
    """That of the synapses of a layer; of a max pool, which has none, that of what is below it."""
    below = reversed(net.layers[: index + 1])
    found = (layer.tau_s for layer in below if not isinstance(layer, config.MaxPool))
    return next(found, config.LIF().tau_s)


def _changed(
    run: FixedNetwork, net: Network, trains: Sequence[SpikeTrains], n_threads: int | None
) -> list[float | None]:
    """By how much overflows have changed the spikes of each layer; None if nobody knows."""
    if all(lost.current + lost.membrane == 0 for lost in run.overflows):
        return [0.0] * len(run.layers)
    wide = [(layer, widened(layer.format)) for layer in run.layers]
    if any(form is None for _, form in wide):
        return [None] * len(run.layers)
    layers = [replace(layer, format=form) for layer, form in wide if form is not None]
    fitting = type(run)(net, layers)._quiet_run(trains[0], n_threads).spikes
    return [changed_share(*pair) for pair in zip(trains[1:], fitting[1:], strict=True)]
