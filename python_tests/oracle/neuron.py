"""Current-based LIF layers with a first-order synapse, simulated with plain dense time steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from .synapses import Synapses

Array = npt.NDArray[np.float64]
Raster = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]
Steps = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Propagator:
    """Constants of one time step.

    p[t] = syn_decay p[t-1] + x[t-1];  u[t] = mem_decay u[t-1] + mem_gain p[t].
    """

    syn_decay: float
    mem_decay: float
    mem_gain: float
    t_ref_steps: int


def propagator(
    *,
    tau_m: float,
    tau_s: float,
    t_ref: float,
    dt: float = 1.0,
    discretisation: str = "euler",
) -> Propagator:
    """Precomputes the constants of a time step; all times in ms.

    The exact form integrates the membrane over a step during which the current decays from the
    value it has at the start of the step: mem_gain is the limit of
    tau_m (exp(-dt/tau_m) - exp(-dt/tau_s)) / (tau_m - tau_s), which `expm1` keeps accurate when
    the time constants nearly agree.
    """
    t_ref_steps = round(t_ref / dt)
    if discretisation == "euler":
        return Propagator(1.0 - dt / tau_s, 1.0 - dt / tau_m, dt / tau_s, t_ref_steps)
    syn_decay, mem_decay = math.exp(-dt / tau_s), math.exp(-dt / tau_m)
    # 1/tau_s - 1/tau_m from the difference of the time constants, which is exact in float64 when
    # they nearly agree.
    rate = (tau_m - tau_s) / (tau_s * tau_m)
    x = rate * dt
    mean_decay = -math.expm1(-x) / x if x != 0.0 else 1.0
    return Propagator(syn_decay, mem_decay, dt / tau_s * mem_decay * mean_decay, t_ref_steps)


@dataclass(frozen=True)
class Layer:
    """One layer: weights and neuron constants.

    Attributes:
        weight: Feed-forward weights, shape (n_out, n_in).
        recurrent_weight: Weights from the layer to itself, shape (n_out, n_out), or None.
        mask: Where a recurrent synapse exists, bool, shape (n_out, n_out). None: everywhere.
            The weights must be 0 where it is False, and only existing synapses are trained.
        delay: Steps that spikes take beyond the one they always do, shape of weight. None: none.
        recurrent_delay: Likewise, shape of recurrent_weight.
        synapses: Which entries of weight are synapses, and which of them share a parameter; None
            where each is one of its own. Weight and delay are unrolled, 0 elsewhere.
        parameters: The weights that synapses share, of their own shape.
        is_max_pool: Whether neurons count the spikes of each input and integrate nothing; all
            synapses then have the weight 1, and the threshold is 1.
        lateral_inhibition: Strength of a fixed inhibition between any two neurons of the layer,
            which has no delay; only without recurrent weights.
        tau_m, tau_s: Membrane and synaptic time constant [ms].
        v_th: Threshold relative to rest, or those of the neurons, (n_out,).
        t_ref: Refractory period [ms].
        dt: Time step [ms].
        discretisation: Forward Euler, or exact exponential decay.
    """

    weight: Array
    recurrent_weight: Array | None = None
    mask: Raster | None = None
    delay: Steps | None = None
    recurrent_delay: Steps | None = None
    synapses: Synapses | None = None
    parameters: Array | None = None
    is_max_pool: bool = False
    lateral_inhibition: float = 0.0
    tau_m: float = 64.0
    tau_s: float = 8.0
    v_th: float | Array = 20.0
    t_ref: float = 2.0
    dt: float = 1.0
    discretisation: Literal["euler", "exact"] = "euler"

    @property
    def n_out(self) -> int:
        """Number of neurons."""
        return int(self.weight.shape[0])

    @property
    def propagator(self) -> Propagator:
        """Constants of a time step."""
        return propagator(
            tau_m=self.tau_m,
            tau_s=self.tau_s,
            t_ref=self.t_ref,
            dt=self.dt,
            discretisation=self.discretisation,
        )

    @property
    def trained(self) -> dict[str, Array]:
        """The parameters, by their names."""
        found = {}
        if self.synapses is None:
            found["weight"] = self.weight
        elif self.synapses.trained:
            assert self.parameters is not None
            found["weight"] = self.parameters
        if self.recurrent_weight is not None:
            found["recurrent_weight"] = self.recurrent_weight
        return found

    def unrolled(self, parameters: Array) -> Array:
        """The weights (..., n_out, n_in) that parameters, which may have more axes, stand for."""
        if self.synapses is None or self.parameters is None:
            return parameters
        variants = parameters.shape[: parameters.ndim - self.parameters.ndim]
        return self.synapses.unrolled(parameters.reshape(*variants, self.parameters.size))

    def of_parameters(self, gradient: Array) -> Array:
        """The gradient of the parameters, of that of the unrolled weights."""
        if self.synapses is None or self.parameters is None:
            return gradient
        summed = self.synapses.summed(gradient, self.parameters.size)
        return summed.reshape(self.parameters.shape)

    @property
    def lateral_weight(self) -> Array:
        """Fixed inhibitory weights, shape (n_out, n_out): zero on the diagonal."""
        return -self.lateral_inhibition * (1.0 - np.eye(self.n_out))

    @property
    def within_weight(self) -> Array:
        """All weights from the layer to itself, trained and fixed, shape (n_out, n_out)."""
        trained = 0.0 if self.recurrent_weight is None else self.recurrent_weight
        return self.lateral_weight + trained


@dataclass(frozen=True)
class LayerRecord:
    """What one layer did, each array of shape (T, n_out).

    Attributes:
        spikes: Firings.
        current: Synaptic current p.
        before_reset: Membrane potential u before a firing resets it; 0 where held.
        membrane: Membrane potential u at the end of the step.
    """

    spikes: Raster
    current: Array
    before_reset: Array
    membrane: Array


def arrivals(raster: Raster | Counts, delay: Steps | None, t: int) -> Array:
    """What each synapse hears at step t: a spike delay + 1 steps ago. Shape of delay, or (1, n)."""
    n = raster.shape[1]
    delay = np.zeros((1, n), dtype=np.int64) if delay is None else delay
    fired_at = t - 1 - delay
    heard = raster[np.maximum(fired_at, 0), np.arange(n)] * (fired_at >= 0)
    return heard.astype(np.float64)


def simulate_layer(layer: Layer, raster: Raster) -> LayerRecord:
    """Simulates one layer on an input raster of shape (T, n_in)."""
    if layer.is_max_pool:
        return simulate_max_pool(layer, raster)
    step = layer.propagator
    n_steps, n_out = len(raster), layer.n_out
    spikes = np.zeros((n_steps, n_out), dtype=np.bool_)
    current, before_reset, membrane = (np.zeros((n_steps, n_out)) for _ in range(3))
    held_for = np.zeros(n_out, dtype=np.int64)
    for t in range(1, n_steps):
        current[t] = (
            step.syn_decay * current[t - 1]
            + np.sum(layer.weight * arrivals(raster, layer.delay, t), axis=1)
            + np.sum(layer.within_weight * arrivals(spikes, layer.recurrent_delay, t), axis=1)
        )
        u = step.mem_decay * membrane[t - 1] + step.mem_gain * current[t]
        u[held_for > 0] = 0.0
        before_reset[t] = u
        spikes[t] = u > layer.v_th
        membrane[t] = np.where(spikes[t], 0.0, u)
        held_for = np.where(spikes[t], step.t_ref_steps, np.maximum(held_for - 1, 0))
    return LayerRecord(spikes, current, before_reset, membrane)


def simulate_max_pool(layer: Layer, raster: Raster) -> LayerRecord:
    """Simulates neurons that fire where the largest count of their inputs has grown a step ago."""
    sent = np.cumsum(raster, axis=0)[:, None, :]
    most = np.max(np.where(layer.weight != 0.0, sent, 0), axis=2)
    spikes = np.zeros(most.shape, dtype=np.bool_)
    spikes[1:] = np.diff(most, axis=0, prepend=0)[:-1] > 0
    nothing = np.zeros(most.shape)
    return LayerRecord(spikes, nothing, nothing, nothing)


def simulate(layers: Sequence[Layer], raster: Raster) -> list[LayerRecord]:
    """Simulates layer after layer on one sample.

    Args:
        layers: The network, bottom first.
        raster: Input spikes, bool, shape (T, n_in).

    Returns:
        One record per layer.
    """
    records: list[LayerRecord] = []
    for layer in layers:
        records.append(simulate_layer(layer, raster))
        raster = records[-1].spikes
    return records


def spike_trains(layers: Sequence[Layer], raster: Raster) -> list[Raster]:
    """Spikes of the input and of every layer: what `gradients_from_spikes` is given."""
    return [raster, *(record.spikes for record in simulate(layers, raster))]
