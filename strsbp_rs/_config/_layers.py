"""Layers of a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar

from strsbp_rs._config._base import Config, describe
from strsbp_rs._config._delays import Delay
from strsbp_rs._config._init import Firing, LayerInit
from strsbp_rs._config._masks import AllToAll, Mask
from strsbp_rs._config._neurons import Discretisation, Thresholds
from strsbp_rs._config._spatial import (
    AvgPool1d,
    AvgPool2d,
    Conv1d,
    Conv2d,
    MaxPool1d,
    MaxPool2d,
)
from strsbp_rs._fields import Count

__all__ = ["Dense", "Integrating", "LayerConfig", "Line", "MaxPool", "Plane", "Pool", "Recurrent"]


@dataclass(frozen=True)
class Dense(Config):
    """A feed-forward layer of LIF neurons with first-order synapses.

    Args:
        n: Number of neurons.
        tau_m: Membrane time constant [ms].
        tau_s: Synaptic time constant [ms].
        v_th: Firing threshold, relative to rest: a number, or one for each neuron.
        t_ref: Refractory time after a spike [ms], a whole number of time steps.
        discretisation: "euler" (factors 1 - dt/tau, as the paper) or "exact" (exp(-dt/tau)).
        init: Distribution of the initial weights: Firing, Uniform, Normal, ConstantInit or
            KaimingUniform, or the name of one ("firing", "uniform", "normal", "constant",
            "kaiming_uniform").
        delay: Time [ms] that spikes take beyond one time step: a number, or UniformDelay.
        lateral_inhibition: Every spike of a neuron takes this much from the synaptic current of
            every other neuron of the layer, without a delay; fixed, not trained. 0 for none.
    """

    n: Count
    tau_m: float = field(default=64.0, kw_only=True)
    tau_s: float = field(default=8.0, kw_only=True)
    v_th: Thresholds = field(default=20.0, kw_only=True)
    t_ref: float = field(default=2.0, kw_only=True)
    discretisation: Discretisation = field(default="euler", kw_only=True)
    init: LayerInit = field(default=Firing(), kw_only=True)
    delay: Delay = field(default=0.0, kw_only=True)
    lateral_inhibition: float = field(default=0.0, kw_only=True)
    kind: ClassVar[str] = "dense"
    group: ClassVar[str | None] = "neuron"

    def _outline(self) -> str:
        """What `Network.outline` says of the layer."""
        return str(self.n)

    def _remark(self) -> str:
        """What `Network.summary` says beside the neurons."""
        strength = self.lateral_inhibition
        return f", lateral inhibition {strength:g}" if strength > 0 else ""


@dataclass(frozen=True)
class Recurrent(Config):
    """A recurrent layer of LIF neurons: receives from the layer below and, a step later, itself.

    Args:
        n: Number of neurons.
        tau_m: Membrane time constant [ms].
        tau_s: Synaptic time constant [ms].
        v_th: Firing threshold, relative to rest: a number, or one for each neuron.
        t_ref: Refractory time after a spike [ms], a whole number of time steps.
        discretisation: "euler" (factors 1 - dt/tau, as the paper) or "exact" (exp(-dt/tau)).
        init: Distribution of the initial feed-forward weights: Firing, Uniform, Normal,
            ConstantInit or KaimingUniform, or the name of one ("firing", "uniform", "normal",
            "constant", "kaiming_uniform").
        delay: Time [ms] that spikes of the layer below take beyond one time step: a number, or
            UniformDelay.
        mask: Which recurrent synapses exist: AllToAll, Sparse or Reservoir, or "all_to_all" or
            "sparse".
        recurrent_init: Distribution of the initial recurrent weights, as `init`.
        recurrent_delay: Likewise `delay` of the layer's own spikes.
    """

    n: Count
    tau_m: float = field(default=64.0, kw_only=True)
    tau_s: float = field(default=8.0, kw_only=True)
    v_th: Thresholds = field(default=20.0, kw_only=True)
    t_ref: float = field(default=2.0, kw_only=True)
    discretisation: Discretisation = field(default="euler", kw_only=True)
    init: LayerInit = field(default=Firing(), kw_only=True)
    delay: Delay = field(default=0.0, kw_only=True)
    mask: Mask = field(default=AllToAll(), kw_only=True)
    recurrent_init: LayerInit = field(default=Firing(drive=0.25), kw_only=True)
    recurrent_delay: Delay = field(default=0.0, kw_only=True)
    kind: ClassVar[str] = "recurrent"
    group: ClassVar[str | None] = "neuron"
    written_names: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"rec_init": "recurrent_init", "rec_delay": "recurrent_delay"}
    )

    def _outline(self) -> str:
        """What `Network.outline` says of the layer."""
        return f"R{self.n}"

    def _remark(self) -> str:
        """What `Network.summary` says beside the neurons."""
        return f", {describe(self.mask)}"


Line = Conv1d | AvgPool1d | MaxPool1d
"""A layer whose neurons lie on a line."""

Plane = Conv2d | AvgPool2d | MaxPool2d
"""A layer whose neurons lie in a plane."""

MaxPool = MaxPool2d | MaxPool1d
"""A layer whose neurons count the spikes of each input, and integrate nothing."""

Pool = AvgPool2d | AvgPool1d | MaxPool2d | MaxPool1d
"""A layer whose synapses have a fixed weight."""

Integrating = Dense | Recurrent | Conv2d | Conv1d | AvgPool2d | AvgPool1d
"""A layer of LIF neurons."""

LayerConfig = Dense | Recurrent | Conv2d | Conv1d | AvgPool2d | AvgPool1d | MaxPool2d | MaxPool1d
"""A layer of any kind."""
