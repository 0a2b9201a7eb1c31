"""The spike-train level model around recorded trains, and finite differences of its loss.

Around the recorded counts o* and S-PSPs e*, the counts o of one layer obey

    o_i = o*_i + (a_i - a*_i) / v_th
    a_i = sum_j w_ij E_ij(o_j) + sum_k r_ik E_ik(o_k) + v_th o*_i (d(o_i)/d(o*_i) - 1)

E_ij(o_j) is e*_ij o_j/o*_j where both neurons fired, e*_ij + silent_ratio (o_j - o*_j) elsewhere.
The last term is there for firing neurons only, and only with post-side coupling: on the mean field
the S-PSPs of neuron i all follow d(o_i), and sum up to v_th o*_i.

All weights may carry one leading axis of variants, so that the finite differences of a whole
matrix are one evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .losses import Loss
from .neuron import Array, Counts, Layer, Raster
from .recorded import LayerPoint, Rule, SamplePoint, sample_point


@dataclass(frozen=True)
class Gradients:
    """Mean loss, and one dict per layer of arrays shaped like the weights."""

    loss: float
    weights: list[dict[str, Array]]


def psp_of_counts(e: Array, ratio: Array, counts_pre: Array, recorded_pre: Array) -> Array:
    """E_ij(o_j), shape (..., n_post, n_pre): its slope in o_j is the ratio in every case."""
    return np.asarray(e + ratio * (counts_pre - recorded_pre)[..., None, :])


def coupling_term(point: LayerPoint, rule: Rule, counts: Array) -> Array:
    """v_th o* (d(o)/d(o*) - 1) of firing neurons, shape (..., n_out)."""
    fired = point.counts > 0
    if rule.mean_psp is None or not fired.any() or point.layer.is_max_pool:
        return np.zeros(counts.shape)
    safe, safe_recorded = np.where(fired, counts, 1.0), np.where(fired, point.counts, 1.0)
    d = rule.mean_psp(point.layer, safe, point.duration)
    d_recorded = rule.mean_psp(point.layer, safe_recorded, point.duration)
    return np.where(fired, point.layer.v_th * point.counts * (d / d_recorded - 1.0), 0.0)


def membrane_sum(
    point: LayerPoint, rule: Rule, weight: Array, within: Array, counts_in: Array, counts: Array
) -> Array:
    """a(o, w), shape (..., n_out)."""
    below = psp_of_counts(point.e, point.ratio, counts_in, point.counts_in)
    same = psp_of_counts(point.e_within, point.ratio_within, counts, point.counts)
    drive = np.sum(weight * below, axis=-1) + np.sum(within * same, axis=-1)
    return np.asarray(drive + coupling_term(point, rule, counts))


def solve_layer(
    point: LayerPoint, rule: Rule, weight: Array, within: Array, counts_in: Array
) -> Array:
    """Counts of one layer by Newton, shape (..., n_out), for weights with a leading axis or not.

    Raises:
        RuntimeError: If Newton does not converge.
    """
    layer, recorded = point.layer, point.counts
    a_recorded = membrane_sum(
        point, rule, layer.weight, layer.within_weight, point.counts_in, recorded
    )

    def residual(counts: Array) -> Array:
        a = membrane_sum(point, rule, weight, within, counts_in, counts)
        return np.asarray(layer.v_th * (counts - recorded) - (a - a_recorded))

    variants = np.broadcast_shapes(weight.shape[:-2], within.shape[:-2], counts_in.shape[:-1])
    counts = np.broadcast_to(recorded, (*variants, layer.n_out))
    identity = np.eye(layer.n_out)
    scale = np.max(layer.v_th) * (1.0 + recorded.max(initial=0.0))
    for _ in range(30):
        # The slope of the coupling is itself a difference: a Newton matrix need not be exact, and
        # the model then uses no derivative that the analytic gradient could share.
        step = 1e-6 * (1.0 + recorded)
        slope = (
            coupling_term(point, rule, counts + step) - coupling_term(point, rule, counts - step)
        ) / (2.0 * step)
        jacobian = identity * (layer.v_th - slope[..., None, :]) - within * point.ratio_within
        update = np.linalg.solve(jacobian, residual(counts)[..., None])[..., 0]
        counts = counts - update
        if np.abs(residual(counts)).max(initial=0.0) <= 1e-13 * scale:
            return counts
    worst = np.abs(residual(counts)).max()
    raise RuntimeError(f"Newton stopped at a residual of {worst:.3g}, expected 1e-13 * {scale:.3g}")


def model_counts(
    sample: SamplePoint, rule: Rule, changed: dict[tuple[int, str], Array]
) -> list[Array]:
    """Counts of every layer, each with a leading axis of variants if the changed weights have one.

    Args:
        sample: The recorded sample.
        rule: Options.
        changed: Weights that replace the recorded ones, by (layer, name), with or without a
            leading axis of variants.
    """
    counts = [sample.layers[0].counts_in]
    for number, point in enumerate(sample.layers):
        layer = point.layer
        weight = layer.weight
        if (number, "weight") in changed:
            weight = layer.unrolled(changed[number, "weight"])
        within = layer.within_weight
        if (number, "recurrent_weight") in changed:
            within = layer.lateral_weight + changed[number, "recurrent_weight"]
        counts.append(solve_layer(point, rule, weight, within, counts[-1]))
    return counts[1:]


def model_loss(
    sample: SamplePoint, rule: Rule, loss: Loss, changed: dict[tuple[int, str], Array]
) -> Array:
    """Loss of the model, one value per variant of the changed weights."""
    counts = model_counts(sample, rule, changed)[-1]
    return loss.value(counts - sample.teacher_excess, sample.label)


def perturbed(array: Array, step: float) -> Array:
    """One copy of an array per entry, with that entry changed by step. Shape (size, *shape)."""
    copies = np.tile(array, (array.size, *[1] * array.ndim))
    copies.reshape(array.size, -1)[np.diag_indices(array.size)] += step
    return copies


def step_size(sample: SamplePoint, rule: Rule, key: tuple[int, str], array: Array) -> float:
    """A change of a weight that moves no count by more than about 5e-4, and at most 1e-3."""
    trial = 1e-7
    moved = model_counts(sample, rule, {key: perturbed(array, trial)})
    largest = max(
        float(np.abs(counts - point.counts).max())
        for counts, point in zip(moved, sample.layers, strict=True)
    )
    return 1e-3 if largest == 0.0 else min(1e-3, trial * 5e-4 / largest)


def finite_difference(sample: SamplePoint, rule: Rule, loss: Loss, key: tuple[int, str]) -> Array:
    """Gradient with respect to one array: central differences, extrapolated twice (Richardson).

    Args:
        sample: The recorded sample.
        rule: Options.
        loss: Loss on the counts.
        key: Which array, (layer, name).
    """
    array = sample.layers[key[0]].layer.trained[key[1]]
    step = step_size(sample, rule, key, array)

    def central(h: float) -> Array:
        up, down = (model_loss(sample, rule, loss, {key: perturbed(array, s)}) for s in (h, -h))
        return np.asarray((up - down) / (2.0 * h))

    coarse, middle, fine = central(step), central(step / 2.0), central(step / 4.0)
    second, third = middle + (middle - coarse) / 3.0, fine + (fine - middle) / 3.0
    return np.asarray(third + (third - second) / 15.0).reshape(array.shape)


def finite_difference_gradients(
    layers: Sequence[Layer],
    samples: Sequence[Sequence[Raster | Counts]],
    labels: Sequence[int],
    *,
    loss: Loss,
    rule: Rule,
    sample_weight: Sequence[float] | None = None,
) -> Gradients:
    """Gradient of the mean of sample_weight * loss, of every weight of the network.

    Args:
        layers: The network, bottom first.
        samples: Per sample the spikes of the input and of every layer, (T, n) each, bool or how
            many.
        labels: Target classes.
        loss: Loss on the counts.
        rule: Options.
        sample_weight: One factor per sample; None for 1.
    """
    factors = np.ones(len(samples)) if sample_weight is None else np.asarray(sample_weight)
    mean_loss = 0.0
    sums: list[dict[str, Array]] = [{} for _ in layers]
    for trains, label, factor in zip(samples, labels, factors, strict=True):
        sample = sample_point(layers, trains, label, rule)
        mean_loss += factor * float(model_loss(sample, rule, loss, {})) / len(samples)
        for number, layer in enumerate(layers):
            for name in layer.trained:
                gradient = finite_difference(sample, rule, loss, (number, name))
                if name == "recurrent_weight" and layer.mask is not None:
                    gradient = np.where(layer.mask, gradient, 0.0)
                so_far = sums[number].get(name, 0.0)
                sums[number][name] = so_far + factor * gradient / len(samples)
    return Gradients(mean_loss, sums)
