"""Neurons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from strsbp_rs._config._base import Config

__all__ = ["LIF", "Discretisation"]


Discretisation = Literal["euler", "exact"]
"""How a neuron is brought onto the time grid."""


@dataclass(frozen=True, kw_only=True)
class LIF(Config):
    """Leaky integrate-and-fire neurons with first-order synapses, in floating point.

    Args:
        tau_m: Membrane time constant [ms].
        tau_s: Synaptic time constant [ms].
        v_th: Firing threshold, relative to rest.
        t_ref: Refractory time after a spike [ms], a whole number of time steps, at most 2^24; that
            of a graph for continuous time as well (choose dt accordingly).
        discretisation: "euler" (factors 1 - dt/tau, as the ST-RSBP paper) or "exact"
            (exp(-dt/tau)); without meaning in continuous time.
    """

    tau_m: float = 64.0
    tau_s: float = 8.0
    v_th: float = 20.0
    t_ref: float = 2.0
    discretisation: Discretisation = "euler"
    kind: ClassVar[str] = "lif"
    group: ClassVar[str | None] = "neuron"
