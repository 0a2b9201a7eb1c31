"""Gradient of the spike-train level model by one dense linear solve per layer and sample.

The mathematics of the core's backward pass (ALGORITHM, section 4) without any of its means:

    M^T z = dLoss/da,   M_ii = 1 - S_i - r_ii ratio_ii / v_th,   M_ik = -r_ik ratio_ik / v_th
    dLoss/dw_ij = z_i e_ij,   dLoss/dr_ik = z_i e_ik
    dLoss/da_j of the layer below = sum_i z_i w_ij ratio_ij / v_th(below)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .coupling import closed_form_gain
from .losses import Loss
from .model import Gradients
from .neuron import Array, Counts, Layer, Raster
from .recorded import LayerPoint, Rule, sample_point

Gain = Callable[[Layer, Array, float], Array]
"""(layer, counts > 0, duration [ms]) -> 1/(1 - S)."""


def closed_form(layer: Layer, counts: Array, duration: float) -> Array:
    """The default gain."""
    return closed_form_gain(
        counts, tau_m=layer.tau_m, duration=duration, t_ref=layer.t_ref, dt=layer.dt
    )


def system_matrix(point: LayerPoint, gain: Gain | None) -> Array:
    """M, shape (n_out, n_out). Silent neurons have S = 0."""
    one_minus_s = np.ones(point.layer.n_out)
    fired = point.counts > 0
    if gain is not None and fired.any() and not point.layer.is_max_pool:
        one_minus_s[fired] = 1.0 / gain(point.layer, point.counts[fired], point.duration)
    within = point.layer.within_weight * point.ratio_within / point.layer.v_th
    return np.asarray(np.diag(one_minus_s) - within)


def analytic_gradients(
    layers: Sequence[Layer],
    samples: Sequence[Sequence[Raster | Counts]],
    labels: Sequence[int],
    *,
    loss: Loss,
    rule: Rule,
    gain: Gain | None = closed_form,
    sample_weight: Sequence[float] | None = None,
) -> Gradients:
    """Gradient of the mean of sample_weight * loss; arguments as `finite_difference_gradients`.

    Args:
        gain: 1/(1 - S) that belongs to `rule.mean_psp`; None where that is None.
    """
    factors = np.ones(len(samples)) if sample_weight is None else np.asarray(sample_weight)
    mean_loss = 0.0
    sums = [
        {name: np.zeros_like(array) for name, array in layer.trained.items()} for layer in layers
    ]
    for trains, label, factor in zip(samples, labels, factors, strict=True):
        sample = sample_point(layers, trains, label, rule)
        counts = sample.layers[-1].counts - sample.teacher_excess
        mean_loss += factor * float(loss.value(counts, label)) / len(samples)
        delta = factor / len(samples) * loss.derivative(counts, label) / layers[-1].v_th
        for number in reversed(range(len(layers))):
            point, layer = sample.layers[number], layers[number]
            z = np.linalg.solve(system_matrix(point, gain).T, delta)
            if "weight" in layer.trained:
                sums[number]["weight"] += layer.of_parameters(z[:, None] * point.e)
            if layer.recurrent_weight is not None:
                mask = True if layer.mask is None else layer.mask
                sums[number]["recurrent_weight"] += np.where(mask, z[:, None] * point.e_within, 0.0)
            if number > 0:
                delta = z @ (layer.weight * point.ratio) / layers[number - 1].v_th
    return Gradients(mean_loss, sums)
