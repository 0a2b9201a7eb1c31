"""The point the spike-train level model is built around: recorded counts, S-PSPs and ratios."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .coupling import closed_form_psp
from .neuron import Array, Counts, Layer, Raster
from .s_psp import s_psp_by_definition

MeanPsp = Callable[[Layer, Array, float], Array]
"""(layer, counts, duration [ms]) -> d(counts), up to a constant factor."""


def closed_form(layer: Layer, counts: Array, duration: float) -> Array:
    """The default d(o)."""
    return closed_form_psp(
        counts, tau_m=layer.tau_m, duration=duration, t_ref=layer.t_ref, dt=layer.dt
    )


@dataclass(frozen=True)
class Rule:
    """Options of the backward pass.

    Attributes:
        mean_psp: d(o) of the post-side coupling, None for no coupling.
        silent_ratio: Stands for de_ij/do_j where one of the two trains is silent.
        teacher_spikes: Whether a silent target neuron is given evenly spaced firings.
        teacher_count: How many.
    """

    mean_psp: MeanPsp | None = closed_form
    silent_ratio: float = 0.5
    teacher_spikes: bool = True
    teacher_count: int = 35


@dataclass(frozen=True)
class LayerPoint:
    """One layer of one recorded sample.

    Attributes:
        layer: Neuron constants and the recorded weights.
        duration: Length of the window [ms].
        counts_in: Recorded counts of the layer below, shape (n_in,).
        counts: Recorded counts, shape (n_out,).
        e: S-PSPs of the layer below, shape (n_out, n_in).
        e_within: S-PSPs of the layer itself, shape (n_out, n_out).
        ratio, ratio_within: de_ij/do_j, shapes of the S-PSPs.
    """

    layer: Layer
    duration: float
    counts_in: Array
    counts: Array
    e: Array
    e_within: Array
    ratio: Array
    ratio_within: Array


@dataclass(frozen=True)
class SamplePoint:
    """One recorded sample.

    Attributes:
        layers: Bottom first.
        label: Target class.
        teacher_excess: What the backward pass counts beyond the true output, shape (n_out,): the
            teacher's firings of a silent target, else 0. The loss is that of the true counts.
    """

    layers: list[LayerPoint]
    label: int
    teacher_excess: Array


def teacher_train(n_steps: int, n_firings: int) -> Raster:
    """Firings in the middles of `n_firings` equal parts of the window; none at step 0.

    Where there are more firings than steps, several share a step and count as one.
    """
    steps = (2 * np.arange(n_firings) + 1) * n_steps // (2 * n_firings)
    train = np.zeros(n_steps, dtype=np.bool_)
    train[steps[steps >= 1]] = True
    return train


def presynaptic_ratio(e: Array, counts: Array, counts_pre: Array, silent_ratio: float) -> Array:
    """de_ij/do_j: e_ij / o_j where both neurons fired, `silent_ratio` elsewhere.

    o_j counts every spike, those that a delay brings after the end too: a train that is denser by
    a factor is so where it is heard and where it is not, and e_ij grows by that factor.
    """
    both_fired = (counts[:, None] > 0) & (counts_pre[None, :] > 0)
    return np.where(both_fired, e / np.where(counts_pre > 0, counts_pre, 1.0), silent_ratio)


def winners(layer: Layer, pre: Raster | Counts) -> Array:
    """Where the input is that decides a max pool's count, 1 or 0, shape (n_out, n_in).

    The first that had sent as many spikes as any, of several the one with the lowest number; none
    where all are silent.
    """
    won = np.zeros(layer.weight.shape)
    sent = np.cumsum(pre, axis=0)
    for i, joined in enumerate(layer.weight != 0.0):
        inputs = np.flatnonzero(joined)
        most = sent[-1, inputs].max(initial=0)
        if most > 0:
            t = np.argmax((sent[:, inputs] == most).any(axis=1))
            won[i, inputs[np.argmax(sent[t, inputs] == most)]] = 1.0
    return won


def sample_point(
    layers: Sequence[Layer], trains: Sequence[Raster | Counts], label: int, rule: Rule
) -> SamplePoint:
    """Reads everything the backward pass needs from recorded trains.

    Args:
        layers: The network, bottom first.
        trains: Spikes of the input and of every layer, each bool or how many, shape (T, n).
        label: Target class.
        rule: Options.
    """
    trains = [train.copy() for train in trains]
    silent_target = not trains[-1][:, label].any()
    teacher_excess = np.zeros(trains[-1].shape[1])
    if rule.teacher_spikes and silent_target:
        trains[-1][:, label] = teacher_train(len(trains[-1]), rule.teacher_count)
        teacher_excess[label] = trains[-1][:, label].sum()

    points = []
    for layer, pre, post in zip(layers, trains[:-1], trains[1:], strict=True):
        counts_in, counts = (train.sum(axis=0).astype(np.float64) for train in (pre, post))
        if layer.is_max_pool:
            # Its count is that of one input, and changes as that one does.
            duration, within = len(pre) * layer.dt, np.zeros((layer.n_out, layer.n_out))
            e, ratio = np.zeros(layer.weight.shape), winners(layer, pre)
            points.append(LayerPoint(layer, duration, counts_in, counts, e, within, ratio, within))
            continue
        e = s_psp_by_definition(pre, post, layer.propagator, layer.delay)
        e_within = s_psp_by_definition(post, post, layer.propagator, layer.recurrent_delay)
        points.append(
            LayerPoint(
                layer=layer,
                duration=len(pre) * layer.dt,
                counts_in=counts_in,
                counts=counts,
                e=e,
                e_within=e_within,
                ratio=presynaptic_ratio(e, counts, counts_in, rule.silent_ratio),
                ratio_within=presynaptic_ratio(e_within, counts, counts, rule.silent_ratio),
            )
        )
    return SamplePoint(points, label, teacher_excess)
