"""Conversions of networks to fixed point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from strsbp_rs import _config as config
from strsbp_rs._bars import steps_bar
from strsbp_rs._inputs import Input
from strsbp_rs._network import Network
from strsbp_rs._spike_functions import van_rossum
from strsbp_rs._spikes import SpikeTrains
from strsbp_rs._strsbp_rs import FixedNetworkCore
from strsbp_rs._warnings import QuantizationWarning, warn
from strsbp_rs.fixed._network import FixedNetwork
from strsbp_rs.fixed._reporting import report_of
from strsbp_rs.fixed._targets import Target, as_target

__all__ = ["quantized", "to_fixed"]

_FRACTIONS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1)
"""Of the largest weight, at which calibration tries to clip."""


def to_fixed(
    network: Network,
    target: Target | str,
    calibration: Input | None,
    encoder: config.Encoder | None,
    n_steps: int | None,
    seed: int,
    n_threads: int | None,
    progress: bool,
) -> FixedNetwork:
    """Brings a network to fixed point; see `Network.to_fixed`."""
    chosen = as_target("target", target)
    if n_steps is not None and calibration is None:
        raise ValueError(f"n_steps must be left out without calibration, got {n_steps}")
    samples = None
    if calibration is not None:
        # Once, so that all that follows receives the same spikes.
        samples = network.run(
            calibration, encoder=encoder, n_steps=n_steps, seed=seed, n_threads=n_threads
        ).spikes
        chosen = _calibrated(network, chosen, samples, n_threads, progress)
    held, notes = quantized(network, chosen, n_threads)
    if samples is not None:
        notes.extend(report_of(held, network, samples[0], None, None, None, 0, n_threads).notes)
    if notes:
        warn("\n".join(notes), QuantizationWarning)
    return held


def quantized(
    network: Network, target: Target, n_threads: int | None = None
) -> tuple[FixedNetwork, list[str]]:
    """Brings a network to fixed point, without calibration; and what it loses."""
    core, notes = FixedNetworkCore.quantize(network._core, target.to_dict(), n_threads)
    return FixedNetwork._wrap(core, target, network.encoder, network.class_names), notes


def _calibrated(
    network: Network,
    target: Target,
    spikes: Sequence[SpikeTrains],
    n_threads: int | None,
    progress: bool,
) -> Target:
    """Returns the target with the clipping that keeps spike trains nearest, layer by layer.

    `spikes` are those of the input and of every layer of the network itself.
    """
    clip = [1.0] * len(network.layers)
    # The weight of a pool is one, which nothing clips.
    free = [index for index, weights in enumerate(network.weights) if weights]
    layers = network.layers
    with steps_bar(len(free) * len(_FRACTIONS), "calibrating", progress) as bar:
        for index in free:
            distances = []
            for fraction in _FRACTIONS:
                clip[index] = fraction
                tried, _ = quantized(network, replace(target, clip=tuple(clip)), n_threads)
                train = tried._quiet_run(spikes[0], n_threads).spikes[index + 1]
                floats = spikes[index + 1]
                layer = layers[index]
                assert not isinstance(layer, config.MaxPool), "it has no weights"
                apart = van_rossum(
                    train, floats, tau=layer.tau_s, dt=network.dt, n_threads=n_threads
                )
                distances.append(float(apart.sum()))
                bar.update()
            clip[index] = _FRACTIONS[int(np.argmin(distances))]
    return replace(target, clip=tuple(clip))


# The method of networks that makes those of another module is here: a network knows none of them.
Network._to_fixed = to_fixed
