"""Initial weights and learning rates that suit the size of a network and its input.

A unit synaptic current that spikes once moves the potential by kappa[k] after k steps. After n
steps from rest, a neuron with m inputs that fire at rates r_j, Poisson, and independent weights of
standard deviation s has a potential whose variance, over weights and spikes, is

    s^2 (sum_j r_j^2 (sum_k kappa[k])^2 + sum_j r_j sum_k kappa[k]^2)

The first part is the drift of a neuron whose inputs fire densely, the second the fluctuation of one
whose inputs fire rarely: weights of the standard deviation that this gives reach the threshold in
either regime. Rossbroich, Gygax & Zenke (Neuromorphic Computing and Engineering 2022) have the
second part, and the limit of many steps.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strsbp_rs import _config as config

if TYPE_CHECKING:
    from collections.abc import Sequence

    _Drawn = config.Uniform | config.UniformOfThreshold

__all__ = ["learning_rate", "resolved", "without_firing"]

INPUT_RATE = 0.3
"""Spikes a step expected of an input of the network: about the mean of features that are spread
over [0, 1] and encoded with the default."""
HIDDEN_RATE = 0.05
"""Spikes a step expected of a neuron of a layer below; that of layers with the default weights."""
_HIDDEN_SPREAD = 2.0
"""Mean square over squared mean of their rates, which differ much."""
_MEAN = 0.7
"""Mean of the potential over its standard deviation: with it three neurons out of four fire, and
hardly ever do all of a few outputs stay silent, as they would in one of eight networks of three."""
_CHANGE = 0.07
"""Share of its threshold by which a step of Adam may move the potential of a neuron."""
_MAX_STEPS = 1 << 20
_RESERVOIR_DEGREE = 18
"""Synapses of a neuron far from the faces of a `Reservoir`, on average."""


def without_firing(layers: Sequence[config.LayerConfig]) -> list[config.LayerConfig]:
    """Returns the layers with any initial weights in place of `Firing`."""
    return [_replaced(layer, config.Uniform(), config.Uniform()) for layer in layers]


def resolved(
    layers: Sequence[config.LayerConfig], fan_ins: Sequence[int], dt: float
) -> list[config.LayerConfig]:
    """Returns the layers with numbers in place of `Firing`.

    Args:
        layers: The layers.
        fan_ins: Synapses of a neuron of each from the layer below; of a convolution, of one that
            lies inside.
        dt: Time step [ms].
    """
    found: list[config.LayerConfig] = []
    for index, (layer, fan_in) in enumerate(zip(layers, fan_ins, strict=True)):
        init, recurrent_init = None, None
        given = getattr(layer, "init", None)
        if isinstance(given, config.Firing) and not isinstance(layer, config.MaxPool):
            init = _uniform(layer, given, fan_in, dt, is_input=_hears_input(layers, index))
        if isinstance(layer, config.Recurrent) and isinstance(layer.recurrent_init, config.Firing):
            n = _recurrent_inputs(layer)
            recurrent_init = _uniform(layer, layer.recurrent_init, n, dt, is_input=False)
        found.append(_replaced(layer, init, recurrent_init))
    return found


def learning_rate(layers: Sequence[config.LayerConfig], fan_ins: Sequence[int], dt: float) -> float:
    """Returns a learning rate of Adam for a network of these layers, of fan-ins as for `resolved`.

    A step of Adam changes every weight by about the learning rate, whatever its size. If all m
    weights of a neuron change alike, its potential does by m r sum_k kappa[k] times that: so the
    rate must fall with the number of inputs, as in Yang & Hu et al. (Tensor Programs V, 2022), and
    grow with the threshold; of neurons with different ones, with their geometric mean. It is the
    geometric mean of what is right for the layers. With this
    share of the threshold it is 0.0014 for the recipe of Fashion-MNIST, whose 0.003 was found by
    hand for inputs that fire less. Pools have no weights, and do not count.
    """
    logs = []
    for index, (layer, fan_in) in enumerate(zip(layers, fan_ins, strict=True)):
        if isinstance(layer, config.Pool):
            continue
        drift = fan_in * (INPUT_RATE if _hears_input(layers, index) else HIDDEN_RATE)
        if isinstance(layer, config.Recurrent):
            drift += _recurrent_inputs(layer) * HIDDEN_RATE
        kernel = _kernel(layer, dt, config.Firing().within)
        v_th = layer.v_th if isinstance(layer.v_th, float) else _mean(layer.v_th)
        logs.append(math.log(v_th / (drift * float(kernel.sum()))))
    return _CHANGE * math.exp(sum(logs) / max(len(logs), 1))


def _mean(thresholds: ArrayLike) -> float:
    """The geometric mean."""
    return float(np.exp(np.mean(np.log(thresholds))))


def _hears_input(layers: Sequence[config.LayerConfig], index: int) -> bool:
    """Whether a layer receives from the input, at most through pools, which keep rates."""
    return all(isinstance(layer, config.Pool) for layer in layers[:index])


def _replaced(
    layer: config.LayerConfig, init: _Drawn | None, recurrent_init: _Drawn | None
) -> config.LayerConfig:
    """The layer with these in place of `Firing`."""
    given = {"init": init, "recurrent_init": recurrent_init}
    changes: dict[str, Any] = {
        name: value
        for name, value in given.items()
        if isinstance(getattr(layer, name, None), config.Firing)
    }
    return replace(layer, **changes)


def _uniform(
    layer: config.Integrating, init: config.Firing, n_in: float, dt: float, *, is_input: bool
) -> config.Uniform | config.UniformOfThreshold:
    # Where thresholds differ, weights are in units of them.
    v_th = layer.v_th if isinstance(layer.v_th, float) else None
    if not all(0.0 < value < math.inf for value in (dt, layer.tau_m, layer.tau_s, v_th or 1.0)):
        # The core is about to say which of them is wrong.
        return config.Uniform()
    kernel = _kernel(layer, dt, init.within)
    rate = init.rate or (INPUT_RATE if is_input else HIDDEN_RATE)
    spread = 1.0 if is_input else _HIDDEN_SPREAD
    n_in, level = max(n_in, 1.0), init.drive * (v_th or 1.0)
    drift = rate * float(kernel.sum())
    std = level / math.sqrt(n_in * (spread * drift**2 + rate * float(np.sum(kernel**2))))
    # Where hardly anything is received, a single spike is enough with weights of this width.
    mean = min(_MEAN * level / (n_in * drift), std)
    bound = math.sqrt(3.0) * std
    chosen = config.UniformOfThreshold if v_th is None else config.Uniform
    return chosen(mean - bound, mean + bound)


def _kernel(layer: config.Integrating, dt: float, within: float) -> NDArray[np.float64]:
    """Potential after one spike through a weight of 1, at steps 1, 2, ... of `within` ms."""
    # Of a neuron that forgets within a step nothing could be made that fires: it counts as one that
    # just remembers the last, and the warning of silence tells of its time constants.
    tau_m, tau_s = max(layer.tau_m, dt), max(layer.tau_s, dt)
    if layer.discretisation == "exact":
        syn, mem = math.exp(-dt / tau_s), math.exp(-dt / tau_m)
        apart = dt * abs(tau_m - tau_s) / tau_m / tau_s
        mean = -math.expm1(-apart) / apart if apart else 1.0
        gain = dt / tau_s * max(syn, mem) * mean
    else:
        syn, mem, gain = 1.0 - dt / tau_s, 1.0 - dt / tau_m, dt / tau_s
    k = np.arange(1, max(1, min(round(within / dt), _MAX_STEPS)) + 1, dtype=np.float64)
    if abs(mem - syn) > 1e-6:
        return gain * (mem**k - syn**k) / (mem - syn)
    return gain * k * mem ** (k - 1.0)


def _recurrent_inputs(layer: config.Recurrent) -> float:
    """Synapses that a neuron of the layer has from it, on average."""
    mask, others = layer.mask, layer.n - 1
    if isinstance(mask, config.Sparse):
        return mask.density * (others + mask.self_loops)
    if isinstance(mask, config.Reservoir):
        return min(others, _RESERVOIR_DEGREE) + float(mask.self_loops)
    return float(others + mask.self_loops)
