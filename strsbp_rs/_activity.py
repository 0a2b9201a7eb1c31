"""Warnings of layers that are silent or saturated: nothing can be learnt there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from strsbp_rs import _config as config
from strsbp_rs._warnings import SaturatedLayerWarning, SilentLayerWarning, warn

__all__ = ["Activity", "warn_of_activity"]

_GUIDE = "see docs/guides/choosing-v_th-rate-and-T.md"
_SILENT_SHARE = 0.9
"""Share of the neurons without a spike from which a layer counts as silent."""
_SATURATED_SHARE = 0.9
"""Share of the largest rate there is from which neurons count as saturated."""
_FEW_SAMPLES = 32
"""In fewer, that a neuron is silent says nothing of it."""


@dataclass(frozen=True)
class Activity:
    """What the layers of a network did in some samples.

    Attributes:
        n_spikes: Spikes of every layer.
        silent: Neurons of every layer that never fired.
        n_samples: Number of samples.
        n_steps: Mean number of time steps of a sample.
        sizes: Neurons of every layer.
    """

    n_spikes: Sequence[int]
    silent: Sequence[int]
    n_samples: int
    n_steps: float
    sizes: Sequence[int]


def warn_of_activity(
    layers: Sequence[config.LayerConfig],
    dt: float,
    activity: Activity,
    warned: set[str] | None = None,
) -> None:
    """Warns of the first layer that is silent, and of every one that is saturated.

    Silent is a layer with less than one spike a sample, or 90 % of whose neurons fire in none of 32
    samples and more; saturated one whose firing neurons reach 90 % of the rate that their
    refractory time allows.

    Args:
        layers: The layers.
        dt: Time step [ms].
        activity: What they did.
        warned: What was warned of before, and need not be again; added to.
    """
    warned = set() if warned is None else warned
    found = [_silence(index, layers, dt, activity) for index in range(len(layers))]
    first = next((index for index, message in enumerate(found) if message is not None), None)
    if first is not None and "silent" not in warned:
        warned.add("silent")
        above = [index for index in range(first + 1, len(layers)) if found[index] is not None]
        also = f" Silent as well: {_names(above)} above it." if above else ""
        warn(f"{found[first]}{also}", SilentLayerWarning)
    for index, layer in enumerate(layers):
        message = _saturation(index, layer, dt, activity)
        if message is not None and f"saturated {index}" not in warned:
            warned.add(f"saturated {index}")
            warn(message, SaturatedLayerWarning)


def _silence(
    index: int, layers: Sequence[config.LayerConfig], dt: float, activity: Activity
) -> str | None:
    layer, n, n_samples = layers[index], activity.sizes[index], activity.n_samples
    spikes, silent = activity.n_spikes[index] / n_samples, activity.silent[index]
    many = n_samples >= _FEW_SAMPLES and silent >= _SILENT_SHARE * n
    if spikes >= 1.0 and not many:
        return None
    rate = spikes / (n * activity.n_steps)
    below = ""
    if index > 0:
        received = activity.n_spikes[index - 1] / (
            activity.sizes[index - 1] * n_samples * activity.n_steps
        )
        below = f"; layer {index - 1} below it has {received:.2g}"
    return (
        f"{_name(index, layer, n)} is silent: {spikes:.3g} spikes a sample, {rate:.2g} a neuron "
        f"and step{below}; {silent} of its {n} neurons never fired in {n_samples:,} samples. "
        f"Without spikes it neither tells nor learns anything. {_units(layer, dt)}"
        f"{_cures(layer, 'larger', 'lower')}; or raise the rate of the input (rate_scale of the "
        f"encoder) or the number of steps ({activity.n_steps:g}); {_GUIDE}."
    )


def _units(layer: config.LayerConfig, dt: float) -> str:
    if isinstance(layer, config.MaxPool):
        return ""
    short = [name for name in ("tau_m", "tau_s") if getattr(layer, name) < dt]
    if not short:
        return ""
    values = " and ".join(f"{name} {getattr(layer, name):g} ms" for name in short)
    return f"Its {values} end within a time step of {dt:g} ms: times are in ms, not in s. "


def _saturation(index: int, layer: config.LayerConfig, dt: float, activity: Activity) -> str | None:
    n = activity.sizes[index]
    n_firing = n - activity.silent[index]
    if n_firing == 0 or isinstance(layer, config.MaxPool):
        return None
    rate = activity.n_spikes[index] / (n_firing * activity.n_samples * activity.n_steps)
    most = 1.0 / (1.0 + round(layer.t_ref / dt))
    # Neurons of some chips fire several times in a step, and have no such limit.
    if not _SATURATED_SHARE * most < rate <= most:
        return None
    return (
        f"{_name(index, layer, n)} is saturated: those of its neurons that fire have {rate:.3g} "
        f"spikes a step, of at most {most:.3g} with t_ref {layer.t_ref:g} ms, whatever they "
        f"receive. {_cures(layer, 'smaller', 'raise')}; or lower the rate of the input (rate_scale "
        f"of the encoder); {_GUIDE}."
    )


def _cures(layer: config.LayerConfig, weights: str, threshold: str) -> str:
    """What may be done to a layer itself; the weights of pools are fixed."""
    if isinstance(layer, config.MaxPool):
        return f"It fires as often as what lies below: give that {weights} weights"
    v_th = f"{threshold} its v_th ({config.threshold_range(layer.v_th)})"
    if isinstance(layer, config.Pool):
        return v_th.capitalize()
    return (
        f"Give it init=Firing(rate=...) with the rate of its input, or {weights} weights; or {v_th}"
    )


def _name(index: int, layer: config.LayerConfig, n: int) -> str:
    return f"layer {index} ({layer.kind}, {n} neurons)"


def _names(indices: Sequence[int]) -> str:
    return f"layer{'s' * (len(indices) > 1)} {', '.join(map(str, indices))}"
