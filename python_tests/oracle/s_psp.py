"""S-PSPs e_ij: what the train of j contributes to the potential of i, read at the firings of i.

Three forms of the same number. The convention they share, for trains the neuron model could not
have produced itself (teacher spikes, recordings of other hardware): a firing during the
refractory period of the firing before it ends that period, so the neuron is held at 0 up to the
step before it.

References:
    Zhang & Li, ST-RSBP, NeurIPS 2019, section 3.1.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .neuron import Array, Counts, Propagator, Raster, Steps, arrivals


def held_steps(post: Raster, t_ref_steps: int) -> Raster:
    """Where each neuron is held at 0: `t_ref_steps` steps after a firing. Shape (T, n_post)."""
    held = np.zeros_like(post)
    for later in range(1, min(t_ref_steps, len(post) - 1) + 1):
        held[later:] |= post[:-later]
    return held


def s_psp_by_definition(
    pre: Raster | Counts, post: Raster | Counts, step: Propagator, delay: Steps | None = None
) -> Array:
    """One unit synapse per pair of neurons, with the resets of the postsynaptic one.

    Args:
        pre: Presynaptic spikes, bool or how many, shape (T, n_pre).
        post: Postsynaptic spikes likewise, shape (T, n_post): several in a step are one reset.
        step: Constants of the postsynaptic layer.
        delay: Of each synapse [steps], shape (n_post, n_pre); None for none.

    Returns:
        S-PSPs of shape (n_post, n_pre).
    """
    fired = post > 0
    held = held_steps(fired, step.t_ref_steps)
    q = np.zeros((fired.shape[1], pre.shape[1]))
    p, e = np.zeros_like(q), np.zeros_like(q)
    for t in range(1, len(pre)):
        p = step.syn_decay * p + arrivals(pre, delay, t)
        q = step.mem_decay * q + step.mem_gain * p
        q[held[t] & ~fired[t]] = 0.0
        e[fired[t]] += q[fired[t]]
        q[fired[t]] = 0.0
    return e


def traces_without_reset(pre: Raster, step: Propagator) -> Array:
    """Q_j[t]: the potential a unit synapse from j drives when nothing resets it. Shape of pre."""
    p = np.zeros(pre.shape[1])
    trace = np.zeros(pre.shape)
    for t in range(1, len(pre)):
        p = step.syn_decay * p + pre[t - 1]
        trace[t] = step.mem_decay * trace[t - 1] + step.mem_gain * p
    return trace


def s_psp_sparse(pre: Raster, post: Raster, step: Propagator) -> Array:
    """E = C Q, two entries of C per postsynaptic firing. Arguments as in the definition.

    The neuron is linear between resets: from r, the last step it was held at 0, its potential is
    Q_j[t] - mem_decay^(t - r) Q_j[r].
    """
    trace = traces_without_reset(pre, step)
    c = np.zeros((post.shape[1], len(post)))
    for i in range(post.shape[1]):
        firings = np.flatnonzero(post[:, i])
        c[i, firings] = 1.0
        for before, t in pairwise(firings):
            r = min(before + step.t_ref_steps, t - 1)
            c[i, r] -= step.mem_decay ** (t - r)
    return np.asarray(c @ trace)


def adjoint_traces(post: Raster, step: Propagator) -> Array:
    """g_i[s]: what one presynaptic spike at step s adds to the S-PSP. Shape (T, n_post)."""
    held = held_steps(post, step.t_ref_steps)
    u_bar = np.zeros(post.shape[1])
    p_bar = np.zeros(post.shape[1])
    g = np.zeros(post.shape)
    for t in range(len(post) - 1, 0, -1):
        u_bar = np.where(post[t], 1.0, np.where(held[t], 0.0, step.mem_decay * u_bar))
        p_bar = step.syn_decay * p_bar + step.mem_gain * u_bar
        g[t - 1] = p_bar
    return g


def s_psp_by_adjoint(pre: Raster, post: Raster, step: Propagator) -> Array:
    """Sum of the adjoint trace of i over the spikes of j. Arguments as in the definition."""
    return np.asarray(adjoint_traces(post, step).T @ pre.astype(np.float64))
