"""The package's names for fixed point, as the golden cases use them; all others are in `build`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

import strsbp_rs as sr
from golden.build import plain
from strsbp_rs import CortexM, Loihi, QFormat, Spinnaker, Xylo, van_rossum

__all__ = ["CortexM", "Loihi", "QFormat", "Spinnaker", "Xylo", "van_rossum"]


def to_fixed(net: sr.Network, target: Any, **options: Any) -> sr.FixedNetwork:
    return net.to_fixed(target, **options)


_FORMAT = (
    *("weight_bits", "current_bits", "membrane_bits", "v_th", "input_shift", "gain_shift"),
    *("bias", "rounding", "rounding_seed", "current_overflow", "membrane_overflow", "fires_at"),
    *("reset", "t_ref_steps", "max_spikes", "rules"),
)


def format_values(form: sr.fixed.Format) -> list[Any]:
    """All that a format says, without names of its fields."""
    values = form.to_dict()
    decays = [values.pop("current_decay"), values.pop("membrane_decay")]
    limits = values.pop("limits")
    assert set(values) == set(_FORMAT), f"{sorted(values)}: build_fixed.py knows {sorted(_FORMAT)}"
    return [[plain(values[name]) for name in _FORMAT], decays, sorted(limits.items())]


def fixed_layers(held: sr.FixedNetwork) -> list[Any]:
    """Of each layer its format and integers."""
    return [
        [
            *(format_values(layer.format), layer.weight, layer.recurrent_weight),
            *(layer.scale, layer.step),
        ]
        for layer in held.layers
    ]


def fixed_integers(held: sr.FixedNetwork) -> list[NDArray[Any]]:
    found = [(layer.weight, layer.recurrent_weight) for layer in held.layers]
    return [array for pair in found for array in pair if array is not None]


def fixed_from(net: sr.Network, layers: Sequence[tuple[Any, Any, Any]]) -> sr.FixedNetwork:
    """Of formats, weights and recurrent weights (or None)."""
    one = np.ones(1)
    return sr.FixedNetwork(net, [sr.FixedLayer(*layer, one) for layer in layers])


def record_fixed(held: sr.FixedNetwork, x: Any, **options: Any) -> list[sr.SpikeTrains]:
    return held.run(x, **options).spikes


def overflows(of: sr.FixedNetwork | sr.Simulator) -> list[list[int]]:
    return [[lost.current, lost.membrane] for lost in of.overflows or []]


def report(held: sr.FixedNetwork, x: Any, y: Any, **options: Any) -> list[Any]:
    found = held.report(x, y, **options)
    layers = [
        [
            *(layer.weight_error, layer.clipped, layer.zeros, layer.rate),
            *(layer.fixed_rate, layer.distance, layer.changed),
            [layer.overflows.current, layer.overflows.membrane],
        ]
        for layer in found.layers
    ]
    return [layers, found.n_samples, found.accuracy, found.fixed_accuracy]


def clips(held: sr.FixedNetwork) -> list[float]:
    """What calibration has found."""
    return list(held.target.clip)


Format = sr.fixed.Format
Multiply, Shift, Table = sr.fixed.Multiply, sr.fixed.Shift, sr.fixed.Table
presets = SimpleNamespace(
    loihi=sr.fixed.loihi_format,
    xylo=sr.fixed.xylo_format,
    spinnaker=sr.fixed.spinnaker_format,
    cortex_m=sr.fixed.cortex_m_format,
    qformat=sr.fixed.qformat_format,
    loihi_weights=sr.fixed.loihi_weights,
    xylo_weights=sr.fixed.xylo_weights,
)


def load_fixed(path: Path) -> sr.FixedNetwork:
    return sr.FixedNetwork.load(path)
