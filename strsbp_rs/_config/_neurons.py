"""Neurons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from strsbp_rs._arguments import number
from strsbp_rs._arrays import as_array
from strsbp_rs._config._base import Config

__all__ = ["LIF", "Discretisation", "Thresholds", "threshold_range"]


Discretisation = Literal["euler", "exact"]
"""How a neuron is brought onto the time grid."""


def _thresholds(name: str, value: Any) -> float | tuple[float, ...]:
    """Returns one number, or those of a list, an array or a tensor with one axis."""
    is_list = isinstance(value, (list, tuple))
    items: Any = value if is_list else as_array(name, value)
    axes = 1 if is_list else items.ndim
    if axes > 1:
        raise ValueError(f"{name} must be a number or a list of numbers, got shape {items.shape}")
    if axes == 1:
        return tuple(number(f"{name}[{index}]", item) for index, item in enumerate(items))
    try:
        return number(name, value)
    except TypeError:
        raise TypeError(f"{name} must be a number or a list of numbers, got {value!r}") from None


Thresholds = Annotated[
    float | Sequence[float] | NDArray[np.floating[Any]] | NDArray[np.integer[Any]], _thresholds
]
"""One number, or one for each neuron or channel; lists and arrays are kept as tuples."""


def threshold_range(v_th: Any) -> str:
    """Returns one number, or the lowest and highest of several, for people."""
    low, high = np.min(v_th), np.max(v_th)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


@dataclass(frozen=True, kw_only=True)
class LIF(Config):
    """Leaky integrate-and-fire neurons with first-order synapses, in floating point.

    Args:
        tau_m: Membrane time constant [ms].
        tau_s: Synaptic time constant [ms].
        v_th: Firing threshold, relative to rest: a number, or one for each neuron.
        t_ref: Refractory time after a spike [ms], a whole number of time steps, at most 2^24; that
            of a graph for continuous time as well (choose dt accordingly).
        discretisation: "euler" (factors 1 - dt/tau, as the ST-RSBP paper) or "exact"
            (exp(-dt/tau)); without meaning in continuous time.
    """

    tau_m: float = 64.0
    tau_s: float = 8.0
    v_th: Thresholds = 20.0
    t_ref: float = 2.0
    discretisation: Discretisation = "euler"
    kind: ClassVar[str] = "lif"
    group: ClassVar[str | None] = "neuron"
